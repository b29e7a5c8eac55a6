// Package chunked speaks Splunk's protocol for custom search commands, the
// one that commands.conf turns on with "chunked = true".
//
// # What splunkd does
//
// For a search with "| mycmd k=v" splunkd starts the command as a process and
// talks to it over stdin and stdout, in frames:
//
//	chunked 1.0,<metadata bytes>,<body bytes>⏎<metadata><body>
//
// The metadata is a JSON object, the body CSV with a header row, or empty.
// splunkd asks, the command answers, in turns (-> is splunkd):
//
//	-> chunked 1.0,700,0⏎{"action":"getinfo",...,"searchinfo":{"args":["k=v"],...}}
//	<- chunked 1.0,46,0⏎{"type":"streaming","required_fields":["age"]}
//	-> chunked 1.0,37,85⏎{"action":"execute","finished":false}age,"_chunked_idx",...
//	<- chunked 1.0,18,82⏎{"finished":false}age,_chunked_idx,...
//	-> chunked 1.0,36,50⏎{"action":"execute","finished":true}age,"_chunked_idx",...
//	<- chunked 1.0,17,0⏎{"finished":true}
//
// It does so several times for one search: while the search is parsed only
// getinfo is sent, and then stdin ends. A streaming command runs on every
// indexer besides.
//
// # What splunkd wants, and who sees to it
//
// A command is a type with one method, [Command], or a function, [CommandFunc].
// What needs more than "all rows, one by one" has a second method, [Declarer].
// [Serve] runs it and sees to the duties of the protocol:
//
//   - a request is read whole before its reply is written, or splunkd, which
//     is still writing, gives up with "buffer full";
//   - every request gets exactly one reply, written at once;
//   - the reply says finished when the request did; a generating command says
//     so when it has no more rows, whatever the request said;
//   - a fatal error travels by the error key of the reply to the request at
//     hand. Only there is it shown to the user and fails the search;
//   - messages stand in front of that key, or they are lost, and no text is
//     sent twice;
//   - a stdin that ends and a stdout that is closed are no errors: "| head 10"
//     and the cancel button end a command like that, and the context of a
//     command that is at work. See [IgnoreSIGPIPE].
//
// The command sees to these: Getinfo is fast, pure and constant. A field
// _chunked_idx, which comes with every row when required fields are declared,
// is returned with the row unchanged. Output fields are declared as required
// too, so that a value that exists under that name is seen and not lost.
// Nothing else may write to stdout.
//
// # Hostile input
//
// Lengths are bounded and memory grows with what has arrived, not with what a
// header claims. Values in getinfo may be missing, unknown or of an odd type.
// Errors hold no bytes of frames but the name of an unknown action, panics no
// values, and a session key is kept out of every text that is sent.
//
// # What this package does not do
//
// It does not read or write CSV (package rows does), call splunkd, or log. It
// does not send partial replies or metrics, which splunkd does not take or does
// not show. It knows nothing of protocol 1.
//
// The protocol was never published. What is said here about splunkd was
// recorded from versions 6.3 and 8.2.1, or is told by Splunk's own commands.
package chunked

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Serve runs cmd for one process: it answers the requests on stdin until the
// run is over.
//
// nil means that the run ended as it should: after the last reply, because
// stdin ended (a probe, a cancelled search), or because stdout was closed.
// Otherwise the error was already sent to splunkd by the error key, and the
// caller only has to exit with status 1, without a word on stderr; an error
// of stdout itself, which nobody could be told, is the one exception.
//
// The error is that of Getinfo or Execute as they returned it, an [*Error] for
// a broken conversation, an error that names functions and lines after a panic
// in cmd, or the error of the stream.
func Serve(stdin io.Reader, stdout io.Writer, cmd Command) error {
	widen(stdin)
	widen(stdout)
	s := session{requests: NewReader(stdin), stdout: stdout, cmd: cmd, watch: newWatch(stdout)}
	s.requests.ended = s.watch.end
	defer s.watch.end(nil)
	s.chunk.journal = &s.journal
	for {
		metadata, size, err := s.requests.begin()
		if err == nil {
			err = s.answer(metadata, size)
		}
		if ended := s.requests.err; ended == io.EOF || ended == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return s.end(err)
		}
		if s.finished {
			s.drain()
			return nil
		}
	}
}

