package chunked

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Whole conversations as recorded: the requests go in, exactly the recorded
// replies come out. What the commands declare and compute is given.
func TestRecordedConversations(t *testing.T) {
	const dave = "I'm sorry Dave, I can't do that."
	for _, test := range []struct {
		name     string
		cmd      script
		requests []string
		replies  []string
		want     string // error of Serve
	}{
		{
			name: "streaming",
			cmd: script{
				declares(Declaration{Type: Streaming, RequiredFields: []string{"age"}}),
				replies(body(doubleRowsReply), ""),
			},
			requests: []string{doubleGetinfo, doubleRows, doubleLast},
			replies:  []string{doubleDeclared, doubleRowsReply, doubleLastReply},
		}, {
			name: "stateful, an empty chunk in the middle",
			cmd: script{
				declares(Declaration{Type: Stateful, RequiredFields: []string{"age", "accum_age"}}),
				replies(body(accumRowsReply), "", ""),
			},
			requests: []string{doubleGetinfo, accumRows, accumEmpty, accumLast},
			replies:  []string{accumDeclared, accumRowsReply, accumEmptyReply, accumLastReply},
		}, {
			name: "reporting",
			cmd: script{
				declares(Declaration{Type: Reporting, RequiredFields: []string{"age"}}),
				replies(body(averageReply)),
			},
			requests: []string{doubleGetinfo, averageRows},
			replies:  []string{averageDeclared, averageReply},
		}, {
			name: "events, cut off before the reply was recorded",
			cmd:  script{getinfo: declares(Declaration{Type: Events, RequiredFields: []string{"age"}})},
			requests: []string{
				doubleGetinfo, sortRows,
			},
			replies: []string{sortDeclared, strings.Replace(strings.Replace(sortRows, `"action":"execute",`, "", 1), "1.0,36,", "1.0,17,", 1)},
		}, {
			name: "generating, asked with finished:true from the start",
			cmd: script{
				declares(Declaration{Type: Stateful, Generating: true, RequiredFields: []string{"_time", "data", "generated_index", "random_number"}}),
				replies(""),
			},
			requests: []string{doubleGetinfo, generateAsk},
			replies:  []string{generateDeclared, doubleLastReply},
		}, {
			name: "generating, asked with finished:false",
			cmd: script{
				declares(Declaration{Type: Reporting, Generating: true}),
				replies(body(turnsLast)),
			},
			requests: []string{probe, accumEmpty},
			replies:  []string{turnsDeclared, turnsLast},
		}, {
			name: "generating in two turns",
			cmd: script{
				declares(Declaration{Type: Reporting, Generating: true}),
				func() func(*Chunk, []byte) error {
					turn := 0
					next := replies(body(turnsFirst), body(turnsLast))
					return func(chunk *Chunk, _ []byte) error {
						turn++
						chunk.More = turn < 2
						return next(chunk, nil)
					}
				}(),
			},
			requests: []string{probe, generateAsk, noBody},
			replies:  []string{turnsDeclared, turnsFirst, turnsLast},
		}, {
			name:     "a probe",
			cmd:      script{getinfo: declares(Declaration{Type: Streaming, RequiredFields: []string{"ip", "note"}})},
			requests: []string{probe},
			replies:  []string{probeReply},
		}, {
			name:     "an error in getinfo",
			cmd:      script{getinfo: func(*Info) (Declaration, error) { return Declaration{}, errors.New(dave) }},
			requests: []string{doubleGetinfo},
			replies:  []string{daveReply},
			want:     dave,
		}, {
			name: "an error in execute",
			cmd: script{
				declares(Declaration{RequiredFields: []string{"age"}}),
				func(chunk *Chunk, _ []byte) error {
					chunk.Reply = append(chunk.Reply, "half a reply"...)
					return errors.New(dave)
				},
			},
			requests: []string{doubleGetinfo, doubleRows, doubleLast},
			replies:  []string{doubleDeclared, daveReply},
			want:     dave,
		}, {
			name: "an error behind a message",
			cmd: script{
				declares(Declaration{RequiredFields: []string{"ip", "note"}}),
				func(chunk *Chunk, _ []byte) error {
					chunk.Warn("no data file")
					return errors.New("bad value for k")
				},
			},
			requests: []string{probe, quotedRows},
			replies:  []string{probeReply, inspectedError},
			want:     "bad value for k",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := serve(wire(test.requests...), test.cmd)
			require.Equal(t, wire(test.replies...), out)
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.want)
			}
		})
	}
}

