package chunked

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tests write frames as people read them: ⏎ is one LF, ⟦0D⟧ one byte in
// hex, everything else literal UTF-8.
var notation = strings.NewReplacer("⏎", "\n", "⟦0D⟧", "\r", "⟦00⟧", "\x00", "⟦FF⟧", "\xff")

func wire(lines ...string) string { return notation.Replace(strings.Join(lines, "")) }

func request(metadata, body string) string {
	return string(AppendFrame(nil, []byte(metadata), []byte(body)))
}

const (
	askInfo = `{"action":"getinfo"}`
	askMore = `{"action":"execute","finished":false}`
	askLast = `{"action":"execute","finished":true}`
)

// conversation is a getinfo and one execute per body, the last one finished.
func conversation(bodies ...string) string {
	text := request(askInfo, "")
	for i, body := range bodies {
		metadata := askMore
		if i == len(bodies)-1 {
			metadata = askLast
		}
		text += request(metadata, body)
	}
	return text
}

// script is a Command made of two functions, both of which may be missing.
type script struct {
	getinfo func(*Info) (Declaration, error)
	execute func(chunk *Chunk, body []byte) error // gets the body whole
}

func (s script) Getinfo(info *Info) (Declaration, error) {
	if s.getinfo == nil {
		return Declaration{}, nil
	}
	return s.getinfo(info)
}

func (s script) Execute(_ context.Context, chunk *Chunk, body io.Reader) error {
	all, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if s.execute == nil {
		chunk.Reply = append(chunk.Reply, all...)
		return nil
	}
	return s.execute(chunk, all)
}

// declares is the getinfo of a command that always says the same.
func declares(d Declaration) func(*Info) (Declaration, error) {
	return func(*Info) (Declaration, error) { return d, nil }
}

// replies is the execute of a command that has its replies ready.
func replies(bodies ...string) func(*Chunk, []byte) error {
	return func(chunk *Chunk, _ []byte) error {
		if len(bodies) == 0 {
			return errors.New("asked once too often")
		}
		chunk.Reply = append(chunk.Reply, bodies[0]...)
		bodies = bodies[1:]
		return nil
	}
}

// serve runs a command over text and returns all that it wrote.
func serve(text string, cmd Command) (string, error) {
	var out bytes.Buffer
	err := Serve(strings.NewReader(text), &out, cmd)
	return out.String(), err
}

type frame struct{ metadata, body string }

// frames takes text apart; the error is io.EOF when it ends between two frames.
func frames(src io.Reader) (list []frame, err error) {
	for r := NewReader(src); ; {
		metadata, body, err := r.Next()
		if err != nil {
			return list, err
		}
		list = append(list, frame{string(metadata), string(body)})
	}
}

func requireFrames(t *testing.T, text string) []frame {
	t.Helper()
	list, err := frames(strings.NewReader(text))
	require.Equal(t, io.EOF, err)
	return list
}
