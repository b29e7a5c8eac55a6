package splunkhome

import (
	"maps"
	"slices"
	"strings"

	"tordetect/src/chunked"
)

// Conf is what a conf file says, or several laid over each other: stanzas of
// `key = value` lines. It reads as Splunk does, not as a check of style: a line
// that it cannot read is skipped, and the last of two equal keys wins.
type Conf struct {
	Stanzas map[string]map[string]Setting
	Full    bool  // there was more than is kept
	Err     error // why one of its files could not be read; nil also where there is none
	pairs   int
}

// Setting is a value and the file that it comes from.
type Setting struct{ Text, File string }

// GlobalStanza holds what stands in front of the first stanza; Splunk takes that
// for the stanza [default].
const GlobalStanza = "default"

// NewConf is one that says nothing.
func NewConf() *Conf { return &Conf{Stanzas: map[string]map[string]Setting{}} }

// ParseConf reads a file's text. Kept are the keys that keep says yes to (nil:
// all), and the names of all stanzas.
func ParseConf(file, text string, keep func(key string) bool) *Conf {
	c := NewConf()
	stanza := GlobalStanza
	text = strings.TrimPrefix(text, "\ufeff")
	for text != "" && !c.Full {
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
		c.set(stanza, key, Setting{strings.TrimSpace(value), file})
	}
	return c
}

// cutLine takes the first line off a text.
func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// stanza returns a stanza, made if need be; nil if there are too many.
func (c *Conf) stanza(name string) map[string]Setting {
	s := c.Stanzas[name]
	if s == nil {
		if len(c.Stanzas) >= maxStanzas {
			c.Full = true
			return nil
		}
		s = map[string]Setting{}
		c.Stanzas[name] = s
	}
	return s
}

func (c *Conf) set(stanza, key string, value Setting) {
	s := c.stanza(stanza)
	if s == nil {
		return
	}
	if _, have := s[key]; !have {
		if c.pairs >= maxPairs {
			c.Full = true
			return
		}
		c.pairs++
	}
	s[key] = value
}

// Under puts another file under this one: of a key, what is there already counts. So
// it does of the room, too: a large file does not push out what overrules it.
func (c *Conf) Under(other *Conf) {
	for _, name := range slices.Sorted(maps.Keys(other.Stanzas)) {
		have := c.stanza(name)
		for key, value := range other.Stanzas[name] {
			if _, said := have[key]; !said {
				c.set(name, key, value)
			}
		}
	}
	c.Full = c.Full || other.Full
	if c.Err == nil {
		c.Err = other.Err
	}
}

// Has reports whether there is such a stanza.
func (c *Conf) Has(stanza string) bool { return c.Stanzas[stanza] != nil }

// Get returns what a stanza says of a key, or what [default] says.
func (c *Conf) Get(stanza, key string) (Setting, bool) {
	for _, name := range []string{stanza, GlobalStanza} {
		if s, ok := c.Stanzas[name][key]; ok {
			return s, true
		}
	}
	return Setting{}, false
}

// Text is Get without the file; "" if nothing is said.
func (c *Conf) Text(stanza, key string) string {
	s, _ := c.Get(stanza, key)
	return s.Text
}

// Is reads a boolean as Splunk does; what is none, or not there, is otherwise.
func (c *Conf) Is(stanza, key string, otherwise bool) bool {
	if value, ok := chunked.Bool(c.Text(stanza, key)); ok {
		return value
	}
	return otherwise
}

// Names are the names of a conf's stanzas but [default], sorted.
func (c *Conf) Names() []string {
	var names []string
	for name := range c.Stanzas {
		if name != GlobalStanza {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const (
	// MaxConf is for one conf file, in bytes. Enterprise Security Content Update has
	// the largest one known, with some 2,000 searches in 15 MB.
	MaxConf = 64 << 20
	// maxStanzas and maxPairs bound what is kept of one: those 2,000 searches have
	// 45 keys each.
	maxStanzas = 50_000
	maxPairs   = 1_000_000
)
