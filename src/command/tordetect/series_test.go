package tordetect

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/relaylist"
	"tordetect/src/tordir"
	"tordetect/tests/shared"
	"tordetect/tests/tornet"
)

// series is a relay table as it comes about: from signed documents, by way of the
// importer. Beside it stand the documents, to be asked themselves.
type series struct {
	table string
	lists []*tordir.Consensus
}

// newSeries takes documents in.
func newSeries(t *testing.T, trust tordir.Trust, now time.Time, retention time.Duration, documents ...[]byte) series {
	t.Helper()
	var s series
	var paths []string
	folder := t.TempDir()
	for i, document := range documents {
		path := filepath.Join(folder, fmt.Sprint("document ", i))
		require.NoError(t, os.WriteFile(path, document, 0o600))
		paths = append(paths, path)
		for doc, err := range tordir.Documents(path, bytes.NewReader(document), tordir.Limits{}) {
			require.NoError(t, err)
			if doc.Kind == tordir.KindConsensus {
				c, err := tordir.ParseConsensus(doc.Bytes)
				require.NoError(t, err)
				s.lists = append(s.lists, c)
			}
		}
	}
	path := filepath.Join(folder, "tor_relays.csv")
	r, err := relaylist.Import(context.Background(), relaylist.Place{Path: path}, relaylist.ImportOptions{
		Options: relaylist.Options{Trust: trust, Now: now, Retention: retention}, Files: paths})
	require.NoError(t, err)
	require.NoError(t, relaylist.Failed(r.Verdicts))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	s.table = string(text)
	return s
}

// has returns who was listed at an address and port in any list of the moment.
func (s series) has(at netip.AddrPort, moment int64) map[[20]byte]bool {
	found := map[[20]byte]bool{}
	for _, c := range s.lists {
		if c.ValidAfter <= moment && moment <= c.ValidUntil {
			for id := range holders(c, at) {
				found[id] = true
			}
		}
	}
	return found
}

func holders(c *tordir.Consensus, at netip.AddrPort) map[[20]byte]bool {
	found := map[[20]byte]bool{}
	for i := range c.Relays {
		if r := &c.Relays[i]; netip.AddrPortFrom(r.Addr, r.ORPort) == at || slices.Contains(r.IPv6, at) {
			found[r.Identity] = true
		}
	}
	return found
}

const day = 24 * 60 * 60

