package relaylist

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/src/tordir"
	"tordetect/tests/shared"
	"tordetect/tests/tornet"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// lab is a Tor network of our own with five authorities.
func lab(t *testing.T) (*tornet.Network, tordir.Trust) {
	t.Helper()
	net := tornet.New(7, 5, tornet.Size(30))
	trust, err := tordir.ParseAuthorities(net.AuthoritiesFile())
	require.NoError(t, err)
	return net, trust
}

// files writes documents and returns their paths in the order given.
func files(t *testing.T, docs ...[]byte) []string {
	t.Helper()
	folder := t.TempDir()
	var paths []string
	for i, doc := range docs {
		path := filepath.Join(folder, string(rune('a'+i)))
		require.NoError(t, os.WriteFile(path, doc, 0o600))
		paths = append(paths, path)
	}
	return paths
}

func hour(net *tornet.Network, h int) []byte {
	at := noon.Add(time.Duration(h) * time.Hour)
	return net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
}

// placeOf is a place with a table, or without one yet, and what reads the one that
// is there later.
func placeOf(t *testing.T, table string) (place Place, read func() string) {
	t.Helper()
	place.Path = filepath.Join(t.TempDir(), "tor_relays.csv")
	if table != "" {
		require.NoError(t, os.WriteFile(place.Path, []byte(table), 0o600))
	}
	return place, func() string {
		text, err := os.ReadFile(place.Path)
		if !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
		return string(text)
	}
}

// imported takes files into a new table.
func imported(t *testing.T, trust tordir.Trust, now time.Time, paths []string) (*Result, string, error) {
	t.Helper()
	place, read := placeOf(t, "")
	r, err := Import(context.Background(), place, ImportOptions{Options: Options{Trust: trust, Now: now}, Files: paths})
	return r, read(), err
}

// Certificates may come before, between or behind the consensuses, and all in
// one file.
func TestAnyOrder(t *testing.T) {
	net, trust := lab(t)
	docs := [][]byte{hour(net, 0), hour(net, 1), net.Certificates(), hour(net, 5)}
	var want string
	for _, order := range [][]int{{2, 0, 1, 3}, {0, 1, 2, 3}, {3, 1, 0, 2}} {
		var set [][]byte
		for _, i := range order {
			set = append(set, docs[i])
		}
		for _, paths := range [][]string{files(t, set...), files(t, bytes.Join(set, nil))} {
			r, got, err := imported(t, trust, noon.Add(6*time.Hour), paths)
			require.NoError(t, err)
			require.NoError(t, Failed(r.Verdicts))
			require.Len(t, r.Warnings, 1)
			require.Contains(t, r.Warnings[0], "There was no exit list among the documents")
			if want == "" {
				want = got
			}
			require.Equal(t, want, got)
		}
	}
	table, err := relay.Parse(want)
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Equal(t, flow.CoverageGap, table.Coverage(flow.Interval{From: noon.Add(4*time.Hour + time.Minute).Unix(), To: noon.Add(4*time.Hour + time.Minute).Unix()}))
}

// What is not believed leaves no trace in the table.
func TestRefusals(t *testing.T) {
	net, trust := lab(t)
	certs := net.Certificates()
	good := hour(net, 0)
	broken := bytes.Replace(good, []byte("\ns "), []byte("\ns Exit "), 1)
	at := noon
	for name, c := range map[string]struct {
		doc  []byte
		now  time.Time
		want string
	}{
		"too few signatures": {net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at), Signers: []int{0, 1}}), noon, "2 of 5"},
		"bytes changed":      {broken, noon, ""},
		"from the future":    {good, noon.Add(-16 * time.Minute), "ahead of this machine's clock"},
		"cut":                {good[:len(good)/2], noon, ""},
		"junk":               {[]byte("<html>busy</html>"), noon, "no document of Tor's directory"},
	} {
		t.Run(name, func(t *testing.T) {
			r, table, err := imported(t, trust, c.now, files(t, certs, c.doc))
			require.ErrorContains(t, err, "1 of 2 documents were refused; no table was written")
			require.Len(t, r.Verdicts, 2)
			require.True(t, r.Verdicts[0].OK)
			require.False(t, r.Verdicts[1].OK)
			require.Contains(t, r.Verdicts[1].Reason, c.want)
			require.Empty(t, table)
		})
	}
	verdicts, err := Verify(context.Background(), ImportOptions{Options: Options{Trust: trust, Now: noon}, Files: []string{filepath.Join(t.TempDir(), "none"), t.TempDir()}})
	require.NoError(t, err)
	require.Len(t, verdicts, 2)
	require.Contains(t, verdicts[1].Reason, "This is a folder")
	require.Error(t, Failed(nil))
}

