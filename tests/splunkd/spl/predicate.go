package spl

import (
	"net/netip"
	"strings"
)

// Predicate is the filter language that `search` and the where clause of tstats share:
//
//	All_Traffic.app=tor NOT (All_Traffic.src IN ("10.0.0.0/8") OR All_Traffic.dest_port>1024)
//
// Values compare without case; `*` in a value is a wildcard; an address range in CIDR form matches the addresses in it;
// `<` and `>` compare numbers where both sides are numbers. Two terms without word between them are joined by AND.
// OR binds tighter than AND, as Splunk's manual has it for the search command (in eval and where it is the other way).
type Predicate func(Row) bool

// ParsePredicate reads tokens up to the end or to one of the stop words (bare, any case), and returns the rest.
func ParsePredicate(tokens []Token, check func(field string) error, stop ...string) (Predicate, []Token, error) {
	p := &predicateParser{tokens: tokens, stop: stop, check: check}
	if p.end() {
		return nil, nil, SearchErrorf("Error in 'search' command: a condition is missing.")
	}
	filter, err := p.and()
	if err != nil {
		return nil, nil, err
	}
	if !p.end() {
		return nil, nil, SearchErrorf("Error in 'search' command: unexpected %q.", p.tokens[0].Raw)
	}
	return filter, p.tokens, nil
}

type predicateParser struct {
	tokens []Token
	stop   []string
	check  func(field string) error // refuses a field name; nil takes all
}

func (p *predicateParser) end() bool {
	if len(p.tokens) == 0 {
		return true
	}
	for _, word := range p.stop {
		if p.tokens[0].Is(word) {
			return true
		}
	}
	return false
}

func (p *predicateParser) next() Token {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *predicateParser) at(kind tokenKind) bool { return !p.end() && p.tokens[0].Kind == kind }

func (p *predicateParser) and() (Predicate, error) {
	left, err := p.or()
	for err == nil && !p.end() && !p.at(TokenClose) {
		if p.tokens[0].Is("AND") {
			p.next()
		}
		var right Predicate
		right, err = p.or()
		a := left
		left = func(r Row) bool { return a(r) && right(r) }
	}
	return left, err
}

func (p *predicateParser) or() (Predicate, error) {
	left, err := p.not()
	for err == nil && !p.end() && p.tokens[0].Is("OR") {
		p.next()
		var right Predicate
		right, err = p.not()
		a := left
		left = func(r Row) bool { return a(r) || right(r) }
	}
	return left, err
}

func (p *predicateParser) not() (Predicate, error) {
	if p.end() {
		return nil, SearchErrorf("Error in 'search' command: the condition ends too early.")
	}
	if p.tokens[0].Is("NOT") {
		p.next()
		inner, err := p.not()
		return func(r Row) bool { return !inner(r) }, err
	}
	if p.at(TokenOpen) {
		p.next()
		if p.at(TokenClose) { // of a subsearch that found nothing, behind NOT: matches nothing, not everything
			p.next()
			return func(Row) bool { return true }, nil
		}
		inner, err := p.and()
		if err != nil {
			return nil, err
		}
		if !p.at(TokenClose) {
			return nil, SearchErrorf("Error in 'search' command: a closing parenthesis is missing.")
		}
		p.next()
		return inner, nil
	}
	return p.comparison()
}

func (p *predicateParser) comparison() (Predicate, error) {
	first := p.next()
	if !first.Word() || first.Is("AND") || first.Is("OR") {
		return nil, SearchErrorf("Error in 'search' command: unexpected %q.", first.Raw)
	}
	isField := p.at(TokenOp) || !p.end() && p.tokens[0].Is("IN") && len(p.tokens) > 1 && p.tokens[1].Kind == TokenOpen
	if !isField {
		return rawTerm(first), nil
	}
	field := first.Text
	if p.check != nil {
		if err := p.check(field); err != nil {
			return nil, err
		}
	}
	if p.at(TokenOp) {
		op := p.next().Text
		if p.end() || !p.tokens[0].Word() {
			return nil, SearchErrorf("Error in 'search' command: The operator '%s' behind '%s' needs a value.", op, field)
		}
		return compareField(field, op, p.next().Text)
	}
	p.next() // IN
	p.next() // (
	var choices []Predicate
	for {
		if p.end() || !p.tokens[0].Word() {
			return nil, SearchErrorf("Error in 'search' command: The IN list of '%s' needs values in parentheses.", field)
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
		if p.at(TokenClose) {
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
func rawTerm(word Token) Predicate {
	if word.Text == "*" {
		return func(Row) bool { return true }
	}
	pattern := "*" + word.Text + "*"
	return func(r Row) bool { return len(r["_raw"]) > 0 && MatchWildcard(pattern, r.Get("_raw")) }
}

func compareField(field, op, want string) (Predicate, error) {
	equal := func(have string) bool { return MatchWildcard(want, have) }
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
		test = func(have string) bool { return CompareTexts(have, want) < 0 }
	case "<=":
		test = func(have string) bool { return CompareTexts(have, want) <= 0 }
	case ">":
		test = func(have string) bool { return CompareTexts(have, want) > 0 }
	case ">=":
		test = func(have string) bool { return CompareTexts(have, want) >= 0 }
	default:
		return nil, SearchErrorf("Error in 'search' command: The operator '%s' is unknown.", op)
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

// KeyValues takes leading `name=value` arguments off a command's tokens; names are lower-cased. accepted lists them.
func KeyValues(command string, tokens []Token, accepted ...string) (map[string]string, []Token, error) {
	values := map[string]string{}
	for len(tokens) >= 3 && tokens[0].Kind == tokenWord && tokens[1].Kind == TokenOp && tokens[1].Text == "=" && tokens[2].Word() {
		name := strings.ToLower(tokens[0].Text)
		known := false
		for _, a := range accepted {
			known = known || a == name
		}
		if !known {
			return nil, nil, SearchErrorf("Error in '%s' command: The argument '%s' is invalid or not played by this stand-in.", command, name)
		}
		values[name] = tokens[2].Text
		tokens = tokens[3:]
	}
	return values, tokens, nil
}
