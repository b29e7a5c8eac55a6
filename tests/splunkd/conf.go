package splunkd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Conf is one of Splunk's configuration files: stanzas of `key = value` lines, a value continued on the next line by a
// backslash at the end of the line. Stanzas and keys keep the order of the file.
//
// Splunk itself is lenient: it drops what it cannot read and lets the last of two equal keys win. Conf is strict, because
// each of these is a mistake in a file that we wrote: a line that is neither stanza, comment nor `key = value`, a stanza
// or a key that comes twice, a blank behind a continuation backslash.
type Conf struct {
	names   []string
	stanzas map[string]*stanza
}

type stanza struct {
	keys   []string
	values map[string]string
}

// defaultStanza is the stanza whose keys every other stanza of its file has unless it sets them itself.
const defaultStanza = "default"

// ParseConf reads one file. name is used in errors only.
func ParseConf(name, text string) (*Conf, error) {
	c := &Conf{stanzas: map[string]*stanza{}}
	var current *stanza
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, at := lines[i], i+1
		fail := func(why string) (*Conf, error) { return nil, fmt.Errorf("%s:%d: %s: %q", name, at, why, line) }
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.Contains(line, "\r"):
			return fail("carriage return")
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			continue
		case strings.HasPrefix(trimmed, "["):
			if !strings.HasSuffix(trimmed, "]") {
				return fail("stanza without closing bracket")
			}
			stanzaName := trimmed[1 : len(trimmed)-1]
			if _, twice := c.stanzas[stanzaName]; twice {
				return fail("stanza comes twice")
			}
			current = c.stanza(stanzaName)
			continue
		}
		key, value, isPair := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimLeft(value, " \t")
		if !isPair || key == "" {
			return fail("neither stanza, comment nor key = value")
		}
		if current == nil {
			return fail("key before the first stanza")
		}
		if _, twice := current.values[key]; twice {
			return fail("key comes twice in its stanza")
		}
		for {
			if bare := strings.TrimRight(value, " \t"); bare != value && strings.HasSuffix(bare, `\`) {
				return fail("blank behind a continuation backslash")
			}
			if !strings.HasSuffix(value, `\`) {
				break
			}
			if i+1 >= len(lines) {
				return fail("continuation at the end of the file")
			}
			i++
			value = strings.TrimRight(strings.TrimSuffix(value, `\`), " \t") + "\n" + lines[i]
		}
		current.set(key, strings.TrimSpace(value))
	}
	return c, nil
}

// readConf reads default/<name>.conf of an app and lays local/<name>.conf over it, key by key. A file that does not
// exist has no stanzas.
func readConf(appDir, name string) (*Conf, error) {
	layered := &Conf{stanzas: map[string]*stanza{}}
	for _, layer := range []string{"default", "local"} {
		file := filepath.Join(appDir, layer, name+".conf")
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		conf, err := ParseConf(filepath.Join(layer, name+".conf"), string(text))
		if err != nil {
			return nil, err
		}
		for _, stanzaName := range conf.names {
			over := conf.stanzas[stanzaName]
			for _, key := range over.keys {
				layered.stanza(stanzaName).set(key, over.values[key])
			}
			layered.stanza(stanzaName)
		}
	}
	return layered, nil
}

// Stanzas returns the names of all stanzas but [default], in the order of the file.
func (c *Conf) Stanzas() []string {
	var names []string
	for _, name := range c.names {
		if name != defaultStanza {
			names = append(names, name)
		}
	}
	return names
}

// Has says whether a stanza exists.
func (c *Conf) Has(stanzaName string) bool { return c.stanzas[stanzaName] != nil }

// Keys returns the keys that a stanza sets itself, in the order of the file.
func (c *Conf) Keys(stanzaName string) []string {
	if s := c.stanzas[stanzaName]; s != nil {
		return append([]string(nil), s.keys...)
	}
	return nil
}

// Get returns a value of a stanza, or of [default] where the stanza does not set it.
func (c *Conf) Get(stanzaName, key string) (string, bool) {
	for _, name := range []string{stanzaName, defaultStanza} {
		if s := c.stanzas[name]; s != nil {
			if value, ok := s.values[key]; ok {
				return value, true
			}
		}
	}
	return "", false
}

func (c *Conf) stanza(name string) *stanza {
	s := c.stanzas[name]
	if s == nil {
		s = &stanza{values: map[string]string{}}
		c.stanzas[name] = s
		c.names = append(c.names, name)
	}
	return s
}

func (s *stanza) set(key, value string) {
	if _, ok := s.values[key]; !ok {
		s.keys = append(s.keys, key)
	}
	s.values[key] = value
}

// confBool reads a boolean as Splunk's conf files take it.
func confBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "t", "yes", "y":
		return true, true
	case "0", "false", "f", "no", "n":
		return false, true
	}
	return false, false
}