// A Command does the work.
type Command interface {
	// Execute works on one chunk: it reads rows from body and appends rows to
	// the chunk's Reply. It is called for one chunk after the other, from the
	// goroutine that called [Serve].
	//
	// The rows are CSV with a header row; a body without any bytes has no rows.
	// They can be read while they arrive. What is left unread is read before
	// the reply is sent, as splunkd is still writing. An error of body is
	// Serve's to report: a method that meets one returns.
	//
	// ctx ends when splunkd goes away: when nobody reads stdout any more, or
	// stdin ended inside a body. It is one for all chunks of a run, and looked
	// after while Execute runs. Whoever waits for a network or works for more
	// than a second hands it down and returns when it ends; what is returned
	// then does not matter. That stdout is closed is seen at once on Linux, and
	// elsewhere when a reply is written.
	//
	// An error fails the search, and its text is shown; rows in the reply are
	// then not sent. A panic is such an error, but for one in a goroutine that
	// the command started, which ends the process.
	Execute(ctx context.Context, chunk *Chunk, body io.Reader) error
}

// A Declarer is a [Command] that has arguments to check, or something to say of
// itself. A Command without this method takes all fields, row by row, wherever
// splunkd runs it, and does not look at arguments.
type Declarer interface {
	// Getinfo checks the arguments and says what the command is. It is called
	// before Execute, and may be called again: it must be fast, without side
	// effects and answer the same each time. splunkd asks several times for one
	// search, mostly without any execute after it, so open files in Execute. An
	// error fails the search while it is parsed, and its text is shown.
	Getinfo(info *Info) (Declaration, error)
}

// A CommandFunc is a function that serves as a [Command].
type CommandFunc func(ctx context.Context, chunk *Chunk, body io.Reader) error

// Execute calls f.
func (f CommandFunc) Execute(ctx context.Context, chunk *Chunk, body io.Reader) error {
	return f(ctx, chunk, body)
}

// Main is the main function of a command that needs nothing more: it runs cmd over
// the streams of the process and ends it with status 1 if the run failed.
func Main(cmd Command) {
	IgnoreSIGPIPE()
	if Serve(os.Stdin, os.Stdout, cmd) != nil {
		os.Exit(1)
	}
}

// IgnoreSIGPIPE is for the main function of a command, before [Serve]. A write
// to a closed stdout then fails with EPIPE, which Serve takes for the quiet end
// that it is; without it the Go runtime ends the process by signal. It is not
// done by Serve, because it changes the whole process.
func IgnoreSIGPIPE() { signal.Ignore(syscall.SIGPIPE) }

// session is one run of a command.
type session struct {
	requests *Reader
	stdout   io.Writer
	cmd      Command
	journal  journal
	watch    *watch
	chunk    Chunk // one for all requests, so that its reply buffer is kept
	body     bodyReader

	informed   bool // getinfo was answered
	generating bool
	finished   bool // the last reply is out

	reply int     // bytes of the last reply
	ratio float64 // of the last reply to its request
}

// answer reads the metadata of a request, lets the command do it and sends the
// reply. After an error no reply was sent.
func (s *session) answer(metadata []byte, size int) error {
	// Almost all requests are one of these two (37 and 36 bytes, the same from
	// 6.3 to 8.2.1), so they cost no decoding.
	if s.informed {
		switch string(metadata) {
		case `{"action":"execute","finished":false}`:
			return s.execute(size, false)
		case `{"action":"execute","finished":true}`:
			return s.execute(size, true)
		}
	}
	var request object
	if len(metadata) > 0 { // CEXC writes an empty object as nothing
		if err := json.Unmarshal(metadata, &request); err != nil || request == nil {
			return s.requests.fail(ErrMetadata, "")
		}
	}
	action := request.text("action")
	if action == "" {
		action = "execute"
		if !s.informed {
			action = "getinfo"
		}
	}
	switch {
	case action == "getinfo":
		if _, err := s.requests.whole(size); err != nil {
			return err
		}
		return s.getinfo(request.info())
	case action == "execute" && s.informed:
		return s.execute(size, request.flag("finished"))
	case action == "execute":
		return s.requests.fail(ErrAction, "execute before getinfo")
	default:
		return s.requests.fail(ErrAction, fmt.Sprintf("%.20q; want getinfo or execute", action))
	}
}

func (s *session) getinfo(info *Info) error {
	s.journal.secret = info.SessionKey.Reveal()
	declaration, err := s.declare(info)
	if err != nil {
		return err
	}
	switch declaration.Type {
	case "":
		declaration.Type = Streaming
	case Streaming, Stateful, Events, Reporting:
	default:
		return fmt.Errorf("unknown command type %q: want streaming, stateful, events or reporting", declaration.Type)
	}
	s.informed = true
	s.generating = declaration.Generating
	return s.write(AppendFrame(nil, declarationReply(declaration), nil))
}

