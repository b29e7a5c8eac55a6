package contentctl

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tordetect/tests/splunkd"
)

// Difference is a value that our conf file and the built one do not share. A key in a
// value of JSON stands behind a slash.
type Difference struct{ Stanza, Key, Ours, Theirs string }

// Absent stands for a value where the key is missing, and for a stanza where that is.
const Absent = "(absent)"

// StanzaKey is the key under which the name of a stanza is compared.
const StanzaKey = "(stanza)"

// Compare tells what two conf files do not share, by stanza and key. A stanza of theirs
// has our name with the label in front.
func Compare(ours, theirs *splunkd.Conf) []Difference {
	var found []Difference
	a, b := flatten(ours), flatten(theirs)
	for _, stanza := range both(a, b) {
		switch {
		case b[stanza] == nil:
			found = append(found, Difference{stanza, StanzaKey, a[stanza][StanzaKey], Absent})
			continue
		case a[stanza] == nil:
			found = append(found, Difference{stanza, StanzaKey, Absent, b[stanza][StanzaKey]})
			continue
		}
		for _, key := range both(a[stanza], b[stanza]) {
			x, inOurs := a[stanza][key]
			y, inTheirs := b[stanza][key]
			if !inOurs {
				x = Absent
			}
			if !inTheirs {
				y = Absent
			}
			if x != y {
				found = append(found, Difference{stanza, key, x, y})
			}
		}
	}
	return found
}

func both[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// flatten gives each value of a conf file its path.
func flatten(conf *splunkd.Conf) map[string]map[string]string {
	flat := map[string]map[string]string{}
	stanzas := conf.Stanzas()
	if conf.Has("default") {
		stanzas = append(stanzas, "default")
	}
	for _, stanza := range stanzas {
		values := map[string]string{StanzaKey: bare(stanza)}
		for _, key := range conf.Keys(stanza) {
			text, _ := conf.Get(stanza, key)
			flattenValue(values, key, text)
		}
		flat[plain(stanza)] = values
	}
	return flat
}

// bare is the name of a stanza without its kind.
func bare(stanza string) string {
	if _, name, ok := strings.Cut(stanza, "://"); ok {
		return name
	}
	return stanza
}

// plain is a stanza without what contentctl adds to the name of a search.
func plain(stanza string) string {
	name := bare(stanza)
	ours, ok := strings.CutPrefix(name, Label+" - ")
	if ok {
		ours = strings.TrimSuffix(ours, " - Rule")
	}
	return strings.TrimSuffix(stanza, name) + ours
}

func flattenValue(into map[string]string, key, text string) {
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		var value any
		read := json.NewDecoder(strings.NewReader(text))
		read.UseNumber()
		if read.Decode(&value) == nil && !read.More() {
			flattenJSON(into, key, value)
			return
		}
	}
	into[key] = text
}

// flattenJSON gives each leaf its path. What a list holds has its name in the path where
// it has one, and else its number; where it holds no objects it is one leaf, sorted, as
// the order of such a list says nothing.
func flattenJSON(into map[string]string, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			flattenJSON(into, key+"/"+name, inner)
		}
		if len(v) == 0 {
			into[key] = "{}"
		}
	case []any:
		var leaves []string
		for i, inner := range v {
			if _, ok := inner.(map[string]any); ok {
				flattenJSON(into, key+"/"+nameOf(inner.(map[string]any), i), inner)
				continue
			}
			text, _ := json.Marshal(inner)
			leaves = append(leaves, string(text))
		}
		if leaves != nil || len(v) == 0 {
			slices.Sort(leaves)
			into[key] = "[" + strings.Join(leaves, ", ") + "]"
		}
	case string:
		into[key] = v
	default:
		text, _ := json.Marshal(v)
		into[key] = string(text)
	}
}

// nameOf is what tells the objects of a list apart: drilldowns by name, risks by field.
func nameOf(o map[string]any, i int) string {
	for _, key := range []string{"name", "risk_object_field", "threat_object_field"} {
		if name, ok := o[key].(string); ok {
			return name
		}
	}
	return strconv.Itoa(i)
}
