package dirclient

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An archive has CollecTor's layout, with the files given; anything else is a 404.
type archive struct {
	files map[string]string
	fails map[string]int // paths that answer with a status
	asked []string
}

func (a *archive) serve(t testing.TB, change func(*Config)) (*Client, Source) {
	t.Helper()
	source, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		a.asked = append(a.asked, path)
		switch content, found := a.files[path]; {
		case a.fails[path] != 0:
			w.WriteHeader(a.fails[path])
		case found:
			_, _ = w.Write([]byte(content))
		default:
			http.NotFound(w, r)
		}
	})
	return newClient(t, func(config *Config) {
		config.RootCAs = pool
		if change != nil {
			change(config)
		}
	}), source
}

// hour is a file of CollecTor's recent consensuses, so many hours before noon.
func hour(back int) string {
	return fmt.Sprintf("recent/relay-descriptors/microdescs/consensus-microdesc/%s-consensus-microdesc",
		noon.Add(-time.Duration(back)*time.Hour).Format("2006-01-02-15-00-00"))
}

// hours is an archive with those hours, the content being the number.
func hours(back ...int) *archive {
	a := &archive{files: map[string]string{}, fails: map[string]int{}}
	for _, b := range back {
		a.files[hour(b)] = fmt.Sprint(b)
	}
	return a
}

func contents(docs []Document) (texts []string) {
	for _, d := range docs {
		texts = append(texts, string(d.Bytes))
	}
	return texts
}

func TestNewestOfAnArchive(t *testing.T) {
	f := func(name string, a *archive, held int, want string, asked int, sort error) {
		t.Helper()
		c, source := a.serve(t, nil)
		wanted := Wanted{}
		if held >= 0 {
			wanted.Newest = noon.Truncate(time.Hour).Add(-time.Duration(held) * time.Hour)
		}
		docs, errs := all(c.Consensuses(context.Background(), source, wanted))
		require.Len(t, a.asked, asked, name)
		if sort != nil {
			require.Empty(t, docs, name)
			require.Len(t, errs, 1, name)
			require.ErrorIs(t, errs[0], sort, name)
			return
		}
		require.Empty(t, errs, name)
		require.Equal(t, []string{want}, contents(docs), name)
	}
	f("this hour's", hours(0, 1, 2, 3), -1, "0", 1, nil)
	f("not there yet", hours(1, 2, 3), -1, "1", 2, nil)
	f("the network missed some", hours(2, 3), -1, "2", 3, nil)
	f("too old to be of use", hours(3, 4), -1, "", 3, ErrNotFound)
	f("a newer one", hours(0, 1), 1, "0", 1, nil)
	f("held already", hours(0, 1), 0, "", 0, ErrNothingNewer)
	f("held, and not there yet", hours(1, 2), 1, "", 1, ErrNothingNewer)
}

func TestNewestIsNamed(t *testing.T) {
	c, source := hours(1).serve(t, nil)
	doc, err := newest(c, source)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 6, 27, 11, 0, 0, 0, time.UTC), doc.Hour)
	require.Equal(t, source.String()+"recent/relay-descriptors/microdescs/consensus-microdesc/2026-06-27-11-00-00-consensus-microdesc", doc.URL)
}

