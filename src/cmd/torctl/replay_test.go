package main

import (
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"tordetect/src/web"
)

// TestReplayScripts runs scripts against a collector and an ingest service of
// their own, at $HEC and $SCS. What arrived is in the file "arrived" of the
// script's folder after the command "arrived". A path in front of the endpoint
// makes the collector behave: /busy, /refuse, /hang, /large, /page, /ok, /never, whose
// acknowledgements never come, /anew, whose ids begin anew once, and /slow, which takes
// one request and then nothing until the script says "mend", and /mute, which takes
// all and answers one.
func TestReplayScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "replay"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s := &splunk{closed: make(chan struct{}), next: map[string]int64{}}
			server := httptest.NewServer(s)
			env.Defer(server.Close)
			env.Defer(func() { close(s.closed) })
			env.Setenv("HEC", server.URL)
			env.Setenv("SCS", server.URL)
			encrypted := httptest.NewUnstartedServer(s)
			encrypted.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not believe it
			encrypted.StartTLS()
			env.Defer(encrypted.Close)
			env.Setenv("TLS", encrypted.URL)
			env.Setenv("PIN", web.Fingerprint(encrypted.Certificate()))
			require.NoError(t, os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encrypted.Certificate().Raw}), 0o600))
			env.Values["splunk"] = s
			require.NoError(t, os.WriteFile(filepath.Join(env.WorkDir, "token"), []byte(replayToken+"\n"), 0o600))
			env.Setenv("SECRET", replayToken)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"arrived": func(ts *testscript.TestScript, _ bool, _ []string) {
				s := ts.Value("splunk").(*splunk)
				s.mu.Lock()
				defer s.mu.Unlock()
				ts.Check(os.WriteFile(ts.MkAbs("arrived"), []byte(strings.Join(s.arrived, "")), 0o600))
				ts.Check(os.WriteFile(ts.MkAbs("asked"), []byte(strings.Join(s.asked, "")), 0o600))
			},
			"mend": func(ts *testscript.TestScript, _ bool, _ []string) {
				s := ts.Value("splunk").(*splunk)
				s.mu.Lock()
				s.mended = true
				s.mu.Unlock()
			},
			// taken waits until so many requests were taken.
			"taken": func(ts *testscript.TestScript, _ bool, args []string) {
				s := ts.Value("splunk").(*splunk)
				for range 2000 {
					s.mu.Lock()
					n := len(s.arrived)
					s.mu.Unlock()
					if fmt.Sprint(n) == args[0] {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				ts.Fatalf("%s requests were not taken", args[0])
			},
		},
	})
}

const replayToken = "c0ffee00-0000-4000-8000-00000000babe"

// splunk is a collector and an ingest service, as simple as will do for scripts;
// those of package replay are stricter.
type splunk struct {
	mu      sync.Mutex
	arrived []string
	asked   []string         // path, query and what else the scripts look at
	next    map[string]int64 // id of the next acknowledgement, by channel
	mended  bool
	taken   int
	anew    int // requests to /anew
	closed  chan struct{}
}

func (s *splunk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		in, _ = gzip.NewReader(r.Body)
	}
	body, _ := io.ReadAll(in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf("%s encoding=%q\n", r.URL, r.Header.Get("Content-Encoding")))
	mode, path, found := strings.Cut(r.URL.Path, "/services/")
	mode = strings.TrimPrefix(mode, "/")
	answer := func(status int, text string) {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
	if !found {
		if r.Header.Get("Authorization") != "Bearer "+replayToken || r.URL.Path != "/corp/ingest/v1beta2/events" {
			answer(401, `{"code":"UNAUTHORIZED","message":"no"}`)
			return
		}
		s.arrived = append(s.arrived, string(body)+"\n")
		answer(200, `{"code":"SUCCESS"}`)
		return
	}
	channel := r.Header.Get("X-Splunk-Request-Channel")
	switch {
	case r.Header.Get("Authorization") != "Splunk "+replayToken:
		answer(403, fmt.Sprintf(`{"text":"Invalid token %s","code":4}`, r.Header.Get("Authorization")))
	case path == "collector/ack":
		var ids struct{ Acks []int64 }
		_ = json.Unmarshal(body, &ids)
		told := map[string]bool{}
		for _, id := range ids.Acks {
			told[fmt.Sprint(id)] = id < s.next[channel] && mode != "never"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"acks": told})
	case mode == "busy":
		w.Header().Set("Retry-After", "3600")
		answer(503, `{"text":"Server is busy","code":9}`)
	case mode == "refuse":
		answer(400, `{"text":"Incorrect index","code":7}`)
	case mode == "page":
		answer(200, "<!DOCTYPE html><title>Access denied</title>")
	case mode == "ok":
		s.arrived = append(s.arrived, string(body))
		answer(200, `"OK"`)
	case mode == "anew":
		if s.anew++; s.anew == 3 {
			s.next[channel] = 0
		}
		s.arrived = append(s.arrived, string(body))
		answer(200, fmt.Sprintf(`{"text":"Success","code":0,"ackId":%d}`, s.next[channel]))
		s.next[channel]++
	case mode == "large" && len(body) > 30:
		answer(413, "too large")
	case (mode == "slow" || mode == "mute") && s.taken > 0 && !s.mended:
		if mode == "mute" {
			s.arrived = append(s.arrived, string(body))
			s.next[channel]++
		}
		s.mu.Unlock()
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
		s.mu.Lock()
	default:
		s.taken++
		s.arrived = append(s.arrived, string(body))
		answer(200, fmt.Sprintf(`{"text":"Success","code":0,"ackId":%d}`, s.next[channel]))
		s.next[channel]++
	}
}