// networkOf is the network of a table alone.
func networkOf(t *testing.T, table string) *relay.Network {
	path := filepath.Join(t.TempDir(), "tor_relays.csv")
	require.NoError(t, os.WriteFile(path, []byte(table), 0o600))
	return relay.NewNetwork(path)
}

func TestLookup(t *testing.T) {
	net, trust := lab(t)
	_, text, err := imported(t, trust, noon.Add(9*time.Hour), files(t, net.Certificates(), hour(net, 0), hour(net, 8)))
	require.NoError(t, err)
	table := networkOf(t, text)
	first := net.Relays(noon)[0]
	addr := first.Addr

	at := func(h float64) int64 { return noon.Add(time.Duration(h * float64(time.Hour))).Unix() }
	seen := Lookup(table, addr, at(1))
	require.NotEmpty(t, seen)
	for _, s := range seen {
		require.Equal(t, "listed", s.Answer)
		require.Equal(t, "full", s.Coverage)
	}
	require.Equal(t, "no list", Lookup(table, addr, at(5))[0].Answer)
	require.Equal(t, "gap", Lookup(table, addr, at(5))[0].Coverage)
	require.Equal(t, "no list", Lookup(table, addr, at(-5))[0].Answer)
	require.Equal(t, "not listed", Lookup(table, netip.MustParseAddr("192.0.2.254"), at(1))[0].Answer)
	require.Len(t, Lookup(table, netip.MustParseAddr("192.0.2.254"), at(1)), 1)
}

// The real consensuses: each verifies with the count of its MANIFEST, and a
// table of them answers for each hour and not between.
func TestRealConsensuses(t *testing.T) {
	folder := shared.File(t, "consensus")
	paths, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	r, text, err := imported(t, nil, noon, paths)
	require.NoError(t, err)
	counts := map[string][2]int{
		"2021-08-29": {9, 9}, "2022-07-14": {5, 5}, "2024-05-17": {6, 8}, "2025-06-15": {9, 9}, "2025-06-16": {9, 9}, "2026-06-27": {9, 9},
	}
	lists := 0
	for _, v := range r.Verdicts {
		require.True(t, v.OK, "%s: %s", v.Name, v.Reason)
		if v.Kind == tordir.KindConsensus {
			lists++
			require.Equal(t, counts[filepath.Base(v.Name)[:10]], [2]int{v.Verification.Good, v.Verification.Present}, v.Name)
		}
	}
	require.Equal(t, 8, lists)
	table := networkOf(t, text)
	require.NoError(t, table.Absent())
	lost, _ := table.Damage("t.csv")
	require.Empty(t, lost)
	dannenberg := netip.MustParseAddr("193.23.244.244")
	for _, at := range []string{"2021-08-29T19:30:00Z", "2022-07-14T14:30:00Z", "2024-05-17T17:30:00Z", "2025-06-15T05:30:00Z", "2026-06-27T04:30:00Z"} {
		moment, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		seen := Lookup(table, dannenberg, moment.Unix())
		require.Equal(t, "listed", seen[0].Answer, at)
		require.Equal(t, "no list", Lookup(table, netip.MustParseAddr("192.0.2.1"), moment.Add(30*24*time.Hour).Unix())[0].Answer)
	}
}

