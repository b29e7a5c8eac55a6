package shapes

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/manual"
)

var update = flag.Bool("update", false, "renew the readings in testdata and the tables of the manual")

// load reads all shapes, in the order of their files' names.
func load(t *testing.T) (names []string, shapes []*Shape) {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		s, err := Parse(text)
		require.NoError(t, err, name)
		shapes = append(shapes, s)
	}
	return names, shapes
}

func TestShapes(t *testing.T) {
	names, shapes := load(t)
	for i, s := range shapes {
		t.Run(strings.TrimSuffix(filepath.Base(names[i]), ".txtar"), func(t *testing.T) {
			got, err := ReadFile(s.Text)
			require.NoError(t, err)
			if *update {
				renew(t, names[i], got)
				s.Read = got
			}
			require.Equal(t, s.Read, got, "as a file")
			if !s.FileOnly {
				require.Equal(t, Flows(s.Read), ReadLines(s.Text), "line by line, as a search reads _raw")
			}
		})
	}
}

// renew writes a shape's file with another reading.
func renew(t *testing.T, name, reading string) {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	before, _, found := strings.Cut(string(text), "-- read --\n")
	require.True(t, found)
	require.NoError(t, os.WriteFile(name, []byte(before+"-- read --\n"+reading), 0o644))
}

// The manual's tables of what is read are made of the shapes.
func TestManual(t *testing.T) {
	_, shapes := load(t)
	manual.Hold(t, "../../app", "<!-- logs -->\n", "<!-- end of logs -->\n", Tables(shapes), *update)
}

func TestParse(t *testing.T) {
	head := "product: a\nversions: b\nlog: c\nform: d\ndoc: e\n"
	for name, text := range map[string]string{
		"it has no line":     "product: a\n-- log --\n-- read --\n",
		"is none of its":     head + "colour: blue\n-- log --\n-- read --\n",
		"want the files log": head + "-- log --\n",
	} {
		_, err := Parse([]byte(text))
		require.ErrorContains(t, err, name)
	}
	s, err := Parse([]byte(head + "way: file\n-- log --\nx\n-- read --\n"))
	require.NoError(t, err)
	require.True(t, s.FileOnly)
	require.False(t, s.IsRead())
}
