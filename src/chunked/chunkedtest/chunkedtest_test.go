package chunkedtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
)

// echo gives rows back as they came.
func echo(_ context.Context, chunk *chunked.Chunk, body io.Reader) error {
	_, err := io.Copy(chunk, body)
	return err
}

// counts is a generating command of n rows, two a turn.
type counts struct {
	infos []*chunked.Info
	n     int
	next  int
}

func (c *counts) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	c.infos = append(c.infos, info)
	for args := chunked.NewArguments(info.Args, nil); args.Next(); {
		if args.Name != "n" {
			return chunked.Declaration{}, fmt.Errorf("unknown argument %q", args.Name)
		}
		if _, err := fmt.Sscan(args.Value, &c.n); err != nil {
			return chunked.Declaration{}, fmt.Errorf("n is no number: %w", err)
		}
	}
	return chunked.Declaration{Type: chunked.Reporting, Generating: true}, nil
}

func (c *counts) Execute(_ context.Context, chunk *chunked.Chunk, _ io.Reader) error {
	chunk.Reply = append(chunk.Reply, "n\n"...)
	for range 2 {
		if c.next < c.n {
			c.next++
			chunk.Reply = fmt.Appendf(chunk.Reply, "%d\n", c.next)
		}
	}
	chunk.More = c.next < c.n
	if !chunk.More {
		chunk.Warn("That was all.")
	}
	return nil
}

func TestRun(t *testing.T) {
	body := Body([]string{"ip", "user name"}, []string{"192.0.2.1\n192.0.2.2", `O"Neil`}, []string{"", "x"})
	require.Equal(t, "ip,\"user name\",\"__mv_ip\",\"__mv_user name\"\n\"192.0.2.1\n192.0.2.2\",\"O\"\"Neil\",\"$192.0.2.1$;$192.0.2.2$\",\n,x,,\n", body)
	r := Run(t, chunked.CommandFunc(echo), Search{Chunks: []string{body, body}, EmptyLast: true})
	require.Equal(t, `{"type":"streaming"}`, r.Declared)
	require.Equal(t, []Reply{{false, body}, {false, body}, {true, body[:strings.Index(body, "\n")+1]}}, r.Replies)
	require.Equal(t, map[string]string{"ip": "192.0.2.1\n192.0.2.2", "user name": `O"Neil`, "__mv_ip": "$192.0.2.1$;$192.0.2.2$", "__mv_user name": ""}, r.Rows()[0])

	r = Run(t, chunked.CommandFunc(echo), Search{})
	require.Equal(t, []Reply{{true, ""}}, r.Replies)
	r = Run(t, chunked.CommandFunc(echo), Search{Chunks: []string{body}, ProbeOnly: true})
	require.Equal(t, `{"type":"streaming"}`, r.Declared)
	require.Empty(t, r.Replies)
}

func TestRunGenerating(t *testing.T) {
	c := &counts{}
	r := Run(t, c, Search{Args: []string{"n", "=", "5"}, Info: map[string]any{"maxresultrows": 100, "new": true}})
	require.Len(t, r.Replies, 3)
	require.Len(t, r.Rows(), 5)
	require.Equal(t, []chunked.Message{{Level: "WARN", Text: "That was all."}}, r.Messages)
	require.Len(t, c.infos, 2, "a probe and a run")
	require.Empty(t, c.infos[0].SessionKey.Reveal())
	require.Equal(t, sessionKey, c.infos[1].SessionKey.Reveal())
	require.Equal(t, 100, c.infos[1].MaxResultRows)
	value, ok := c.infos[1].Raw("new")
	require.True(t, ok)
	require.Equal(t, "true", string(value))

	r = Run(t, &counts{}, Search{Args: []string{"m=5"}})
	require.Equal(t, `unknown argument "m"`, r.Failure)
	require.Empty(t, r.Replies)
	r = Run(t, chunked.CommandFunc(func(_ context.Context, c *chunked.Chunk, _ io.Reader) error {
		c.Warn("first")
		return errors.New("broken")
	}), Search{})
	require.Equal(t, "broken", r.Failure)
	require.Equal(t, []chunked.Message{{Level: "WARN", Text: "first"}}, r.Messages)
}

// What the probe sends is what was recorded, key by key.
func TestGetinfoAsRecorded(t *testing.T) {
	const before, after = `{"action":"getinfo","preview":false,"streaming_command_will_restart":false,"searchinfo":{"args":["a=<b>"],"raw_args":["a=<b>"],"dispatch_dir":"`, `"maxresultrows":50000,"earliest_time":"0","latest_time":"0","z":1}}`
	text := getinfo(t, Search{Args: []string{"a=<b>"}, Info: map[string]any{"z": 1}}, nil)
	text = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(text)
	require.True(t, strings.HasPrefix(text, before), text)
	require.True(t, strings.HasSuffix(text, after), text)
}

// failing takes the complaints that a test would fail with.
type failing struct {
	testing.TB
	text []string
}

func (f *failing) Helper() {}
func (f *failing) Errorf(format string, args ...any) {
	f.text = append(f.text, fmt.Sprintf(format, args...))
}

// fickle declares something else each time.
type fickle struct{ n int }

func (f *fickle) Getinfo(*chunked.Info) (chunked.Declaration, error) {
	f.n++
	return chunked.Declaration{MaxWait: f.n}, nil
}

func (f *fickle) Execute(ctx context.Context, c *chunked.Chunk, body io.Reader) error {
	return echo(ctx, c, body)
}