// expect answers from the documents alone what the command answers from the
// table: the coverage of a moment and the codes of an OR port. It is written for
// being read, and looks at every list for every question.
func (s series) expect(at netip.AddrPort, moment int64) (coverage string, codes []string) {
	first, newest := s.lists[0].ValidAfter, s.lists[0].ValidUntil
	before, after := int64(-1), int64(-1) // the nearest moments that a list holds for
	covered := false
	for _, c := range s.lists {
		first, newest = min(first, c.ValidAfter), max(newest, c.ValidUntil)
		covered = covered || c.ValidAfter <= moment && moment <= c.ValidUntil
		if c.ValidUntil < moment {
			before = max(before, c.ValidUntil)
		}
		if c.ValidAfter > moment && (after < 0 || c.ValidAfter < after) {
			after = c.ValidAfter
		}
	}
	switch {
	case covered:
		coverage = "full"
	case moment < first:
		coverage = "before"
	case moment > newest:
		coverage = "stale"
	default:
		coverage = "gap"
	}

	found := map[string]bool{}
	ended := map[[20]byte]int64{} // when the last list with it ended
	for _, c := range s.lists {
		if c.ValidAfter <= moment {
			for id := range holders(c, at) {
				ended[id] = max(ended[id], c.ValidUntil)
			}
		}
	}
	listed := s.has(at, moment)
	if len(listed) > 0 {
		found["or_port"] = true
	}
	var stale map[[20]byte]bool
	if !covered {
		inBefore, inAfter := s.has(at, before), s.has(at, after)
		stale = inAfter
		if after < 0 || before >= 0 && moment-before <= after-moment {
			stale = inBefore
		}
		for id := range inBefore {
			if inAfter[id] {
				stale[id] = true
			}
		}
		if len(stale) > 0 {
			found["or_port_stale"] = true
		}
	}
	for id, end := range ended {
		if end < moment && moment-end <= day && newest > end && !stale[id] && !listed[id] {
			found["or_port_recent"] = true
		}
	}
	for code := range found {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return coverage, codes
}

// ask judges one row for each question: a client inside that talked to at.
func (s series) ask(t *testing.T, questions []question) []map[string]string {
	t.Helper()
	var b strings.Builder
	b.WriteString("src,dest,dest_port,_time\n")
	for _, q := range questions {
		fmt.Fprintf(&b, "10.0.0.5,\"%s\",%d,%d\n", q.at.Addr(), q.at.Port(), q.moment)
	}
	return run{table: s.table, chunks: []string{b.String()}, now: time.Unix(1<<32, 0)}.do(t).rows()
}

type question struct {
	at     netip.AddrPort
	moment int64
}

// agree asks the command and the documents.
func (s series) agree(t *testing.T, questions []question) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for i, row := range s.ask(t, questions) {
		q := questions[i]
		coverage, codes := s.expect(q.at, q.moment)
		var got []string
		for code := range strings.SplitSeq(row["tor_evidence"], "\n") {
			if strings.HasPrefix(code, "or_port") {
				got = append(got, code)
			}
		}
		slices.Sort(got)
		text := fmt.Sprintf("%v at %d: %s", q.at, q.moment, row["tor_reason"])
		require.Equal(t, coverage, row["tor_coverage"], text)
		if !slices.Contains(strings.Split(row["tor_evidence"], "\n"), "authority") {
			require.Equal(t, codes, got, text)
		}
		if len(row["tor_evidence"]) == 0 {
			require.Equal(t, map[bool]string{true: "none", false: "unknown"}[coverage == "full"], row["tor_verdict"], text)
		}
		seen[coverage+" "+strings.Join(codes, "+")]++
	}
	return seen
}

// moments returns times around the lists: their ends to the second, and others.
func (s series) moments(r *rand.Rand, n int) []int64 {
	var out []int64
	first, last := s.lists[0].ValidAfter, s.lists[0].ValidUntil
	for _, c := range s.lists {
		first, last = min(first, c.ValidAfter), max(last, c.ValidUntil)
		out = append(out, c.ValidAfter-1, c.ValidAfter, c.ValidUntil, c.ValidUntil+1, c.ValidUntil+day, c.ValidUntil+day+1)
	}
	for range n {
		out = append(out, first-2*day+r.Int64N(last-first+4*day))
	}
	return out
}

// A network that changes from hour to hour, with hours that nobody read: for each
// address and time the command says what the documents say.
func TestSeriesOfAChangingNetwork(t *testing.T) {
	net := tornet.New(5, 5, tornet.Size(60))
	trust, err := tordir.ParseAuthorities(net.AuthoritiesFile())
	require.NoError(t, err)
	documents := [][]byte{net.Certificates()}
	for hour := range 70 {
		if hour > 10 && hour < 16 || hour > 30 && hour < 58 {
			continue // gaps of 3 and of 25 hours: a list holds for three
		}
		va := at(float64(hour))
		documents = append(documents, net.Consensus(tornet.Spec{ValidAfter: va, Relays: net.Relays(va)}))
	}
	r := rand.New(rand.NewPCG(3, 5))
	r.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
	s := newSeries(t, trust, at(100), 0, documents...)

	var places []netip.AddrPort
	for _, c := range s.lists {
		for i := range c.Relays {
			places = append(places, netip.AddrPortFrom(c.Relays[i].Addr, c.Relays[i].ORPort))
			places = append(places, c.Relays[i].IPv6...)
		}
	}
	places = append(places, netip.MustParseAddrPort("192.0.2.250:1"), netip.MustParseAddrPort("[2001:db8:ffff::1]:9001"))
	slices.SortFunc(places, netip.AddrPort.Compare)
	places = slices.Compact(places)
	moments := s.moments(r, 3000)
	var questions []question
	for range 6000 {
		questions = append(questions, question{places[r.IntN(len(places))], moments[r.IntN(len(moments))]})
	}
	seen := s.agree(t, questions)
	t.Log(seen)
	for _, kind := range []string{
		"full ", "full or_port", "full or_port_recent", "before ", "before or_port_stale", "stale ", "stale or_port_stale",
		"stale or_port_recent", "gap ", "gap or_port_stale", "gap or_port_recent",
	} {
		require.Positive(t, seen[kind], "no question of the kind %q: %v", kind, seen)
	}
}

