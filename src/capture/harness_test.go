package capture

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/hellos"
)

func seg(seq uint32, payload []byte, flags string) hellos.Segment {
	return hellos.Segment{Seq: seq, Payload: payload, Flags: flags}
}

// read reads a capture that must be one.
func read(t testing.TB, file []byte) ([]Hello, Summary) {
	t.Helper()
	var out []Hello
	s, err := Read(bytes.NewReader(file), func(h *Hello) error {
		out = append(out, *h)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, int64(len(out)), s.Hellos)
	return out, s
}
