package dashboard

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// Tokens are the values behind $name$. What is not in it has none.
type Tokens map[string]string

// reference is $name$ or $name|filter$.
var reference = regexp.MustCompile(`\$([A-Za-z0-9_.:]+)(?:\|([a-z]))?\$`)

// filters by their letter.
var filters = map[string]func(string) string{
	// s: a quoted text for a search.
	"s": func(value string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"` },
	"h": html.EscapeString,
	// u: as encodeURIComponent does.
	"u": func(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") },
	"n": func(value string) string { return value },
}

// fill puts values into a text; usual is the filter where none is named. missing is the first token without a value.
func (t Tokens) fill(text, usual string) (filled, missing string, err error) {
	filled = reference.ReplaceAllStringFunc(text, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		value, has := t[parts[1]]
		if !has && missing == "" {
			missing = parts[1]
		}
		letter := parts[2]
		if letter == "" {
			letter = usual
		}
		filter := filters[letter]
		if filter == nil {
			err = fmt.Errorf("the filter of %s is unknown", found)
			return found
		}
		return filter(value)
	})
	return filled, missing, err
}

// set gives a token a value; a form's field and its token go together.
func (t Tokens) set(name, value string) {
	t[name] = value
	if inner, form := strings.CutPrefix(name, "form."); form {
		t[inner] = value
	}
}

func (t Tokens) unset(name string) {
	delete(t, name)
	if inner, form := strings.CutPrefix(name, "form."); form {
		delete(t, inner)
	}
}

// start gives the inputs their defaults, or what the form says.
func (t Tokens) start(inputs []Input, form map[string]string) {
	for _, in := range inputs {
		defaults := map[string]string{in.Token: in.Default}
		if in.Type == "time" {
			defaults = map[string]string{in.Token + ".earliest": in.Earliest, in.Token + ".latest": in.Latest}
		}
		for name, value := range defaults {
			if given, ok := form[name]; ok {
				t.set("form."+name, given)
			} else if value != "" {
				t.set("form."+name, value)
			}
		}
	}
}
