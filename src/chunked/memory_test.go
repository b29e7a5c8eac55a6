package chunked

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
)

// copier appends its input to the reply as it arrives.
func copier(_ context.Context, chunk *Chunk, body io.Reader) error {
	for {
		if len(chunk.Reply) == cap(chunk.Reply) {
			chunk.Grow(64 << 10)
		}
		n, err := body.Read(chunk.Reply[len(chunk.Reply):cap(chunk.Reply)])
		chunk.Reply = chunk.Reply[:len(chunk.Reply)+n]
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestSteadyChunksAllocateNothing(t *testing.T) {
	rows := request(askMore, "a,b\n"+strings.Repeat("1,\"two\"\n", 5000))
	run := func(chunks int, enough float64) float64 {
		text := request(askInfo, "") + strings.Repeat(rows, chunks)
		// The counter is the whole process's, in which the runtime allocates
		// too, now and then, the more the longer it runs and the busier the
		// machine is: the least of some counts is Serve's own.
		least := math.Inf(1)
		for try := 0; try < 5 || try < 50 && least > enough; try++ {
			least = min(least, testing.AllocsPerRun(1, func() {
				if Serve(strings.NewReader(text), io.Discard, CommandFunc(copier)) != nil {
					t.Error("failed")
				}
			}))
		}
		return least
	}
	few := run(3, 0)
	require.Equal(t, few, run(300, few))
}

// The memory of a whole run stays within three times the larger of request and
// reply chunk and 20 MB, by what the kernel counted. The first chunk is as
// large as the largest that was recorded: 50,000 rows, 16 MB.
func TestMemoryOfARun(t *testing.T) {
	const variable = "CHUNKED_TEST_WIDEN"
	if widen := os.Getenv(variable); widen != "" {
		more, err := strconv.Atoi(widen)
		if err == nil {
			err = Serve(os.Stdin, os.Stdout, widener(strings.Repeat("y", more)))
		}
		if err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("skipped: no /proc to read the memory of a process from")
	}
	build, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("skipped: the race detector takes memory of its own")
	}
	for _, test := range []struct {
		row, more int   // bytes of a row, and what the command adds to it
		chunks    []int // rows of each
	}{
		{320, 0, []int{50_000, 0}},
		{320, 100, []int{50_000, 20_000, 50_000, 0}},
		{100, 400, []int{50_000, 55_000, 0}}, // narrow rows become wide
		{320, 200, []int{10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 0}},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestMemoryOfARun$")
			child.Env = append(os.Environ(), variable+"="+strconv.Itoa(test.more))
			stdin, err := child.StdinPipe()
			require.NoError(t, err)
			stdout, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			replies := NewReader(stdout)
			largest := 0
			turn := func(frame string) {
				_, err := io.WriteString(stdin, frame)
				require.NoError(t, err)
				_, body, err := replies.Next()
				require.NoError(t, err)
				largest = max(largest, len(frame), len(body))
			}
			turn(request(askInfo, ""))
			row := strings.Repeat("x", test.row-1) + "\n"
			for _, rows := range test.chunks {
				turn(request(askMore, strings.Repeat(row, rows)))
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", child.Process.Pid))
			require.NoError(t, err)
			require.NoError(t, stdin.Close())
			require.NoError(t, child.Wait())

			_, peak, ok := strings.Cut(string(status), "VmHWM:")
			require.True(t, ok)
			var kilobytes int
			_, err = fmt.Sscan(peak, &kilobytes)
			require.NoError(t, err)
			require.Greater(t, kilobytes*1000, largest, "the figure must be that of the run")
			t.Logf("%d MB of %d", kilobytes*1024/1000000, (3*largest+20_000_000)/1000000)
			require.Less(t, kilobytes*1024, 3*largest+20_000_000)
		})
	}
}

// widener appends text to every row, making room row by row.
func widener(text string) CommandFunc {
	return func(_ context.Context, chunk *Chunk, body io.Reader) error {
		for lines := bufio.NewReader(body); ; {
			line, err := lines.ReadSlice('\n')
			if err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			line = line[:len(line)-1]
			chunk.Grow(len(line) + len(text) + 1)
			chunk.Reply = append(chunk.Reply, line...)
			chunk.Reply = append(chunk.Reply, text...)
			chunk.Reply = append(chunk.Reply, '\n')
		}
	}
}

// An outgrown buffer is gone before the larger one is filled.
func TestOutgrownBuffersAreReleased(t *testing.T) {
	const size = 16 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no collection but ours
	held := func() int {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	for name, outgrow := range map[string]func() []byte{
		"enlarge": func() []byte {
			buf := make([]byte, size)
			enlarge(&buf, size+1)
			return buf
		},
		"reserve": func() []byte {
			chunk := Chunk{buffer: make([]byte, headroom+size)}
			chunk.reserve(size + 1)
			return chunk.Reply
		},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			before := held()
			buffer := outgrow()
			require.Greater(t, cap(buffer), size)
			// reserve makes room only after it gave back; the others copy.
			require.Less(t, held()-before, cap(buffer)+size/2)
			runtime.KeepAlive(buffer)
		})
	}
}

// A reply that grows forces no collection: that cost more than the memory was worth.
func TestGrowForcesNoCollection(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	chunk := Chunk{Reply: make([]byte, 16<<20)}
	chunk.Grow(1)
	runtime.ReadMemStats(&after)
	require.Equal(t, before.NumForcedGC, after.NumForcedGC)
	require.GreaterOrEqual(t, cap(chunk.Reply), 32<<20)
}

// With Grow a reply stays where it can be sent from, however large it gets.
func TestGrowKeepsTheReplyInPlace(t *testing.T) {
	text := conversation(strings.Repeat("x\n", 100_000), strings.Repeat("x\n", 100_000))
	widen := widener(strings.Repeat("y", 50))
	out, err := serve(text, CommandFunc(func(ctx context.Context, chunk *Chunk, body io.Reader) error {
		defer func() { require.True(t, chunk.inPlace()) }()
		return widen(ctx, chunk, body)
	}))
	require.NoError(t, err)
	want := strings.Repeat("x"+strings.Repeat("y", 50)+"\n", 100_000)
	require.Equal(t, []frame{{`{"type":"streaming"}`, ""}, {`{"finished":false}`, want}, {`{"finished":true}`, want}}, requireFrames(t, out))
}

// The bytes of a real splunkd: two frames, the second with 500 rows, many with
// line ends inside quotes and most not in English.
func TestRecordedChunkPassesThrough(t *testing.T) {
	file, err := os.Open(shared.File(t, "recordings/countmatches.input.gz"))
	require.NoError(t, err)
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
	err := Serve(io.MultiReader(strings.NewReader(request(askInfo, "")), &repeated{rows, b.N, 0}), io.Discard, CommandFunc(copier))
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
