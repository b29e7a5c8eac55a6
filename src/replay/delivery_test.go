package replay

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
)

// patient are quick options that do not send anything again for want of an
// acknowledgement, however slow the machine is.
var patient = quick(func(o *Options) { o.MaxEvents, o.Ack.Timeout = 10, time.Minute })

func isAsk(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/ack") }

// TestExactlyOnce: every 20th request goes wrong in one of all ways, and the numbers
// of the acknowledgements tell what was taken, wherever they begin.
func TestExactlyOnce(t *testing.T) {
	t.Run("from 0", func(t *testing.T) { exactlyOnce(t, 0, 100_000) })
	t.Run("from 1", func(t *testing.T) { exactlyOnce(t, 1, 60_000) })
}

func exactlyOnce(t *testing.T, base int64, events int) {
	c := newCollector(t, true)
	c.slow, c.base = 1, base
	sends, count := 0, map[fault]int{}
	c.fault = func(_ int, r *http.Request) fault {
		if isAsk(r) {
			return fine
		}
		if sends++; sends%20 != 0 {
			return fine
		}
		f := fault(1 + sends/20%int(kinds-1))
		count[f]++
		return f
	}
	hec := newHEC(t, c, func(config *HECConfig) { config.Timeout = 250 * time.Millisecond })
	summary, err := Run(context.Background(), hec, panFile(t, events), quick(func(o *Options) { o.MaxEvents = 300; o.Ack.Timeout = time.Minute }))
	require.NoError(t, err)
	missing, repeated := c.missing(events)
	require.Zero(t, missing)
	require.Zero(t, repeated)
	require.Len(t, c.arrived, events)
	require.EqualValues(t, events, summary.Accepted)
	require.Zero(t, summary.MaybeTwice)
	require.Zero(t, summary.Unconfirmed)
	require.Equal(t, ExactlyOnce, summary.Delivery())
	require.True(t, summary.Acknowledged)
	require.Len(t, count, int(kinds-1), "all faults happened")
	t.Logf("%d requests, %d repeated, faults %v", summary.Requests, summary.Retries, count)
}

// TestAtLeastOnce: faults fall where they like, also on the questions about
// acknowledgements, or there are none; the summary says what may be there twice.
func TestAtLeastOnce(t *testing.T) {
	const events = 20_000
	f := func(name string, acks bool, seed uint64) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, acks)
			random := rand.New(rand.NewPCG(seed, 1))
			c.fault = func(int, *http.Request) fault {
				if random.IntN(100) >= 5 {
					return fine
				}
				return fault(1 + random.IntN(int(kinds-1)))
			}
			hec := newHEC(t, c, func(config *HECConfig) { config.Timeout = 100 * time.Millisecond })
			summary, err := Run(context.Background(), hec, panFile(t, events), quick(func(o *Options) { o.MaxEvents = 50 }))
			require.NoError(t, err)
			missing, repeated := c.missing(events)
			t.Logf("%s: %d repeated, %d said, %d requests", summary.Delivery(), repeated, summary.MaybeTwice, summary.Requests)
			require.Zero(t, missing)
			require.EqualValues(t, events, summary.Accepted)
			require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
			if summary.Delivery() == ExactlyOnce {
				require.Zero(t, repeated)
			}
			if !acks {
				require.Equal(t, AtLeastOnce, summary.Delivery())
				require.NotZero(t, repeated, "else the test shows nothing")
				require.False(t, summary.Acknowledged)
			}
		})
	}
	for seed := range uint64(4) {
		f("acknowledged", true, seed)
	}
	f("not acknowledged", false, 5)
}

