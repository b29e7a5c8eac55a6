package command

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
)

// shared returns the path of a file of real data that lies beside the project
// and not in it.
func shared(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("REQUIRE_SHARED=1, but there is no ../shared/data/%s", name)
		}
		t.Skipf("skipped: no ../shared/data/%s", name)
	}
	return path
}

// recordedBody is the body of the execute chunk that splunkd sent to
// countmatches (6.3, 2015): 500 rows, 48 of them with newlines in quotes.
func recordedBody(t *testing.T) string {
	t.Helper()
	f, err := os.Open(shared(t, "recordings/countmatches.input.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	frames := chunked.NewReader(z)
	_, _, err = frames.Next()
	require.NoError(t, err)
	_, body, err := frames.Next()
	require.NoError(t, err)
	require.Len(t, body, 48108)
	return string(body)
}
