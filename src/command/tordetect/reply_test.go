package tordetect

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
)

// The first rows tell how large a reply will be, so that it is not copied from
// buffer to buffer.
func TestReplyIsGuessed(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
	search := New(folder, time.Now)
	_, err := search.Getinfo(&chunked.Info{})
	require.NoError(t, err)
	body := []byte("src_ip,dest_ip,dest_port,_time\n")
	for i := range 40_000 {
		body = fmt.Appendf(body, "10.0.0.1,203.0.113.%d,443,%s\n", i%250, epoch(12))
	}
	execute := func() (reply, allocated int) {
		chunk := chunked.Chunk{Size: len(body), Reply: make([]byte, 0, 1<<20)} // what Serve begins with
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.NoError(t, search.Execute(context.Background(), &chunk, bytes.NewReader(body)))
		runtime.ReadMemStats(&after)
		return len(chunk.Reply), int(after.TotalAlloc - before.TotalAlloc)
	}
	execute()
	reply, allocated := execute()
	require.Greater(t, reply, 3<<20)
	require.Less(t, allocated, reply*3/2)
}