// Commands that Serve cannot save from themselves.
func TestBadCommands(t *testing.T) {
	says := func(text string) chunked.CommandFunc {
		return func(_ context.Context, c *chunked.Chunk, _ io.Reader) error {
			c.Reply = append(c.Reply, text...)
			return nil
		}
	}
	given := Body([]string{"a", "_chunked_idx"}, []string{"1", "0"}, []string{"2", "1"})
	for _, c := range []struct {
		name string
		cmd  chunked.Command
		want string
	}{
		{"another declaration", &fickle{}, "asked again"},
		{"a row too short", says("a,_chunked_idx\n1\n"), "no sound CSV"},
		{"a quote too much", says("a,_chunked_idx\n1\",0\n"), "no sound CSV"},
		{"a column twice", says("a,a,_chunked_idx\n1,1,0\n"), `two columns "a"`},
		{"a list of nothing", says("a,_chunked_idx,__mv_b\n1,0,\n"), "and none b"},
		{"no list", says("a,_chunked_idx,__mv_a\n1,0,x\n"), "multivalue cell"},
		{"another list", says("a,_chunked_idx,__mv_a\n1,0,$1$;$2$\n"), "its plain cell"},
		{"no number", says("a\n1\n"), "did not come back"},
		{"another number", says("a,_chunked_idx\n1,7\n"), "was not sent"},
		{"the session key", says("a,_chunked_idx\n" + sessionKey + ",0\n"), "the session key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &failing{TB: t}
			Run(f, c.cmd, Search{Chunks: []string{given}})
			require.Len(t, f.text, 1)
			require.Contains(t, f.text[0], c.want)
		})
	}
}

// Replies that Serve would not write.
func TestBadReplies(t *testing.T) {
	frame := func(metadata, body string) answer {
		return answer{metadata: metadata, body: body, raw: string(chunked.AppendFrame(nil, []byte(metadata), []byte(body)))}
	}
	for _, c := range []struct {
		name    string
		getinfo bool
		answer  answer
		want    string
	}{
		{"nothing", false, answer{err: io.EOF}, "no reply"},
		{"blanks in the header", false, answer{metadata: `{"finished":false}`, raw: "chunked 1.0, 18,0\n{\"finished\":false}"}, "header line"},
		{"no JSON", false, frame("nonsense", ""), "does not take the metadata"},
		{"two objects", false, frame(`{"finished":false}{}`, ""), "something follows"},
		{"no UTF-8", false, frame("{\"finished\":true,\"error\":\"\xff\"}", ""), "no UTF-8"},
		{"an unknown key", true, frame(`{"distributed":true}`, ""), "does not take the metadata"},
		{"an unknown type", true, frame(`{"type":"eventing"}`, ""), `no type "eventing"`},
		{"a body for getinfo", true, frame(`{"type":"streaming"}`, "a\n"), "has a body"},
		{"finished too early", false, frame(`{"finished":true}`, ""), "finished is true"},
		{"not finished", false, frame(`{}`, ""), "does not say"},
		{"an error with rows", false, frame(`{"finished":true,"error":"x"}`, "a\n"), "has a body"},
		{"an error that goes on", false, frame(`{"error":"x"}`, ""), "does not say finished"},
		{"a message behind", false, frame(`{"finished":false,"inspector":{"messages":[["WARN","x"]]}}`, ""), "do not stand first"},
		{"a message twice", false, frame(`{"inspector":{"messages":[["WARN","x"],["WARN","x"]]},"finished":false}`, ""), "sent twice"},
		{"a level of its own", false, frame(`{"inspector":{"messages":[["warning","x"]]},"finished":false}`, ""), "the level"},
		{"two lines", false, frame(`{"inspector":{"messages":[["WARN","x\ny"]]},"finished":false}`, ""), "not one line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &judge{result: &Result{t: t}}
			if c.getinfo {
				j.getinfo(c.answer)
			} else {
				j.execute("", false, c.answer)
			}
			require.Len(t, j.problems, 1)
			require.Contains(t, j.problems[0], c.want)
		})
	}
	j := &judge{result: &Result{t: t}}
	j.end("one more", nil)
	require.Contains(t, j.problems[0], "without a request")
	j = &judge{result: &Result{t: t}}
	j.end("", errors.New("x"))
	require.Contains(t, j.problems[0], "ended with x")
}

// Rows that came broken may go as they came.
func TestGivenAsItCame(t *testing.T) {
	given := "a,a,__mv_a,__mv_b\n1,2,nonsense,\n"
	require.Equal(t, given, Run(t, chunked.CommandFunc(echo), Search{Chunks: []string{given}}).Replies[0].Body)
}

// Whatever comes back, the judge says something and goes on.
func FuzzJudge(f *testing.F) {
	f.Add(`{"type":"streaming"}`, `{"inspector":{"messages":[["WARN","x"]]},"finished":true}`, "a,__mv_a\n1,$1$;$2$\n")
	f.Add(`{"generating":true}`, `{"error":""}`, "a\"\n")
	f.Fuzz(func(t *testing.T, declared, metadata, body string) {
		j := &judge{result: &Result{t: t}}
		j.getinfo(answer{metadata: declared, raw: string(chunked.AppendFrame(nil, []byte(declared), nil))})
		j.execute(body, true, answer{metadata: metadata, body: body, raw: string(chunked.AppendFrame(nil, []byte(metadata), []byte(body)))})
		if len(j.problems) == 0 && j.result.Failure == "" {
			_, err := read(j.result.Replies[0].Body)
			require.NoError(t, err)
		}
	})
}
