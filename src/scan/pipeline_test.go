package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pieces are taken in the order in which they were read, however long each takes.
func TestPipelineOrder(t *testing.T) {
	next, taken := 0, 0
	p := pipeline[int]{
		read: func(n *int) bool { next++; *n = next; return next <= 100 },
		take: func(n *int) error { taken++; require.Equal(t, -taken, *n); return nil },
	}
	for range 4 {
		p.work = append(p.work, func(n *int) {
			time.Sleep(time.Duration(*n%5) * time.Millisecond)
			*n = -*n
		})
	}
	require.NoError(t, p.run(t.Context()))
	require.Equal(t, 100, taken)

	next, taken = 0, 0
	gone := errors.New("gone")
	p.take = func(*int) error { taken++; return gone }
	require.Equal(t, gone, p.run(t.Context()))
	require.Equal(t, 1, taken)
	require.LessOrEqual(t, next, len(p.all)+1, "not read further")
}

// waits is a stream of which nothing comes behind its beginning.
type waits struct {
	io.Reader
	never chan struct{}
}

func (w waits) Read(p []byte) (int, error) {
	if n, err := w.Reader.Read(p); err == nil {
		return n, nil
	}
	<-w.never
	return 0, io.EOF
}

type quietProgress struct{}

func (quietProgress) Begin(string)                {}
func (quietProgress) Count(f io.Reader) io.Reader { return f }

// A run that is cancelled ends within a second, also while it waits for more.
func TestCancel(t *testing.T) {
	line := `{"timestamp":"2026-11-20T10:00:00.0+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"198.51.100.7","dest_port":9001}` + "\n"
	never := make(chan struct{})
	defer close(never)
	for name, src := range map[string]io.Reader{
		"waits":   waits{bytes.NewReader([]byte(strings.Repeat(line, 5000))), never},
		"endless": endlessly(line),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		begun := time.Now()
		_, err := Run(ctx, &Options{Files: []string{"-"}, Format: "auto", Relays: "none.csv", Join: true}, src, quietProgress{}, func(*Flow) error { return nil })
		require.ErrorIs(t, err, context.Canceled, name)
		require.Less(t, time.Since(begun), time.Second, name)
	}
}

type endlessly string

func (e endlessly) Read(p []byte) (int, error) {
	return copy(p, e), nil
}
