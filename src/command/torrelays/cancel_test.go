package torrelays

import (
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
)

// An update that waits for a source which says nothing ends with its search: when
// splunkd has closed both pipes.
func TestUpdateEndsWithItsSearch(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: only Linux tells of a reader that is gone")
	}
	asked := make(chan struct{}, 100)
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-over
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(over) })

	stdin, requests, err := os.Pipe()
	require.NoError(t, err)
	replies, stdout, err := os.Pipe()
	require.NoError(t, err)
	done := make(chan error)
	app := App{Lookups: t.TempDir(), Now: clockAt(0)}
	go func() { done <- chunked.Serve(stdin, stdout, app.Command("torupdate")) }()
	text := chunked.AppendFrame(nil, []byte(`{"action":"getinfo","searchinfo":{"args":["source=dir+`+silent.URL+`"]}}`), nil)
	text = chunked.AppendFrame(text, []byte(`{"action":"execute","finished":true}`), nil)
	_, err = requests.Write(text)
	require.NoError(t, err)
	<-asked

	closed := time.Now()
	require.NoError(t, requests.Close())
	require.NoError(t, replies.Close())
	select {
	case err := <-done:
		require.NoError(t, err, "a search that was cancelled is no error")
		require.Less(t, time.Since(closed), time.Second)
	case <-time.After(5 * time.Second):
		require.Fail(t, "it still waits for the source")
	}
}
