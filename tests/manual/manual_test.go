package manual

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPages(t *testing.T) {
	folder := t.TempDir()
	_, err := Pages(folder)
	require.ErrorContains(t, err, "has no README.md")
	for name, text := range map[string]string{"README.md": "# R\n", "Aa.md": "# A\n<!-- x -->\nold\n<!-- end of x -->\n", "b.md": "# B\n", "LICENSE": "L\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	require.Equal(t, "# R\n\n# A\n<!-- x -->\nold\n<!-- end of x -->\n\n# B\n", Text(t, folder))

	Hold(t, folder, "<!-- x -->\n", "<!-- end of x -->\n", "old\n", false)
	Hold(t, folder, "<!-- x -->\n", "<!-- end of x -->\n", "new\n", true)
	Hold(t, folder, "<!-- x -->\n", "<!-- end of x -->\n", "new\n", false)
}
