package splunkd

import (
	"fmt"
	"strings"

	"tordetect/tests/splunkd/spl"
)

// maxMacroDepth ends a macro that calls itself. Splunk's own limit is 100 levels (limits.conf, max_macro_depth).
const maxMacroDepth = 100

// expandMacros replaces each `name` and `name(arg, ...)` of a search by its definition in macros.conf, again and again
// until none is left:
//
//	| `drop_dm_object_name("All_Traffic")`   ->   | rename All_Traffic.* as *
//
// A macro with arguments has the stanza name(<count>), its arguments' names in `args`, and $name$ in its definition.
// Double quotes around an argument are removed. Nothing is expanded inside a double-quoted string of the search.
//
// The definition of a macro with `iseval = 1` is an expression of eval that is evaluated when the search is parsed, and
// whose text is put in (macros.conf.spec). Only supposed: that now() is then the time at which the run starts.
// Not done: validation.
func expandMacros(conf *Conf, c *spl.Context, search string) (string, error) {
	return expandLevel(conf, c, stripComments(search), 0)
}

func expandLevel(conf *Conf, c *spl.Context, search string, depth int) (string, error) {
	if depth > maxMacroDepth {
		return "", spl.SearchErrorf("The search macros are nested deeper than %d levels.", maxMacroDepth)
	}
	var out strings.Builder
	for i := 0; i < len(search); {
		switch search[i] {
		case '"':
			end := spl.QuotedEnd(search, i)
			out.WriteString(search[i:end])
			i = end
		case '`':
			length := macroLength(search[i+1:])
			if length < 0 {
				return "", spl.SearchErrorf("Mismatched backticks in the search: %q", search[i:])
			}
			definition, err := macroDefinition(conf, c, search[i+1:i+1+length])
			if err != nil {
				return "", err
			}
			expanded, err := expandLevel(conf, c, definition, depth+1)
			if err != nil {
				return "", err
			}
			out.WriteString(expanded)
			i += length + 2
		default:
			out.WriteByte(search[i])
			i++
		}
	}
	return out.String(), nil
}

// macroLength is the number of bytes before the closing backtick, or -1. A backtick inside a quoted argument does not close.
func macroLength(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = spl.QuotedEnd(text, i) - 1
		case '`':
			return i
		}
	}
	return -1
}

func macroDefinition(conf *Conf, c *spl.Context, call string) (string, error) {
	name, arguments, err := parseCall(strings.TrimSpace(call))
	if err != nil {
		return "", err
	}
	stanzaName := name
	if len(arguments) > 0 {
		stanzaName = fmt.Sprintf("%s(%d)", name, len(arguments))
	}
	definition, ok := conf.Get(stanzaName, "definition")
	if !conf.Has(stanzaName) || !ok {
		if len(arguments) > 0 {
			return "", spl.SearchErrorf("Error in 'SearchParser': The search specifies a macro '%s' that cannot be found. It takes %d argument(s).", name, len(arguments))
		}
		return "", spl.SearchErrorf("Error in 'SearchParser': The search specifies a macro '%s' that cannot be found.", name)
	}
	if value, _ := conf.Get(stanzaName, "validation"); value != "" {
		return "", fmt.Errorf("macros.conf [%s]: validation is not played by this stand-in", stanzaName)
	}
	evaluated, _ := conf.Get(stanzaName, "iseval")
	isEval, _ := confBool(evaluated)
	if len(arguments) == 0 {
		return finishMacro(c, stanzaName, definition, isEval)
	}
	argNames, _ := conf.Get(stanzaName, "args")
	names := strings.Split(argNames, ",")
	if len(names) != len(arguments) {
		return "", fmt.Errorf("macros.conf [%s]: args names %d of %d arguments", stanzaName, len(names), len(arguments))
	}
	var pairs []string
	for i, argName := range names {
		pairs = append(pairs, "$"+strings.TrimSpace(argName)+"$", arguments[i])
	}
	return finishMacro(c, stanzaName, strings.NewReplacer(pairs...).Replace(definition), isEval)
}

// finishMacro evaluates what an eval-based macro says. It has to come to a text, and the row is an empty one.
func finishMacro(c *spl.Context, name, definition string, isEval bool) (string, error) {
	if !isEval {
		return definition, nil
	}
	expression, err := spl.ParseWhere(definition)
	if err != nil {
		return "", err
	}
	value := expression(c, spl.Row{})
	if value.Kind != spl.Textual {
		return "", spl.SearchErrorf("Error in 'SearchParser': The definition of macro '%s' is expected to be an eval expression that returns a string.", name)
	}
	return value.Text, nil
}

// parseCall reads `name`, `name(a, "b c")`. `name()` is the macro without arguments.
func parseCall(call string) (name string, arguments []string, err error) {
	name, rest, has := strings.Cut(call, "(")
	if !has {
		return name, nil, nil
	}
	if !strings.HasSuffix(rest, ")") {
		return "", nil, spl.SearchErrorf("Error in 'SearchParser': Mismatched parenthesis in the macro call '%s'.", call)
	}
	rest = strings.TrimSuffix(rest, ")")
	if strings.TrimSpace(rest) == "" {
		return strings.TrimSpace(name), nil, nil
	}
	start := 0
	add := func(text string) {
		text = strings.TrimSpace(text)
		if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
			text = text[1 : len(text)-1]
		}
		arguments = append(arguments, text)
	}
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			i = spl.QuotedEnd(rest, i) - 1
		case ',':
			add(rest[start:i])
			start = i + 1
		}
	}
	add(rest[start:])
	return strings.TrimSpace(name), arguments, nil
}

// stripComments removes ```comments``` of SPL (since Splunk 8.1).
func stripComments(search string) string {
	const fence = "```"
	for {
		start := strings.Index(search, fence)
		if start < 0 {
			return search
		}
		length := strings.Index(search[start+len(fence):], fence)
		if length < 0 {
			return search
		}
		search = search[:start] + search[start+2*len(fence)+length:]
	}
}
