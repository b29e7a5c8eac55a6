package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tordetect/src/detect"
	"tordetect/src/trafficlog"
)

// How many rows the tables of the report have at most: what a person reads, and
// what a phone still scrolls. The page then stays below 2 MB.
const (
	maxPageClients  = 200
	maxPageRelays   = 200
	maxPageReached  = 100
	maxPageFindings = 300
	maxPageFiles    = 50
)

// page is what the template shows.
type page struct {
	*summary
	Findings int64
	Outbound int64 // findings that are not inbound
	Inbound  int64
	Checked  int64 // flows of full coverage
	Headline string
	Lead     []string // sentences that answer the question of the report
	Sure     string   // class of the headline: tor, possible, none or unknown
	Files    []string
	MoreRead int // files that are not named

	Tiles    []key
	Charts   []*chart
	Clients  hostTable
	Reached  hostTable
	Listed   peerTable
	Unlisted peerTable
	Evidence []codeRow
	Coverage []coverageRow
	Trouble  []troubleRow
	Pairs    findingTable
	Many     bool // not all other ends of hosts are counted

	VerdictTerms, StateTerms []wording
	BeyondLists              []string
}

// hostTable is our hosts of one direction.
type hostTable struct {
	Rows  []hostRow
	All   int   // hosts
	Flows int64 // of all of them
	Left  int64 // flows of hosts that were not kept
}

type hostRow struct {
	*host
	States []key
	More   int // other ends that are not named
}

// known is a relay that a list has.
type known struct{ Fingerprint, Nickname string }

// peerTable is the other ends that a list has, or has not.
type peerTable struct {
	Rows []peerRow
	All  int
	Left int64 // flows of peers, listed or not, that were not kept
}

type peerRow struct {
	*peer
	Known []known // the relays at this address
}

// Shown and the like tell the template how much of a table is there.
func (t hostTable) Shown() int { return len(t.Rows) }
func (t peerTable) Shown() int { return len(t.Rows) }

// findingTable is pairs of ends with the same verdict and state.
type findingTable struct {
	Rows []*pair
	All  int
	Left int64 // flows of pairs that were not kept
}

func (t findingTable) Shown() int { return len(t.Rows) }

type codeRow struct {
	codeWords
	Flows int64
	Alone int // score of a flow with this evidence alone
	Stale bool
}

type coverageRow struct {
	Name string
	span
	Means, Do string
}

type troubleRow struct {
	Kind  string
	Count int64
	First []string
}

func newPage(s *summary, d *digest, files []string) *page {
	p := &page{
		summary: s, Findings: d.Flows, Outbound: d.Flows - d.Inbound, Inbound: d.Inbound, Checked: s.Covered[coveredFull].Flows,
		Pairs: findingTable{All: len(d.Pairs), Left: d.Left}, Many: d.Many,
		VerdictTerms: verdictTerms, StateTerms: stateTerms, BeyondLists: beyondLists,
	}
	for _, path := range files[:min(len(files), maxPageFiles)] {
		p.Files = append(p.Files, logName(path))
	}
	p.MoreRead = len(files) - len(p.Files)
	for rank := rankTor; rank >= rankUnknown; rank-- {
		p.Tiles = append(p.Tiles, key{verdictNames[rank], s.Verdicts[rank]})
	}

	pairs := d.sortedPairs()
	p.Pairs.Rows = pairs[:min(len(pairs), maxPageFindings)]
	p.Clients = hostRows(d.Clients, maxPageClients)
	p.Reached = hostRows(d.Reached, maxPageReached)
	p.Listed = peerRows(d.Peers, true)
	p.Unlisted = peerRows(d.Peers, false)
	peerFlows := int64(0)
	for _, q := range d.Peers {
		peerFlows += q.Flows
	}
	p.Listed.Left, p.Unlisted.Left = d.Flows-peerFlows, d.Flows-peerFlows
	p.Clients.Left = d.Flows - d.Inbound - p.Clients.Flows
	p.Reached.Left = d.Inbound - p.Reached.Flows

	p.Evidence = evidenceRows(d.Evidence)
	for c, words := range coverageWords {
		if s.Covered[c].Flows > 0 {
			p.Coverage = append(p.Coverage, coverageRow{coverageNames[c], s.Covered[c], words.Means, words.Do})
		}
	}
	p.Trouble = troubleRows(s.Complaints)
	first, last := s.First, s.Last
	if d.Flows > 0 {
		ranked := []string{"tor", "likely", "possible", "none", "unknown"}
		p.Charts = []*chart{
			newChart("verdicts", "Findings by verdict", &d.Verdicts, ranked, verdictRank, first, last),
			newChart("states", "Findings by what came of them", &d.States, stateNames[:], stateIndex, first, last),
		}
	}
	p.headline(d)
	return p
}

// isListed reports whether a role is one that a list gave.
func isListed(role string) bool { return role != "" }