func TestBackfill(t *testing.T) {
	every := make([]int, 100)
	for i := range every {
		every[i] = i
	}
	t.Run("72 hours and no more", func(t *testing.T) {
		a := hours(every...)
		c, source := a.serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 1000 * time.Hour}))
		require.Empty(t, errs)
		require.Len(t, docs, 72)
		require.Equal(t, "0", string(docs[0].Bytes), "newest first")
		require.Equal(t, "71", string(docs[71].Bytes))
	})
	t.Run("only what is missing", func(t *testing.T) {
		a := hours(every...)
		c, source := a.serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{
			Backfill: 6 * time.Hour,
			Newest:   noon.Truncate(time.Hour).Add(-2 * time.Hour),
			Have:     func(at time.Time) bool { return at.Hour() == 8 },
		}))
		require.Empty(t, errs)
		require.Equal(t, []string{"0", "1", "3", "5"}, contents(docs), "10:00 is the newest, 8:00 is held")
		require.Len(t, a.asked, 4)
	})
	t.Run("hours without a consensus", func(t *testing.T) {
		c, source := hours(0, 3, 5).serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 8 * time.Hour}))
		require.Empty(t, errs)
		require.Equal(t, []string{"0", "3", "5"}, contents(docs))
	})
	t.Run("many hours without a consensus, but not on end", func(t *testing.T) {
		a := hours()
		for i := 0; i < 72; i += 3 {
			a.files[hour(i)] = fmt.Sprint(i)
		}
		c, source := a.serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}))
		require.Empty(t, errs)
		require.Len(t, docs, 24)
	})
	t.Run("not an archive", func(t *testing.T) {
		a := hours()
		c, source := a.serve(t, nil)
		_, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}))
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], ErrNotFound)
		require.Len(t, a.asked, maxMisses, "given up")
	})
	t.Run("one hour fails", func(t *testing.T) {
		a := hours(0, 1, 2, 3)
		a.fails[hour(1)] = 500
		c, source := a.serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 4 * time.Hour}))
		require.Equal(t, []string{"0", "2", "3"}, contents(docs))
		require.Len(t, errs, 1)
		require.ErrorContains(t, errs[0], "2026-06-27-11-00-00-consensus-microdesc: unexpected answer: HTTP status 500")
	})
	t.Run("all fail", func(t *testing.T) {
		a := hours()
		for i := range 72 {
			a.fails[hour(i)] = 500
		}
		c, source := a.serve(t, nil)
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}))
		require.Empty(t, docs)
		require.Len(t, errs, maxFailures)
		require.Len(t, a.asked, maxFailures)
	})
	t.Run("the caller stops", func(t *testing.T) {
		a := hours(every...)
		c, source := a.serve(t, nil)
		for range c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}) {
			break
		}
		require.Len(t, a.asked, 1)
	})
	t.Run("the requests are used up", func(t *testing.T) {
		a := hours(every...)
		c, source := a.serve(t, func(config *Config) { config.Limits.Requests = 5 })
		docs, errs := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}))
		require.Len(t, docs, 5, "these count")
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], ErrSpent)
	})
	t.Run("one connection for all", func(t *testing.T) {
		a := hours(every...)
		connections := map[string]bool{}
		source, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
			connections[r.RemoteAddr] = true
			if content, found := a.files[strings.TrimPrefix(r.URL.Path, "/")]; found {
				_, _ = w.Write([]byte(content))
			} else {
				http.NotFound(w, r)
			}
		})
		c := newClient(t, func(config *Config) { config.RootCAs = pool })
		docs, _ := all(c.Consensuses(context.Background(), source, Wanted{Backfill: 72 * time.Hour}))
		require.Len(t, docs, 72)
		require.Len(t, connections, 1)
	})
}