// The same over the public network's real documents: three lists within two days
// and others years away.
func TestSeriesOfTheRealNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	folder := shared.File(t, "consensus")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	var paths []string
	for _, f := range files {
		paths = append(paths, filepath.Join(folder, f.Name()))
	}
	table := filepath.Join(t.TempDir(), "tor_relays.csv")
	_, err = relaylist.Import(context.Background(), relaylist.Place{Path: table}, relaylist.ImportOptions{Options: relaylist.Options{Now: time.Now()}, Files: paths})
	require.NoError(t, err)
	text, err := os.ReadFile(table)
	require.NoError(t, err)
	s := series{table: string(text)}
	for _, path := range paths {
		f, err := os.Open(path)
		require.NoError(t, err)
		for doc, err := range tordir.Documents(path, f, tordir.Limits{}) {
			require.NoError(t, err)
			if doc.Kind == tordir.KindConsensus {
				c, err := tordir.ParseConsensus(doc.Bytes)
				require.NoError(t, err)
				s.lists = append(s.lists, c)
			}
		}
		require.NoError(t, f.Close())
	}

	r := rand.New(rand.NewPCG(7, 11))
	moments := s.moments(r, 200)
	var questions []question
	for range 400 { // the documents are asked relay by relay: some milliseconds each
		c := s.lists[r.IntN(len(s.lists))]
		x := c.Relays[r.IntN(len(c.Relays))]
		place := netip.AddrPortFrom(x.Addr, x.ORPort)
		if len(x.IPv6) > 0 && r.IntN(2) == 0 {
			place = x.IPv6[0]
		}
		if r.IntN(8) == 0 {
			place = netip.AddrPortFrom(place.Addr(), place.Port()+1)
		}
		questions = append(questions, question{place, moments[r.IntN(len(moments))]})
	}
	seen := s.agree(t, questions)
	t.Log(seen)
	for _, kind := range []string{"full or_port", "full ", "gap or_port_stale", "before or_port_stale", "stale or_port_stale"} {
		require.Positive(t, seen[kind], "no question of the kind %q: %v", kind, seen)
	}
}

// small is a network of a few relays that are what a test needs, listed each
// hour from 0 to 20, all but the hours 9 to 13 (nobody read 11:00:01 to 13:59:59).
func small(t *testing.T, retention time.Duration) series {
	t.Helper()
	net := tornet.New(9, 4)
	trust, err := tordir.ParseAuthorities(net.AuthoritiesFile())
	require.NoError(t, err)
	documents := [][]byte{net.Certificates()}
	for hour := range 21 {
		if hour < 9 || hour > 13 {
			documents = append(documents, net.Consensus(tornet.Spec{ValidAfter: at(float64(hour)), Relays: smallRelays(hour)}))
		}
	}
	exits := []tornet.ExitNode{
		{Identity: id(2), Published: at(0), LastStatus: at(1), Addresses: []tornet.ExitAddress{{Addr: ip("198.51.100.200"), Scanned: at(1.5)}}},
		{Identity: id(99), Published: at(0), LastStatus: at(1), Addresses: []tornet.ExitAddress{{Addr: ip("198.51.100.66"), Scanned: at(1.5)}}},
	}
	documents = append(documents, net.ExitList(at(2), exits))
	return newSeries(t, trust, at(30), retention, documents...)
}

