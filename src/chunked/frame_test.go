package chunked

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestRecordedFramesHaveTheirDeclaredLengths(t *testing.T) {
	for name, text := range recordedFrames {
		t.Run(name, func(t *testing.T) {
			text := wire(text)
			list := requireFrames(t, text)
			require.Len(t, list, 1)
			require.True(t, strings.HasPrefix(list[0].metadata, "{") && strings.HasSuffix(list[0].metadata, "}"))
			require.Equal(t, text, request(list[0].metadata, list[0].body), "AppendFrame writes as splunkd does")
		})
	}
}

func TestReaderWithStreamsOfEveryKind(t *testing.T) {
	var text string
	for _, frame := range recordedFrames {
		text += wire(frame)
	}
	want := requireFrames(t, text)
	require.Len(t, want, len(recordedFrames))

	for name, src := range map[string]io.Reader{
		"one byte at a time":       iotest.OneByteReader(strings.NewReader(text)),
		"half of what is asked":    iotest.HalfReader(strings.NewReader(text)),
		"EOF with the last bytes":  iotest.DataErrReader(strings.NewReader(text)),
		"reads without any result": &hesitant{src: iotest.OneByteReader(strings.NewReader(text))},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := frames(src)
			require.Equal(t, io.EOF, err)
			require.Equal(t, want, got)
		})
	}
}

// hesitant returns nothing at all before every read that returns something.
type hesitant struct {
	src  io.Reader
	turn int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.turn++; h.turn%2 == 1 {
		return 0, nil
	}
	return h.src.Read(p)
}

func TestReaderAcceptsHeaders(t *testing.T) {
	for _, header := range []string{
		"chunked 1.0,2,3\n",
		"chunked 1.0,2,3\r\n",
		"chunked  1.0 , 2 , 3 \n",
		"chunked\t1.0,\t2,\t3\t\r\n",
		"chunked 1.0,0000000002,00000000000000000003\n",
		"chunked" + strings.Repeat(" ", MaxHeader-len("chunked1.0,2,3")-1) + "1.0,2,3\n",
	} {
		got, err := frames(strings.NewReader(header + "{}abc"))
		require.Equal(t, io.EOF, err, "%q", header)
		require.Equal(t, []frame{{"{}", "abc"}}, got, "%q", header)
	}
}

func TestReaderAcceptsNoMetadata(t *testing.T) {
	require.Equal(t, []frame{{"", ""}, {"", "abc"}}, requireFrames(t, "chunked 1.0,0,0\nchunked 1.0,0,3\nabc"))
}

func TestReaderRefusesHeaders(t *testing.T) {
	for _, test := range []struct {
		header string
		want   error
	}{
		{"hello\n", ErrHeader},
		{"h", ErrHeader}, // without waiting for the end of the line
		{"\nchunked 1.0,2,3\n", ErrHeader},
		{" chunked 1.0,2,3\n", ErrHeader},
		{"Chunked 1.0,2,3\n", ErrHeader},
		{"chunked1.0,2,3\n", ErrHeader},
		{"chunked\n", ErrHeader},
		{"chunked \n", ErrHeader},
		{"chunked 1.0\n", ErrHeader},
		{"chunked 1.0,2\n", ErrHeader},
		{"chunked 1.0,2,\n", ErrHeader},
		{"chunked 1.0,,3\n", ErrHeader},
		{"chunked 1.0,2,3,4\n", ErrHeader},
		{"chunked 2.0,2,3\n", ErrHeader},
		{"chunked 1.0,-2,3\n", ErrHeader},
		{"chunked 1.0,+2,3\n", ErrHeader},
		{"chunked 1.0,2,0x3\n", ErrHeader},
		{"chunked 1.0,2 2,3\n", ErrHeader},
		{"chunked" + strings.Repeat(" ", MaxHeader) + "1.0,2,3\n", ErrHeader},
		{"chunked 1.0,16777217,0\n", ErrTooLong},
		{"chunked 1.0,2,1073741825\n", ErrTooLong},
		{"chunked 1.0,18446744073709551618,3\n", ErrTooLong},
		{"chunked 1.0,2,99999999999999999999999999999999999999\n", ErrTooLong},
	} {
		good := request("{}", "abc")
		r := NewReader(strings.NewReader(good + test.header + "{}abc"))
		_, _, err := r.Next()
		require.NoError(t, err)
		_, _, err = r.Next()
		require.ErrorIs(t, err, test.want, "%q", test.header)
		var typed *Error
		require.True(t, errors.As(err, &typed))
		require.Equal(t, 2, typed.Frame)
		require.EqualValues(t, len(good), typed.Offset)

		_, _, again := r.Next()
		require.Equal(t, err, again, "a reader that failed stays failed")
	}
}

func TestReaderAtTheLimits(t *testing.T) {
	_, err := frames(strings.NewReader("chunked 1.0,16777216,1073741824\n"))
	require.Equal(t, io.ErrUnexpectedEOF, err, "the limits themselves are no error")
}

