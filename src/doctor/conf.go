package doctor

import (
	"strings"
)

// conf is what a conf file says, or several laid over each other: stanzas of
// `key = value` lines. It reads as Splunk does, not as a check of style: a line
// that it cannot read is skipped, and the last of two equal keys wins.
type conf struct {
	stanzas map[string]map[string]setting
	pairs   int
	full    bool // there was more than is kept
}

// setting is a value and the file that it comes from.
type setting struct{ text, file string }

// globalStanza holds what stands in front of the first stanza; Splunk takes that
// for the stanza [default].
const globalStanza = "default"

func newConf() *conf { return &conf{stanzas: map[string]map[string]setting{}} }

// parseConf reads a file's text. Kept are the keys that keep says yes to (nil:
// all), and the names of all stanzas.
func parseConf(file, text string, keep func(key string) bool) *conf {
	c := newConf()
	stanza := globalStanza
	text = strings.TrimPrefix(text, "\ufeff")
	for text != "" && !c.full {
		var line string
		line, text = cutLine(text)
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if trimmed[0] == '[' {
			// Up to the last bracket: a stanza's name may hold some.
			if end := strings.LastIndexByte(trimmed, ']'); end > 0 {
				stanza = trimmed[1:end]
				c.stanza(stanza)
			}
			continue
		}
		key, value, isPair := strings.Cut(line, "=")
		var rest []string
		for strings.HasSuffix(value, `\`) && text != "" {
			rest = append(rest, value[:len(value)-1])
			value, text = cutLine(text)
		}
		if key = strings.TrimSpace(key); !isPair || key == "" || keep != nil && !keep(key) {
			continue
		}
		if rest != nil {
			value = strings.Join(append(rest, value), "\n")
		}
		c.set(stanza, key, setting{strings.TrimSpace(value), file})
	}
	return c
}

// cutLine takes the first line off a text.
func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// stanza returns a stanza, made if need be; nil if there are too many.
func (c *conf) stanza(name string) map[string]setting {
	s := c.stanzas[name]
	if s == nil {
		if len(c.stanzas) >= maxStanzas {
			c.full = true
			return nil
		}
		s = map[string]setting{}
		c.stanzas[name] = s
	}
	return s
}

func (c *conf) set(stanza, key string, value setting) {
	s := c.stanza(stanza)
	if s == nil {
		return
	}
	if _, have := s[key]; !have {
		if c.pairs >= maxPairs {
			c.full = true
			return
		}
		c.pairs++
	}
	s[key] = value
}

// lay puts another file over this one, key by key.
func (c *conf) lay(over *conf) {
	for name, pairs := range over.stanzas {
		c.stanza(name)
		for key, value := range pairs {
			c.set(name, key, value)
		}
	}
	c.full = c.full || over.full
}

// has reports whether there is such a stanza.
func (c *conf) has(stanza string) bool { return c.stanzas[stanza] != nil }

// get returns what a stanza says of a key, or what [default] says.
func (c *conf) get(stanza, key string) (setting, bool) {
	for _, name := range []string{stanza, globalStanza} {
		if s, ok := c.stanzas[name][key]; ok {
			return s, true
		}
	}
	return setting{}, false
}

// text is get without the file; "" if nothing is said.
func (c *conf) text(stanza, key string) string {
	s, _ := c.get(stanza, key)
	return s.text
}

// is reads a boolean as Splunk does; what is none, or not there, is otherwise.
func (c *conf) is(stanza, key string, otherwise bool) bool {
	switch strings.ToLower(c.text(stanza, key)) {
	case "1", "true", "t", "yes", "y":
		return true
	case "0", "false", "f", "no", "n":
		return false
	}
	return otherwise
}
