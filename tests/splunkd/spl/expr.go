package spl

import (
	"errors"
	"strconv"
	"strings"
)

// expr is a compiled expression of eval and where.
type expr func(*Context, Row) operand

// exprParser reads the expression language:
//
//	if(in(src, "null", "unknown"), src_ip, src) . ":" . 'All_Traffic.dest_port'
//
// Bare words are fields, single quotes hold field names, double quotes hold texts. Operators from loose to tight:
// OR XOR, AND, NOT, comparisons (= == != < <= > >= LIKE IN), + - and `.` (joins texts), * / %, unary minus.
type exprParser struct {
	command string
	text    string
	pos     int
}

func (p *exprParser) fail(why string) error {
	return SearchErrorf("Error in '%s' command: The expression is malformed. %s at %q.", p.command, why, p.text[p.pos:])
}

func (p *exprParser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *exprParser) end() bool { p.blanks(); return p.pos >= len(p.text) }

// take consumes a symbol if it comes next.
func (p *exprParser) take(symbol string) bool {
	p.blanks()
	if strings.HasPrefix(p.text[p.pos:], symbol) {
		p.pos += len(symbol)
		return true
	}
	return false
}

// takeWord consumes a keyword, whatever its case, if it comes next as a whole word.
func (p *exprParser) takeWord(word string) bool {
	p.blanks()
	end := p.pos + len(word)
	if end > len(p.text) || !strings.EqualFold(p.text[p.pos:end], word) || end < len(p.text) && WordByte(p.text[end]) {
		return false
	}
	p.pos = end
	return true
}

func WordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// binary reads a chain of operands with left-associative operators between them.
func (p *exprParser) binary(operandParser func() (expr, error), operator func() func(a, b operand) operand) (expr, error) {
	left, err := operandParser()
	for err == nil {
		op := operator()
		if op == nil {
			return left, nil
		}
		var right expr
		right, err = operandParser()
		a := left
		left = func(c *Context, r Row) operand { return op(a(c, r), right(c, r)) }
	}
	return nil, err
}

func (p *exprParser) or() (expr, error) {
	return p.binary(p.and, func() func(a, b operand) operand {
		switch {
		case p.takeWord("OR"):
			return logicalOr
		case p.takeWord("XOR"):
			return logicalXor
		}
		return nil
	})
}

func (p *exprParser) and() (expr, error) {
	return p.binary(p.not, func() func(a, b operand) operand {
		if p.takeWord("AND") {
			return logicalAnd
		}
		return nil
	})
}

func (p *exprParser) not() (expr, error) {
	if !p.takeWord("NOT") {
		return p.comparison()
	}
	inner, err := p.not()
	return func(c *Context, r Row) operand { return logicalNot(inner(c, r)) }, err
}

func (p *exprParser) comparison() (expr, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "=", "<", ">"} {
		if p.take(op) {
			right, err := p.sum()
			return func(c *Context, r Row) operand { return compareOperands(op, left(c, r), right(c, r)) }, err
		}
	}
	if p.takeWord("LIKE") {
		right, err := p.sum()
		return func(c *Context, r Row) operand { return like(left(c, r), right(c, r)) }, err
	}
	if p.takeWord("IN") {
		if !p.take("(") {
			return nil, p.fail("IN needs a list in parentheses")
		}
		choices, err := p.arguments()
		return func(c *Context, r Row) operand {
			return isIn(append([]operand{left(c, r)}, evaluate(c, r, choices)...))
		}, err
	}
	return left, nil
}

func (p *exprParser) sum() (expr, error) {
	return p.binary(p.product, func() func(a, b operand) operand {
		switch {
		case p.take("+"):
			return plus
		case p.take("-"):
			return arithmetic(func(a, b float64) (float64, bool) { return a - b, true })
		case p.take("."):
			return concatenate
		}
		return nil
	})
}

func (p *exprParser) product() (expr, error) {
	return p.binary(p.unary, func() func(a, b operand) operand {
		switch {
		case p.take("*"):
			return arithmetic(func(a, b float64) (float64, bool) { return a * b, true })
		case p.take("/"):
			return arithmetic(func(a, b float64) (float64, bool) { return a / b, b != 0 })
		case p.take("%"):
			return arithmetic(modulo)
		}
		return nil
	})
}

func (p *exprParser) unary() (expr, error) {
	if !p.take("-") {
		return p.primary()
	}
	inner, err := p.unary()
	return func(c *Context, r Row) operand {
		return arithmetic(func(a, b float64) (float64, bool) { return a - b, true })(numberOperand(0), inner(c, r))
	}, err
}

