package chunked

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// copier appends its input to the reply as a command does: row by row.
func copier(chunk *Chunk) error {
	for rest := chunk.Body; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		chunk.Reply = append(chunk.Reply, rest[:end]...)
		rest = rest[end:]
	}
	return nil
}

func TestSteadyChunksAllocateNothing(t *testing.T) {
	rows := request(askMore, "a,b\n"+strings.Repeat("1,\"two\"\n", 5000))
	run := func(chunks int) float64 {
		text := request(askInfo, "") + strings.Repeat(rows, chunks)
		return testing.AllocsPerRun(5, func() {
			if Serve(strings.NewReader(text), io.Discard, script{execute: copier}) != nil {
				t.Error("failed")
			}
		})
	}
	require.Equal(t, run(3), run(300))
}

// 50,000 rows and 16 MB, as recorded from a 6.3: what is allocated in the
// whole run, garbage included, stays within three chunks and 20 MB.
func TestMemoryOfABigChunk(t *testing.T) {
	row := strings.Repeat("x", 320) + "\n"
	text := conversation(strings.Repeat(row, 50_000), strings.Repeat(row, 10_000), strings.Repeat(row, 50_000))
	var out counted
	bytes := allocated(func() {
		require.NoError(t, Serve(strings.NewReader(text), &out, script{execute: copier}))
	})
	require.Greater(t, out.bytes, len(text)-1000)
	require.Less(t, bytes, uint64(3*50_000*len(row)+20<<20))
}

// A reply of ten times the request, appended with Grow: no buffer but those of
// Grow itself.
func TestMemoryOfAReplyThatGrows(t *testing.T) {
	text := conversation(strings.Repeat("x\n", 500_000), strings.Repeat("x\n", 500_000))
	wide := []byte(strings.Repeat("y", 19) + "\n")
	var out counted
	err := Serve(strings.NewReader(text), &out, script{execute: func(chunk *Chunk) error {
		for range len(chunk.Body) / 2 {
			chunk.Grow(len(wide))
			chunk.Reply = append(chunk.Reply, wide...)
		}
		require.True(t, chunk.inPlace())
		return nil
	}})
	require.NoError(t, err)
	require.Greater(t, out.bytes, 2*500_000*len(wide))
}

type counted struct{ bytes int }

func (c *counted) Write(p []byte) (int, error) { c.bytes += len(p); return len(p), nil }

// The bytes of a real splunkd: two frames, the second with 500 rows, many with
// line ends inside quotes and most not in English.
func TestRecordedChunkPassesThrough(t *testing.T) {
	file, err := os.Open("../../../shared/data/recordings/countmatches.input.gz")
	if err != nil {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			require.NoError(t, err)
		}
		t.Skip("skipped: no ../shared/data")
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	data, err := io.ReadAll(unzipped)
	require.NoError(t, err)

	sent := requireFrames(t, string(data))
	require.Len(t, sent, 2)
	require.Len(t, sent[0].metadata, 846)
	require.Equal(t, askLast, sent[1].metadata)
	require.Len(t, sent[1].body, 48108)

	var info *Info
	out, err := serve(string(data), script{getinfo: func(i *Info) (Declaration, error) { info = i; return Declaration{}, nil }})
	require.NoError(t, err)
	require.Equal(t, []string{"fieldname=word_count", `pattern=\w+`, "text"}, info.Args)
	require.Equal(t, []string{"fieldname=word_count", `pattern="\w+"`, "text"}, info.RawArgs)
	require.Equal(t, "20150522", info.SplunkVersion)
	require.Equal(t, DefaultMaxResultRows, info.MaxResultRows)
	require.Equal(t, strings.Repeat("x", 124), info.SessionKey.Reveal())
	require.Equal(t, []frame{{`{"type":"streaming"}`, ""}, {`{"finished":true}`, sent[1].body}}, requireFrames(t, out))
}

// BenchmarkServe sends 16 MB chunks through a command that copies them.
func BenchmarkServe(b *testing.B) {
	rows := request(askMore, strings.Repeat(strings.Repeat("x", 320)+"\n", 50_000))
	b.SetBytes(int64(len(rows)))
	b.ReportAllocs()
	err := Serve(io.MultiReader(strings.NewReader(request(askInfo, "")), &repeated{rows, b.N, 0}), io.Discard, script{execute: copier})
	if err != nil {
		b.Fatal(err)
	}
}

// repeated gives text a number of times.
type repeated struct {
	text  string
	times int
	used  int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.times == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.used:])
	if r.used += n; r.used == len(r.text) {
		r.used = 0
		r.times--
	}
	return n, nil
}