func id(n byte) (id [20]byte) {
	for i := range id {
		id[i] = n
	}
	return id
}

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }

func smallRelays(hour int) []tornet.Relay {
	all := []tornet.Relay{
		{Nickname: "guard", Identity: id(1), Addr: ip("198.51.100.1"), ORPort: 9001, IPv6: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:9443")}, Flags: []string{"Guard", "Running", "Valid"}},
		{Nickname: "moved", Identity: id(2), Addr: ip("198.51.100.2"), ORPort: 443, Flags: []string{"Exit", "Running", "Valid"}},
		{Nickname: "plain", Identity: id(3), Addr: ip("198.51.100.3"), ORPort: 443, IPv6: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::3]:443")}, Flags: []string{"Exit", "Guard", "Running", "Valid"}},
		{Nickname: "bad", Identity: id(4), Addr: ip("198.51.100.4"), ORPort: 443, Flags: []string{"BadExit", "Exit", "Running", "Valid"}},
		{Nickname: "twin1", Identity: id(5), Addr: ip("198.51.100.5"), ORPort: 9001, Flags: []string{"Running", "Valid"}},
		{Nickname: "twin2", Identity: id(6), Addr: ip("198.51.100.5"), ORPort: 9002, Flags: []string{"Guard", "Running", "Valid"}},
	}
	if hour < 5 {
		all = append(all, tornet.Relay{Nickname: "leaver", Identity: id(7), Addr: ip("198.51.100.7"), ORPort: 9001, Flags: []string{"Running", "Valid"}})
	}
	if hour < 9 {
		all = append(all, tornet.Relay{Nickname: "first", Identity: id(8), Addr: ip("198.51.100.8"), ORPort: 9001, Flags: []string{"Running", "Valid"}})
	} else {
		all = append(all, tornet.Relay{Nickname: "second", Identity: id(9), Addr: ip("198.51.100.9"), ORPort: 9001, Flags: []string{"Running", "Valid"}})
	}
	return all
}

// What a table of documents gives for the cases that matter, one by one.
func TestSeries(t *testing.T) {
	s := small(t, 0)
	for name, c := range map[string]struct {
		src, dest, port string
		hour            float64
		want            string // verdict, evidence, coverage, role
		reason          string // a part of it
	}{
		"listed":                                 {"10.0.0.5", "198.51.100.1", "9001", 3, "tor or_port full guard", "guard"},
		"IPv6 on its own port":                   {"10.0.0.5", "2001:db8::1", "9443", 3, "tor or_port full guard", "2001:db8::1"},
		"the IPv4 port on IPv6":                  {"10.0.0.5", "2001:db8::1", "9001", 3, "none relay_address full guard", "listed on OR port 9443"},
		"the IPv6 port on IPv4":                  {"10.0.0.5", "198.51.100.1", "9443", 3, "none relay_address full guard", "listed on OR port 9001"},
		"one of two relays on an address":        {"10.0.0.5", "198.51.100.5", "9002", 3, "tor or_port full guard", "twin2"},
		"the other":                              {"10.0.0.5", "198.51.100.5", "9001", 3, "tor or_port full relay", "twin1"},
		"neither":                                {"10.0.0.5", "198.51.100.5", "80", 3, "none relay_address full guard", ""},
		"left a while ago":                       {"10.0.0.5", "198.51.100.7", "9001", 10, "likely or_port_recent full relay", "until"},
		"left over a day ago, after the lists":   {"10.0.0.5", "198.51.100.7", "9001", 40, "unknown  stale ", ""},
		"in the gap, on both sides":              {"10.0.0.5", "198.51.100.1", "9001", 12.5, "tor or_port_stale gap guard", ""},
		"in the gap, nearer to where it was":     {"10.0.0.5", "198.51.100.8", "9001", 11.2, "tor or_port_stale gap relay", ""},
		"in the gap, nearer to where it wasn't":  {"10.0.0.5", "198.51.100.8", "9001", 13.8, "likely or_port_recent gap relay", ""},
		"in the gap, nearer to where it will be": {"10.0.0.5", "198.51.100.9", "9001", 13.8, "tor or_port_stale gap relay", ""},
		"in the gap, far from where it will be":  {"10.0.0.5", "198.51.100.9", "9001", 11.2, "unknown  gap ", ""},
		"before the first list":                  {"10.0.0.5", "198.51.100.1", "9001", -2, "tor or_port_stale before guard", ""},
		"after the newest":                       {"10.0.0.5", "198.51.100.1", "9001", 30, "tor or_port_stale stale guard", ""},
		"an exit's other address":                {"198.51.100.200", "10.0.0.80", "443", 3, "tor exit_address full exit", "moved"},
		"its OR address":                         {"198.51.100.2", "10.0.0.80", "443", 3, "none exit_or_address full exit", ""},
		"its OR address, a day after the scan":   {"198.51.100.2", "10.0.0.80", "443", 26, "tor exit_flag_stale stale exit", ""},
		"an exit the list lacks":                 {"198.51.100.3", "10.0.0.80", "443", 3, "tor exit_flag full guard+exit", "plain"},
		"over IPv6":                              {"2001:db8::3", "fd00::80", "443", 3, "tor exit_flag full guard+exit", ""},
		"a bad exit":                             {"198.51.100.4", "10.0.0.80", "443", 3, "none relay_source full relay", ""},
		"a guard comes in":                       {"198.51.100.1", "10.0.0.80", "443", 3, "none relay_source full guard", ""},
		"a scanned exit that no list has":        {"198.51.100.66", "10.0.0.80", "443", 3, "none  full ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			row := run{table: s.table, chunks: []string{"src,dest,dest_port,_time\n\"" + c.src + "\",\"" + c.dest + "\"," + c.port + "," + epoch(c.hour) + "\n"}}.do(t).one()
			require.Equal(t, c.want, strings.Join([]string{row["tor_verdict"], row["tor_evidence"], row["tor_coverage"], row["tor_role"]}, " "), row["tor_reason"])
			require.Contains(t, row["tor_reason"], c.reason)
		})
	}
}