func TestReaderErrorHoldsNoBytesOfTheInput(t *testing.T) {
	_, err := frames(strings.NewReader("chunked session_key=s3cr3t,1,1\n"))
	require.ErrorIs(t, err, ErrHeader)
	require.Equal(t, `frame 1 at byte 0 of the input: no header line like "chunked 1.0,<metadata bytes>,<body bytes>"`, err.Error())
}

func TestReaderPassesOnErrorsOfTheStream(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, text := range []string{"", "chunk", "chunked 1.0,2,3\n", "chunked 1.0,2,3\n{}a"} {
		_, err := frames(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		require.Equal(t, broken, err, "%q", text)
	}
	_, err := frames(stuck{})
	require.Equal(t, io.ErrNoProgress, err)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReaderAtEveryCut(t *testing.T) {
	parts := []string{request("{}", "abc"), request("", ""), request(askMore, "a\n1\n")}
	text := strings.Join(parts, "")
	ends := map[int]int{0: 0} // offset of an end between two frames: frames before it
	for i, offset := 0, 0; i < len(parts); i++ {
		offset += len(parts[i])
		ends[offset] = i + 1
	}
	whole := 0
	for cut := range len(text) + 1 {
		want := io.ErrUnexpectedEOF
		if n, ok := ends[cut]; ok {
			whole, want = n, io.EOF
		}
		got, err := frames(strings.NewReader(text[:cut]))
		require.Equal(t, want, err, "cut at %d", cut)
		require.Len(t, got, whole, "cut at %d", cut)
	}
}

// allocated returns the bytes that f allocates, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHeaderThatLiesCostsLittle(t *testing.T) {
	for _, header := range []string{"chunked 1.0,16777216,0\n", "chunked 1.0,0,1073741824\n"} {
		bytes := allocated(func() {
			_, err := frames(strings.NewReader(header + "abc"))
			require.Equal(t, io.ErrUnexpectedEOF, err)
		})
		require.Less(t, bytes, uint64(firstTrust+1<<20))
	}
}

func TestBuffersAreUsedAgain(t *testing.T) {
	big := request(askMore, strings.Repeat("x", 16<<20))
	small := request(askMore, "a\n1\n")
	r := NewReader(strings.NewReader(big + small + big + small + big))
	_, _, err := r.Next()
	require.NoError(t, err)
	bytes := allocated(func() {
		for range 4 {
			_, body, err := r.Next()
			if err != nil || len(body) != 4 && len(body) != 16<<20 {
				t.Error(len(body), err)
			}
		}
	})
	require.Less(t, bytes, uint64(64<<10))
}

// FuzzReader checks the laws of a Reader on any bytes: it never panics, takes
// no more memory than what arrived is a warrant for, reads the same from any
// kind of stream, writes back what it read, and at any cut it gives the frames
// that are whole and ends quietly.
func FuzzReader(f *testing.F) {
	for _, text := range recordedFrames {
		f.Add([]byte(wire(text)), uint16(20))
	}
	f.Add([]byte(wire(doubleGetinfo, doubleRows, doubleLast)), uint16(730))
	f.Add([]byte("chunked \t1.0 , 0003 ,1\r\n{ }x\n"), uint16(7))
	f.Add([]byte("chunked 1.0,16777216,1073741824\nx"), uint16(3))
	f.Add([]byte("chunked 1.0,99999999999999999999,0\n"), uint16(99))
	f.Fuzz(func(t *testing.T, data []byte, cutAt uint16) {
		r := NewReader(bytes.NewReader(data))
		var list []frame
		var ends []int64 // offsets behind each frame
		var err error
		for {
			metadata, body, e := r.Next()
			if err = e; err != nil {
				break
			}
			list = append(list, frame{string(metadata), string(body)})
			ends = append(ends, r.used)
			require.LessOrEqual(t, len(metadata), MaxMetadata)
			require.LessOrEqual(t, len(body), MaxBody)
		}
		warrant := max(firstTrust, growth*len(data))
		require.LessOrEqual(t, cap(r.metadata)+cap(r.body), 2*warrant)
		var typed *Error
		require.True(t, err == io.EOF || err == io.ErrUnexpectedEOF || errors.As(err, &typed), "%v", err)

		slow, slowErr := frames(iotest.OneByteReader(bytes.NewReader(data)))
		require.Equal(t, list, slow)
		require.Equal(t, err, slowErr)

		var written []byte
		for _, frame := range list {
			written = AppendFrame(written, []byte(frame.metadata), []byte(frame.body))
		}
		again, err := frames(bytes.NewReader(written))
		require.Equal(t, io.EOF, err)
		require.Equal(t, list, again)

		good := 0
		if len(ends) > 0 {
			good = int(ends[len(ends)-1])
		}
		cut := int(cutAt) % (good + 1)
		whole := 0
		want := io.ErrUnexpectedEOF
		if cut == 0 {
			want = io.EOF
		}
		for _, end := range ends {
			if end <= int64(cut) {
				whole++
			}
			if end == int64(cut) {
				want = io.EOF
			}
		}
		part, err := frames(bytes.NewReader(data[:cut]))
		require.Equal(t, want, err)
		require.Equal(t, append([]frame{}, list[:whole]...), append([]frame{}, part...))
	})
}
