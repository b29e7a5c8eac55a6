package relaylist

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/src/dirclient"
	"tordetect/src/tordir"
	"tordetect/tests/tornet"
)

// cache is a directory cache on loopback that serves what it is given.
type cache struct {
	consensus, certificates []byte
	asked                   []string
}

func (c *cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked = append(c.asked, r.URL.Path)
	doc := c.certificates
	if strings.HasPrefix(r.URL.Path, "/tor/status-vote/current/consensus-microdesc") {
		doc = c.consensus
	}
	if doc == nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(doc)
}

func serve(t *testing.T, c *cache) dirclient.Source {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	source, err := dirclient.ParseSource("dir+" + server.URL)
	require.NoError(t, err)
	return source
}

// update updates a table, and returns what stands in its place then.
func update(t *testing.T, trust tordir.Trust, now time.Time, table string, sources ...dirclient.Source) (*Result, string, error) {
	t.Helper()
	place, read := placeOf(t, table)
	u, err := Update(context.Background(), place, UpdateOptions{Options: Options{Trust: trust, Now: now}, Sources: sources, Client: impatient()})
	return u, read(), err
}

func impatient() dirclient.Config {
	return dirclient.Config{Wait: func(time.Duration) time.Duration { return 0 }}
}

// lists counts the consensuses that were believed.
func lists(r *Result) (n int) {
	for _, v := range r.Verdicts {
		if v.OK && v.Kind == tordir.KindConsensus {
			n++
		}
	}
	return n
}

func TestFetch(t *testing.T) {
	net, trust := lab(t)
	server := &cache{consensus: hour(net, 0), certificates: net.Certificates()}
	source := serve(t, server)
	now := noon.Add(10 * time.Minute)

	u, table, err := update(t, trust, now, "", source)
	require.NoError(t, err)
	require.Equal(t, 1, lists(u))
	require.Equal(t, noon.Add(3*time.Hour).Unix(), u.Written.Newest)
	require.Len(t, u.Warnings, 1)
	require.Contains(t, u.Warnings[0], "Exit lists are not signed and therefore not asked for over plain HTTP")
	require.Contains(t, table, ",or,")

	// An hour later the table grows by the next list.
	server.consensus = hour(net, 1)
	_, longer, err := update(t, trust, now.Add(time.Hour), table, source)
	require.NoError(t, err)
	require.NotEqual(t, table, longer)

	// The same again is no failure as long as the newest list holds.
	u, same, err := update(t, trust, now.Add(time.Hour), longer, source)
	require.NoError(t, err)
	require.True(t, u.Current)
	require.Equal(t, longer, same)
	u, _, err = update(t, trust, now.Add(5*time.Hour), longer, source)
	require.False(t, u.Current)
	require.ErrorContains(t, err, "it is out of date")

	// A cache that lags an hour behind is as it should be while its list holds.
	server.consensus = hour(net, 0)
	u, same, err = update(t, trust, now.Add(time.Hour), longer, source)
	require.NoError(t, err)
	require.True(t, u.Current)
	require.Equal(t, longer, same)

	// One whose list has ended would take us back.
	u, same, err = update(t, trust, noon.Add(3*time.Hour+time.Minute), longer, source)
	require.False(t, u.Current)
	require.ErrorContains(t, err, "only lists that are older than the table's")
	require.Equal(t, longer, same)

	// One that has none to give is at fault as soon as there is a newer one to have.
	server.consensus = nil
	u, _, err = update(t, trust, now.Add(time.Hour), longer, source)
	require.NoError(t, err)
	require.True(t, u.Current)
	_, same, err = update(t, trust, now.Add(2*time.Hour), longer, source)
	require.ErrorContains(t, err, "no such document there")
	require.Equal(t, longer, same)
}

func TestFetchRefuses(t *testing.T) {
	net, trust := lab(t)
	relays := net.Relays(noon)
	now := noon.Add(10 * time.Minute)
	certs := net.Certificates()
	for name, c := range map[string]struct {
		consensus, certificates []byte
		want                    string
	}{
		"too few signatures": {net.Consensus(tornet.Spec{ValidAfter: noon, Relays: relays, Signers: []int{0, 1}}), certs, "2 of 5"},
		"no certificates":    {hour(net, 0), nil, "0 of 5"},
		"future":             {hour(net, 1), certs, "ahead of this machine's clock"},
		"junk":               {[]byte(strings.Repeat("<html>", 1000)), certs, "is no consensus"},
		"nothing":            {nil, certs, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u, table, err := update(t, trust, now, "", serve(t, &cache{consensus: c.consensus, certificates: c.certificates}))
			require.ErrorContains(t, err, c.want)
			require.Zero(t, lists(u))
			require.NotContains(t, table, ",or,")
		})
	}
}

