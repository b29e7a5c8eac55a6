package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"tordetect/tests/splunkd/spl"
)

// Program is what to start, and how patient to be with it.
type Program struct {
	Command string // stanza of commands.conf, for errors
	File    string
	Args    []string // command.arg.N
	Dir     string   // the app's bin
	Env     []string
	Timeout time.Duration // for a reply, and for its end
	Hold    time.Duration // how long the last byte of a request is kept back: nothing may come before; 0: not at all
	Secret  string        // must never show up in what it writes
}

// Start starts a program as splunkd does: nothing in its environment but what is given, a process group of its own so
// that nothing outlives a timeout.
func Start(program Program) (*Process, error) {
	p := &Process{Program: program, cmd: exec.Command(program.File, program.Args...), stderr: &bounded{}, frames: make(chan frame, 1),
		stop: make(chan struct{}), arrived: &atomic.Int64{}, said: map[string]bool{}}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = program.Dir, program.Env, p.stderr
	ownGroup(p.cmd)
	p.cmd.WaitDelay = p.Timeout
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, spl.SearchErrorf("Error in '%s' command: cannot start %s: %v", p.Command, p.File, err)
	}
	go p.read()
	return p, nil
}

// Process is one running custom command, spoken to over real pipes. It sends one request, waits for its one reply, and
// finds the process at fault if that does not come in time, comes early, or is followed by anything.
type Process struct {
	Program
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  *bounded
	frames  chan frame // replies in order; the last one has err set
	stop    chan struct{}
	arrived *atomic.Int64 // bytes read from stdout
	said    map[string]bool
}

func (p *Process) read() {
	in := bufio.NewReaderSize(counter{p.stdout, p.arrived}, 64<<10)
	for {
		var f frame
		f.metadata, f.body, f.err = ReadFrame(in, func(b []byte) error { _, err := io.ReadFull(in, b); return err })
		select {
		case p.frames <- f:
		case <-p.stop:
			return
		}
		if f.err != nil {
			return
		}
	}
}

func (p *Process) Fault(format string, values ...any) error {
	return &ProtocolError{Command: p.Command, Text: fmt.Sprintf(format, values...)}
}

// Ask sends one request and returns the one reply. After an error the process is gone.
func (p *Process) Ask(metadata, body []byte, accepted []string) (*Reply, []byte, error) {
	r, replyBody, err := p.exchange(metadata, body, accepted)
	if err != nil {
		p.Kill()
		return nil, nil, err
	}
	return r, replyBody, nil
}

func (p *Process) exchange(metadata, body []byte, accepted []string) (*Reply, []byte, error) {
	before := p.arrived.Load()
	select {
	case f := <-p.frames:
		if f.err == nil {
			return nil, nil, p.Fault("sent a frame that nobody asked for: %q", clip(f.metadata))
		}
		return nil, nil, p.died(f.err)
	default:
	}
	written := make(chan error, 1)
	go func() { written <- p.write(AppendFrame(nil, metadata, body), before) }()
	timer := time.NewTimer(p.Timeout + p.Hold)
	defer timer.Stop()
	var f frame
	for waiting := true; waiting; {
		select {
		case f = <-p.frames:
			waiting = false
		case err := <-written:
			written = nil
			if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) {
				return nil, nil, err
			}
		case <-timer.C:
			return nil, nil, p.Fault("no reply within %s to %s (body of %d bytes)", p.Timeout, clip(metadata), len(body))
		}
	}
	if f.err != nil {
		return nil, nil, p.died(f.err)
	}
	if written != nil {
		// The reply is here before the request was written to its end. A command that has replied reads no more of it.
		select {
		case err := <-written:
			if err != nil {
				return nil, nil, err
			}
		case <-time.After(p.Timeout):
			return nil, nil, p.Fault("replied without reading the whole request")
		}
	}
	if bytes.Contains(f.metadata, []byte(p.Secret)) || bytes.Contains(f.body, []byte(p.Secret)) {
		return nil, nil, p.Fault("the session key is in a reply")
	}
	r, err := parseReply(f.metadata, accepted)
	if err != nil {
		return nil, nil, p.Fault("%v", err)
	}
	for _, m := range r.Messages {
		if p.said[m.Text] {
			return nil, nil, p.Fault("sent the same message twice: %q", m.Text)
		}
		p.said[m.Text] = true
	}
	return r, f.body, nil
}