// TestTwoLostInARow: both taken, none, or one of them, which only the count of
// the next request tells apart.
func TestTwoLostInARow(t *testing.T) {
	f := func(name string, first, second fault, repeated int, maybe int64) {
		t.Helper()
		c := newCollector(t, true)
		sends := 0
		c.fault = func(_ int, r *http.Request) fault {
			if isAsk(r) {
				if sends < 8 {
					return busy // so that nothing is learned by asking
				}
				return fine
			}
			sends++
			return map[int]fault{3: first, 4: second}[sends]
		}
		hec := newHEC(t, c, func(config *HECConfig) { config.Timeout = 150 * time.Millisecond })
		summary, err := Run(context.Background(), hec, panFile(t, 100), quick(func(o *Options) {
			o.MaxEvents = 10
			o.Retry.Tries = 100
			o.Ack.Timeout = time.Minute
		}))
		require.NoError(t, err, name)
		missing, twice := c.missing(100)
		require.Zero(t, missing, name)
		require.Equal(t, repeated, twice, name)
		require.Equal(t, maybe, summary.MaybeTwice, name)
		require.EqualValues(t, 100, summary.Accepted, name)
	}
	f("none taken", dropBefore, hangBefore, 0, 0)
	f("both taken", dropAfter, badGateway, 0, 0)
	f("one of two taken", dropAfter, dropBefore, 10, 20)
	f("the other of two taken", dropBefore, hangAfter, 10, 20)
}

// TestLastLost: no later request can tell, so the collector is asked for a while.
func TestLastLost(t *testing.T) {
	f := func(name string, f fault, requests int64) {
		t.Helper()
		c := newCollector(t, true)
		c.slow = 2
		sends := 0
		c.fault = func(_ int, r *http.Request) fault {
			if isAsk(r) {
				return fine
			}
			if sends++; sends == 3 {
				return f
			}
			return fine
		}
		summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 30), patient)
		require.NoError(t, err, name)
		missing, repeated := c.missing(30)
		require.Zero(t, missing+repeated, name)
		require.Equal(t, ExactlyOnce, summary.Delivery(), name)
		require.Equal(t, requests, summary.Requests, name)
	}
	f("taken", dropAfter, 3)
	f("not taken", dropBefore, 4)
}

// TestLateArrival: a request hung, was made again, and is taken after all; and at
// that very time another one is lost, for which it must not be mistaken.
func TestLateArrival(t *testing.T) {
	f := func(lost int32) {
		t.Helper()
		c := newCollector(t, true)
		var count atomic.Int32
		release, taken := make(chan struct{}), make(chan struct{})
		inner := c.Server.Config.Handler
		c.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAsk(r) {
				inner.ServeHTTP(w, r)
				return
			}
			n := count.Add(1)
			if n == 5 { // the second one was given up and made again; now it is taken
				close(release)
				<-taken
			}
			switch n {
			case lost:
				reset(w)
			case 2:
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				<-release
				c.mu.Lock()
				c.take(httptest.NewRecorder(), r, body)
				c.mu.Unlock()
				close(taken)
			default:
				inner.ServeHTTP(w, r)
			}
		})
		hec := newHEC(t, c, func(config *HECConfig) { config.Timeout = 200 * time.Millisecond })
		summary, err := Run(context.Background(), hec, panFile(t, 70), patient)
		require.NoError(t, err)
		missing, repeated := c.missing(70)
		require.Zero(t, missing)
		require.Equal(t, 10, repeated)
		require.EqualValues(t, 10, summary.MaybeTwice, "found out at the end")
		require.EqualValues(t, 70, summary.Accepted)
		require.Equal(t, AtLeastOnce, summary.Delivery())
	}
	f(0)
	f(5)
}

// TestChannelOfOthers: on a channel that was given, ids say nothing about our
// requests.
func TestChannelOfOthers(t *testing.T) {
	c := newCollector(t, true)
	sends := 0
	c.fault = func(_ int, r *http.Request) fault {
		if !isAsk(r) {
			if sends++; sends == 2 {
				return dropAfter
			}
		}
		return fine
	}
	hec := newHEC(t, c, func(config *HECConfig) { config.Channel = "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba" })
	summary, err := Run(context.Background(), hec, panFile(t, 50), quick(func(o *Options) { o.MaxEvents = 10 }))
	require.NoError(t, err)
	missing, repeated := c.missing(50)
	require.Zero(t, missing)
	require.Equal(t, 10, repeated)
	require.EqualValues(t, 10, summary.MaybeTwice)
}