// Sources are tried in turn, and the certificates may come from another than the
// list.
func TestFetchFromSeveral(t *testing.T) {
	net, trust := lab(t)
	dead := serve(t, &cache{})
	listOnly := serve(t, &cache{consensus: hour(net, 0)})
	certsOnly := serve(t, &cache{certificates: net.Certificates()})
	u, _, err := update(t, trust, noon.Add(time.Minute), "", dead, listOnly, certsOnly)
	require.NoError(t, err)
	require.Equal(t, []Asked{{Source: dead.String(), Err: u.Asked[0].Err}, {Source: listOnly.String(), Lists: 1}}, u.Asked)
	require.Error(t, u.Asked[0].Err)

	_, _, err = update(t, trust, noon.Add(time.Minute), "", dead, listOnly)
	require.ErrorContains(t, err, dead.String())
	require.ErrorContains(t, err, "0 of 5")
}

func TestFetchFromFolder(t *testing.T) {
	net, trust := lab(t)
	folder := t.TempDir()
	write := func(name string, doc []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), doc, 0o600))
	}
	write("a-consensus", hour(net, 0))
	write("b-consensus", hour(net, 1))
	write("c-certs", net.Certificates())
	write("notes.txt", []byte("kept by hand\n"))
	source, err := dirclient.ParseSource(folder)
	require.NoError(t, err)
	u, table, err := update(t, trust, noon.Add(2*time.Hour), "", source)
	require.NoError(t, err)
	require.Equal(t, 2, lists(u))
	require.Contains(t, table, ",or,")
}

// tampered is a list of an hour with a byte changed.
func tampered(net *tornet.Network, at time.Time) []byte {
	doc := net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
	doc[len(doc)/3] ^= 1
	return doc
}

// What was refused beside good lists is told, with its name and reason.
func TestFetchTellsRefusals(t *testing.T) {
	net, trust := lab(t)
	now := noon.Add(10 * time.Minute)
	told := func(u *Result) string { return strings.Join(u.Warnings, "\n") }
	bad := map[time.Time]bool{noon: true, noon.Add(-3 * time.Hour): true, noon.Add(-5 * time.Hour): true, noon.Add(-7 * time.Hour): true, noon.Add(-9 * time.Hour): true}
	a := &archive{net: net, newest: noon, replace: func(at time.Time) []byte {
		if bad[at] {
			return tampered(net, at)
		}
		return nil
	}}
	u, _, err := fromMirror(t, trust, now, "", a, func(u *UpdateOptions) { u.Backfill = 12 * time.Hour })
	require.NoError(t, err)
	require.Equal(t, 7, lists(u))
	require.Contains(t, told(u), "Not taken in: https://127.0.0.1:")
	require.Contains(t, told(u), ": the list of 2026-11-20T12:00:00Z was refused: ")
	require.Contains(t, told(u), ": the list of 2026-11-20T09:00:00Z was refused: ")
	require.Contains(t, told(u), "\n2 more documents of that source were refused.")

	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a"), tampered(net, noon), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "b"), hour(net, 0), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "c"), net.Certificates(), 0o600))
	source, err := dirclient.ParseSource(folder)
	require.NoError(t, err)
	u, _, err = update(t, trust, now, "", source)
	require.NoError(t, err)
	require.Contains(t, told(u), filepath.Join(folder, "a")+" was refused: ")

	dead := serve(t, &cache{})
	u, _, err = update(t, trust, now, "", dead, serve(t, &cache{consensus: hour(net, 0), certificates: net.Certificates()}))
	require.NoError(t, err)
	require.Contains(t, told(u), "A source was passed over: "+dead.String())
}

// A mirror of rubbish is left soon, and its reason leaves room for those of the
// other sources.
func TestFetchFromRubbish(t *testing.T) {
	net, trust := lab(t)
	for name, replace := range map[string]func(time.Time) []byte{
		"changed": func(at time.Time) []byte { return tampered(net, at) },
		"html":    func(time.Time) []byte { return []byte("<html>log in</html>") },
		"unsigned": func(at time.Time) []byte {
			return net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at), Signers: []int{0}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &archive{net: net, newest: noon, replace: replace}
			dead := serve(t, &cache{})
			_, text, err := fromMirror(t, trust, noon.Add(10*time.Minute), "", a, func(u *UpdateOptions) {
				u.Sources = append(u.Sources, dead, dead, dead, dead)
			})
			require.ErrorContains(t, err, "none of 5 sources has a newer list that can be believed: https://")
			require.Equal(t, 4, strings.Count(err.Error(), " | "+dead.String()))
			require.LessOrEqual(t, len(err.Error()), 1000, "what splunkd shows")
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, maxBad, a.asked)
			require.NotContains(t, text, ",or,")
		})
	}
}

