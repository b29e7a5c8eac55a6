package splunkd

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

// process is one running custom command, spoken to over real pipes. It sends one request, waits for its one reply, and
// finds the process at fault if that does not come in time, comes early, or is followed by anything.
type process struct {
	command string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.ReadCloser
	stderr  *bounded
	frames  chan frame // replies in order; the last one has err set
	stop    chan struct{}
	arrived *atomic.Int64 // bytes read from stdout
	timeout time.Duration
	hold    time.Duration
	secret  string // must never show up in what the process writes
	said    map[string]bool
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

// startProcess starts file as splunkd does: no arguments but command.arg.N, the app's bin as working directory, a bare
// environment, a process group of its own so that nothing outlives a timeout.
func startProcess(command, file string, args []string, dir string, env []string, h *Head) (*process, error) {
	p := &process{command: command, cmd: exec.Command(file, args...), stderr: &bounded{}, frames: make(chan frame, 1),
		stop: make(chan struct{}), arrived: &atomic.Int64{}, timeout: h.timeout(), hold: h.Hold, secret: sessionKey, said: map[string]bool{}}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, env, p.stderr
	ownGroup(p.cmd)
	p.cmd.WaitDelay = p.timeout
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, spl.SearchErrorf("Error in '%s' command: cannot start %s: %v", command, file, err)
	}
	go p.read()
	return p, nil
}

func (p *process) read() {
	in := bufio.NewReaderSize(counter{p.stdout, p.arrived}, 64<<10)
	for {
		var f frame
		f.metadata, f.body, f.err = readFrame(in, func(b []byte) error { _, err := io.ReadFull(in, b); return err })
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

func (p *process) fault(format string, values ...any) error {
	return &ProtocolError{Command: p.command, Text: fmt.Sprintf(format, values...)}
}

// ask sends one request and returns the one reply. After an error the process is gone.
func (p *process) ask(metadata, body []byte, accepted []string) (*reply, []byte, error) {
	r, replyBody, err := p.exchange(metadata, body, accepted)
	if err != nil {
		p.kill()
		return nil, nil, err
	}
	return r, replyBody, nil
}

func (p *process) exchange(metadata, body []byte, accepted []string) (*reply, []byte, error) {
	before := p.arrived.Load()
	select {
	case f := <-p.frames:
		if f.err == nil {
			return nil, nil, p.fault("sent a frame that nobody asked for: %q", clip(f.metadata))
		}
		return nil, nil, p.died(f.err)
	default:
	}
	written := make(chan error, 1)
	go func() { written <- p.write(appendFrame(nil, metadata, body), before) }()
	timer := time.NewTimer(p.timeout + p.hold)
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
			return nil, nil, p.fault("no reply within %s to %s (body of %d bytes)", p.timeout, clip(metadata), len(body))
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
		case <-time.After(p.timeout):
			return nil, nil, p.fault("replied without reading the whole request")
		}
	}
	if bytes.Contains(f.metadata, []byte(p.secret)) || bytes.Contains(f.body, []byte(p.secret)) {
		return nil, nil, p.fault("the session key is in a reply")
	}
	r, err := parseReply(f.metadata, accepted)
	if err != nil {
		return nil, nil, p.fault("%v", err)
	}
	for _, m := range r.messages {
		if p.said[m.Text] {
			return nil, nil, p.fault("sent the same message twice: %q", m.Text)
		}
		p.said[m.Text] = true
	}
	return r, f.body, nil
}

// write sends the request. With a hold time it keeps the last byte back for that long: nothing may come before.
func (p *process) write(request []byte, before int64) error {
	if p.hold > 0 {
		if _, err := p.stdin.Write(request[:len(request)-1]); err != nil {
			return err
		}
		request = request[len(request)-1:]
		time.Sleep(p.hold)
		if p.arrived.Load() > before {
			return p.fault("replied before the request was complete")
		}
	}
	_, err := p.stdin.Write(request)
	return err
}

// died explains a stdout that ended, or a broken frame, where a reply was due.
func (p *process) died(cause error) error {
	if cause != io.EOF {
		return p.fault("%v; stderr: %q", cause, p.kill())
	}
	code, err := p.wait()
	if err != nil {
		return err
	}
	if code == 0 {
		return p.fault("ended without a reply; stderr: %q", clip(p.stderr.Bytes()))
	}
	return spl.SearchErrorf("Error in '%s' command: External search command exited unexpectedly with non-zero error code %d. stderr: %s", p.command, code, clip(p.stderr.Bytes()))
}

// wait closes stdin and returns the exit code once the process is gone.
func (p *process) wait() (int, error) {
	p.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(p.timeout):
		killGroup(p.cmd)
		<-done
		return 0, p.fault("did not end within %s after its stdin was closed", p.timeout)
	}
	if bytes.Contains(p.stderr.Bytes(), []byte(p.secret)) {
		return 0, p.fault("the session key is on stderr")
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// kill ends the process at once and returns its stderr.
func (p *process) kill() []byte {
	if p.cmd.ProcessState == nil {
		p.stdin.Close()
		killGroup(p.cmd)
		p.drain()
		p.cmd.Wait()
	}
	return clip(p.stderr.Bytes())
}

func (p *process) drain() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
}

// end closes stdin after the final reply and wants: nothing more on stdout, nothing on stderr, the exit code.
func (p *process) end(wantCode int) error {
	p.stdin.Close()
	select {
	case f := <-p.frames:
		if f.err == nil {
			p.kill()
			return p.fault("sent another frame after its final reply: %q", clip(f.metadata))
		}
		if f.err != io.EOF {
			p.kill()
			return p.fault("after its final reply: %v", f.err)
		}
	case <-time.After(p.timeout):
		p.kill()
		return p.fault("did not end within %s after its final reply", p.timeout)
	}
	return p.ended(wantCode)
}

// abandon closes both pipes in the middle of a run, as splunkd does for `| head`: the process has to leave quietly.
func (p *process) abandon() error {
	p.stdin.Close()
	p.drain()
	p.stdout.Close()
	return p.ended(0)
}

func (p *process) ended(wantCode int) error {
	code, err := p.wait()
	if err != nil {
		return err
	}
	if code != wantCode {
		return p.fault("exit code %d, want %d; stderr: %q", code, wantCode, clip(p.stderr.Bytes()))
	}
	if wantCode == 0 && p.stderr.Len() > 0 {
		return p.fault("wrote to stderr: %q", clip(p.stderr.Bytes()))
	}
	return nil
}

// clip shortens what is quoted in errors.
func clip(b []byte) []byte {
	const most = 400
	if len(b) > most {
		return append(b[:most:most], "..."...)
	}
	return b
}