// TestNeverIndexed: taken, and no indexer ever says so.
func TestNeverIndexed(t *testing.T) {
	c := newCollector(t, true)
	c.slow = 1 << 30
	state := filepath.Join(t.TempDir(), "state")
	summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 50), quick(func(o *Options) { o.State = state; o.Ack.Timeout = 30 * time.Millisecond }))
	require.ErrorContains(t, err, "not acknowledged within 30ms")
	require.Zero(t, summary.Accepted, "nothing is counted that was not acknowledged")
	require.EqualValues(t, 50, summary.Unconfirmed)
	require.Equal(t, Incomplete, summary.Delivery())
	require.Equal(t, state, summary.State)
}

// TestTooLarge: parts are halved until they fit; an event that never fits is named
// and left out.
func TestTooLarge(t *testing.T) {
	c := newCollector(t, false)
	c.largest = 10_000
	lines := ""
	for i := range 200 {
		lines += panLine(i) + "\n"
		if i == 120 {
			lines += strings.Repeat("x", 20_000) + "\n"
		}
	}
	var notes []string
	summary, err := Run(context.Background(), newHEC(t, c, nil), dataset(t, "pan.log", []byte(lines), recorded.Meta{}), quick(func(o *Options) {
		o.Note = func(text string) { notes = append(notes, text) }
	}))
	require.NoError(t, err)
	missing, repeated := c.missing(200)
	require.Zero(t, missing+repeated)
	require.EqualValues(t, 200, summary.Accepted)
	require.EqualValues(t, 1, summary.Refused)
	require.Contains(t, strings.Join(notes, "\n"), "pan.log, line 122 HTTP status 413: left out")
}

func TestHugeLine(t *testing.T) {
	c := newCollector(t, false)
	text := panLine(0) + "\n" + strings.Repeat("y", 10_000_000) + "\n" + panLine(1) + "\n\n" + panLine(2)
	var notes []string
	summary, err := Run(context.Background(), newHEC(t, c, nil), dataset(t, "pan.log", []byte(text), recorded.Meta{}), quick(func(o *Options) {
		o.Note = func(text string) { notes = append(notes, text) }
	}))
	require.NoError(t, err)
	require.EqualValues(t, 3, summary.Accepted)
	require.EqualValues(t, 1, summary.Refused)
	require.EqualValues(t, 1, summary.Skipped)
	require.Len(t, c.arrived, 3)
	require.Contains(t, notes[0], "line 2 is longer than 1000000 bytes: left out")
}

// TestKilled: killed at any request, before or after it was taken, and started
// again: with acknowledgements each event arrives once.
func TestKilled(t *testing.T) {
	const events = 60
	f := func(acks bool, at int, killed fault) (repeated int, maybe int64) {
		t.Helper()
		c := newCollector(t, acks)
		files := panFile(t, events)
		state := filepath.Join(t.TempDir(), "state")
		ctx, kill := context.WithCancel(context.Background())
		var snapshot []byte
		sends := 0
		c.fault = func(_ int, r *http.Request) fault {
			if isAsk(r) && snapshot == nil {
				return fine
			}
			if sends++; sends <= at || snapshot != nil && ctx.Err() != nil && sends > at+1 {
				return fine
			}
			// As kill -9 leaves it: what is on disk now, and a request on its way.
			snapshot, _ = os.ReadFile(state)
			kill()
			return killed
		}
		options := patient
		options.State = state
		_, err := Run(ctx, newHEC(t, c, nil), files, options)
		require.ErrorIs(t, err, context.Canceled)
		require.NotEmpty(t, snapshot)
		require.NoError(t, os.WriteFile(state, snapshot, 0o600))

		summary, err := Run(context.Background(), newHEC(t, c, nil), files, options)
		require.NoError(t, err)
		require.EqualValues(t, events, summary.Accepted+summary.Earlier)
		require.NoFileExists(t, state)
		missing, repeated := c.missing(events)
		require.Zero(t, missing)
		require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
		return repeated, summary.MaybeTwice
	}
	for at := range 6 {
		repeated, maybe := f(true, at, dropAfter)
		require.Zero(t, repeated, "its id was due, and asked for")
		require.Zero(t, maybe)
		repeated, _ = f(true, at, dropBefore)
		require.Zero(t, repeated)
		repeated, maybe = f(false, at, dropAfter)
		require.Equal(t, 10, repeated)
		require.EqualValues(t, 10, maybe, "one request was on its way")
	}
}

