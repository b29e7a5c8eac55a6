package chunked_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The page shows the example as it is, which is compiled and tested.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var blocks []string
	for i, part := range strings.Split(string(page), "```") {
		if i%2 == 1 {
			_, block, _ := strings.Cut(part, "\n") // behind the language
			blocks = append(blocks, block)
		}
	}
	files, err := filepath.Glob("example/*")
	require.NoError(t, err)
	require.Len(t, files, len(blocks))
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, blocks, string(text), "README.md shows another %s", file)
	}
}
