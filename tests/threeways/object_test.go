package threeways

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object with its fields in order; a value is a text, a number, a
// list, an object, a list of objects, or nil.
type object []field

type field struct {
	key   string
	value any
}

type number string

func list(texts []string) []any {
	var out []any
	for _, text := range texts {
		out = append(out, text)
	}
	return out
}

// object makes an event of an object.
func (r *source) object(o object, time string) event {
	e := event{time: time, line: r.write(o)}
	e.flatten("", o)
	return e
}

// shuffle puts fields in any order.
func (r *source) shuffle(o object) {
	r.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
}

// spelled writes names with dots as they are, with underscores, or as objects in each
// other.
func (r *source) spelled(o object) object {
	switch r.IntN(3) {
	case 0:
		out := slices.Clone(o)
		for i := range out {
			out[i].key = strings.ReplaceAll(out[i].key, ".", "_")
		}
		return out
	case 1:
		return nested(o)
	}
	return o
}

// nested puts fields with dots into objects.
func nested(o object) object {
	var out object
	for _, f := range o {
		before, rest, dotted := strings.Cut(f.key, ".")
		if !dotted {
			out = append(out, f)
			continue
		}
		at := slices.IndexFunc(out, func(f field) bool { return f.key == before })
		if at < 0 {
			at = len(out)
			out = append(out, field{before, object(nil)})
		}
		inner, ok := out[at].value.(object)
		if !ok {
			out = append(out, f)
			continue
		}
		out[at].value = append(inner, field{rest, f.value})
	}
	for i := range out {
		if inner, ok := out[i].value.(object); ok {
			out[i].value = nested(inner)
		}
	}
	return out
}

// write writes JSON, with blanks between or not.
func (r *source) write(value any) string {
	blank := of(r, "", "", " ")
	switch v := value.(type) {
	case object:
		var out []string
		for _, f := range v {
			out = append(out, r.quote(f.key)+":"+blank+r.write(f.value))
		}
		return "{" + strings.Join(out, ","+blank) + "}"
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, r.write(one))
		}
		return "[" + strings.Join(out, ","+blank) + "]"
	case number:
		return string(v)
	case string:
		return r.quote(v)
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	panic(fmt.Sprintf("no JSON for %T", value))
}

// quote writes a JSON string, with escapes that are not needed or without.
func (r *source) quote(text string) string {
	quoted, _ := json.Marshal(text)
	out := string(quoted)
	switch r.IntN(6) {
	case 0:
		out = strings.ReplaceAll(out, "/", `\/`)
	case 1:
		out = strings.ReplaceAll(out, ".", `\u002e`)
	}
	return out
}

// flatten makes the columns that Splunk makes of an object: names joined by dots, and
// {} behind a list's.
func (e *event) flatten(path string, value any) {
	switch v := value.(type) {
	case object:
		for _, f := range v {
			name := f.key
			if path != "" {
				name = path + "." + name
			}
			e.flatten(name, f.value)
		}
	case []any:
		for _, one := range v {
			e.flatten(path+"{}", one)
		}
	case nil:
		e.add(path, "null")
	default:
		e.add(path, fmt.Sprint(v))
	}
}

// add puts a value, behind others of the same name.
func (e *event) add(name, text string) {
	for i := range e.cells {
		if e.cells[i].name == name {
			e.cells[i].values = append(e.cells[i].values, text)
			return
		}
	}
	e.put(name, text)
}

func sorted(of map[string]string) []string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// parseSeconds reads what seconds wrote.
func parseSeconds(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	s, _ := strconv.ParseInt(whole, 10, 64)
	micros, _ := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(s, micros*1000)
}
