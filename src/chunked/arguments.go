package chunked

import "strings"

// Arguments goes over the arguments of a command as splunkd takes them apart
// (Info.Args). splunkd splits at blanks outside double quotes, drops commas there,
// and removes the double quotes; single quotes stay. So what a user types as
//
//	count=3 name = "two words" fields=a,b
//
// arrives as the words
//
//	count=3 | name | = | two words | fields=a | b
//
// and comes out here as
//
//	args := chunked.NewArguments(info.Args, isOption)
//	for args.Next() { ... }   // count, 3; name, two words; fields, a (b by More)
//
// A word is taken apart at its first equals sign.
type Arguments struct {
	// Of the current argument. Named says that it has an equals sign; without one
	// the word is its Name.
	Name, Value string
	Named       bool

	words    []string
	isOption func(name string) bool
}

// NewArguments returns the arguments in words. isOption says which names the
// command knows: where one begins the next argument, a value that is missing
// before it is empty. It may be nil.
func NewArguments(words []string, isOption func(name string) bool) *Arguments {
	if isOption == nil {
		isOption = func(string) bool { return false }
	}
	return &Arguments{words: words, isOption: isOption}
}

// Next moves to the next argument and reports whether there is one.
func (a *Arguments) Next() bool {
	if len(a.words) == 0 {
		return false
	}
	a.Name, a.Value, a.Named = strings.Cut(a.words[0], "=")
	a.words = a.words[1:]
	if !a.Named && len(a.words) > 0 {
		if a.Value, a.Named = strings.CutPrefix(a.words[0], "="); a.Named {
			a.words = a.words[1:]
		} else {
			a.Value = ""
		}
	}
	if a.Named && a.Value == "" && len(a.words) > 0 && !a.isNext() {
		a.Value, a.words = a.words[0], a.words[1:]
	}
	return true
}

// isNext reports whether the next word begins an argument of its own.
func (a *Arguments) isNext() bool {
	name, _, named := strings.Cut(a.words[0], "=")
	return named && a.isOption(name)
}

// More takes the words that follow the current argument as long as they are
// bare, no names of options, and accepted: the rest of a list without quotes.
func (a *Arguments) More(accept func(word string) bool) (words []string) {
	for len(a.words) > 0 && !a.isOption(a.words[0]) && accept(a.words[0]) {
		words = append(words, a.words[0])
		a.words = a.words[1:]
	}
	return words
}

// Bool reads a boolean as Splunk does, in a search and in its conf files: t, true, 1, y, yes and f, false, 0, n, no,
// in capitals or not. ok is false for anything else.
func Bool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "t", "true", "1", "y", "yes":
		return true, true
	case "f", "false", "0", "n", "no":
		return false, true
	}
	return false, false
}

// FieldName reads the name of a field, which a user may put in single quotes, as
// for eval: splunkd leaves these.
func FieldName(text string) string {
	if len(text) > 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return text[1 : len(text)-1]
	}
	return text
}
