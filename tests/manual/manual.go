// Package manual reads the app's manual for the tests that hold it against the
// program: README.md, which people read, and the pages beside it, in which they look
// something up.
//
//	in:   the folder app/
//	out:  its pages, README.md first; their text as one; a table of them, held or renewed
//
// A fact may stand on any page and move to another, so what the manual has to say is
// looked for on all of them.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Page is one file of the manual.
type Page struct {
	Name string // README.md
	Text string
}

// front is the page that links to the others.
const front = "README.md"

// Pages reads the pages in a folder, the front page first.
func Pages(folder string) ([]Page, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return nil, fmt.Errorf("list the pages of the manual: %w", err)
	}
	var first, others []Page
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a page of the manual: %w", err)
		}
		page := Page{Name: filepath.Base(file), Text: string(text)}
		if page.Name == front {
			first = append(first, page)
		} else {
			others = append(others, page)
		}
	}
	if len(first) == 0 {
		return nil, fmt.Errorf("read the manual: %s has no %s", folder, front)
	}
	return append(first, others...), nil
}

// Text returns all pages in a folder as one text. An empty line stands between
// them, so that no table of one goes on in the next.
func Text(t *testing.T, folder string) string {
	t.Helper()
	pages, err := Pages(folder)
	require.NoError(t, err)
	var texts []string
	for _, page := range pages {
		texts = append(texts, page.Text)
	}
	return strings.Join(texts, "\n")
}

// Hold compares what stands between two marks of the manual with what the program
// makes of it. With renew it writes it anew, into the page that has the marks.
func Hold(t *testing.T, folder, begin, end, want string, renew bool) {
	t.Helper()
	pages, err := Pages(folder)
	require.NoError(t, err)
	for _, page := range pages {
		before, rest, found := strings.Cut(page.Text, begin)
		if !found {
			continue
		}
		got, after, found := strings.Cut(rest, end)
		require.True(t, found, "%s: %q has no end", page.Name, strings.TrimSpace(begin))
		if renew {
			require.NoError(t, os.WriteFile(filepath.Join(folder, page.Name), []byte(before+begin+want+end+after), 0o644))
			return
		}
		require.Equal(t, want, got, "%s: the test %s with -update writes it anew", page.Name, t.Name())
		return
	}
	require.Fail(t, "no page of the manual has the mark", "%s", begin)
}
