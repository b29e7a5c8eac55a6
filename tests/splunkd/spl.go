package splunkd

import (
	"strings"
)

// stage is one command of a pipeline. Text is what stands behind the command's name, untouched but for blanks at its ends.
type stage struct {
	Name string
	Text string
}

// parsePipeline splits a search without macros into its commands:
//
//	search index=fw | where x="a|b"   ->   {search, index=fw} {where, x="a|b"}
//
// A search that does not begin with a pipe begins with the command search, written or implied. Subsearches are refused.
func parsePipeline(search string) ([]stage, error) {
	search = strings.TrimSpace(search)
	if search == "" {
		return nil, searchErrorf("Empty search.")
	}
	leadingPipe := strings.HasPrefix(search, "|")
	if leadingPipe {
		search = search[1:]
	}
	var stages []stage
	start := 0
	for i := 0; i <= len(search); i++ {
		if i < len(search) {
			switch search[i] {
			case '"':
				end := quotedEnd(search, i)
				if search[end-1] != '"' || end == i+1 {
					return nil, searchErrorf("Error in 'SearchParser': Mismatched quotes and/or parenthesis. Unbalanced quotes at %q.", search[i:])
				}
				i = end - 1
				continue
			case '[':
				// Only append takes a search of its own here.
				name, _ := splitWord(strings.TrimSpace(search[start:i]))
				end := bracketEnd(search, i)
				if !strings.EqualFold(name, "append") || end < 0 {
					return nil, searchErrorf("Subsearches and square brackets outside quotes are not played by this stand-in, but behind append: %q", search[i:])
				}
				i = end
				continue
			case ']':
				return nil, searchErrorf("Error in 'SearchParser': Unbalanced bracket at %q.", search[i:])
			case '`':
				return nil, searchErrorf("Error in 'SearchParser': Missing a search command before '`'.")
			case '|':
			default:
				continue
			}
		}
		text := strings.TrimSpace(search[start:i])
		start = i + 1
		first := len(stages) == 0
		if text == "" {
			return nil, searchErrorf("Error in 'SearchParser': Missing a search command before '|'.")
		}
		name, arguments := splitWord(text)
		if first && !leadingPipe && !strings.EqualFold(name, "search") {
			name, arguments = "search", text
		}
		stages = append(stages, stage{Name: strings.ToLower(name), Text: arguments})
	}
	return stages, nil
}

// bracketEnd returns the place of the bracket that closes the one at open, or -1.
func bracketEnd(search string, open int) int {
	depth := 0
	for i := open; i < len(search); i++ {
		switch search[i] {
		case '"':
			i = quotedEnd(search, i) - 1
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

// splitWord cuts a command's name from its arguments.
func splitWord(text string) (word, rest string) {
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

// render writes stages as splunkd shows them to a command in searchinfo.search.
func render(stages []stage) string {
	var parts []string
	for _, s := range stages {
		parts = append(parts, strings.TrimSpace(s.Name+" "+s.Text))
	}
	return strings.Join(parts, " | ")
}

// token is a piece of a command's arguments: a word (quoted or bare), an operator, a bracket, a comma.
type token struct {
	Kind tokenKind
	Text string // of a quoted word: unquoted
	Raw  string
	End  int // where it ends in the command's text
}

type tokenKind byte

const (
	tokenWord   tokenKind = 'w'
	tokenQuoted tokenKind = 'q'
	tokenOp     tokenKind = '='
	tokenOpen   tokenKind = '('
	tokenClose  tokenKind = ')'
	tokenComma  tokenKind = ','
)

// is says whether the token is this bare word, whatever the case.
func (t token) is(word string) bool { return t.Kind == tokenWord && strings.EqualFold(t.Text, word) }

// word says whether the token can be a name or a value.
func (t token) word() bool { return t.Kind == tokenWord || t.Kind == tokenQuoted }

// tokenize cuts the arguments of search, tstats, stats, sort and their like. (eval and where have a language of their
// own, see expr.go; custom commands get their words cut by splunkd's rule, see arguments.go.)
func tokenize(text string) ([]token, error) {
	var tokens []token
	i := 0
	add := func(kind tokenKind, text, raw string) { tokens = append(tokens, token{kind, text, raw, i + len(raw)}) }
	for i < len(text) {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"':
			end := quotedEnd(text, i)
			raw := text[i:end]
			if len(raw) < 2 || raw[len(raw)-1] != '"' {
				return nil, searchErrorf("Error in 'SearchParser': Unbalanced quotes at %q.", raw)
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
				return nil, searchErrorf("Error in 'SearchParser': Unexpected '!' at %q.", text[i:])
			}
			add(tokenOp, op, op)
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

// quotedEnd returns the index behind the double-quoted string that starts at text[start]; a backslash takes the next
// byte with it. Without closing quote the string goes to the end of the text.
func quotedEnd(text string, start int) int {
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
