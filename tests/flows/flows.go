package flows

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
)

// The words of the column truth.
const (
	Tor    = "tor"     // a part of Tor's own traffic, or what left through an exit
	NotTor = "not_tor" // nothing to do with it
	// Leak is what tells of Tor without being it: a DNS query for an onion
	// name, the use of a gateway to onion services. It is neither right nor
	// wrong to score it, so whoever counts leaves it aside.
	Leak = "leak"
)

// Flow is one row: what was logged, as text, and the truth.
type Flow struct {
	First, Last int64 // epoch seconds
	// Summed says that the row stands for several flows between First and Last,
	// as tstats and data models make them (firstTime, lastTime).
	Summed bool

	// Of a list of values each stands on a line of its own.
	Src, SrcPort, Dest, DestPort string

	Transport, App, Action                   string
	BytesOut, BytesIn, PacketsOut, PacketsIn string
	SNI, JA4, JA3, JA3Text, Query            string
	Subject, Issuer                          string // of the server's certificate

	Truth     string
	Direction string // of Tor: outbound, inbound, relay (of our own); of other flows which way they went
	State     string // established, attempt, blocked: what happened, whatever was logged
	Case      string

	// Of the other logs (logs.go). Conversation numbers what happened, from 1: a
	// log may hold several records of it. Answer says that the record is of what
	// came back, so that its source is who was called.
	Conversation int
	Answer       bool
	more         map[string]string // cells of columns that the border's rows lack, or have otherwise

	relay relay // that is behind it
	other relay // a second one, where the case needs it
}

// Set is what one seed gives.
type Set struct {
	Seed     uint64
	Vendor   string // whose spellings the labels are in
	Internal string // for the option internal=
	Flows    []Flow // in the order of time

	network *network
	border  vendor
}

// Generate makes the flows of a seed: those of each case, in the order of time.
func Generate(seed uint64) *Set {
	n := newNetwork(seed)
	v := vendors[seed%uint64(len(vendors))]
	set := &Set{Seed: seed, Vendor: v.name, Internal: internal, network: n, border: v}
	for _, c := range cases {
		set.Flows = append(set.Flows, c.flows(seed, n, v)...)
	}
	byTime(set.Flows)
	return set
}

func byTime(flows []Flow) {
	slices.SortStableFunc(flows, func(a, b Flow) int { return int(a.Last - b.Last) })
}

// flows makes those of one case. Each case draws from a source of its own, so
// that a change of one leaves the others as they are.
func (c Case) flows(seed uint64, n *network, v vendor) []Flow {
	s := newSite(seed, c.Name, n, v)
	var out []Flow
	// Most draws fit; a network in which none does gives no flows of the case.
	for tries := 0; len(out) < c.Flows && tries < 200*c.Flows; tries++ {
		f, ok := c.draw(s)
		if !ok {
			continue
		}
		f.Case, f.Truth, f.Direction = c.Name, c.Truth, c.Direction
		out = append(out, f)
	}
	return out
}

// newSite returns the site with a random source that belongs to a name.
func newSite(seed uint64, name string, n *network, v vendor) *site {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &site{r: rand.New(rand.NewPCG(seed, h.Sum64())), n: n, v: v}
}

// Table returns the relay table, in the form of lookups/tor_relays.csv.
func (s *Set) Table() []byte { return s.network.text }

// silent takes away what a sensor wrote of TLS.
func (f *Flow) silent() {
	f.SNI, f.JA4, f.JA3, f.JA3Text, f.Subject, f.Issuer = "", "", "", "", "", ""
}

// Columns are those of the rows that tordetect reads, and TruthColumns those
// behind them, which it must not see.
var (
	Columns = strings.Split("_time duration firstTime lastTime src_ip src_port dest_ip dest_port transport app action "+
		"bytes_out bytes_in packets_out packets_in sni ja4 ja3 ja3_string ssl_subject ssl_issuer query", " ")
	TruthColumns = strings.Split("truth truth_direction truth_state case", " ")
)

// Cells returns the flow's row, in the order of Columns and TruthColumns.
func (f *Flow) Cells() []string {
	at, duration, first, last := fmt.Sprint(f.Last), fmt.Sprint(f.Last-f.First), "", ""
	if f.Summed {
		at, duration, first, last = "", "", fmt.Sprint(f.First), fmt.Sprint(f.Last)
	}
	return []string{
		at, duration, first, last, f.Src, f.SrcPort, f.Dest, f.DestPort, f.Transport, f.App, f.Action,
		f.BytesOut, f.BytesIn, f.PacketsOut, f.PacketsIn, f.SNI, f.JA4, f.JA3, f.JA3Text, f.Subject, f.Issuer, f.Query,
		f.Truth, f.Direction, f.State, f.Case,
	}
}

// CSV returns all rows with a header.
func (s *Set) CSV() []byte { return written(Columns, s.Flows, (*Flow).Cells) }

func written(columns []string, flows []Flow, cells func(*Flow) []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	must(w.Write(slices.Concat(columns, TruthColumns)))
	for i := range flows {
		must(w.Write(cells(&flows[i])))
	}
	w.Flush()
	must(w.Error())
	return b.Bytes()
}
