package html

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/report"
	"tordetect/src/scan"
)

// noon is in the middle of what the tables list; the scans are a month later.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// silent is told of progress and says nothing.
type silent struct{}

func (silent) Begin(string)                {}
func (silent) Count(f io.Reader) io.Reader { return f }

// scanInto scans files by a relay table.
func scanInto(t testing.TB, out report.Report, relays string, least int, files ...string) {
	t.Helper()
	o := &scan.Options{Files: files, Format: "auto", Zone: time.UTC, Relays: relays, MinScore: least, Version: "dev", Now: noon.Add(30 * 24 * time.Hour)}
	require.NoError(t, o.Check())
	s, err := scan.Run(t.Context(), o, strings.NewReader(""), silent{}, out.Add)
	require.NoError(t, err)
	require.NoError(t, out.Finish(s))
}

// scanPage scans into a page, and returns it and its text.
func scanPage(t testing.TB, relays string, least int, files ...string) (*node, string) {
	t.Helper()
	var out bytes.Buffer
	scanInto(t, New(&out), relays, least, files...)
	return parsePage(t, out.String()), out.String()
}

func write(t testing.TB, folder, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
}

// node is an element of a page. The page is written so that a reader of XML takes
// it: what does not nest or is not escaped is an error.
type node struct {
	name     string
	attrs    map[string]string
	text     string // of it and of all within, in order
	children []*node
}

// parsePage reads a page.
func parsePage(t testing.TB, text string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	root := &node{}
	var all strings.Builder
	starts := map[*node]int{}
	stack := []*node{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			require.Len(t, stack, 1)
			return root
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				require.NotContains(t, n.attrs, a.Name.Local)
				n.attrs[a.Name.Local] = a.Value
			}
			top := stack[len(stack)-1]
			top.children = append(top.children, n)
			stack = append(stack, n)
			starts[n] = all.Len()
		case xml.EndElement:
			n := stack[len(stack)-1]
			n.text = all.String()[starts[n]:]
			stack = stack[:len(stack)-1]
		case xml.CharData:
			all.Write(token)
		}
	}
}

// all returns the elements of a name, in order; those of any name for "".
func (n *node) all(name string) []*node {
	var out []*node
	for _, c := range n.children {
		if name == "" || c.name == name {
			out = append(out, c)
		}
		out = append(out, c.all(name)...)
	}
	return out
}

// id returns the element with an id, nil if there is none.
func (n *node) id(id string) *node {
	for _, c := range n.all("") {
		if c.attrs["id"] == id {
			return c
		}
	}
	return nil
}

// value is the text of a cell as a program would want it: numbers without the
// blanks, sizes in bytes, lines with a blank between them.
func (n *node) value() string {
	var parts []string
	for _, c := range n.children {
		if c.attrs["class"] == "line" || c.name == "data" {
			parts = append(parts, c.value())
		}
	}
	switch {
	case n.name == "data":
		return n.attrs["value"]
	case len(parts) > 0 && n.attrs["class"] != "line":
		return strings.Join(parts, " ")
	case len(parts) == 1:
		return parts[0]
	}
	return strings.ReplaceAll(strings.TrimSpace(n.text), "\u202f", "")
}

// rows returns the rows of a table's body by the labels of their cells.
func (n *node) rows(t testing.TB, id string) []map[string]string {
	t.Helper()
	table := n.id(id)
	if table == nil {
		return nil
	}
	var out []map[string]string
	for _, tr := range table.all("tbody")[0].all("tr") {
		row := map[string]string{}
		for _, cell := range tr.children {
			row[cell.attrs["data-label"]] = cell.value()
		}
		require.Len(t, row, len(tr.children))
		out = append(out, row)
	}
	return out
}

// checkPage checks what holds for each page: it needs nothing from elsewhere, its
// links and labels lead somewhere, and those who listen to it find their way.
func checkPage(t testing.TB, page *node) {
	t.Helper()
	ids, refs := map[string]bool{}, []string{}
	last := 0
	for _, n := range page.all("") {
		switch n.name {
		case "script", "iframe", "object", "embed", "img", "form", "base", "foreignObject", "use", "image":
			t.Errorf("the page has an element %s", n.name)
		case "table":
			require.Equal(t, "caption", n.children[0].name)
			head := n.all("thead")[0].all("tr")
			require.Len(t, head, 1)
			for _, th := range head[0].children {
				require.Equal(t, "th", th.name)
				require.Equal(t, "col", th.attrs["scope"])
				require.NotEmpty(t, th.text)
			}
			for _, tr := range n.all("tbody")[0].all("tr") {
				require.Len(t, tr.children, len(head[0].children), "cells of a row of %s", n.attrs["id"])
				named := 0
				for _, cell := range tr.children {
					if cell.name == "th" {
						require.Equal(t, "row", cell.attrs["scope"])
						named++
					}
					if n.attrs["class"] == "stack" {
						require.NotEmpty(t, cell.attrs["data-label"], "what a phone shows beside the cell")
					}
				}
				require.Equal(t, 1, named)
			}
		case "svg":
			if n.attrs["aria-hidden"] == "true" { // the times of the axis, which its figures have
				require.NotEmpty(t, n.text)
				break
			}
			require.Equal(t, "img", n.attrs["role"])
			require.Equal(t, []string{"title", "desc"}, []string{n.children[0].name, n.children[1].name})
			require.NotEmpty(t, n.children[1].text)
		case "h1", "h2", "h3":
			level := int(n.name[1] - '0')
			require.LessOrEqual(t, level, last+1, "%s %q leaves out a level", n.name, n.text)
			last = level
		case "a":
			require.True(t, strings.HasPrefix(n.attrs["href"], "#"), n.attrs["href"])
			refs = append(refs, n.attrs["href"][1:])
		}
		if n.attrs["role"] == "region" {
			require.NotEmpty(t, n.attrs["aria-label"])
			require.Equal(t, "0", n.attrs["tabindex"], "a box that scrolls is reached by keys")
		}
		for name, value := range n.attrs {
			require.False(t, strings.HasPrefix(strings.ToLower(name), "on") || name == "style" || name == "srcdoc", "attribute %s", name)
			if name == "src" || name == "href" {
				require.True(t, value == "data:," || strings.HasPrefix(value, "#"), value)
			}
		}
		if id := n.attrs["id"]; id != "" {
			require.False(t, ids[id], "id %s twice", id)
			ids[id] = true
		}
		refs = append(refs, strings.Fields(n.attrs["aria-labelledby"])...)
	}
	for _, ref := range refs {
		require.True(t, ids[ref], "nothing has the id %q", ref)
	}
	require.Len(t, page.all("h1"), 1)
	require.Len(t, page.all("section"), 9)
	require.Equal(t, "en", page.all("html")[0].attrs["lang"])

	// The browser refuses all but this style.
	require.Len(t, page.all("style"), 1)
	style := page.all("style")[0].text
	require.NotContains(t, style, "url(")
	require.NotContains(t, style, "@import")
	sum := sha256.Sum256([]byte(style))
	policy := ""
	for _, meta := range page.all("meta") {
		if meta.attrs["http-equiv"] == "Content-Security-Policy" {
			policy = meta.attrs["content"]
		}
	}
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; img-src data:; base-uri 'none'; form-action 'none'", policy)
}
