package relaylist

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/dirclient"
	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/src/tordir"
	"tordetect/tests/tornet"
)

// archive is a mirror of CollecTor on loopback, with a list of each hour.
type archive struct {
	net     *tornet.Network
	newest  time.Time
	replace func(at time.Time) []byte // what is served in the place of an hour's list; nil: the list
	exits   []byte                    // the exit list of the newest hour
	asked   int                       // for consensuses
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, of := strings.Cut(r.URL.Path, "/consensus-microdesc/")
	at, err := time.Parse("2006-01-02-15-04-05-consensus-microdesc", name)
	switch {
	case a.exits != nil && strings.HasSuffix(r.URL.Path, "/exit-lists/"):
		_, _ = fmt.Fprintf(w, `<html><a href="%s">`, a.newest.Format("2006-01-02-15-04-05"))
	case a.exits != nil && strings.Contains(r.URL.Path, "/exit-lists/"):
		_, _ = w.Write(a.exits)
	case strings.HasSuffix(r.URL.Path, "/certs.tar.xz"):
		_, _ = w.Write(a.net.Certificates())
	case !of || err != nil:
		http.NotFound(w, r)
	default:
		a.asked++
		var doc []byte
		if a.replace != nil {
			doc = a.replace(at)
		}
		if doc == nil && !at.After(a.newest) {
			doc = a.net.Consensus(tornet.Spec{ValidAfter: at, Relays: a.net.Relays(at)})
		}
		if doc == nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(doc)
	}
}

// mirror serves an archive over TLS.
func mirror(t *testing.T, a *archive) (dirclient.Source, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	source, err := dirclient.ParseSource(server.URL)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return source, pool
}

// fromMirror updates a table from an archive.
func fromMirror(t *testing.T, trust tordir.Trust, now time.Time, table string, a *archive, change func(*UpdateOptions)) (*Result, string, error) {
	t.Helper()
	source, pool := mirror(t, a)
	place, read := placeOf(t, table)
	o := UpdateOptions{Options: Options{Trust: trust, Now: now}, Sources: []dirclient.Source{source}, Client: impatient()}
	o.Client.RootCAs = pool
	if change != nil {
		change(&o)
	}
	u, err := Update(context.Background(), place, o)
	return u, read(), err
}

// A table that was begun with one list gets the hours before it, though none of
// them is newer than what it has.
func TestFetchFillsGaps(t *testing.T) {
	net, trust := lab(t)
	_, one, err := update(t, trust, noon.Add(10*time.Minute), "", serve(t, &cache{consensus: hour(net, 0), certificates: net.Certificates()}))
	require.NoError(t, err)
	span := func(from, to int) []flow.Interval {
		return []flow.Interval{{From: noon.Add(time.Duration(from) * time.Hour).Unix(), To: noon.Add(time.Duration(to) * time.Hour).Unix()}}
	}
	for _, c := range []struct {
		name   string
		now    time.Time
		change func(*UpdateOptions)
		want   []flow.Interval
		lists  int
	}{
		{"by itself", noon.Add(10 * time.Minute), nil, span(-71, 3), 71},
		{"asked for", noon.Add(10 * time.Minute), func(u *UpdateOptions) { u.Backfill = 10 * time.Hour }, span(-9, 3), 9},
		{"what is kept", noon.Add(10 * time.Minute), func(u *UpdateOptions) { u.Retention = 24 * time.Hour }, span(-20, 3), 20},
		{"more than is kept", noon.Add(10 * time.Minute), func(u *UpdateOptions) { u.Retention, u.Backfill = 24*time.Hour, 30*time.Hour }, span(-20, 3), 20},
		{"the next list is not out yet", noon.Add(70 * time.Minute), func(u *UpdateOptions) { u.Backfill = 10 * time.Hour }, span(-8, 3), 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &archive{net: net, newest: noon}
			u, text, err := fromMirror(t, trust, c.now, one, a, c.change)
			require.NoError(t, err)
			require.Equal(t, c.lists, lists(u))
			require.Equal(t, c.lists, u.Asked[0].Lists)
			table, err := relay.Parse(text)
			require.NoError(t, err)
			require.Equal(t, c.want, table.Lists())

			// Nothing is left to do then, and nothing is asked for twice.
			a.asked = 0
			u, again, err := fromMirror(t, trust, c.now, text, a, c.change)
			require.NoError(t, err)
			require.True(t, u.Current)
			require.Equal(t, text, again)
			require.LessOrEqual(t, a.asked, 1, "for the list that is not out yet")
		})
	}

	// An hour that cannot be had does not make a failure of a table that has the
	// newest list.
	broken := &archive{net: net, newest: noon, replace: func(time.Time) []byte { return []byte("<html>") }}
	u, text, err := fromMirror(t, trust, noon.Add(10*time.Minute), one, broken, nil)
	require.NoError(t, err)
	require.True(t, u.Current)
	require.Equal(t, one, text)

	// Once our newest list has ended, an archive that has only older ones is out
	// of date.
	late := &archive{net: net, newest: noon.Add(-2 * time.Hour)}
	_, _, err = fromMirror(t, trust, noon.Add(4*time.Hour), one, late, nil)
	require.ErrorContains(t, err, "only lists that are older than the table's")
}

