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

	"tordetect/src/flow"
	"tordetect/src/logfile"
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

// Where devices write in turns, a batch that was begun with another one in mind stands
// as it was read, and where more is not the same it is read again.
func TestBatchOfAnotherDevice(t *testing.T) {
	const (
		eve  = `{"event_type":"flow","src_ip":"10.0.0.5","dest_ip":"203.0.113.9","dest_port":443}` + "\n"
		aws  = "2 123456789012 eni-1 10.0.0.5 203.0.113.9 50000 443 6 14 1940 1795169730 1795169790 ACCEPT OK\n"
		head = "version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
	)
	o := &Options{Format: "auto", Relays: "none.csv"}
	r, err := newRun(o, newCounter(o, nil))
	require.NoError(t, err)
	read := func(text string, k *known) *batch {
		b := &batch{file: "x"}
		require.NoError(t, r.log.ReadBlocks("x", strings.NewReader(text), nil, func(blocks logfile.Blocks) error {
			require.True(t, blocks.Next(&b.block, 1<<10))
			return nil
		}))
		r.again.read(b, k, logfile.Place{})
		require.Nil(t, b.stopped)
		return b
	}
	r.network.At(flow.Interval{From: 1795169730, To: 1795169730}, true)
	knows := func(text string) *known {
		b := read(text, &known{network: r.network.Fixed()})
		return &known{state: b.end, network: b.with.network}
	}
	ofEve, ofFlows, ofHead := knows(eve), knows(aws), knows(head)
	ofFlows.network, ofHead.network = ofEve.network, ofEve.network
	require.False(t, ofEve.state.Equal(&ofFlows.state))
	b := read("\nno event\n"+aws+eve, ofEve)
	require.True(t, r.again.isSame(b, ofEve))
	require.True(t, r.again.isSame(b, ofFlows))
	require.False(t, r.again.isSame(b, ofHead), "the fields of a flow log were named")
	require.False(t, r.again.isSame(b, &known{state: ofEve.state}), "another list")
	require.False(t, r.again.isSame(read("no event\n", ofEve), ofFlows), "nothing shows it")
}

// Whoever read ahead for nothing waits longer the next time.
func TestPatience(t *testing.T) {
	r := run{patience: 1}
	for _, want := range []int{2, 4, 8, 16, 32, 32} {
		for range r.patience - 1 {
			r.settle(true, false)
			require.Less(t, r.calm, r.patience)
		}
		r.settle(true, false)
		require.GreaterOrEqual(t, r.calm, r.patience)
		r.settle(false, true)
		require.Equal(t, want, r.patience)
		r.settle(false, false)
		require.Equal(t, want, r.patience)
	}
}
