package spl

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Context is what expressions and commands know besides their rows.
type Context struct {
	Now              time.Time
	Zone             *time.Location
	Earliest, Latest time.Time    // the window of the search; zero: no bound
	Held             func(*Table) // is told of each table that a command takes in as a whole; nil: nobody wants to know
}

func (c *Context) hold(in *Table) {
	if c.Held != nil {
		c.Held(in)
	}
}

// evalFunction has the least and the most arguments that it takes (most -1: any number).
type evalFunction struct {
	least, most int
	run         func(c *Context, arguments []operand) operand
}

// onText makes a function of one text; null stays null, of a list each value is changed.
func onText(change func(string) string) evalFunction {
	return evalFunction{1, 1, func(_ *Context, a []operand) operand {
		var changed []string
		for _, text := range a[0].texts() {
			changed = append(changed, change(text))
		}
		return listOperand(changed)
	}}
}

func onNumber(change func(float64) float64) evalFunction {
	return evalFunction{1, 1, func(_ *Context, a []operand) operand {
		f, ok := a[0].number()
		if !ok {
			return nullOperand
		}
		return numberOperand(change(f))
	}}
}

// pick returns the largest or smallest of its arguments; texts are larger than numbers.
func pick(sign int) evalFunction {
	return evalFunction{1, -1, func(_ *Context, a []operand) operand {
		best := nullOperand
		for _, o := range a {
			if o.Kind != null && (best.Kind == null || CompareTexts(o.String(), best.String())*sign > 0) {
				best = o
			}
		}
		return best
	}}
}

// matchRegexp runs with Go's regular expressions, which are nearly PCRE; one that Go cannot read matches nothing known,
// so the result is null.
func matchRegexp(text, pattern operand, use func(re *regexp.Regexp) operand) operand {
	re, err := regexp.Compile(pattern.String())
	if text.Kind == null || pattern.Kind == null || err != nil {
		return nullOperand
	}
	return use(re)
}

func round(f float64, digits int) float64 {
	scale := math.Pow(10, float64(digits))
	return math.Round(f*scale) / scale
}

// maxRange bounds the list that mvrange makes; no search of ours comes near it.
const maxRange = 100_000