// TestClockIsToldOf: a wrong clock asks for hours that do not exist.
func TestClockIsToldOf(t *testing.T) {
	f := func(date, want string) {
		t.Helper()
		source, pool := serveTLS(t, write(404, nil, "Date", date))
		_, err := newest(newClient(t, func(config *Config) { config.RootCAs = pool }), source)
		require.ErrorIs(t, err, ErrNotFound)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, date, e.Date.Format(http.TimeFormat))
		if want == "" {
			require.NotContains(t, err.Error(), "clock")
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	f("Sat, 27 Jun 2026 12:34:00 GMT", "")
	f("Sat, 27 Jun 2026 12:06:00 GMT", "")
	f("Sat, 27 Jun 2026 12:40:00 GMT", "clock differs from the server's by 20m0s")
	f("Thu, 25 Jun 2026 12:20:00 GMT", "clock differs from the server's by 48h0m0s")
}

// TestMirrorBelowAPath: a mirror's base is kept.
func TestMirrorBelowAPath(t *testing.T) {
	a := hours()
	a.files["pub/collector/"+hour(0)] = "here"
	c, root := a.serve(t, nil)
	source, err := ParseSource(root.String() + "pub/collector")
	require.NoError(t, err)
	doc, err := newest(c, source)
	require.NoError(t, err)
	require.Equal(t, "here", string(doc.Bytes))
}

func TestAuthoritiesInTurn(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead.Close()
	asked := map[string]int{}
	at := func(name string, handler http.HandlerFunc) netip.AddrPort {
		source := serve(t, func(w http.ResponseWriter, r *http.Request) { asked[name]++; handler(w, r) })
		return netip.MustParseAddrPort(source.base.Host)
	}
	refused := netip.MustParseAddrPort(dead.Addr().String())
	busy := at("busy", write(503, nil))
	none := at("none", write(404, nil))
	same := at("same", write(304, nil))
	good := at("good", write(200, document))
	source, err := ParseSource("authorities")
	require.NoError(t, err)

	doc, err := newest(newClient(t, nil), source.WithAuthorities([]netip.AddrPort{refused, busy, none, good, same}))
	require.NoError(t, err)
	require.Equal(t, document, doc.Bytes)
	require.Equal(t, "http://"+good.String()+"/tor/status-vote/current/consensus-microdesc", doc.URL)
	require.Equal(t, map[string]int{"busy": 1, "none": 1, "good": 1}, asked, "each once, the last not at all")

	_, err = newest(newClient(t, nil), source.WithAuthorities([]netip.AddrPort{refused, busy, none}))
	var attempts Attempts
	require.ErrorAs(t, err, &attempts)
	require.Len(t, attempts, 3)
	require.ErrorContains(t, err, "3 tried, none had it: authorities: http://"+refused.String())
	require.ErrorContains(t, err, "HTTP status 503")
	require.ErrorContains(t, err, "HTTP status 404")
	require.ErrorIs(t, err, ErrNotFound, "one of them")
	require.NotContains(t, err.Error(), "\n")

	_, err = newestAfter(newClient(t, nil), source.WithAuthorities([]netip.AddrPort{busy, same, good}), noon)
	require.ErrorIs(t, err, ErrNothingNewer, "an answer, too")

	_, err = newest(newClient(t, nil), source)
	require.ErrorContains(t, err, "no authority with a Dir port is known")

	c := newClient(t, func(config *Config) { config.Limits.Requests = 2 })
	_, err = newest(c, source.WithAuthorities([]netip.AddrPort{busy, busy, busy, busy}))
	require.ErrorIs(t, err, ErrSpent)
	require.ErrorAs(t, err, &attempts)
	require.Len(t, attempts, 3)
}

func TestCertificates(t *testing.T) {
	var asked []string
	cache := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = w.Write([]byte("certificates"))
	})
	c := newClient(t, nil)
	key := func(b byte) (k Key) {
		for i := range k.Identity {
			k.Identity[i], k.SigningKey[i] = b, b+0x0f
		}
		return k
	}
	docs, errs := all(c.Certificates(context.Background(), cache, []Key{key(0xa0), key(0x01)}))
	require.Empty(t, errs)
	require.Equal(t, []string{"certificates"}, contents(docs))
	require.Equal(t, []string{"/tor/keys/fp-sk/" + strings.Repeat("A0", 20) + "-" + strings.Repeat("AF", 20) +
		"+" + strings.Repeat("01", 20) + "-" + strings.Repeat("10", 20)}, asked)

	asked = nil
	_, errs = all(c.Certificates(context.Background(), cache, nil))
	require.Empty(t, errs)
	require.Equal(t, []string{"/tor/keys/all"}, asked)

	asked = nil
	many := make([]Key, 70)
	for i := range many {
		many[i] = key(byte(i))
	}
	docs, errs = all(c.Certificates(context.Background(), cache, many))
	require.Empty(t, errs)
	require.Len(t, docs, 3)
	require.Equal(t, 70, strings.Count(strings.Join(asked, ""), "-")-strings.Count(strings.Join(asked, ""), "fp-sk"))
	for _, k := range many {
		require.Contains(t, strings.Join(asked, ""), strings.ToUpper(hex.EncodeToString(k.Identity[:])))
	}
	for _, path := range asked {
		require.Less(t, len(path), 3000)
	}

	a := hours()
	a.files["archive/relay-descriptors/certs.tar.xz"] = "an archive"
	ac, source := a.serve(t, nil)
	docs, errs = all(ac.Certificates(context.Background(), source, many))
	require.Empty(t, errs)
	require.Equal(t, []string{"an archive"}, contents(docs))
}

