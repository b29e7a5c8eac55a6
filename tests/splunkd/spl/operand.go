package spl

import (
	"math"
	"regexp"
	"strings"
)

// operand is a value inside an expression: null, number, text, list or truth value.
type operand struct {
	Kind  operandKind
	num   float64
	Text  string
	list  []string
	truth bool
}

type operandKind byte

const (
	null operandKind = iota
	numeric
	Textual
	listed
	boolean
)

var nullOperand = operand{}

func numberOperand(f float64) operand  { return operand{Kind: numeric, num: f} }
func textOperand(text string) operand  { return operand{Kind: Textual, Text: text} }
func truthOperand(truth bool) operand  { return operand{Kind: boolean, truth: truth} }
func fieldOperand(value Value) operand { return listOperand(value) }

func listOperand(list []string) operand {
	switch len(list) {
	case 0:
		return nullOperand
	case 1:
		return textOperand(list[0])
	}
	return operand{Kind: listed, list: list}
}

// texts are the values of an operand as texts.
func (o operand) texts() []string {
	switch o.Kind {
	case numeric:
		return []string{FormatNumber(o.num)}
	case Textual:
		return []string{o.Text}
	case listed:
		return o.list
	case boolean:
		if o.truth {
			return []string{"True"}
		}
		return []string{"False"}
	}
	return nil
}

func (o operand) String() string { return strings.Join(o.texts(), "\n") }

func (o operand) number() (float64, bool) {
	switch o.Kind {
	case numeric:
		return o.num, true
	case Textual:
		return Number(o.Text)
	}
	return 0, false
}

func (o operand) IsTrue() bool { return o.Kind == boolean && o.truth }

// A comparison with null is null, and null is not true: `where NOT x=1` drops rows without x.
func logicalNot(a operand) operand {
	if a.Kind != boolean {
		return nullOperand
	}
	return truthOperand(!a.truth)
}

func logicalAnd(a, b operand) operand {
	switch {
	case a.Kind == boolean && !a.truth, b.Kind == boolean && !b.truth:
		return truthOperand(false)
	case a.Kind == boolean && b.Kind == boolean:
		return truthOperand(true)
	}
	return nullOperand
}

func logicalOr(a, b operand) operand {
	return logicalNot(logicalAnd(logicalNot(a), logicalNot(b)))
}

func logicalXor(a, b operand) operand {
	if a.Kind != boolean || b.Kind != boolean {
		return nullOperand
	}
	return truthOperand(a.truth != b.truth)
}

// compareOperands compares numbers where both sides are numbers, else texts, with case. A list is equal to a text if one
// of its values is.
func compareOperands(op string, a, b operand) operand {
	if a.Kind == null || b.Kind == null {
		return nullOperand
	}
	for _, x := range a.texts() {
		for _, y := range b.texts() {
			c := CompareTexts(x, y)
			holds := false
			switch op {
			case "=", "==":
				holds = c == 0
			case "!=":
				holds = c != 0
			case "<":
				holds = c < 0
			case "<=":
				holds = c <= 0
			case ">":
				holds = c > 0
			case ">=":
				holds = c >= 0
			}
			if holds {
				return truthOperand(true)
			}
		}
	}
	return truthOperand(false)
}

func isIn(arguments []operand) operand {
	if arguments[0].Kind == null {
		return nullOperand
	}
	for _, choice := range arguments[1:] {
		if compareOperands("=", arguments[0], choice).IsTrue() {
			return truthOperand(true)
		}
	}
	return truthOperand(false)
}

// like has SQL's wildcards: % any text, _ one character.
func like(a, b operand) operand {
	if a.Kind == null || b.Kind == null {
		return nullOperand
	}
	pattern := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(b.String()))
	return truthOperand(regexp.MustCompile("(?s)^" + pattern + "$").MatchString(a.String()))
}

func arithmetic(op func(a, b float64) (float64, bool)) func(a, b operand) operand {
	return func(a, b operand) operand {
		x, isNumber := a.number()
		y, both := b.number()
		if !isNumber || !both {
			return nullOperand
		}
		result, defined := op(x, y)
		if !defined {
			return nullOperand
		}
		return numberOperand(result)
	}
}

func modulo(a, b float64) (float64, bool) { return math.Mod(a, b), b != 0 }

// plus adds two numbers or joins two texts.
func plus(a, b operand) operand {
	if sum := arithmetic(func(a, b float64) (float64, bool) { return a + b, true })(a, b); sum.Kind != null {
		return sum
	}
	if a.Kind == Textual && b.Kind == Textual {
		return concatenate(a, b)
	}
	return nullOperand
}

func concatenate(a, b operand) operand {
	if a.Kind == null || b.Kind == null {
		return nullOperand
	}
	return textOperand(a.String() + b.String())
}