// The private network's documents give its hand-made table in substance; its
// votes are refused.
func TestPrivateNetwork(t *testing.T) {
	folder := shared.File(t, "privnet")
	certs, err := os.ReadFile(filepath.Join(folder, "cached-certs"))
	require.NoError(t, err)
	parsed, err := tordir.ParseCertificates(certs)
	require.NoError(t, err)
	var trust tordir.Trust
	for i, c := range parsed {
		trust = append(trust, tordir.Authority{V3Ident: c.Identity, Nickname: string(rune('a' + i)), Until: 1 << 40})
	}
	paths, err := filepath.Glob(filepath.Join(folder, "2026-*"))
	require.NoError(t, err)
	require.Len(t, paths, 10)
	late := noon.Add(7 * 24 * time.Hour)
	r, table, err := imported(t, trust, late, append(paths, filepath.Join(folder, "cached-certs")))
	require.NoError(t, err)
	require.NoError(t, Failed(r.Verdicts))

	votes, _, err := imported(t, trust, late, []string{filepath.Join(folder, "v3-status-votes")})
	require.Error(t, err)
	require.NotEmpty(t, votes.Verdicts)
	for _, v := range votes.Verdicts {
		require.False(t, v.OK)
		require.Contains(t, v.Reason, "vote")
	}

	hand, err := os.ReadFile(filepath.Join(folder, "tor_relays.csv"))
	require.NoError(t, err)
	substance := func(text string) []string {
		out := map[string]bool{}
		for _, line := range strings.Split(text, "\n") {
			cells := strings.Split(strings.TrimSpace(line), ",")
			if len(cells) == 8 && (cells[2] == "or" || cells[2] == "dir") {
				out[strings.Join(cells[:6], ",")] = true
			}
		}
		var rows []string
		for row := range out {
			rows = append(rows, row)
		}
		sort.Strings(rows)
		return rows
	}
	require.Equal(t, substance(string(hand)), substance(table))
}

// Of a table that somebody damaged what can be read is kept; what was lost is told, and
// a table that was cut, or is damaged for the most part, claims no time any more.
func TestDamagedTable(t *testing.T) {
	net, trust := lab(t)
	_, whole, err := imported(t, trust, noon, files(t, net.Certificates(), hour(net, -6)))
	require.NoError(t, err)
	lines := strings.SplitAfter(whole, "\n")
	spoil := func(n int) string { // as a spreadsheet writes large numbers
		changed := slices.Clone(lines)
		for i := range changed {
			if cells := strings.Split(changed[i], ","); n > 0 && cells[0] != "ip" && cells[0] != "" {
				cells[6] = "1.795E+09"
				changed[i] = strings.Join(cells, ",")
				n--
			}
		}
		require.Zero(t, n)
		return strings.Join(changed, "")
	}
	most := len(lines)/2 + 1
	for about, c := range map[string]struct {
		table   string
		warning string
		gap     bool // the old list's time is not covered any more
	}{
		"as it was":           {whole, "", false},
		"three rows":          {spoil(3), "The table tor_relays.csv had unreadable rows, 3 of ", false},
		"most rows":           {spoil(most), "The table tor_relays.csv was cut or damaged: its rows were taken as far as they can be read, ", true},
		"without its end row": {strings.Join(lines[:len(lines)-2], ""), "The table tor_relays.csv was cut or damaged: its rows were taken as far as they can be read, ", true},
	} {
		for _, lookup := range []bool{false, true} {
			place, read := placeOf(t, c.table)
			place.Lookup = lookup
			r, err := Import(t.Context(), place, ImportOptions{Options: Options{Trust: trust, Now: noon}, Files: files(t, net.Certificates(), hour(net, -1))})
			require.NoError(t, err, about)
			told := slices.DeleteFunc(slices.Clone(r.Warnings), func(w string) bool { return !strings.HasPrefix(w, "The table") })
			if c.warning == "" {
				require.Empty(t, told, about)
			} else {
				require.Len(t, told, 1, about)
				require.Contains(t, told[0], c.warning, about)
			}
			if lookup {
				continue
			}
			then := noon.Add(-5 * time.Hour).Unix()
			require.Equal(t, c.gap, networkOf(t, read()).At(flow.Interval{From: then, To: then}, true).Coverage(flow.Interval{From: then, To: then}) != flow.CoverageFull, about)
		}
	}
}