// An update whose newest list has ended says so; a list under the name of another
// hour is refused.
func TestFetchOld(t *testing.T) {
	net, trust := lab(t)
	old := hour(net, -400*24)
	u, _, err := update(t, trust, noon, "", serve(t, &cache{consensus: old, certificates: net.Certificates()}))
	require.NoError(t, err)
	require.Contains(t, u.Warnings[len(u.Warnings)-1], "The newest list that was had ended at 2025-10-16T15:00:00Z, 9597 hours ago")
	u, _, err = update(t, trust, noon, "", serve(t, &cache{consensus: hour(net, -3), certificates: net.Certificates()}))
	require.NoError(t, err)
	require.NotContains(t, strings.Join(u.Warnings, "\n"), "hours ago")

	a := &archive{net: net, newest: noon, replace: func(time.Time) []byte { return old }}
	_, text, err := fromMirror(t, trust, noon, "", a, nil)
	require.ErrorContains(t, err, "It is the list of 2025-10-16T12:00:00Z under the name of 2026-11-20T12:00:00Z")
	require.NotContains(t, text, ",or,")
}

func TestNoList(t *testing.T) {
	long := errors.New(strings.Repeat("é", 2000))
	for n := 2; n <= 12; n++ {
		var all noList
		for range n {
			all = append(all, long)
		}
		text := all.Error()
		require.Equal(t, n, strings.Count(text, "..."))
		require.LessOrEqual(t, len(text), max(maxReasons, n*minReason)+3*n+60)
		require.True(t, utf8.ValidString(text))
		require.ErrorIs(t, all, long)
	}
	require.Equal(t, long.Error(), noList{long}.Error(), "one has all the room")
}

// An exit list that came and was refused is told with its reason, as is what a web
// filter sends with status 200 in the place of any document.
func TestFetchTellsOfExitLists(t *testing.T) {
	net, trust := lab(t)
	good := net.ExitList(noon, net.ExitNodes(noon))
	page := []byte("\n <!DOCTYPE HTML><title>Blocked</title>")
	const none = "No exit list could be had, so exits are known by their flag only: "
	for name, c := range map[string]struct {
		list []byte
		want string
	}{
		"broken":        {bytes.Replace(good, []byte("\nExitAddress "), []byte("\nExitAddress x"), 1), "2026-11-20-12-00-00 was refused: Exit list: line 5: bad "},
		"of the future": {net.ExitList(noon.Add(40*time.Minute), net.ExitNodes(noon)), "30m ahead of this machine's clock: check the clock."},
		"a page":        {page, "is no exit list but a web page: a web filter"},
		"junk":          {[]byte("busy"), "2026-11-20-12-00-00 is no exit list."},
		"empty list":    {[]byte("Downloaded 2026-11-20 12:00:00\n"), "no ExitNode in it: an empty list, or none at all."},
	} {
		t.Run(name, func(t *testing.T) {
			a := &archive{net: net, newest: noon, exits: c.list}
			u, table, err := fromMirror(t, trust, noon.Add(10*time.Minute), "", a, func(u *UpdateOptions) { u.Backfill = time.Hour })
			require.NoError(t, err)
			require.Len(t, u.Warnings, 1)
			require.Contains(t, u.Warnings[0], none)
			require.Contains(t, u.Warnings[0], c.want)
			require.NotContains(t, u.Warnings[0], "nil")
			require.NotContains(t, table, ",exit,")
		})
	}
	a := &archive{net: net, newest: noon, exits: good}
	u, table, err := fromMirror(t, trust, noon.Add(10*time.Minute), "", a, nil)
	require.NoError(t, err)
	require.Empty(t, u.Warnings)
	require.Positive(t, u.Asked[0].Exits)
	require.Contains(t, table, ",exit,")

	_, _, err = update(t, trust, noon, "", serve(t, &cache{consensus: page, certificates: net.Certificates()}))
	require.ErrorContains(t, err, "is no consensus but a web page: a web filter, a proxy or a login page answered in the place of the source (\"Blocked\"). Have it let this host through")
	u, _, err = update(t, trust, noon, "", serve(t, &cache{consensus: hour(net, 0), certificates: page}))
	require.ErrorContains(t, err, "0 of 5")
	require.Contains(t, u.Warnings[0], "is no certificate but a web page")
}

// An update whose search or user has gone ends.
func TestUpdateStopped(t *testing.T) {
	net, trust := lab(t)
	ctx, stop := context.WithCancelCause(context.Background())
	stop(errors.New("the search has gone"))
	place, read := placeOf(t, "")
	_, err := Import(ctx, place, ImportOptions{Options: Options{Trust: trust, Now: noon}, Files: files(t, net.Certificates(), hour(net, 0))})
	require.ErrorContains(t, err, "the search has gone; no table was written")
	_, err = Update(ctx, place, UpdateOptions{Options: Options{Trust: trust, Now: noon}, Sources: []dirclient.Source{serve(t, &cache{consensus: hour(net, 0)})}})
	require.ErrorContains(t, err, "the search has gone")
	require.Empty(t, read())
}