func (p *exprParser) primary() (expr, error) {
	if p.end() {
		return nil, p.fail("An operand is missing")
	}
	switch c := p.text[p.pos]; {
	case c == '(':
		p.pos++
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = p.fail("A closing parenthesis is missing")
		}
		return inner, err
	case c == '"':
		end := QuotedEnd(p.text, p.pos)
		raw := p.text[p.pos:end]
		if len(raw) < 2 || raw[len(raw)-1] != '"' {
			return nil, p.fail("A closing quote is missing")
		}
		p.pos = end
		return constant(textOperand(unquote(raw))), nil
	case c == '\'':
		name, _, closed := strings.Cut(p.text[p.pos+1:], "'")
		if !closed {
			return nil, p.fail("A closing single quote is missing")
		}
		p.pos += len(name) + 2
		return field(name), nil
	case c >= '0' && c <= '9' || c == '.':
		end := p.pos
		for end < len(p.text) && (p.text[end] >= '0' && p.text[end] <= '9' || p.text[end] == '.') {
			end++
		}
		f, err := strconv.ParseFloat(p.text[p.pos:end], 64)
		if err != nil {
			return nil, p.fail("Not a number")
		}
		p.pos = end
		return constant(numberOperand(f)), nil
	case WordByte(c):
		end := p.pos
		for end < len(p.text) && WordByte(p.text[end]) {
			end++
		}
		name := p.text[p.pos:end]
		p.pos = end
		if !p.take("(") {
			return field(name), nil
		}
		if strings.EqualFold(name, "mvmap") {
			return p.mvmap()
		}
		arguments, err := p.arguments()
		if err != nil {
			return nil, err
		}
		return p.call(name, arguments)
	}
	return nil, p.fail("Unexpected text")
}

// mvmap reads field, expression and the closing parenthesis: the expression is taken for each value of the field, and
// what is not null is kept.
func (p *exprParser) mvmap() (expr, error) {
	p.end() // skips blanks
	end := p.pos
	for end < len(p.text) && WordByte(p.text[end]) {
		end++
	}
	name := p.text[p.pos:end]
	p.pos = end
	if name == "" || !p.take(",") {
		return nil, p.fail("mvmap wants a field and an expression")
	}
	inner, err := p.or()
	if err != nil || !p.take(")") {
		return nil, errors.Join(err, p.fail("A closing parenthesis is missing"))
	}
	return func(c *Context, r Row) operand {
		var list []string
		for _, value := range r[name] {
			each := r.Clone()
			each[name] = One(value)
			list = append(list, inner(c, each).texts()...)
		}
		return listOperand(list)
	}, nil
}

// arguments reads expressions up to the closing parenthesis; the opening one is read already.
func (p *exprParser) arguments() ([]expr, error) {
	var list []expr
	if p.take(")") {
		return nil, nil
	}
	for {
		argument, err := p.or()
		if err != nil {
			return nil, err
		}
		list = append(list, argument)
		if p.take(")") {
			return list, nil
		}
		if !p.take(",") {
			return nil, p.fail("A comma or a closing parenthesis is missing")
		}
	}
}

func (p *exprParser) call(name string, arguments []expr) (expr, error) {
	function, ok := evalFunctions[strings.ToLower(name)]
	if !ok {
		return nil, SearchErrorf("Error in '%s' command: The '%s' function is unsupported or undefined.", p.command, name)
	}
	if len(arguments) < function.least || function.most >= 0 && len(arguments) > function.most {
		return nil, SearchErrorf("Error in '%s' command: The arguments to the '%s' function are invalid.", p.command, name)
	}
	return func(c *Context, r Row) operand { return function.run(c, evaluate(c, r, arguments)) }, nil
}

func evaluate(c *Context, r Row, list []expr) []operand {
	values := make([]operand, len(list))
	for i, e := range list {
		values[i] = e(c, r)
	}
	return values
}

func constant(value operand) expr { return func(*Context, Row) operand { return value } }

func field(name string) expr {
	return func(_ *Context, r Row) operand { return fieldOperand(r[name]) }
}

// ParseWhere compiles the expression of `where`.
func ParseWhere(text string) (expr, error) {
	p := &exprParser{command: "where", text: text}
	e, err := p.or()
	if err == nil && !p.end() {
		err = p.fail("Unexpected text")
	}
	return e, err
}

// assignment is one `name = expression` of eval.
type assignment struct {
	Field string
	Value expr
}

// parseEval compiles `a = x + 1, 'b.c' = lower(y)`.
func parseEval(text string) ([]assignment, error) {
	p := &exprParser{command: "eval", text: text}
	var list []assignment
	for {
		if p.end() {
			return nil, p.fail("A field name is missing")
		}
		start := p.pos
		var name string
		switch p.text[p.pos] {
		case '\'', '"':
			quote := p.text[p.pos : p.pos+1]
			inner, _, closed := strings.Cut(p.text[p.pos+1:], quote)
			if !closed {
				return nil, p.fail("A closing quote is missing")
			}
			name = inner
			p.pos += len(inner) + 2
		default:
			for p.pos < len(p.text) && (WordByte(p.text[p.pos]) || strings.IndexByte(".:", p.text[p.pos]) >= 0) {
				p.pos++
			}
			name = p.text[start:p.pos]
		}
		if name == "" || !p.take("=") {
			return nil, p.fail("field = expression is wanted")
		}
		value, err := p.or()
		if err != nil {
			return nil, err
		}
		list = append(list, assignment{name, value})
		if p.end() {
			return list, nil
		}
		if !p.take(",") {
			return nil, p.fail("Unexpected text")
		}
	}
}