func hostRows(of map[string]*host, limit int) hostTable {
	t := hostTable{All: len(of)}
	for _, h := range of {
		t.Flows += h.Flows
	}
	for _, h := range slices.SortedFunc(maps.Values(of), compareHosts)[:min(len(of), limit)] {
		r := hostRow{host: h, More: h.Relays + h.Others - len(h.Ends)}
		for state, n := range h.States {
			if n > 0 {
				r.States = append(r.States, key{stateNames[state], n})
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func peerRows(of map[string]*peer, listed bool) peerTable {
	var t peerTable
	for _, q := range slices.SortedFunc(maps.Values(of), comparePeers) {
		if isListed(q.Role) != listed {
			continue
		}
		if t.All++; len(t.Rows) == maxPageRelays {
			continue
		}
		r := peerRow{peer: q}
		for n, fingerprint := range q.Relays {
			one := known{Fingerprint: fingerprint}
			if n < len(q.Nicknames) {
				one.Nickname = q.Nicknames[n]
			}
			r.Known = append(r.Known, one)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// evidenceRows are the codes of the findings, the most frequent first.
func evidenceRows(flows map[string]int64) []codeRow {
	alone := map[string]int{}
	for _, e := range detect.Weights() {
		alone[e.Name()] = int(100*e.Weight + 0.5)
	}
	var out []codeRow
	for code, n := range flows {
		out = append(out, codeRow{wordsOf(code), n, alone[strings.TrimSuffix(code, staleSuffix)], strings.HasSuffix(code, staleSuffix)})
	}
	slices.SortFunc(out, func(a, b codeRow) int { return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Name, b.Name)) })
	return out
}

// troubleRows are the kinds of what could not be read, with the first of each.
func troubleRows(c *trafficlog.Complaints) []troubleRow {
	if c == nil {
		return nil
	}
	var out []troubleRow
	for kind := range trafficlog.Kinds {
		if n := c.Count(kind); n > 0 {
			row := troubleRow{Kind: kind.String(), Count: n}
			for _, one := range c.Kept() {
				if one.Kind == kind {
					row.First = append(row.First, one.Error())
				}
			}
			out = append(out, row)
		}
	}
	return out
}

// headline says in a few words and sentences what was found, and what that means
// given what could be checked.
func (p *page) headline(d *digest) {
	rows, checked := p.Read.Rows, p.Checked
	sure, possible := p.Verdicts[rankTor]+p.Verdicts[rankLikely], p.Verdicts[rankPossible]
	clients, sureClients, answered, reached := int64(0), 0, int64(0), int64(0)
	for _, h := range d.Clients {
		if h.Score >= minScoreTable {
			clients++
		}
		if h.Answered > 0 {
			answered++
		}
		if verdictRank(h.Verdict) >= rankLikely {
			sureClients++
		}
	}
	for _, h := range d.Reached {
		if h.Score >= minScoreTable {
			reached++
		}
	}
	say := func(format string, args ...any) { p.Lead = append(p.Lead, fmt.Sprintf(format, args...)) }
	switch {
	case rows == 0:
		p.Sure, p.Headline = "unknown", "No flow was read"
		say("No flow could be read from %s, so this report says nothing about Tor.", counted(int64(p.Read.Files), "file"))
		say("The section Coverage says what stood in the way.")
		return
	case sure > 0:
		p.Sure, p.Headline = "tor", "Tor was found"
		switch {
		case p.Verdicts[rankTor] == 0:
			p.Sure, p.Headline = "likely", "Tor is likely"
		case sureClients == 0 && reached > 0:
			p.Headline = "Traffic from Tor was found, none to it"
		}
		say("Of %s, %s %s the verdict tor and %s likely.", countedWide(rows, "flow"), grouped(p.Verdicts[rankTor]), singular(p.Verdicts[rankTor], "has", "have"), grouped(p.Verdicts[rankLikely]))
	case possible > 0:
		p.Sure, p.Headline = "possible", "Signs of Tor, none of them sure"
		say("Of %s, %s %s possibly Tor. Alone that is not enough to act on.", countedWide(rows, "flow"), grouped(possible), singular(possible, "is", "are"))
	case checked == rows:
		p.Sure, p.Headline = "none", "No Tor was found"
		say("Of %s, none went to a listed relay or came from a listed exit; the relay list of the time was asked for each.", countedWide(rows, "flow"))
		say("What no list can show is named in the section Coverage.")
	case checked > 0:
		p.Sure, p.Headline = "unknown", "No Tor was found in what could be checked"
		say("The relay list of the time was asked for %s of %s, without a finding. The other %s %s not known to be clean.", grouped(checked), countedWide(rows, "flow"), grouped(rows-checked), singular(rows-checked, "is", "are"))
		say("The section Coverage says why, and what to do.")
	default:
		p.Sure, p.Headline = "unknown", "Nothing could be checked"
		say("Of %s, none could be checked against a relay list of its time. That nothing was found does not mean that there was no Tor.", countedWide(rows, "flow"))
		say("The section Coverage says why, and what to do.")
	}
	if clients > 0 {
		say("Outbound: %s%s contacted Tor or %s signs of it; %s%s got an answer.", moreThan(p.Clients.Left), countedWide(clients, "host"), singular(clients, "shows", "show"), moreThan(p.Clients.Left), grouped(answered))
	}
	if reached > 0 {
		say("Inbound: %s%s of yours %s contacted from Tor exits, which is ordinary for what is public.", moreThan(p.Reached.Left), countedWide(reached, "address and port", "addresses and ports"), singular(reached, "was", "were"))
	}
	if left := p.atLeast(rankPossible) - d.Flows; left > 0 {
		say("%s of these %s a score below %d (--min-score) and %s counted here alone.", countedWide(left, "flow"), singular(left, "has", "have"), p.MinScore, singular(left, "is", "are"))
	}
	if open := rows - checked; open > 0 && sure+possible > 0 {
		say("%s could not be checked against a relay list of the time: see Coverage.", countedWide(open, "flow"))
	}
}

// countedWide is counted with a blank between thousands, and with the plural where it
// takes more than an s.
func countedWide(n int64, what ...string) string {
	switch {
	case n == 1:
		return "1 " + what[0]
	case len(what) > 1:
		return grouped(n) + " " + what[1]
	}
	return grouped(n) + " " + what[0] + "s"
}

// moreThan stands before the number of hosts where some were not kept.
func moreThan(left int64) string {
	if left > 0 {
		return "more than "
	}
	return ""
}

func singular(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
