package splunkd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// This file is for tests that speak to a command byte by byte: recorded chunks, broken frames, an end in the middle.

// Frame is one message of the protocol.
type Frame struct{ Metadata, Body []byte }

// Spoken is all that a command said.
type Spoken struct {
	Stdout, Stderr []byte
	Code           int // exit code; -1: ended by a signal
}

// Frames takes stdout apart; anything but whole frames is an error.
func (s Spoken) Frames() ([]Frame, error) {
	in := bytes.NewReader(s.Stdout)
	var frames []Frame
	for {
		metadata, body, err := wire.ReadFrame(in, func(b []byte) error { _, err := io.ReadFull(in, b); return err })
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, Frame{metadata, body})
	}
}

// GetinfoFrame is the request with which a real run of a command begins. arguments is the text behind the command's name.
func (h *Head) GetinfoFrame(command, arguments string) []byte {
	h.searches++
	s := &search{head: h, sid: fmt.Sprintf("%d.%d", h.Now.Unix(), h.searches), earliest: h.Earliest, latest: h.Latest}
	c := &custom{s: s, name: command, search: "| makeresults | " + command + " " + arguments}
	c.args, c.rawArgs = wire.SplitArguments(arguments)
	return wire.AppendFrame(nil, wire.GetinfoMetadata(h.Preview, c.info(place{app: h.App, sid: s.sid})), nil)
}

// ExecuteFrame is a request with that body.
func ExecuteFrame(body []byte, finished bool) []byte {
	return wire.AppendFrame(nil, wire.ExecuteMetadata(finished), body)
}

// ReadBody reads the body of a request or a reply, strictly.
func ReadBody(body []byte) (*spl.Table, error) { return wire.DecodeBody(body) }

// WriteBody writes rows as splunkd does.
func WriteBody(table *spl.Table) []byte { return wire.AppendBody(nil, table.Columns, table.Rows) }

// Talk starts a command as splunkd does, writes input to it, closes its stdin and returns all that it said. Nothing is
// judged but the time: a command that does not end within Timeout is an error.
func (h *Head) Talk(command string, input []byte) (Spoken, error) {
	file, args, err := commandFile(h.App, command)
	if err != nil {
		return Spoken{}, err
	}
	var spoken Spoken
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(file, args...)
	cmd.Dir, cmd.Env = filepath.Join(h.App.Dir, "bin"), h.environment(h.App)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return Spoken{}, err
	}
	late := false
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
	case <-time.After(h.timeout()):
		late = true
		cmd.Process.Kill()
		err = <-done
	}
	spoken = Spoken{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	switch {
	case late:
		return spoken, &wire.ProtocolError{Command: command, Text: fmt.Sprintf("did not end within %s", h.timeout())}
	case err != nil && !errors.As(err, &exit):
		return spoken, err
	}
	return spoken, nil
}
