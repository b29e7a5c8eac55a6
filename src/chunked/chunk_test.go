package chunked

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	turn := 0
	out, err := serve(conversation("a\n1\n", "a\n2\n", "a\n3\n"), script{execute: func(chunk *Chunk, body []byte) error {
		turn++
		chunk.Warn("no data file")
		chunk.Warn("no data file")
		chunk.Error("no data file") // splunkd looks at the text alone
		chunk.Warn("  no data file\n")
		chunk.Warn("")
		if turn == 2 {
			chunk.Error("row <2> & \"more\"")
		}
		chunk.Reply = append(chunk.Reply, body...)
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, []frame{
		{`{"type":"streaming"}`, ""},
		{`{"inspector":{"messages":[["WARN","no data file"]]},"finished":false}`, "a\n1\n"},
		{`{"inspector":{"messages":[["ERROR","row <2> & \"more\""]]},"finished":false}`, "a\n2\n"},
		{`{"finished":true}`, "a\n3\n"},
	}, requireFrames(t, out))
}

func TestMessagesAreBounded(t *testing.T) {
	out, err := serve(conversation("a\n", "a\n"), script{execute: func(chunk *Chunk, body []byte) error {
		for i := range 1000 {
			chunk.Warn(fmt.Sprintf("row %d", i))
		}
		chunk.Warn("row 3")
		chunk.Reply = append(chunk.Reply, body...)
		return nil
	}})
	require.NoError(t, err)
	list := requireFrames(t, out)
	var got struct {
		Inspector struct{ Messages [][2]string }
	}
	require.NoError(t, json.Unmarshal([]byte(list[1].metadata), &got))
	require.Len(t, got.Inspector.Messages, maxMessages)
	require.Equal(t, [2]string{"WARN", "row 18"}, got.Inspector.Messages[18])
	require.Equal(t, [2]string{"WARN", lastMessage}, got.Inspector.Messages[19])
	require.Equal(t, `{"finished":true}`, list[2].metadata)
}

func TestTooManyMessagesForTheHeadroom(t *testing.T) {
	long := strings.Repeat("x", 900)
	out, err := serve(conversation("a\n1\n", "a\n2\n"), script{execute: func(chunk *Chunk, body []byte) error {
		if !chunk.Finished {
			for i := range 5 {
				chunk.Warn(fmt.Sprint(i, long))
			}
		}
		chunk.Reply = append(chunk.Reply, body...)
		return nil
	}})
	require.NoError(t, err)
	list := requireFrames(t, out)
	require.Greater(t, len(list[1].metadata), 5*900)
	require.Equal(t, "a\n1\n", list[1].body)
	require.Equal(t, frame{`{"finished":true}`, "a\n2\n"}, list[2])
}

func TestTextsArePlain(t *testing.T) {
	for text, want := range map[string]string{
		"two\nlines":                      "two lines",
		"\ttab, CR\r\nand NUL\x00.\u2028": "tab, CR  and NUL .",
		"bad \xff\xfe UTF-8":              "bad \ufffd UTF-8",
		"é日本":                             "é日本",
		strings.Repeat("é", 5000):         strings.Repeat("é", 498) + "…",
		strings.Repeat("x", maxText):      strings.Repeat("x", maxText),
		strings.Repeat("x", maxText+1):    strings.Repeat("x", maxText-3) + "…",
	} {
		chunk := &Chunk{}
		chunk.Warn(text)
		require.Equal(t, []Message{{"WARN", want}}, chunk.Messages())
		require.True(t, utf8.ValidString(want))
		require.LessOrEqual(t, len(want), maxText)

		out, err := serve(conversation(""), script{execute: func(*Chunk, []byte) error { return errors.New(text) }})
		require.EqualError(t, err, text, "the caller gets the error as it is")
		var got struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(requireFrames(t, out)[1].metadata), &got))
		require.Equal(t, want, got.Error)
	}
}

func TestErrorWithoutText(t *testing.T) {
	out, _ := serve(conversation(""), script{execute: func(*Chunk, []byte) error { return errors.New(" \n") }})
	require.Contains(t, out, `"error":"the command failed and gave no reason"`)
}

func TestMessagesOfAChunkMadeByHand(t *testing.T) {
	var chunk Chunk
	require.Nil(t, chunk.Messages())
	chunk.Error("a")
	chunk.Warn("a")
	require.Equal(t, []Message{{"ERROR", "a"}}, chunk.Messages())
	chunk.Grow(10)
	require.Empty(t, chunk.Reply)
	require.GreaterOrEqual(t, cap(chunk.Reply), 10)
}

