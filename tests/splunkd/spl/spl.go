package spl

import (
	"strings"
)

// Stage is one command of a pipeline. Text is what stands behind the command's name, untouched but for blanks at its ends.
type Stage struct {
	Name string
	Text string
}

// ParsePipeline splits a search without macros into its commands:
//
//	search index=fw | where x="a|b"   ->   {search, index=fw} {where, x="a|b"}
//
// A search that does not begin with a pipe begins with the command search, written or implied. Subsearches are refused.
func ParsePipeline(search string) ([]Stage, error) {
	search = strings.TrimSpace(search)
	if search == "" {
		return nil, SearchErrorf("Empty search.")
	}
	leadingPipe := strings.HasPrefix(search, "|")
	if leadingPipe {
		search = search[1:]
	}
	var stages []Stage
	start := 0
	for i := 0; i <= len(search); i++ {
		if i < len(search) {
			switch search[i] {
			case '"':
				end := QuotedEnd(search, i)
				if search[end-1] != '"' || end == i+1 {
					return nil, SearchErrorf("Error in 'SearchParser': Mismatched quotes and/or parenthesis. Unbalanced quotes at %q.", search[i:])
				}
				i = end - 1
				continue
			case '[':
				// Only these take commands of their own here.
				name, _ := SplitWord(strings.TrimSpace(search[start:i]))
				end := BracketEnd(search, i)
				if !TakesPipeline(name) || end < 0 {
					return nil, SearchErrorf("Subsearches and square brackets outside quotes are not played by this stand-in, but behind append: %q", search[i:])
				}
				i = end
				continue
			case ']':
				return nil, SearchErrorf("Error in 'SearchParser': Unbalanced bracket at %q.", search[i:])
			case '`':
				return nil, SearchErrorf("Error in 'SearchParser': Missing a search command before '`'.")
			case '|':
			default:
				continue
			}
		}
		text := strings.TrimSpace(search[start:i])
		start = i + 1
		first := len(stages) == 0
		if text == "" {
			return nil, SearchErrorf("Error in 'SearchParser': Missing a search command before '|'.")
		}
		name, arguments := SplitWord(text)
		if first && !leadingPipe && !strings.EqualFold(name, "search") {
			name, arguments = "search", text
		}
		stages = append(stages, Stage{Name: strings.ToLower(name), Text: arguments})
	}
	return stages, nil
}

// TakesPipeline says whether a command has commands of its own in square brackets, which it runs itself.
func TakesPipeline(name string) bool {
	return strings.EqualFold(name, "append") || strings.EqualFold(name, "appendpipe")
}

// BracketEnd returns the place of the bracket that closes the one at open, or -1.
func BracketEnd(search string, open int) int {
	depth := 0
	for i := open; i < len(search); i++ {
		switch search[i] {
		case '"':
			i = QuotedEnd(search, i) - 1
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// SplitWord cuts a command's name from its arguments.
func SplitWord(text string) (word, rest string) {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	if end <= 0 {
		end = strings.IndexAny(text, " \t\n")
		if end < 0 {
			return text, ""
		}
	}
	return text[:end], strings.TrimSpace(text[end:])
}

// Render writes stages as splunkd shows them to a command in searchinfo.search.
func Render(stages []Stage) string {
	var parts []string
	for _, s := range stages {
		parts = append(parts, strings.TrimSpace(s.Name+" "+s.Text))
	}
	return strings.Join(parts, " | ")
}

// Token is a piece of a command's arguments: a word (quoted or bare), an operator, a bracket, a comma.
type Token struct {
	Kind tokenKind
	Text string // of a quoted word: unquoted
	Raw  string
	End  int // where it ends in the command's text
}

type tokenKind byte

const (
	tokenWord   tokenKind = 'w'
	tokenQuoted tokenKind = 'q'
	TokenOp     tokenKind = '='
	TokenOpen   tokenKind = '('
	TokenClose  tokenKind = ')'
	tokenComma  tokenKind = ','
)

// Is says whether the token is this bare word, whatever the case.
func (t Token) Is(word string) bool { return t.Kind == tokenWord && strings.EqualFold(t.Text, word) }

// Word says whether the token can be a name or a value.
func (t Token) Word() bool { return t.Kind == tokenWord || t.Kind == tokenQuoted }

// Tokenize cuts the arguments of search, tstats, stats, sort and their like. (eval and where have a language of their
// own, see expr.go; custom commands get their words cut by splunkd's rule, see arguments.go.)
func Tokenize(text string) ([]Token, error) {
	var tokens []Token
	i := 0
	add := func(kind tokenKind, text, raw string) { tokens = append(tokens, Token{kind, text, raw, i + len(raw)}) }
	for i < len(text) {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"':
			end := QuotedEnd(text, i)
			raw := text[i:end]
			if len(raw) < 2 || raw[len(raw)-1] != '"' {
				return nil, SearchErrorf("Error in 'SearchParser': Unbalanced quotes at %q.", raw)
			}
			add(tokenQuoted, unquote(raw), raw)
			i = end
		case c == '(' || c == ')' || c == ',':
			add(tokenKind(c), string(c), string(c))
			i++
		case strings.IndexByte("=!<>", c) >= 0:
			end := i + 1
			if end < len(text) && text[end] == '=' {
				end++
			}
			op := text[i:end]
			if op == "!" {
				return nil, SearchErrorf("Error in 'SearchParser': Unexpected '!' at %q.", text[i:])
			}
			add(TokenOp, op, op)
			i = end
		default:
			end := i
			for end < len(text) && !strings.ContainsRune(" \t\n\r\"(),=!<>", rune(text[end])) {
				end++
			}
			add(tokenWord, text[i:end], text[i:end])
			i = end
		}
	}
	return tokens, nil
}

// unquote removes the double quotes around a string and undoes \" and \\. Other escapes stay.
func unquote(quoted string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(quoted[1 : len(quoted)-1])
}

// QuotedEnd returns the index behind the double-quoted string that starts at text[start]; a backslash takes the next
// byte with it. Without closing quote the string goes to the end of the text.
func QuotedEnd(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
