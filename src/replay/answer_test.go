package replay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
	"tordetect/src/text"
	"tordetect/tests/pace"
)

// canned is a server that gives the same answer to everything.
type canned struct {
	status        int
	header, value string
	body          []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{StatusCode: c.status, Header: http.Header{http.CanonicalHeaderKey(c.header): {c.value}}, Body: io.NopCloser(strings.NewReader(string(c.body))), Request: r}, nil
}

// Whatever a server answers to a request with events or to a question about them: what
// is taken for success is one, and what is said about anything else is a line that
// plays nothing on a terminal and has no token in it.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"text":"Success","code":0,"ackId":7}`, `{"text":"Success","code":0,"ackId":-1}`, `"OK"`, `{"acks":{"7":true,"8":false,"x":true}}`, `{"acks":null}`,
		`{"text":"Invalid token ` + testToken + `","code":4}`, `{"text":"Incorrect index","code":7,"invalid-event-number":-3}`, `{"text":"\u001b]0;x\u0007","code":9}`,
		`{"code":"SUCCESS","message":"x","details":{}}`, `{"code":"INVALID_DATA","message":"\u202e"}`, "<html><title>Login \x1b[2J</title>", `{"code":1e400}`, ``,
		"no such token: " + testToken + " \x1b[2J",
	} {
		for _, status := range []int{200, 204, 302, 400, 429, 503} {
			f.Add(status, "Retry-After", "120", []byte(body))
		}
	}
	f.Add(200, "Set-Cookie", "a=b; Domain=example.org", []byte(`{"code":0}`))
	f.Add(429, "Retry-After", "Fri, 20 Nov 2026 12:00:00 GMT", []byte(`{"code":9}`))
	f.Fuzz(func(t *testing.T, status int, header, value string, body []byte) {
		server := canned{200 + (status%400+400)%400, header, value, body}
		batch := Batch{Meta: recorded.Meta{Host: "h"}, Run: newID(), File: "f", Channel: newID(), Events: []*recorded.Event{{Text: []byte("one"), Time: noon}}}
		now := func() time.Time { return noon }

		hec, err := NewHEC(HECConfig{URL: "http://collector.example:8088", Token: token(t), Event: true, Ack: true, Now: now})
		require.NoError(t, err)
		hec.client.Transport = server
		id, err := hec.Send(t.Context(), batch)
		if err == nil {
			require.GreaterOrEqual(t, id, int64(0))
			said, ok := parseAnswer(body)
			require.True(t, ok && server.status < 300 && *said.Code == 0 && *said.AckID == id)
		}
		fit(t, err)
		confirmed, err := hec.Confirm(t.Context(), batch.Channel, []int64{7})
		require.True(t, err == nil || len(confirmed) == 0)
		fit(t, err)

		scs, err := NewSCS(SCSConfig{URL: "http://tenant.example", Tenant: "corp", Token: token(t), Now: now})
		require.NoError(t, err)
		scs.way.direct = server
		_, err = scs.Send(t.Context(), batch)
		require.True(t, err != nil || server.status < 300)
		fit(t, err)

		pace.Hold(t, body, func(body []byte) {
			hec.client.Transport = canned{server.status, header, value, body}
			_, _ = hec.Send(context.Background(), batch)
			_, _ = hec.Confirm(context.Background(), batch.Channel, []int64{7})
		})
	})
}

// fit checks what would be shown of an answer.
func fit(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var failure *Failure
	require.True(t, errors.As(err, &failure), "%v", err)
	require.NotContains(t, strings.ToLower(err.Error()), testToken)
	require.Equal(t, -1, strings.IndexFunc(err.Error(), text.Plays), "%q", err)
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 2000)
	require.GreaterOrEqual(t, failure.After, time.Duration(0))
}

// A state that was damaged, or that somebody wrote, is refused or is one that a replay
// of these files can have.
func FuzzState(f *testing.F) {
	folder := f.TempDir()
	path := filepath.Join(folder, "state")
	fresh := func() *state {
		return &state{Version: stateVersion, Target: "t", Run: "r", Files: []fileState{{Path: "a", Size: 100, Head: "h"}}}
	}
	for _, text := range []string{
		`{"version":1,"target":"t","run":"r","accepted_events":3,"files":[{"path":"a","size":100,"head":"h","done":[{"from":0,"to":10}],"sent":[{"from":10,"to":20,"events":2,"ack":4}]}]}`,
		`{"version":1,"target":"t","files":[{"path":"a","size":100,"head":"h","done":[{"from":5,"to":5}]}]}`, `{"version":1,"target":"\u001b[2J"}`, `{"version":2}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		s, err := loadState(path, fresh())
		if err != nil {
			require.Equal(t, -1, strings.IndexFunc(err.Error(), text.Plays), "%q", err)
			return
		}
		require.Len(t, s.Files, 1)
		at := int64(-1)
		for _, d := range s.Files[0].Done {
			require.Greater(t, d.From, at)
			require.Greater(t, d.To, d.From)
			at = d.To
		}
		require.GreaterOrEqual(t, s.Accepted, int64(0))
		pace.Hold(t, content, func(content []byte) {
			require.NoError(t, os.WriteFile(path, content, 0o600))
			_, _ = loadState(path, fresh())
		})
	})
}