func (s *session) execute(size int, finished bool) error {
	chunk := &s.chunk
	chunk.Finished = finished
	chunk.More = false
	chunk.Size = size
	if err := s.run(chunk, size); err != nil {
		return err
	}
	if s.generating {
		finished = !chunk.More
	}
	s.reply = len(chunk.Reply)
	if size >= ratioFrom {
		s.ratio = float64(len(chunk.Reply)) / float64(size)
	}
	s.finished = finished
	return s.write(chunk.frame(executeReply(finished, s.journal.take())))
}

// run lets the command work on a body of that size and reads it to its end.
func (s *session) run(chunk *Chunk, size int) error {
	s.body = bodyReader{s.requests, size}
	chunk.reserve(s.expect(size))
	s.watch.start()
	err := s.work(chunk)
	s.watch.pause()
	if s.watch.isGone() {
		return errGone // the rest of the body may never come
	}
	if s.body.left > 0 {
		if _, rest := io.Copy(io.Discard, &s.body); rest != nil {
			return rest
		}
	}
	return err
}

// expect guesses the size of the reply to a request of so many bytes: as large
// as the last reply, or as many times the request as the last time. Too much
// costs address space and hardly memory, because nothing touches it; too
// little costs copies. The first reply begins small: what is written into that tells
// the command how large it will be.
func (s *session) expect(request int) int {
	if s.ratio == 0 {
		return max(min(firstRatio*request, firstReply), s.reply, leastReply)
	}
	ratio := min(s.ratio, mostRatio)
	return max(int(min(ratio*float64(request), MaxBody)), s.reply, leastReply)
}

// What a reply may be expected to need, in expect.
const (
	leastReply = 64 << 10 // whatever the request
	firstRatio = 2        // of reply to request before one is known: some input columns, some output columns
	firstReply = 1 << 20  // bytes of a reply before one is known: some thousand rows
	mostRatio  = 8.0      // a bound, so that a strange chunk does not reserve gigabytes for the next
	ratioFrom  = 4 << 10  // bytes of a request that tells a ratio; header rows alone tell none
)

// write sends one frame in one Write, so that a command that dies leaves a
// whole reply or none.
func (s *session) write(frame []byte) error {
	n, err := s.stdout.Write(frame)
	if err == nil && n < len(frame) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// writeError tells an error of stdout from one of the command, which may hold
// an EPIPE of its own.
type writeError struct{ err error }

func (e *writeError) Error() string { return "write a reply to stdout: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// end turns an error into the result of Serve, after telling splunkd.
func (s *session) end(err error) error {
	if s.watch.isGone() {
		return nil
	}
	var failed *writeError
	if !errors.As(err, &failed) {
		text := plain(err.Error(), s.journal.secret)
		if text == "" {
			text = "the command failed and gave no reason"
		}
		failure := s.write(AppendFrame(nil, errorReply(text, s.journal.take()), nil))
		if !errors.As(failure, &failed) {
			return err
		}
	}
	if isClosed(failed.err) {
		return nil
	}
	return failed
}

// isClosed reports whether the other side has closed the pipe.
func isClosed(err error) bool {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed) {
		return true
	}
	var errno syscall.Errno
	// ERROR_BROKEN_PIPE and ERROR_NO_DATA, which have no common name.
	return runtime.GOOS == "windows" && errors.As(err, &errno) && (errno == 109 || errno == 232)
}

// maxDrain bounds what is read after the last reply. Nothing should come;
// splunkd closes stdin, and a command that ends before that is "exited
// unexpectedly" to it.
const maxDrain = 1 << 20

// drain waits for stdin to end. What goes wrong now is of no interest.
func (s *session) drain() {
	var scrap [4 << 10]byte
	for n := 0; n < maxDrain; {
		k, err := s.requests.read(scrap[:])
		if err != nil {
			return
		}
		n += k
	}
}

func (s *session) declare(info *Info) (declaration Declaration, err error) {
	defer catch(&err)
	if cmd, ok := s.cmd.(Declarer); ok {
		return cmd.Getinfo(info)
	}
	return Declaration{}, nil
}

func (s *session) work(chunk *Chunk) (err error) {
	defer catch(&err)
	return s.cmd.Execute(s.watch.ctx, chunk, &s.body)
}