// TestGoesOn: a server that fails is one that a later run can finish with.
func TestGoesOn(t *testing.T) {
	c := newCollector(t, false)
	files := panFile(t, 100)
	state := filepath.Join(t.TempDir(), "state")
	c.fault = func(n int, _ *http.Request) fault {
		if n >= 4 {
			return busy
		}
		return fine
	}
	options := quick(func(o *Options) {
		o.MaxEvents = 10
		o.State = state
		o.Retry.Tries = 2
		o.ShiftToNow = true
		o.Now = func() time.Time { return noon.Add(24 * time.Hour) }
	})
	summary, err := Run(context.Background(), newHEC(t, c, nil), files, options)
	require.EqualError(t, err, "send "+files[0].Path+`, lines 41 to 50: HTTP status 503, code 9 "Server is busy" (tried 2 times); start again later`)
	require.EqualValues(t, 40, summary.Accepted)
	require.Zero(t, summary.Unconfirmed)
	shift := summary.Shift
	c.fault = nil
	options.Now = func() time.Time { return noon.Add(48 * time.Hour) }
	summary, err = Run(context.Background(), newHEC(t, c, nil), files, options)
	require.NoError(t, err)
	require.EqualValues(t, 40, summary.Earlier)
	require.EqualValues(t, 60, summary.Accepted)
	require.Equal(t, shift, summary.Shift, "the distances stay")
	require.Equal(t, SentOnce, summary.Delivery())
	require.Len(t, c.arrived, 100)

	// Where nothing arrived, nothing is kept: the next try may be another one.
	c.fault = func(int, *http.Request) fault { return busy }
	summary, err = Run(context.Background(), newHEC(t, c, nil), files, options)
	require.Error(t, err)
	require.Empty(t, summary.State)
	require.NoFileExists(t, state)

	// What the state is not of, is refused.
	refuse := func(text string, change func(s string) string) {
		t.Helper()
		sends := 0
		c.fault = func(int, *http.Request) fault {
			if sends++; sends > 1 {
				return busy
			}
			return fine
		}
		_, err := Run(context.Background(), newHEC(t, c, nil), files, options)
		require.Error(t, err)
		content, err := os.ReadFile(state)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(state, []byte(change(string(content))), 0o600))
		_, err = Run(context.Background(), newHEC(t, c, nil), files, options)
		require.ErrorContains(t, err, text)
		require.ErrorContains(t, err, "remove")
		require.NoError(t, os.Remove(state))
	}
	refuse("is not a state", func(string) string { return "{" })
	refuse("is not a state", func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) })
	refuse("is of a replay to", func(s string) string { return strings.Replace(s, "/raw", "/event", 1) })
	refuse("not the file any more", func(s string) string { return strings.Replace(s, `"size":`, `"size":1`, 1) })
	refuse("damaged", func(s string) string { return strings.Replace(s, `"done":[{"from":0,`, `"done":[{"from":99999999,`, 1) })
	refuse("damaged", func(s string) string {
		return regexp.MustCompile(`"done":\[\{"from":0,"to":\d+`).ReplaceAllString(s, `"done":[{"from":0,"to":1000000000000000000`)
	})
	refuse("damaged", func(s string) string {
		return regexp.MustCompile(`"accepted_events":\d+`).ReplaceAllString(s, `"accepted_events":9223372036854775807`)
	})
	refuse("damaged", func(s string) string {
		return regexp.MustCompile(`"shift_seconds":-?\d+`).ReplaceAllString(s, `"shift_seconds":100000000000000000`)
	})
	refuse("shift", func(s string) string { return strings.Replace(s, `"shifted":true`, `"shifted":false`, 1) })
}