// However many lists come before their certificates, none is left out.
func TestFetchFromFullFolder(t *testing.T) {
	net, trust := lab(t)
	folder := t.TempDir()
	const hours = 90
	for i := range hours {
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d", i)), hour(net, i-hours), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "certs"), net.Certificates(), 0o600))
	source, err := dirclient.ParseSource(folder)
	require.NoError(t, err)
	u, text, err := update(t, trust, noon, "", source)
	require.NoError(t, err)
	require.Equal(t, hours, lists(u))
	require.Len(t, u.Verdicts, hours+1)
	require.Equal(t, noon.Add(2*time.Hour).Unix(), u.Written.Newest)
	table, err := relay.Parse(text)
	require.NoError(t, err)
	require.Equal(t, []flow.Interval{{From: noon.Add(-hours * time.Hour).Unix(), To: noon.Add(2 * time.Hour).Unix()}}, table.Lists())
}

// A table that claims lists of the future does not keep the real ones out.
func TestFetchDespiteFutureCoverage(t *testing.T) {
	net, trust := lab(t)
	server := &cache{consensus: hour(net, 0), certificates: net.Certificates()}
	now := noon.Add(10 * time.Minute)
	_, good, err := update(t, trust, now, "", serve(t, server))
	require.NoError(t, err)
	for _, role := range []string{"coverage", "exit_coverage"} {
		text := good
		end := strings.LastIndex(text[:len(text)-1], "\n") + 1
		rows := strings.Count(text[:end], "\n") // with the header: one more for the row that is added
		text = text[:end] + fmt.Sprintf(",,%s,,,,%d,%d\n,%d,end,,,,,\n", role, now.AddDate(10, 0, 0).Unix(), now.AddDate(10, 0, 0).Unix()+3600, rows)
		table, err := relay.Parse(text)
		require.NoError(t, err)
		require.True(t, table.Complete)
		require.Contains(t, Ahead(table, now), "says that lists were read until 2036-11-20T13:10:00Z, 87673 hours ahead")

		server.consensus = hour(net, 1)
		u, next, err := update(t, trust, now.Add(time.Hour), text, serve(t, server))
		require.NoError(t, err)
		require.Contains(t, u.Warnings[0], "The table tor_relays.csv says that lists were read until 2036-11-20T13:10:00Z")
		table, err = relay.Parse(next)
		require.NoError(t, err)
		require.Empty(t, Ahead(table, now))
		newest, _ := table.Newest()
		require.Equal(t, noon.Add(4*time.Hour).Unix(), newest)
	}
	table, err := relay.Parse(good)
	require.NoError(t, err)
	require.Empty(t, Ahead(table, now))
	require.Empty(t, Ahead(table, noon.Add(-relay.MaxAhead+3*time.Hour)), "just not too far")
	require.NotEmpty(t, Ahead(table, noon.Add(-relay.MaxAhead+3*time.Hour-time.Second)))
}