func TestExitLists(t *testing.T) {
	listing := `<a href="2026-06-27-12-02-03">2026-06-27-12-02-03</a> <a href="/recent/exit-lists/2026-06-27-10-02-01">
		2026-06-27-11-02-00 2026-06-27-11-02-00.sig? 2026-06-24-12-30-00 2026-06-24-12-10-00 2026-06-27-10-02-01
		2026-99-27-11-02-00 12026-06-27-11-02-00 2026-06-27-11-02-001 2027-06-27-11-02-00 ../../2026-06-27-09-02-00/../x`
	made := func() *archive {
		a := hours()
		a.files["recent/exit-lists/"] = listing
		for _, name := range []string{"2026-06-27-12-02-03", "2026-06-27-11-02-00", "2026-06-27-10-02-01", "2026-06-24-12-30-00", "2026-06-24-12-10-00", "2027-06-27-11-02-00"} {
			a.files["recent/exit-lists/"+name] = name
		}
		return a
	}
	f := func(name string, wanted Wanted, want ...string) {
		t.Helper()
		c, source := made().serve(t, nil)
		docs, errs := all(c.ExitLists(context.Background(), source, wanted))
		require.Equal(t, want, contents(docs), name)
		if want == nil {
			require.Len(t, errs, 1, name)
			require.ErrorIs(t, errs[0], ErrNothingNewer, name)
			return
		}
		require.Empty(t, errs, name)
	}
	at := time.Date(2026, 6, 27, 12, 2, 3, 0, time.UTC)
	f("the newest", Wanted{}, "2026-06-27-12-02-03")
	f("all", Wanted{Backfill: 1000 * time.Hour}, "2026-06-27-12-02-03", "2026-06-27-11-02-00", "2026-06-27-10-02-01", "2026-06-24-12-30-00")
	f("two hours", Wanted{Backfill: 2 * time.Hour}, "2026-06-27-12-02-03", "2026-06-27-11-02-00", "2026-06-27-10-02-01")
	f("what is missing", Wanted{Backfill: 3 * time.Hour, Have: func(at time.Time) bool { return at.Hour() == 11 }}, "2026-06-27-12-02-03", "2026-06-27-10-02-01")
	f("held", Wanted{Newest: at})

	c, source := hours().serve(t, nil)
	_, errs := all(c.ExitLists(context.Background(), source, Wanted{}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrNotFound, "no listing")

	a := hours()
	a.files["recent/exit-lists/"] = "<html>nothing here</html>"
	c, source = a.serve(t, nil)
	_, errs = all(c.ExitLists(context.Background(), source, Wanted{}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrNotFound, "an empty listing")
}

func TestWrongKindOfSource(t *testing.T) {
	c := newClient(t, nil)
	cache, err := ParseSource("dir+http://192.0.2.1:80")
	require.NoError(t, err)
	folder, err := ParseSource("./testdata")
	require.NoError(t, err)
	for i, series := range []func() ([]Document, []error){
		func() ([]Document, []error) { return all(c.Consensuses(context.Background(), folder, Wanted{})) },
		func() ([]Document, []error) { return all(c.Consensuses(context.Background(), Source{}, Wanted{})) },
		func() ([]Document, []error) { return all(c.Certificates(context.Background(), folder, nil)) },
		func() ([]Document, []error) { return all(c.ExitLists(context.Background(), cache, Wanted{})) },
		func() ([]Document, []error) { return all(c.Files(context.Background(), Collector())) },
	} {
		docs, errs := series()
		require.Empty(t, docs, i)
		require.Len(t, errs, 1, i)
		require.True(t, errors.Is(errs[0], errKind), i)
		require.ErrorContains(t, errs[0], "this source has no such documents; name one that does")
	}
}

func TestErrorTexts(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		require.Equal(t, want, err.Error())
	}
	f(&Error{Source: "collector", URL: "https://mirror.example/x", Status: 404, Tries: 1, Err: because(ErrNotFound, "HTTP status 404")},
		"collector: https://mirror.example/x: no such document there: HTTP status 404; try another source")
	f(&Error{Source: "authorities", Err: context.Canceled}, "authorities: context canceled")
	f(&Error{Source: "./x", URL: "x/a\x1b[31m\nb\u0085", Err: ErrNothingNewer}, "./x: x/a?[31m?b?: nothing newer than what is there already")
	require.Less(t, len((&Error{URL: strings.Repeat("ä", 5000), Err: ErrTooSlow}).Error()), 500)
}