// write sends the request. With a hold time it keeps the last byte back for that long: nothing may come before.
func (p *Process) write(request []byte, before int64) error {
	if p.Hold > 0 {
		if _, err := p.stdin.Write(request[:len(request)-1]); err != nil {
			return err
		}
		request = request[len(request)-1:]
		time.Sleep(p.Hold)
		if p.arrived.Load() > before {
			return p.Fault("replied before the request was complete")
		}
	}
	_, err := p.stdin.Write(request)
	return err
}

// died explains a stdout that ended, or a broken frame, where a reply was due.
func (p *Process) died(cause error) error {
	if cause != io.EOF {
		return p.Fault("%v; stderr: %q", cause, p.Kill())
	}
	code, err := p.wait()
	if err != nil {
		return err
	}
	if code == 0 {
		return p.Fault("ended without a reply; stderr: %q", clip(p.stderr.Bytes()))
	}
	return spl.SearchErrorf("Error in '%s' command: External search command exited unexpectedly with non-zero error code %d. stderr: %s", p.Command, code, clip(p.stderr.Bytes()))
}

// wait closes stdin and returns the exit code once the process is gone.
func (p *Process) wait() (int, error) {
	p.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(p.Timeout):
		killGroup(p.cmd)
		<-done
		return 0, p.Fault("did not end within %s after its stdin was closed", p.Timeout)
	}
	if bytes.Contains(p.stderr.Bytes(), []byte(p.Secret)) {
		return 0, p.Fault("the session key is on stderr")
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// Kill ends the process at once and returns its stderr.
func (p *Process) Kill() []byte {
	if p.cmd.ProcessState == nil {
		p.stdin.Close()
		killGroup(p.cmd)
		p.drain()
		p.cmd.Wait()
	}
	return clip(p.stderr.Bytes())
}

func (p *Process) drain() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
}

// End closes stdin after the final reply and wants: nothing more on stdout, nothing on stderr, the exit code.
func (p *Process) End(wantCode int) error {
	p.stdin.Close()
	select {
	case f := <-p.frames:
		if f.err == nil {
			p.Kill()
			return p.Fault("sent another frame after its final reply: %q", clip(f.metadata))
		}
		if f.err != io.EOF {
			p.Kill()
			return p.Fault("after its final reply: %v", f.err)
		}
	case <-time.After(p.Timeout):
		p.Kill()
		return p.Fault("did not end within %s after its final reply", p.Timeout)
	}
	return p.ended(wantCode)
}

// Abandon closes both pipes in the middle of a run, as splunkd does for `| head`: the process has to leave quietly.
func (p *Process) Abandon() error {
	p.stdin.Close()
	p.drain()
	p.stdout.Close()
	return p.ended(0)
}

func (p *Process) ended(wantCode int) error {
	code, err := p.wait()
	if err != nil {
		return err
	}
	if code != wantCode {
		return p.Fault("exit code %d, want %d; stderr: %q", code, wantCode, clip(p.stderr.Bytes()))
	}
	if wantCode == 0 && p.stderr.Len() > 0 {
		return p.Fault("wrote to stderr: %q", clip(p.stderr.Bytes()))
	}
	return nil
}

type frame struct {
	metadata, body []byte
	err            error
}

// maxStderr bounds what is kept of a process's stderr.
const maxStderr = 64 << 10

// bounded keeps the first bytes of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxStderr - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// clip shortens what is quoted in errors.
func clip(b []byte) []byte {
	const most = 400
	if len(b) > most {
		return append(b[:most:most], "..."...)
	}
	return b
}
