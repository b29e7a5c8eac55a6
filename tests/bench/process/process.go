//go:build linux

// Package process runs a search command as splunkd does, a whole process behind real
// pipes, and says what that took.
//
//	d := process.Driver{Stderr: os.Stderr, Patience: process.Patience}
//	measured, err := d.Sample([]process.Variant{{Name: "tordetect", Argv: []string{program}}}, requests, 5)
//	measured[0].Median.CPU
//
// It judges no reply: [Driver.Run] shows each to who asks. It needs Linux.
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tordetect/src/chunked"
)

// A Variant is a program that does the work in its own way.
type Variant struct {
	Name string
	Argv []string
	Env  []string
	// Free says that it does not wait for the whole request before it writes:
	// cat. Its output has to be read meanwhile.
	Free bool
}

// Figures of one run, times in seconds, sizes in bytes.
type Figures struct {
	CPU     float64 `json:"cpu_s"`     // user and system, of the whole process
	Wall    float64 `json:"wall_s"`    // from its start to its end
	Getinfo float64 `json:"getinfo_s"` // from its start to its reply to getinfo
	First   float64 `json:"first_s"`   // from the first byte of the first chunk to the last one of its reply
	After   float64 `json:"after_s"`   // from the last byte of a request to the last one of its reply, all chunks but the empty last one
	Memory  int64   `json:"memory"`    // most that was resident
	Reply   int64   `json:"reply"`     // the largest reply
}

// Driver plays splunkd: it starts a process and talks to it in turns, over pipes
// of the system's usual size, which the process may enlarge. A request is written
// whole before the first byte of its reply is read.
//
// Its buffers are kept from run to run: what it does itself should cost little
// and always the same.
type Driver struct {
	source  swap
	replies *chunked.Reader
	Stderr  io.Writer

	Patience time.Duration // after which a process is ended
}

// Patience is far more than any run takes, so that a variant that waits for what
// never comes is an error and not a benchmark without end.
const Patience = 3 * time.Minute

// swap is a stream that is another one in each run.
type swap struct{ file *os.File }

func (s *swap) Read(p []byte) (int, error) { return s.file.Read(p) }

// see is shown each reply; the bytes are good until it returns.
type see func(i int, metadata, body []byte)

// Run starts the variant and sends the requests. A nil error is a process that
// answered each and ended with status 0.
func (d *Driver) Run(v Variant, requests [][]byte, show see) (f Figures, err error) {
	cmd := exec.Command(v.Argv[0], v.Argv[1:]...)
	cmd.Env = append(os.Environ(), v.Env...)
	cmd.Stderr = d.Stderr
	stdin, in, err := pipe()
	if err != nil {
		return f, err
	}
	out, stdout, err := pipe()
	if err != nil {
		return f, errors.Join(err, stdin.Close(), in.Close())
	}
	defer out.Close()
	cmd.Stdin, cmd.Stdout = stdin, stdout
	start := time.Now()
	err = cmd.Start()
	_ = stdin.Close()
	_ = stdout.Close()
	if err != nil {
		return f, errors.Join(err, in.Close())
	}
	timer := time.AfterFunc(d.Patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if d.source.file = out; d.replies == nil {
		d.replies = chunked.NewReader(&d.source)
	}
	talk := d.turns
	if v.Free {
		talk = d.stream
	}
	if err = talk(&f, in, requests, start, show); err == nil {
		f.Memory, err = peak(cmd.Process.Pid)
	} else {
		d.replies = nil // it stays failed
	}
	_ = in.Close()
	if err != nil {
		_ = out.Close() // or a process that still writes would wait for ever
	}
	if ended := cmd.Wait(); err == nil {
		err = ended
	} else if ended != nil {
		err = fmt.Errorf("%w (%v)", err, ended)
	}
	f.Wall = time.Since(start).Seconds()
	f.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return f, err
}

func (d *Driver) turns(f *Figures, in *os.File, requests [][]byte, start time.Time, show see) error {
	for i, request := range requests {
		asked := time.Now()
		if _, err := in.Write(request); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		written := time.Now()
		metadata, body, err := d.replies.Next()
		if err != nil {
			return fmt.Errorf("reply %d: %w", i, err)
		}
		done := time.Now()
		switch {
		case i == 0:
			f.Getinfo = done.Sub(start).Seconds()
		case i == 1:
			f.First = done.Sub(asked).Seconds()
		}
		if i > 0 && (i < len(requests)-1 || i == 1) {
			f.After += done.Sub(written).Seconds()
		}
		f.Reply = max(f.Reply, int64(len(body)))
		if show != nil {
			show(i, metadata, body)
		}
	}
	return nil
}

// stream writes all requests and reads all replies at the same time.
func (d *Driver) stream(f *Figures, in *os.File, requests [][]byte, _ time.Time, show see) error {
	written := make(chan error, 1)
	go func() {
		for _, request := range requests {
			if _, err := in.Write(request); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for i := range requests {
		metadata, body, err := d.replies.Next()
		if err != nil {
			return fmt.Errorf("reply %d: %w", i, err)
		}
		f.Reply = max(f.Reply, int64(len(body)))
		if show != nil {
			show(i, metadata, body)
		}
	}
	return <-written
}

// pipe makes a pipe as splunkd gets it. Its ends block: a turn then is one
// system call, and not a poll besides.
func pipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// peak is the most memory that a process held so far. The resource usage that
// the system reports at its end would count the parent's, from which it was
// forked.
func peak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the peak memory, which needs Linux: %w", err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(after, &kB); err != nil {
		return 0, fmt.Errorf("read the peak memory of process %d: %w", pid, err)
	}
	return kB << 10, nil
}