// body returns the body of a frame in the notation of wire.
func body(text string) string {
	list, _ := frames(strings.NewReader(wire(text)))
	return list[0].body
}

func TestEveryRecordedBodyPassesThrough(t *testing.T) {
	for name, text := range recordedFrames {
		sent := requireFrames(t, wire(text))[0]
		out, err := serve(request(askInfo, "")+request(askLast, sent.body), script{})
		require.NoError(t, err)
		require.Equal(t, frame{`{"finished":true}`, sent.body}, requireFrames(t, out)[1], name)
	}
}

// Every command reads stdin by bytes; every reply is one Write, and comes only
// after the last byte of its request was read.
func TestOneReplyInOneWriteAfterTheWholeRequest(t *testing.T) {
	requests := []string{wire(doubleGetinfo), wire(doubleRows), wire(doubleLast)}
	in := &counter{src: iotest.OneByteReader(strings.NewReader(strings.Join(requests, "")))}
	var writes []string
	out := writer(func(p []byte) (int, error) {
		want := 0
		for _, request := range requests[:len(writes)+1] {
			want += len(request)
		}
		require.Equal(t, want, in.n)
		writes = append(writes, string(p))
		return len(p), nil
	})
	require.NoError(t, Serve(in, out, script{}))
	require.Len(t, writes, len(requests))
	for _, write := range writes {
		require.Len(t, requireFrames(t, write), 1)
	}
}

