package splunkhome

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

// plain is a conf as stanza/key = value lines, for comparing.
func plain(c *Conf) map[string]string {
	all := map[string]string{}
	for _, stanza := range append(c.Names(), GlobalStanza) {
		for key, value := range c.Stanzas[stanza] {
			all[stanza+"/"+key] = value.Text
		}
	}
	return all
}

// Conf files as Splunk takes them, well written and not.
func TestParseConf(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                                  {},
		"[a]\nx = 1\ny=2\n":                 {"a/x": "1", "a/y": "2"},
		"\ufeff[a]\r\nx = 1 \r\n":           {"a/x": "1"},
		"x = 1\n[a]\nx = 2":                 {"default/x": "1", "a/x": "2"},
		"[a]\n# x = 1\n  # y\n\nz = # 1":    {"a/z": "# 1"},
		"[a]\nx = one \\\n  two\\\nthree":   {"a/x": "one \n  two\nthree"},
		"[a]\r\nx = one\\\r\ntwo\r\n":       {"a/x": "one\ntwo"},
		"[a]\nx = one \\":                   {"a/x": `one \`},
		"[a]\nx = 1\nx = 2":                 {"a/x": "2"},
		"[a]\nx = 1\n[b]\n[a]\ny = 2":       {"a/x": "1", "a/y": "2"},
		"[a]\nnonsense\n= 1\nx = a=b":       {"a/x": "a=b"},
		"[macro(1)]\nx=1\n[a[0]]\ny=2":      {"macro(1)/x": "1", "a[0]/y": "2"},
		"[open\nx = 1":                      {"default/x": "1"},
		" [a] # why\n\tx\t=\t1\t":           {"a/x": "1"},
		"[a]\nx = [b]\n":                    {"a/x": "[b]"},
		"[a]\nskip = \\\n[b]\\\ny = 1\nz=3": {"a/skip": "[b]\ny = 1", "a/z": "3"},
	} {
		require.Equal(t, want, plain(ParseConf("f", text, nil)), "%q", text)
	}
	// What is not kept takes its continued lines along.
	c := ParseConf("f", "[a]\nskip = \\\n[b]\\\ny = 1\nz=3", func(key string) bool { return key == "z" })
	require.Equal(t, map[string]string{"a/z": "3"}, plain(c))
}

// local/ over default/, [default] under all, and whose word counts.
func TestLayers(t *testing.T) {
	c := ParseConf("local/x.conf", "[a]\ny = 2\n[b]\n", nil)
	c.Under(ParseConf("default/x.conf", "[default]\nall = d\n[a]\nx = 1\ny = 1\n", nil))
	require.Equal(t, Setting{"1", "default/x.conf"}, c.Stanzas["a"]["x"])
	require.Equal(t, Setting{"2", "local/x.conf"}, c.Stanzas["a"]["y"])
	require.Equal(t, "d", c.Text("b", "all"))
	require.True(t, c.Has("b"))
	require.False(t, c.Has("c"))
	_, ok := c.Get("b", "x")
	require.False(t, ok)
	for text, want := range map[string]bool{"1": true, "T": true, "yes": true, "0": false, "No": false, "f": false, "": true, "maybe": true} {
		require.Equal(t, want, ParseConf("", "[a]\nx = "+text, nil).Is("a", "x", true), text)
	}
}

// Files without end cost no memory without end.
func TestConfBounds(t *testing.T) {
	var b strings.Builder
	for i := range maxStanzas + 10 {
		fmt.Fprintf(&b, "[s%d]\n", i)
	}
	c := ParseConf("f", b.String(), nil)
	require.True(t, c.Full)
	require.Len(t, c.Stanzas, maxStanzas)
	b.Reset()
	for i := range maxPairs + 10 {
		fmt.Fprintf(&b, "%x=\n", i)
	}
	c = ParseConf("f", b.String(), nil)
	require.True(t, c.Full)
	require.Equal(t, maxPairs, c.pairs)
}

// What counts first has the room first, whatever stands under it.
func TestUnderBounds(t *testing.T) {
	many := NewConf()
	for i := range maxStanzas {
		many.stanza(fmt.Sprint(i))
	}
	c := ParseConf("f", "[s]\nx = 1\n", nil)
	c.Under(many)
	require.True(t, c.Full)
	require.Len(t, c.Stanzas, maxStanzas)
	require.Equal(t, "1", c.Text("s", "x"))
	c = NewConf()
	c.Under(many)
	require.False(t, c.Full)

	pairs := NewConf()
	for i := range maxPairs {
		pairs.set("s", fmt.Sprint(i), Setting{})
	}
	c = ParseConf("f", "[t]\nx = 1\n[s]\n0 = 2\n", nil)
	c.Under(pairs)
	require.True(t, c.Full)
	require.Equal(t, maxPairs, c.pairs)
	require.Equal(t, "1", c.Text("t", "x"))
	require.Equal(t, "2", c.Text("s", "0"))

	// The first reason stays.
	first, second := errors.New("first"), errors.New("second")
	c = NewConf()
	c.Under(&Conf{Err: first})
	c.Under(&Conf{Err: second})
	require.Equal(t, first, c.Err)
}

// Whatever a file holds: no panic, within the bounds, and read twice it says the
// same.
func FuzzParseConf(f *testing.F) {
	for _, seed := range []string{"[a]\nx = 1\n", "x = \\\ny\n[a", "\ufeff[a]\r\nx=\\\r\n", "[]\n=\n[default]\nk=v", "[a]\nx=1\\", "#\\\n[b]\n\\=\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pace.Hold(t, []byte(text), func(text []byte) { ParseConf("f", string(text), nil) })
		c := ParseConf("f", text, nil)
		require.Equal(t, plain(c), plain(ParseConf("f", text, nil)))
		pairs := 0
		for name, keys := range c.Stanzas {
			require.NotContains(t, name, "\n")
			for key, value := range keys {
				require.NotEmpty(t, strings.TrimSpace(key))
				require.NotContains(t, key, "\n")
				require.LessOrEqual(t, len(value.Text), len(text))
				pairs++
			}
		}
		require.Equal(t, c.pairs, pairs)
		top := NewConf()
		top.Under(c)
		require.Equal(t, plain(c), plain(top))
	})
}
