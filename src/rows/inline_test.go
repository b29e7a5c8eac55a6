package rows

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is called once a word, a block or a cell must cost no call.
func TestInlining(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("skipped: no go command to ask what it inlines")
	}
	out, err := exec.Command(goTool, "build", "-gcflags=-m", ".").CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range []string{
		"find",
		"(*Scanner).Row", "(*Scanner).Cell", "(*Scanner).Number",
		"part.of", "appendRowEnd", "isBare",
		"(*List).Reset", "(*List).Add", "(*List).AddString", "(*List).Len", "(*List).Value",
	} {
		require.Contains(t, string(out), "can inline "+name+"\n")
	}
}
