package html

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/report/digest"
	"tordetect/src/scan"
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
	*scan.Summary
	Judged   int64
	Findings int64
	Outbound int64 // findings that are not inbound
	Inbound  int64
	Checked  int64 // flows of full coverage
	Headline string
	Lead     []string // sentences that answer the question of the report
	Sure     string   // class of the headline: tor, likely, possible, none or unknown
	Named    []string // files
	MoreRead int      // files that are not named

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

	Kinds []key         // hosts by what they are
	Blind []coverageRow // flows that no list of their time could judge

	VerdictTerms, StateTerms, KindTerms []wording
	BeyondLists                         []string
}

// hostTable is our hosts of one direction.
type hostTable struct {
	Rows  []hostRow
	All   int   // hosts
	Flows int64 // of all of them
	Left  int64 // flows of hosts that were not kept
}

type hostRow struct {
	*digest.Host
	States []key
	More   int // other ends that are not named
}

// peerTable is the other ends that a list has, or has not.
type peerTable struct {
	Rows []*digest.Peer
	All  int
	Left int64 // flows of peers, listed or not, that were not kept
}

// Shown and the like tell the template how much of a table is there.
func (t hostTable) Shown() int { return len(t.Rows) }
func (t peerTable) Shown() int { return len(t.Rows) }

// findingTable is pairs of ends with the same verdict and state.
type findingTable struct {
	Rows []*digest.Pair
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
	scan.Span
	Means, Do string
}

type troubleRow struct {
	Kind  string
	Count int64
	First []string
}

func newPage(s *scan.Summary, d *digest.Digest) *page {
	p := &page{
		Summary: s, Judged: s.Judged(), Findings: d.Flows, Outbound: d.Flows - d.Inbound, Inbound: d.Inbound, Checked: s.Covered[flow.CoverageFull].Flows,
		Pairs: findingTable{All: len(d.Pairs), Left: d.Left}, Many: d.Many,
		VerdictTerms: terms(verdictMeans, scan.Verdicts[:]...), BeyondLists: beyondLists,
		KindTerms:  kindTerms,
		StateTerms: terms(stateMeans, flow.Established, flow.Attempt, flow.Blocked, flow.StateUnknown),
	}
	files := s.Options.Files
	for _, path := range files[:min(len(files), maxPageFiles)] {
		p.Named = append(p.Named, scan.Name(path))
	}
	p.MoreRead = len(files) - len(p.Named)
	for _, v := range scan.Verdicts {
		p.Tiles = append(p.Tiles, key{v.String(), s.Verdicts[v]})
	}

	pairs := d.SortedPairs()
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
	for _, c := range scan.Coverages {
		if s.Covered[c].Flows > 0 {
			p.Coverage = append(p.Coverage, coverageRow{c.String(), s.Covered[c], coverageWords[c].Means, coverageWords[c].Do})
		}
	}
	for _, row := range p.Coverage {
		if row.Name != flow.CoverageFull.String() {
			p.Blind = append(p.Blind, row)
		}
	}
	p.Kinds = kinds(d)
	p.Trouble = troubleRows(s)
	if d.Flows > 0 {
		p.Charts = []*chart{
			newChart("verdicts", "Findings by verdict", &d.Verdicts, layers(scan.Verdicts[:]), s.First, s.Last),
			newChart("states", "Findings by what came of them", &d.States, layers(scan.States[:]), s.First, s.Last),
		}
	}
	p.headline(d)
	return p
}

// kinds counts the hosts that contacted Tor by what they are.
func kinds(d *digest.Digest) []key {
	all := map[digest.Kind]int64{}
	for _, h := range d.Clients {
		all[h.Kind()]++
	}
	var out []key
	for _, k := range kindTerms {
		name := k.Name
		if all[digest.Kind(name)] > 1 && name != string(digest.Bootstrapping) {
			name += "s"
		}
		if n := all[digest.Kind(k.Name)]; n > 0 {
			out = append(out, key{name, n})
		}
	}
	return out
}

func hostRows(of map[string]*digest.Host, limit int) hostTable {
	t := hostTable{All: len(of)}
	for _, h := range of {
		t.Flows += h.Flows
	}
	for _, h := range slices.SortedFunc(maps.Values(of), digest.CompareHosts)[:min(len(of), limit)] {
		r := hostRow{Host: h, More: h.Relays + h.Others - len(h.Ends)}
		for _, state := range scan.States {
			if n := h.States[state]; n > 0 {
				r.States = append(r.States, key{state.String(), n})
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// peerRows are the peers that have a role, which a list gave, or those without.
func peerRows(of map[string]*digest.Peer, listed bool) peerTable {
	var t peerTable
	for _, q := range slices.SortedFunc(maps.Values(of), digest.ComparePeers) {
		if (q.Role != detect.RoleNone) != listed {
			continue
		}
		if t.All++; len(t.Rows) < maxPageRelays {
			t.Rows = append(t.Rows, q)
		}
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
func troubleRows(s *scan.Summary) []troubleRow {
	var out []troubleRow
	for _, kind := range s.Troubles {
		row := troubleRow{Kind: kind.Kind, Count: kind.Count}
		for _, one := range s.Complaints {
			if one.Kind == kind.Kind {
				row.First = append(row.First, one.Error())
			}
		}
		out = append(out, row)
	}
	return out
}