type counter struct {
	src io.Reader
	n   int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += n
	return n, err
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// The host waits for each reply before it asks again, over pipes that hold
// nothing. A command that replied too early or not at all would hang here.
func TestInLockStep(t *testing.T) {
	stdin, ask := io.Pipe()
	answer, stdout := io.Pipe()
	done := make(chan error)
	go func() { done <- Serve(stdin, stdout, script{}) }()
	host := NewReader(answer)
	for i := range 50 {
		metadata, text := askMore, fmt.Sprintf("n\n%d\n", i)
		switch i {
		case 0:
			metadata, text = askInfo, ""
		case 49:
			metadata = askLast
		}
		_, err := io.WriteString(ask, request(metadata, text))
		require.NoError(t, err)
		_, got, err := host.Next()
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	select {
	case <-done:
		require.Fail(t, "the run ended before stdin did")
	default:
	}
	require.NoError(t, ask.Close())
	require.NoError(t, <-done)
}

func TestFinishedIsMirrored(t *testing.T) {
	text := request(askInfo, "") + request(askMore, "") + request(`{"finished":"1","action":"execute","new":0}`, "")
	sawFinished := []bool{}
	out, err := serve(text, script{execute: func(chunk *Chunk, _ []byte) error {
		sawFinished = append(sawFinished, chunk.Finished)
		require.Empty(t, chunk.Reply)
		chunk.More = true // only heeded when generating
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true}, sawFinished)
	list := requireFrames(t, out)
	require.Equal(t, `{"finished":false}`, list[1].metadata)
	require.Equal(t, `{"finished":true}`, list[2].metadata)
}

func TestRequestsWithoutAnAction(t *testing.T) {
	out, err := serve(request("", "")+request(`{"finished":false}`, "a\n1\n")+request("", "a\n2\n"), script{})
	require.NoError(t, err)
	require.Equal(t, []frame{{`{"type":"streaming"}`, ""}, {`{"finished":false}`, "a\n1\n"}, {`{"finished":false}`, "a\n2\n"}}, requireFrames(t, out))
}

func TestSecondGetinfoGetsTheSameAnswer(t *testing.T) {
	out, err := serve(request(askInfo, "")+request(askInfo, "")+request(askLast, "a\n"), script{})
	require.NoError(t, err)
	list := requireFrames(t, out)
	require.Len(t, list, 3)
	require.Equal(t, list[0], list[1])
}

func TestDeclarations(t *testing.T) {
	for want, declaration := range map[string]Declaration{
		`{"type":"streaming"}`: {},
		`{"type":"stateful","required_fields":["*"],"maxwait":30}`:                                         {Type: Stateful, RequiredFields: []string{"*"}, MaxWait: 30},
		`{"type":"reporting","required_fields":["a <b>","é\"\\"],"streaming_preop":"sum phase=\"map\" x"}`: {Type: Reporting, RequiredFields: []string{"a <b>", `é"\`}, StreamingPreop: `sum phase="map" x`},
		`{"type":"events","generating":true}`:                                                              {Type: Events, Generating: true},
	} {
		out, err := serve(request(askInfo, ""), script{getinfo: declares(declaration)})
		require.NoError(t, err)
		require.Equal(t, request(want, ""), out)
	}
	out, err := serve(request(askInfo, ""), script{getinfo: declares(Declaration{Type: "eventing"})})
	require.EqualError(t, err, `unknown command type "eventing": want streaming, stateful, events or reporting`)
	require.Contains(t, out, `"error":"unknown command type \"eventing\"`)
}

func TestBrokenConversations(t *testing.T) {
	good := conversation("a\n1\n")[:len(request(askInfo, ""))]
	for _, test := range []struct {
		name, text string
		want       error
		says       string
	}{
		{"no header", "GET / HTTP/1.1\n", ErrHeader, `no header line like`},
		{"a byte too many", good + "\n" + request(askLast, ""), ErrHeader, `frame 2 at byte 37 of the input`},
		{"metadata too long", "chunked 1.0,16777217,0\n", ErrTooLong, "more than 16777216 bytes of metadata"},
		{"body too long", good + "chunked 1.0,36,1073741825\n", ErrTooLong, "a body of more than 1073741824 bytes"},
		{"no JSON", request("{nonsense", ""), ErrMetadata, "no JSON object"},
		{"no object", request(`["getinfo"]`, ""), ErrMetadata, "no JSON object"},
		{"null", request(`null`, ""), ErrMetadata, "no JSON object"},
		{"no JSON in execute", good + request(`{"action":"execute"`, "a\n"), ErrMetadata, "frame 2 at byte 37"},
		{"unknown action", good + request(`{"action":"dance"}`, ""), ErrAction, `"dance"; want getinfo or execute`},
		{"long action", request(`{"action":"`+strings.Repeat("x", 5000)+`"}`, ""), ErrAction, `"xxxxxxxxxxxxxxxxxxxx"; want`},
		{"execute first", request(askLast, "a\n"), ErrAction, "execute before getinfo"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := serve(test.text, script{})
			require.ErrorIs(t, err, test.want)
			list := requireFrames(t, out)
			last := list[len(list)-1]
			require.Empty(t, last.body)
			require.True(t, strings.HasPrefix(last.metadata, `{"finished":true,"error":"frame `), last.metadata)
			require.Contains(t, strings.ReplaceAll(last.metadata, `\"`, `"`), test.says)
			for _, frame := range list[:len(list)-1] {
				require.NotContains(t, frame.metadata, "error")
			}
		})
	}
}

func TestEndAtEveryOffsetIsQuiet(t *testing.T) {
	text := wire(doubleGetinfo, doubleRows, doubleLast)
	all, err := serve(text, script{})
	require.NoError(t, err)
	for cut := range len(text) + 1 {
		out, err := serve(text[:cut], script{})
		require.NoError(t, err, "cut at %d", cut)
		whole, _ := frames(strings.NewReader(text[:cut]))
		require.Len(t, requireFrames(t, out), len(whole), "cut at %d", cut)
		require.True(t, strings.HasPrefix(all, out))
	}
}

func TestErrorOfStdinIsTold(t *testing.T) {
	broken := errors.New("disk on fire")
	var out bytes.Buffer
	err := Serve(io.MultiReader(strings.NewReader(request(askInfo, "")), iotest.ErrReader(broken)), &out, script{})
	require.ErrorIs(t, err, broken)
	require.Equal(t, `{"finished":true,"error":"disk on fire"}`, requireFrames(t, out.String())[1].metadata)
}

func TestEOFOfTheCommandIsNotTheEndOfStdin(t *testing.T) {
	for _, failure := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, errors.New("")} {
		out, err := serve(conversation("a\n"), script{execute: func(*Chunk, []byte) error { return failure }})
		require.Equal(t, failure, err)
		require.Contains(t, out, `"error":"`)
	}
}

func TestClosedStdoutIsAQuietEnd(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	defer write.Close()
	require.NoError(t, Serve(strings.NewReader(conversation("a\n")), write, script{}))
	require.NoError(t, Serve(strings.NewReader("nonsense"), write, script{}))
	require.NoError(t, Serve(strings.NewReader(conversation("a\n")), write, script{execute: func(*Chunk, []byte) error { return io.EOF }}))

	_, pipe := io.Pipe()
	require.NoError(t, pipe.Close())
	require.NoError(t, Serve(strings.NewReader(conversation("a\n")), pipe, script{}))
}

func TestStdoutThatFails(t *testing.T) {
	full := errors.New("no space left")
	calls := 0
	err := Serve(strings.NewReader(conversation("a\n")), writer(func([]byte) (int, error) { calls++; return 0, full }), script{})
	require.ErrorIs(t, err, full)
	require.Equal(t, "write a reply to stdout: no space left", err.Error())
	require.Equal(t, 1, calls, "no second frame behind what may be half a frame")

	err = Serve(strings.NewReader(conversation("a\n")), writer(func(p []byte) (int, error) { return len(p) - 1, nil }), script{})
	require.ErrorIs(t, err, io.ErrShortWrite)
}

// A process whose stdout was closed by the reader ends with status 0.
func TestIgnoreSIGPIPE(t *testing.T) {
	const variable = "CHUNKED_TEST_CHILD"
	if os.Getenv(variable) != "" {
		Main(script{})
		os.Exit(0)
	}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	child := exec.Command(os.Args[0], "-test.run=^TestIgnoreSIGPIPE$")
	child.Env = append(os.Environ(), variable+"=1")
	child.Stdin = strings.NewReader(conversation("a\n1\n"))
	child.Stdout = write
	var stderr bytes.Buffer
	child.Stderr = &stderr
	require.NoError(t, child.Run())
	require.Empty(t, stderr.String())
}

func TestReadsOnAfterTheLastReply(t *testing.T) {
	in := &counter{src: strings.NewReader(conversation("a\n") + strings.Repeat("x", 10<<10))}
	out := writer(func(p []byte) (int, error) { return len(p), nil })
	require.NoError(t, Serve(in, out, script{}))
	require.Equal(t, len(conversation("a\n"))+10<<10, in.n, "to the end")

	endless := &counter{src: io.MultiReader(strings.NewReader(conversation("a\n")), zeros{})}
	require.NoError(t, Serve(endless, out, script{}))
	require.Less(t, endless.n, 2*maxDrain, "but not for ever")

	require.NoError(t, Serve(io.MultiReader(strings.NewReader(conversation("a\n")), iotest.ErrReader(errors.New("late"))), out, script{}))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