// What an exit list says of the time after it was made is left out.
func TestExitListOfTheFuture(t *testing.T) {
	net, trust := lab(t)
	nodes := net.ExitNodes(noon)
	total, late := 0, 0
	for i := range nodes {
		for j := range nodes[i].Addresses {
			if total++; i%2 == 0 {
				late++
				nodes[i].Addresses[j].Scanned = noon.Add(20 * time.Hour)
			}
		}
	}
	require.NotZero(t, late)
	list := net.ExitList(noon, nodes)
	served := regexp.MustCompile(`(?m)^Downloaded .*\n`).ReplaceAll(list, nil)
	require.NotEqual(t, list, served)
	for _, doc := range [][]byte{list, served} {
		im := newImporter(Options{Trust: trust, Now: noon.Add(time.Hour)})
		v := im.add(tordir.Document{Kind: tordir.KindExitList, Bytes: doc})
		require.True(t, v.OK)
		require.Equal(t, total-late, v.Taken)
		require.Contains(t, v.Reason, strconv.Itoa(late)+" addresses were left out")
	}
}

// A pipe of the shell is read once, in any order with others.
func TestFilesFromPipes(t *testing.T) {
	net, trust := lab(t)
	docs := [][]byte{hour(net, 0), net.Certificates(), hour(net, 1)}
	var paths []string
	for _, doc := range docs {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		defer r.Close()
		go func() {
			_, _ = w.Write(doc)
			_ = w.Close()
		}()
		paths = append(paths, "/dev/fd/"+strconv.Itoa(int(r.Fd())))
	}
	r, text, err := imported(t, trust, noon.Add(2*time.Hour), paths)
	require.NoError(t, err)
	require.NoError(t, Failed(r.Verdicts), "%v", r.Verdicts)
	require.Len(t, r.Verdicts, 3)
	table, err := relay.Parse(text)
	require.NoError(t, err)
	require.Len(t, table.Lists(), 1)
}

// A reason is one line, and says what to do.
func TestReasons(t *testing.T) {
	net, trust := lab(t)
	im := newImporter(Options{Trust: trust, Now: noon})
	v := im.add(tordir.Document{Kind: tordir.KindConsensus, Bytes: hour(net, 0)})
	require.Contains(t, v.Reason, "0 of 5 authorities signed, 3 are needed. No certificate for its key: ")
	require.Contains(t, v.Reason, ". Key certificates of that time are needed too: ")

	certs := net.Certificates()
	broken := bytes.ReplaceAll(certs, []byte("\ndir-key-published "), []byte("\ndir-key-published x"))
	v = im.add(tordir.Document{Kind: tordir.KindCertificates, Bytes: broken})
	require.False(t, v.OK)
	require.NotContains(t, v.Reason, "\n")
	require.NotContains(t, v.Reason, "..")

	weak := net.Consensus(tornet.Spec{ValidAfter: noon, Relays: net.Relays(noon), Signers: []int{0, 1}})
	require.NoError(t, Failed([]Verdict{im.add(tordir.Document{Kind: tordir.KindCertificates, Bytes: certs})}))
	require.NotContains(t, im.add(tordir.Document{Kind: tordir.KindConsensus, Bytes: weak}).Reason, "are needed too")
}
