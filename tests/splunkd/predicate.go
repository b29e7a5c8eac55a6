package splunkd

import (
	"net/netip"
	"strings"
)

// predicate is the filter language that `search` and the where clause of tstats share:
//
//	All_Traffic.app=tor NOT (All_Traffic.src IN ("10.0.0.0/8") OR All_Traffic.dest_port>1024)
//
// Values compare without case; `*` in a value is a wildcard; an address range in CIDR form matches the addresses in it;
// `<` and `>` compare numbers where both sides are numbers. Two terms without word between them are joined by AND.
// OR binds tighter than AND, as Splunk's manual has it for the search command (in eval and where it is the other way).
type predicate func(Row) bool

// parsePredicate reads tokens up to the end or to one of the stop words (bare, any case), and returns the rest.
func parsePredicate(tokens []token, check func(field string) error, stop ...string) (predicate, []token, error) {
	p := &predicateParser{tokens: tokens, stop: stop, check: check}
	if p.end() {
		return nil, nil, searchErrorf("Error in 'search' command: a condition is missing.")
	}
	filter, err := p.and()
	if err != nil {
		return nil, nil, err
	}
	if !p.end() {
		return nil, nil, searchErrorf("Error in 'search' command: unexpected %q.", p.tokens[0].Raw)
	}
	return filter, p.tokens, nil
}

type predicateParser struct {
	tokens []token
	stop   []string
	check  func(field string) error // refuses a field name; nil takes all
}

func (p *predicateParser) end() bool {
	if len(p.tokens) == 0 {
		return true
	}
	for _, word := range p.stop {
		if p.tokens[0].is(word) {
			return true
		}
	}
	return false
}

func (p *predicateParser) next() token {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *predicateParser) at(kind tokenKind) bool { return !p.end() && p.tokens[0].Kind == kind }

func (p *predicateParser) and() (predicate, error) {
	left, err := p.or()
	for err == nil && !p.end() && !p.at(tokenClose) {
		if p.tokens[0].is("AND") {
			p.next()
		}
		var right predicate
		right, err = p.or()
		a := left
		left = func(r Row) bool { return a(r) && right(r) }
	}
	return left, err
}

func (p *predicateParser) or() (predicate, error) {
	left, err := p.not()
	for err == nil && !p.end() && p.tokens[0].is("OR") {
		p.next()
		var right predicate
		right, err = p.not()
		a := left
		left = func(r Row) bool { return a(r) || right(r) }
	}
	return left, err
}

func (p *predicateParser) not() (predicate, error) {
	if p.end() {
		return nil, searchErrorf("Error in 'search' command: the condition ends too early.")
	}
	if p.tokens[0].is("NOT") {
		p.next()
		inner, err := p.not()
		return func(r Row) bool { return !inner(r) }, err
	}
	if p.at(tokenOpen) {
		p.next()
		if p.at(tokenClose) { // of a subsearch that found nothing, behind NOT: matches nothing, not everything
			p.next()
			return func(Row) bool { return true }, nil
		}
		inner, err := p.and()
		if err != nil {
			return nil, err
		}
		if !p.at(tokenClose) {
			return nil, searchErrorf("Error in 'search' command: a closing parenthesis is missing.")
		}
		p.next()
		return inner, nil
	}
	return p.comparison()
}

func (p *predicateParser) comparison() (predicate, error) {
	first := p.next()
	if !first.word() || first.is("AND") || first.is("OR") {
		return nil, searchErrorf("Error in 'search' command: unexpected %q.", first.Raw)
	}
	isField := p.at(tokenOp) || !p.end() && p.tokens[0].is("IN") && len(p.tokens) > 1 && p.tokens[1].Kind == tokenOpen
	if !isField {
		return rawTerm(first), nil
	}
	field := first.Text
	if p.check != nil {
		if err := p.check(field); err != nil {
			return nil, err
		}
	}
	if p.at(tokenOp) {
		op := p.next().Text
		if p.end() || !p.tokens[0].word() {
			return nil, searchErrorf("Error in 'search' command: The operator '%s' behind '%s' needs a value.", op, field)
		}
		return compareField(field, op, p.next().Text)
	}
	p.next() // IN
	p.next() // (
	var choices []predicate
	for {
		if p.end() || !p.tokens[0].word() {
			return nil, searchErrorf("Error in 'search' command: The IN list of '%s' needs values in parentheses.", field)
		}
		choice, err := compareField(field, "=", p.next().Text)
		if err != nil {
			return nil, err
		}
		choices = append(choices, choice)
		if p.at(tokenComma) {
			p.next()
			continue
		}
		if p.at(tokenClose) {
			p.next()
			break
		}
	}
	return func(r Row) bool {
		for _, choice := range choices {
			if choice(r) {
				return true
			}
		}
		return false
	}, nil
}

// rawTerm is a word without field: it has to occur in _raw. A single `*` matches every row.
func rawTerm(word token) predicate {
	if word.Text == "*" {
		return func(Row) bool { return true }
	}
	pattern := "*" + word.Text + "*"
	return func(r Row) bool { return len(r["_raw"]) > 0 && matchWildcard(pattern, r.Get("_raw")) }
}

func compareField(field, op, want string) (predicate, error) {
	equal := func(have string) bool { return matchWildcard(want, have) }
	if prefix, err := netip.ParsePrefix(want); err == nil {
		equal = func(have string) bool {
			addr, err := netip.ParseAddr(have)
			return err == nil && prefix.Masked().Contains(addr) || have == want
		}
	}
	var test func(have string) bool
	switch op {
	case "=", "==":
		test = equal
	case "!=":
		test = func(have string) bool { return !equal(have) }
	case "<":
		test = func(have string) bool { return compareTexts(have, want) < 0 }
	case "<=":
		test = func(have string) bool { return compareTexts(have, want) <= 0 }
	case ">":
		test = func(have string) bool { return compareTexts(have, want) > 0 }
	case ">=":
		test = func(have string) bool { return compareTexts(have, want) >= 0 }
	default:
		return nil, searchErrorf("Error in 'search' command: The operator '%s' is unknown.", op)
	}
	return func(r Row) bool {
		for _, have := range r[field] {
			if test(have) {
				return true
			}
		}
		return false
	}, nil
}

// keyValues takes leading `name=value` arguments off a command's tokens; names are lower-cased. accepted lists them.
func keyValues(command string, tokens []token, accepted ...string) (map[string]string, []token, error) {
	values := map[string]string{}
	for len(tokens) >= 3 && tokens[0].Kind == tokenWord && tokens[1].Kind == tokenOp && tokens[1].Text == "=" && tokens[2].word() {
		name := strings.ToLower(tokens[0].Text)
		known := false
		for _, a := range accepted {
			known = known || a == name
		}
		if !known {
			return nil, nil, searchErrorf("Error in '%s' command: The argument '%s' is invalid or not played by this stand-in.", command, name)
		}
		values[name] = tokens[2].Text
		tokens = tokens[3:]
	}
	return values, tokens, nil
}