// Whatever a command does with Reply, its bytes are sent, and memory that may
// be its own is not written to.
func TestReplyFromAnywhere(t *testing.T) {
	own := []byte("a\nown\n-----------------------------------------------------------")
	big := strings.Repeat("b\n", 100<<10)
	for name, test := range map[string]struct {
		execute func(*Chunk, []byte)
		want    string
	}{
		"appended":           {func(c *Chunk, body []byte) { c.Reply = append(c.Reply, "a\n1\n"...) }, "a\n1\n"},
		"moved by append":    {func(c *Chunk, body []byte) { c.Reply = append(c.Reply, big...) }, big},
		"grown first":        {func(c *Chunk, body []byte) { c.Grow(len(big)); c.Reply = append(c.Reply, big...) }, big},
		"grown in steps":     {func(c *Chunk, body []byte) { appendInSteps(c, big) }, big},
		"grown after append": {func(c *Chunk, body []byte) { c.Reply = append(c.Reply, big...); c.Grow(1 << 20) }, big},
		"the body itself":    {func(c *Chunk, body []byte) { c.Reply = body }, "a\nbody\n"},
		"part of the body":   {func(c *Chunk, body []byte) { c.Reply = body[2:] }, "body\n"},
		"its own memory":     {func(c *Chunk, body []byte) { c.Reply = own[:6] }, "a\nown\n"},
		"part of the reply":  {func(c *Chunk, body []byte) { c.Reply = append(c.Reply, "xxa\n1\n"...)[2:] }, "a\n1\n"},
		"cut off":            {func(c *Chunk, body []byte) { c.Reply = append(c.Reply, "a\n1\n2\n"...)[:4] }, "a\n1\n"},
		"nil":                {func(c *Chunk, body []byte) { c.Reply = nil }, ""},
		"no capacity":        {func(c *Chunk, body []byte) { c.Reply = []byte{} }, ""},
		"nothing":            {func(c *Chunk, body []byte) {}, ""},
		"body appended to":   {func(c *Chunk, body []byte) { c.Reply = append(body, "more\n"...) }, "a\nbody\nmore\n"},
	} {
		t.Run(name, func(t *testing.T) {
			before := string(own)
			text := conversation("a\nbody\n", "a\nbody\n", "a\nbody\n")
			out, err := serve(text, script{execute: func(c *Chunk, body []byte) error {
				require.Equal(t, "a\nbody\n", string(body))
				require.Empty(t, c.Reply)
				test.execute(c, body)
				return nil
			}})
			require.NoError(t, err)
			list := requireFrames(t, out)
			require.Len(t, list, 4)
			for _, frame := range list[1:] {
				require.Equal(t, test.want, frame.body)
			}
			require.Equal(t, before, string(own))
		})
	}
}

func appendInSteps(c *Chunk, text string) {
	for len(text) > 0 {
		n := min(100, len(text))
		c.Grow(n)
		c.Reply = append(c.Reply, text[:n]...)
		text = text[n:]
	}
}

func TestPanics(t *testing.T) {
	const secret = "192.0.2.1 talked to 198.51.100.7"
	var rows map[string]int
	for name, test := range map[string]struct {
		panics func()
		where  string
	}{
		"a text":            {func() { panic(secret) }, "chunked.TestPanics.func1 (chunk_test.go:"},
		"an error":          {func() { panic(errors.New(secret)) }, "chunked.TestPanics.func2 (chunk_test.go:"},
		"in a function":     {func() { explode(secret) }, "chunked.explode (chunk_test.go:"},
		"nil map":           {func() { rows[secret] = 1 }, "chunked.TestPanics.func4 (chunk_test.go:"},
		"index":             {func() { _ = []byte(secret)[len(secret)+len(rows)] }, "chunked.TestPanics.func5 (chunk_test.go:"},
		"nil pointer":       {func() { var c *Chunk; c.Reply = nil }, "chunked.TestPanics.func6 (chunk_test.go:"},
		"in the library":    {func() { bytes.Repeat([]byte(secret), -1-len(rows)) }, "bytes.Repeat (bytes.go:"},
		"while it panics":   {func() { defer func() { panic(secret) }(); explode(secret) }, "chunked.explode (chunk_test.go:"},
		"nil as the value":  {func() { panic(nil) }, "chunked.TestPanics.func9 (chunk_test.go:"},
		"deep in recursion": {func() { dig(1000) }, "chunked.dig (chunk_test.go:"},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(out string, err error, count int) {
				require.Error(t, err)
				list := requireFrames(t, out)
				require.Len(t, list, count)
				require.Empty(t, list[count-1].body)
				require.True(t, strings.HasPrefix(list[count-1].metadata, `{"finished":true,"error":"internal error in `+test.where), list[count-1].metadata)
				require.NotContains(t, out+err.Error(), secret)
				require.Less(t, len(list[count-1].metadata), 500)
			}
			out, err := serve(conversation("a\n"), script{execute: func(c *Chunk, body []byte) error {
				c.Reply = append(c.Reply, "half a reply"...)
				test.panics()
				return nil
			}})
			check(out, err, 2)
			out, err = serve(conversation("a\n"), script{getinfo: func(*Info) (Declaration, error) {
				test.panics()
				return Declaration{}, nil
			}})
			check(out, err, 1)
		})
	}
}

func explode(text string) { panic(text) }

func dig(depth int) {
	if depth == 0 {
		panic("bottom")
	}
	dig(depth - 1)
}

// Room gives at least what is asked for, and no more memory ahead than was written.
func TestRoom(t *testing.T) {
	var c Chunk
	c.reserve(leastReply)
	require.Equal(t, 100, c.Room(100, 1<<30), "there is room, and nothing is guessed")
	for range 3 {
		c.Reply = append(c.Reply, make([]byte, 300<<10)...)
		written := len(c.Reply)
		to := c.Room(4<<10, 8<<20)
		require.GreaterOrEqual(t, cap(c.Reply), to)
		require.LessOrEqual(t, to, written+max(4<<10, min(written, mostAhead)))
		require.GreaterOrEqual(t, to, written+4<<10)
	}
	require.GreaterOrEqual(t, cap(c.Reply), len(c.Reply)+4<<10)
}