// A relay of the last week stands in the small table, an older row is judged by
// the history, and only then is the history opened.
func TestSeriesWithHistory(t *testing.T) {
	history := small(t, 0)
	recent := small(t, 4*time.Hour) // what ended so long before the newest list is dropped
	require.Less(t, len(recent.table), len(history.table))
	question := "src,dest,dest_port,_time\n10.0.0.5,198.51.100.7,9001," + epoch(3) + "\n"
	later := "src,dest,dest_port,_time\n10.0.0.5,198.51.100.1,9001," + epoch(21) + "\n"

	row := run{table: recent.table, chunks: []string{question}}.do(t).one()
	require.NotContains(t, row["tor_evidence"], "or_port", "the small table has dropped it")
	row = run{table: recent.table, history: history.table, chunks: []string{question}}.do(t).one()
	require.Equal(t, "or_port full", row["tor_evidence"]+" "+row["tor_coverage"])
	require.Equal(t, strings.Repeat("07", 20), row["tor_relay"])

	junk := run{table: recent.table, history: "junk\n", chunks: []string{question}}.do(t)
	require.Contains(t, strings.Join(junk.messages, " "), "history")
	junk = run{table: recent.table, history: "junk\n", chunks: []string{later}}.do(t)
	require.Equal(t, "or_port", junk.one()["tor_evidence"])
	require.Empty(t, junk.messages, "no row needed the history")
}