// TestHoles: what was accepted in the middle of the file is not sent again, and no
// request reaches over it.
func TestHoles(t *testing.T) {
	c := newCollector(t, false)
	hec := newHEC(t, c, nil)
	files := panFile(t, 30)
	before, err := newState(hec.Name(), files)
	require.NoError(t, err)
	offset := func(line int) (at int64) {
		for i := range line {
			at += int64(len(panLine(i))) + 1
		}
		return at
	}
	before.Files[0].finish(span{offset(10), offset(20)})
	before.Accepted = 10
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, before.save(path))
	summary, err := Run(context.Background(), hec, files, quick(func(o *Options) { o.State = path }))
	require.NoError(t, err)
	require.EqualValues(t, 20, summary.Accepted)
	require.EqualValues(t, 10, summary.Earlier)
	require.EqualValues(t, 2, summary.Requests)
	require.Len(t, c.arrived, 20)
	require.NotContains(t, c.arrived, panLine(10))
	require.NotContains(t, c.arrived, panLine(19))
}

// TestFinish: parts come in any order, and end as one.
func TestFinish(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		f := fileState{Size: 100}
		n := 1 + random.IntN(12)
		for _, i := range random.Perm(n) {
			f.finish(span{int64(i) * 7, int64(i+1) * 7})
			require.True(t, f.sound(), "%v", f.Done)
			require.True(t, f.done(int64(i)*7))
			require.True(t, f.covers(span{int64(i) * 7, int64(i+1) * 7}))
		}
		require.Equal(t, []span{{0, int64(n) * 7}}, f.Done)
	}
}

// Two indexers behind a load balancer, or a server that lies: one id for several
// requests acknowledges none of them.
func TestOneAcknowledgementForSeveral(t *testing.T) {
	for id, want := range map[string]string{"0": "the same acknowledgement id", "-1": "without an acknowledgement id"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			if strings.HasSuffix(r.URL.Path, "/ack") {
				fmt.Fprintf(w, `{"acks":{"%s":true}}`, id)
				return
			}
			fmt.Fprintf(w, `{"text":"Success","code":0,"ackId":%s}`, id)
		}))
		t.Cleanup(server.Close)
		hec, err := NewHEC(HECConfig{URL: server.URL, Token: token(t), Ack: true, Timeout: 5 * time.Second})
		require.NoError(t, err)
		summary, err := Run(context.Background(), hec, panFile(t, 9), quick(func(o *Options) { o.MaxEvents = 3 }))
		require.ErrorContains(t, err, want)
		require.NotEqual(t, ExactlyOnce, summary.Delivery())
		require.LessOrEqual(t, summary.Accepted, int64(3), "of the first request at most, before the id came again")
	}
}

// Asking for acknowledgements fails for good when as many tries in a row did.
func TestAskedInVain(t *testing.T) {
	failure := &Failure{Outcome: NotTaken, Err: io.ErrUnexpectedEOF}
	d := &delivery{options: quick(func(o *Options) { o.Retry.Tries, o.Note = 3, func(string) {} }), notes: map[string]int{}}
	for _, c := range []struct {
		err  error
		last bool
	}{{failure, false}, {failure, false}, {nil, false}, {failure, false}, {failure, false}, {failure, true}} {
		err := d.askedInVain(t.Context(), c.err)
		require.Equal(t, c.last, err != nil, "%v", err)
	}
	d.unasked = 0
	require.Error(t, d.askedInVain(t.Context(), &Failure{Outcome: Refused, Err: io.ErrUnexpectedEOF}), "who refuses is not asked again")
}

// What was open in several ways is counted once.
func TestUnconfirmedOnce(t *testing.T) {
	p, q := &parcel{events: make([]*recorded.Event, 3)}, &parcel{events: make([]*recorded.Event, 4)}
	d := &delivery{waiting: []*parcel{p, q}, lost: []*parcel{p}}
	require.ErrorIs(t, d.end(q, io.ErrUnexpectedEOF), io.ErrUnexpectedEOF)
	require.EqualValues(t, 7, d.summary.Unconfirmed)
	require.False(t, d.summary.Complete)
}