// evalFunctions are the functions that are played; an unknown one is an error of the search.
var evalFunctions = map[string]evalFunction{
	"if": {3, 3, func(_ *Context, a []operand) operand {
		if a[0].IsTrue() {
			return a[1]
		}
		return a[2]
	}},
	"case": {2, -1, func(_ *Context, a []operand) operand {
		for i := 0; i+1 < len(a); i += 2 {
			if a[i].IsTrue() {
				return a[i+1]
			}
		}
		return nullOperand
	}},
	"coalesce": {1, -1, func(_ *Context, a []operand) operand {
		for _, o := range a {
			if o.Kind != null {
				return o
			}
		}
		return nullOperand
	}},
	"nullif": {2, 2, func(_ *Context, a []operand) operand {
		if compareOperands("=", a[0], a[1]).IsTrue() {
			return nullOperand
		}
		return a[0]
	}},
	"in":        {2, -1, func(_ *Context, a []operand) operand { return isIn(a) }},
	"like":      {2, 2, func(_ *Context, a []operand) operand { return like(a[0], a[1]) }},
	"isnull":    {1, 1, func(_ *Context, a []operand) operand { return truthOperand(a[0].Kind == null) }},
	"isnotnull": {1, 1, func(_ *Context, a []operand) operand { return truthOperand(a[0].Kind != null) }},
	"isnum": {1, 1, func(_ *Context, a []operand) operand {
		_, ok := a[0].number()
		return truthOperand(ok)
	}},
	"null":  {0, 0, func(*Context, []operand) operand { return nullOperand }},
	"true":  {0, 0, func(*Context, []operand) operand { return truthOperand(true) }},
	"false": {0, 0, func(*Context, []operand) operand { return truthOperand(false) }},
	"now":   {0, 0, func(c *Context, _ []operand) operand { return numberOperand(float64(c.Now.Unix())) }},
	"time":  {0, 0, func(c *Context, _ []operand) operand { return numberOperand(float64(c.Now.Unix())) }},
	"len": {1, 1, func(_ *Context, a []operand) operand {
		if a[0].Kind == null {
			return nullOperand
		}
		return numberOperand(float64(len([]rune(a[0].String()))))
	}},
	"lower": onText(strings.ToLower), "upper": onText(strings.ToUpper), "trim": onText(strings.TrimSpace),
	"abs": onNumber(math.Abs), "floor": onNumber(math.Floor), "ceiling": onNumber(math.Ceil), "ceil": onNumber(math.Ceil),
	"min": pick(-1), "max": pick(1),
	"round": {1, 2, func(_ *Context, a []operand) operand {
		f, ok := a[0].number()
		digits := 0.0
		if len(a) == 2 {
			digits, _ = a[1].number()
		}
		if !ok {
			return nullOperand
		}
		if digits <= 0 {
			return numberOperand(round(f, 0))
		}
		return textOperand(strconv.FormatFloat(round(f, int(digits)), 'f', int(digits), 64))
	}},
	"substr": {2, 3, func(_ *Context, a []operand) operand {
		runes := []rune(a[0].String())
		start, ok := a[1].number()
		if a[0].Kind == null || !ok {
			return nullOperand
		}
		from := int(start) - 1
		if start < 0 {
			from = len(runes) + int(start)
		}
		from = max(0, min(from, len(runes)))
		to := len(runes)
		if len(a) == 3 {
			length, _ := a[2].number()
			to = max(from, min(from+int(length), len(runes)))
		}
		return textOperand(string(runes[from:to]))
	}},
	"match": {2, 2, func(_ *Context, a []operand) operand {
		return matchRegexp(a[0], a[1], func(re *regexp.Regexp) operand {
			for _, text := range a[0].texts() {
				if re.MatchString(text) {
					return truthOperand(true)
				}
			}
			return truthOperand(false)
		})
	}},
	"replace": {3, 3, func(_ *Context, a []operand) operand {
		return matchRegexp(a[0], a[1], func(re *regexp.Regexp) operand {
			template := regexp.MustCompile(`\\(\d)`).ReplaceAllString(strings.ReplaceAll(a[2].String(), "$", "$$"), "$${$1}")
			return textOperand(re.ReplaceAllString(a[0].String(), template))
		})
	}},
	"cidrmatch": {2, 2, func(_ *Context, a []operand) operand {
		prefix, err := netip.ParsePrefix(a[0].String())
		addr, bad := netip.ParseAddr(a[1].String())
		if a[1].Kind == null {
			return nullOperand
		}
		return truthOperand(err == nil && bad == nil && prefix.Masked().Contains(addr))
	}},
	"split": {2, 2, func(_ *Context, a []operand) operand {
		if a[0].Kind == null {
			return nullOperand
		}
		return listOperand(strings.Split(a[0].String(), a[1].String()))
	}},
	"mvcount": {1, 1, func(_ *Context, a []operand) operand {
		if a[0].Kind == null {
			return nullOperand
		}
		return numberOperand(float64(len(a[0].texts())))
	}},
	"mvindex": {2, 3, func(_ *Context, a []operand) operand {
		list := a[0].texts()
		from, ok := a[1].number()
		to := from
		if len(a) == 3 {
			to, ok = a[2].number()
		}
		first, last := int(from), int(to)
		if first < 0 {
			first += len(list)
		}
		if last < 0 {
			last += len(list)
		}
		if !ok || first < 0 || first >= len(list) || last < first {
			return nullOperand
		}
		return listOperand(list[first:min(last+1, len(list))])
	}},
	"mvjoin": {2, 2, func(_ *Context, a []operand) operand {
		if a[0].Kind == null {
			return nullOperand
		}
		return textOperand(strings.Join(a[0].texts(), a[1].String()))
	}},
	"mvfind": {2, 2, func(_ *Context, a []operand) operand {
		return matchRegexp(a[0], a[1], func(re *regexp.Regexp) operand {
			for i, text := range a[0].texts() {
				if re.MatchString(text) {
					return numberOperand(float64(i))
				}
			}
			return nullOperand
		})
	}},
	"mvappend": {1, -1, func(_ *Context, a []operand) operand {
		var list []string
		for _, o := range a {
			list = append(list, o.texts()...)
		}
		return listOperand(list)
	}},
	"mvrange": {2, 3, func(_ *Context, a []operand) operand {
		from, isNumber := a[0].number()
		to, both := a[1].number()
		step := 1.0
		if len(a) == 3 {
			step, _ = a[2].number()
		}
		if !isNumber || !both || step <= 0 || (to-from)/step > maxRange {
			return nullOperand
		}
		var list []string
		for ; from < to; from += step {
			list = append(list, FormatNumber(from))
		}
		return listOperand(list)
	}},
	"mvdedup": {1, 1, func(_ *Context, a []operand) operand { return listOperand(distinct(a[0].texts())) }},
	"mvsort": {1, 1, func(_ *Context, a []operand) operand {
		list := append([]string(nil), a[0].texts()...)
		sort.Strings(list)
		return listOperand(list)
	}},
	"tonumber": {1, 1, func(_ *Context, a []operand) operand {
		f, ok := a[0].number()
		if !ok {
			return nullOperand
		}
		return numberOperand(f)
	}},
	"tostring": {1, 1, func(_ *Context, a []operand) operand {
		if a[0].Kind == null {
			return nullOperand
		}
		return textOperand(a[0].String())
	}},
	"strftime": {2, 2, func(c *Context, a []operand) operand {
		f, ok := a[0].number()
		if !ok {
			return nullOperand
		}
		text, err := strftime(epoch(f).In(c.Zone), a[1].String())
		if err != nil {
			return nullOperand
		}
		return textOperand(text)
	}},
	"strptime": {2, 2, func(c *Context, a []operand) operand {
		at, ok := strptime(a[0].String(), a[1].String(), c.Zone)
		if !ok {
			return nullOperand
		}
		return textOperand(fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000))
	}},
	"relative_time": {2, 2, func(c *Context, a []operand) operand {
		f, ok := a[0].number()
		if !ok {
			return nullOperand
		}
		at, err := RelativeTime(a[1].String(), epoch(f).In(c.Zone))
		if err != nil {
			return nullOperand
		}
		return numberOperand(float64(at.Unix()))
	}},
}
