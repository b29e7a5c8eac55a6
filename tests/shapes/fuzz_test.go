package shapes

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

// Every format and wrapper that we know of, as seeds: nothing breaks, and nothing takes
// more time than its size is a reason for, as a file and line by line.
func FuzzShapes(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		s, err := Parse(text)
		require.NoError(f, err)
		f.Add(s.Text)
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		pace.Hold(t, log, func(log []byte) {
			_, err := ReadFile(log)
			require.NoError(t, err)
			ReadLines(log)
		})
	})
}
