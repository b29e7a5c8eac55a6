package replay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRestarted: the collector starts anew in the middle, with ids that begin anew,
// and has lost what it had not acknowledged; answers are lost besides. Nothing is
// missing, and what is there twice is counted.
func TestRestarted(t *testing.T) {
	const events = 600
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			c := newCollector(t, true)
			c.slow, c.base = random.IntN(8), int64(seed%2)
			at, faulty, sends := random.IntN(60), random.IntN(3), 0
			c.fault = func(_ int, r *http.Request) fault {
				if sends++; sends == at {
					c.restart(func() bool { return random.IntN(2) == 0 })
					return dropBefore // its connections are gone, with what was on its way
				}
				if !isAsk(r) && random.IntN(12) < faulty {
					return fault(1 + random.IntN(int(kinds-1)))
				}
				return fine
			}
			hec := newHEC(t, c, func(config *HECConfig) { config.Timeout = 100 * time.Millisecond })
			summary, err := Run(context.Background(), hec, panFile(t, events), quick(func(o *Options) { o.MaxEvents, o.Ack.Settle, o.Ack.Timeout = 10, 20*time.Millisecond, 2*time.Second }))
			require.NoError(t, err)
			missing, repeated := c.missing(events)
			t.Logf("%s: %d repeated, %d said, %d requests", summary.Delivery(), repeated, summary.MaybeTwice, summary.Requests)
			require.Zero(t, missing)
			require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
			require.EqualValues(t, events, summary.Accepted)
		})
	}
}

// TestRestartIsSeenSoon: not only when an acknowledgement is long overdue.
func TestRestartIsSeenSoon(t *testing.T) {
	c := newCollector(t, true)
	c.slow = 1 << 30
	sends := 0
	c.fault = func(_ int, r *http.Request) fault {
		if !isAsk(r) {
			if sends++; sends == window+1 { // all that may wait does
				c.restart(func() bool { return true })
				c.slow = 0
			}
		}
		return fine
	}
	var notes []string
	begin := time.Now()
	summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 300), quick(func(o *Options) {
		o.MaxEvents, o.Ack.Timeout = 10, time.Hour
		o.Note = func(text string) { notes = append(notes, text) }
	}))
	require.NoError(t, err)
	require.Less(t, time.Since(begin), time.Minute)
	missing, _ := c.missing(300)
	require.Zero(t, missing)
	require.EqualValues(t, 10*(window+1), summary.MaybeTwice, "what waited, and the request that told")
	require.Equal(t, AtLeastOnce, summary.Delivery())
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "ids begin anew, as after a restart")
}

// TestFirstID: a collector that counts from 1 is as good as one that counts from 0.
func TestFirstID(t *testing.T) {
	for _, base := range []int64{0, 1, 7} {
		c := newCollector(t, true)
		c.base = base
		summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 100), quick(func(o *Options) {
			o.MaxEvents = 10
			o.Note = func(text string) { t.Error(text) }
		}))
		require.NoError(t, err)
		require.Equal(t, ExactlyOnce, summary.Delivery())
	}
}

// TestFirstLost: where it is not known yet with which id a channel begins.
func TestFirstLost(t *testing.T) {
	f := func(base int64, first, second fault, twice int64) {
		t.Helper()
		c := newCollector(t, true)
		c.base = base
		sends := 0
		c.fault = func(_ int, r *http.Request) fault {
			if isAsk(r) {
				return fine
			}
			sends++
			return map[int]fault{1: first, 2: second}[sends]
		}
		summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 60), quick(func(o *Options) { o.MaxEvents = 10 }))
		require.NoError(t, err)
		missing, repeated := c.missing(60)
		require.Zero(t, missing)
		require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
		require.LessOrEqual(t, summary.MaybeTwice, twice)
	}
	f(0, dropBefore, fine, 0)
	f(0, dropAfter, fine, 0)
	f(0, dropBefore, dropBefore, 0)
	f(0, dropAfter, dropAfter, 20)
	f(1, dropBefore, fine, 10)
	f(1, dropAfter, fine, 10)
	f(1, dropBefore, dropAfter, 20)
	f(1, dropAfter, dropBefore, 20)
}

// TestLoadBalancer: several indexers that know nothing of each other are not taken
// for restarts again and again.
func TestLoadBalancer(t *testing.T) {
	one, other := newCollector(t, true), newCollector(t, true)
	one.Start()
	other.Start()
	var turn atomic.Int32
	front := newCollector(t, true)
	front.Server.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to := []string{one.URL, other.URL}[turn.Add(1)%2]
		target, _ := url.Parse(to)
		r.SetURL(target)
	}}
	state := t.TempDir() + "/state"
	summary, err := Run(context.Background(), newHEC(t, front, nil), panFile(t, 300), quick(func(o *Options) { o.MaxEvents, o.State = 10, state }))
	require.ErrorContains(t, err, "as several indexers behind a load balancer without sticky sessions do")
	require.Equal(t, Incomplete, summary.Delivery())
	arrived := 0
	for i := range 300 {
		arrived += min(one.arrived[panLine(i)]+other.arrived[panLine(i)], 1)
	}
	require.LessOrEqual(t, summary.Accepted, int64(arrived))
	require.Less(t, strings.Count(err.Error(), "\n"), 1)
}

// TestHalvedInDoubt: an attempt is lost, and the second one is too large: the halves
// are accepted, and the whole is not besides.
func TestHalvedInDoubt(t *testing.T) {
	for _, lost := range []fault{dropBefore, dropAfter} {
		c := newCollector(t, true)
		sends := 0
		c.fault = func(_ int, r *http.Request) fault {
			if isAsk(r) {
				if sends == 3 {
					return busy // so that nothing is learned by asking
				}
				return fine
			}
			sends++
			return map[int]fault{3: lost, 4: tooLarge}[sends]
		}
		summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 30), quick(func(o *Options) { o.MaxEvents, o.Retry.Tries = 10, 1000 }))
		require.NoError(t, err)
		missing, repeated := c.missing(30)
		require.Zero(t, missing)
		require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
		require.EqualValues(t, 30, summary.Accepted)
	}
}

// TestRestartedUnseen: what is lost right after a restart has a number that was given
// before, so an acknowledgement of that number says nothing.
func TestRestartedUnseen(t *testing.T) {
	for after := 1; after <= 3; after++ {
		c := newCollector(t, true)
		c.slow = 1 << 30
		sends, restarted := 0, false
		c.fault = func(_ int, r *http.Request) fault {
			switch isAsked := isAsk(r); {
			case isAsked && sends == after && !restarted:
				restarted, c.slow = true, 0
				c.restart(func() bool { return true })
				return dropBefore
			case isAsked:
				return fine
			}
			if sends++; sends == after+1 {
				return dropAfter
			}
			return fine
		}
		summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 80), quick(func(o *Options) { o.MaxEvents, o.Ack.Poll, o.Ack.Timeout = 10, 1, time.Minute }))
		require.NoError(t, err)
		missing, repeated := c.missing(80)
		require.Zero(t, missing, after)
		require.LessOrEqual(t, int64(repeated), summary.MaybeTwice, after)
		require.EqualValues(t, 80, summary.Accepted, after)
	}
}
