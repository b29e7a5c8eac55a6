package relay

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
	"tordetect/src/whole"
)

// Row is a row of the table: its cells, in the order of Columns.
type Row [sheet.Columns]string

// Columns returns the names of the table's columns, in the order in which they
// are written.
func Columns() Row { return sheet.Names }

// Options are those of a table to be written.
type Options struct {
	// Retention, 0 for all of it, drops rows and coverage that ended more than
	// so long before the newest consensus ended. Rows that did not are kept whole;
	// coverage begins there.
	Retention time.Duration

	// Relays makes a table without a relay an error: exit lists alone name none,
	// and what they say is lost with a table that does not know their relays.
	Relays bool
}

// Stats describe a table that was written.
type Stats struct {
	Rows   int // all rows but the end row
	Relays int // fingerprints with an OR or Dir port
	Exits  int // fingerprints with an exit row, or with Exit and without BadExit

	Oldest, Newest         int64         // valid-after of the first consensus, valid-until of the newest; 0: none
	Coverage, ExitCoverage time.Duration // for how long consensuses and exit lists were read, gaps apart

	Dropped   int // rows left out because of their age
	Unlisted  int // sightings of exits that no consensus lists around then, left out
	Uncovered int // exit lists of moments that no consensus covers: they cover no time
	Skipped   int // rows, addresses and sightings that could not be read
	CutTables int // tables that were cut, or cannot be read for the most part: their coverage was left out
}

const (
	// maxRowBytes is the longest row: an IPv6 address 39, port 5, role 4, all
	// flags 28, fingerprint 40, nickname 19, two times 12 each, eight
	// separators.
	maxRowBytes = 39 + 5 + 4 + 28 + 40 + 19 + 2*12 + 8
	// maxWritten keeps to what can be read again: sheet.MaxRows and MaxTableBytes.
	maxWritten = min(sheet.MaxRows, MaxTableBytes/maxRowBytes) - 2 // header and end row
)

// Rows returns the merged table, row by row, the end row last. The order is
// fixed: first the coverage, then the coverage by exit lists, then the
// addresses in numerical order (IPv4 as IPv4-mapped IPv6: before all of the
// public Internet's IPv6); of an address the OR ports, Dir ports and exits, each
// by port and relay; of these the rows in the order of time.
//
// The Merger must not be added to while the rows are read. It fails if there
// would be more rows than can be read again.
func (m *Merger) Rows(o Options) (iter.Seq[Row], Stats, error) {
	m.confirm()
	oldest := int64(0) // the moment that a row must reach
	if o.Retention > 0 {
		// By the consensuses alone: a table or an exit list, which nobody
		// signed, with a time in the future must not empty the table.
		oldest = m.newest - int64(o.Retention/time.Second)
	}
	kept := make([]int32, 0, len(m.pieces))
	for i := range m.pieces {
		if m.pieces[i].last >= oldest {
			kept = append(kept, int32(i))
		}
	}
	coverage, exitCoverage := since(m.coverage, oldest), since(m.exitCoverage, oldest)
	s := Stats{
		Rows:      len(coverage) + len(exitCoverage) + len(kept),
		Newest:    m.newest,
		Coverage:  coverage.length(),
		Unlisted:  len(m.sightings),
		Uncovered: len(m.downloads),
		Skipped:   m.skipped,
		CutTables: m.cut,

		ExitCoverage: exitCoverage.length(),
	}
	s.Dropped = len(m.coverage) + len(m.exitCoverage) + len(m.pieces) - s.Rows
	if len(coverage) > 0 {
		s.Oldest = coverage[0].From
	}
	if s.Rows > maxWritten {
		return nil, s, fmt.Errorf("the merged relay table would have %d rows; the limit is %d; merge fewer lists or set a shorter retention", s.Rows, maxWritten)
	}
	slices.SortFunc(kept, m.order)
	s.Relays, s.Exits = m.count(kept)
	if o.Relays && s.Relays == 0 {
		return nil, s, errors.New("the merged relay table would have no relay: add the consensuses of the time of the exit lists")
	}
	names := m.names()

	return func(yield func(Row) bool) {
		w := rowWriter{merger: m, names: names}
		for _, c := range coverage {
			if !yield(Row{sheet.Role: "coverage", sheet.First: decimal(c.From), sheet.Last: decimal(c.To)}) {
				return
			}
		}
		for _, c := range exitCoverage {
			if !yield(Row{sheet.Role: "exit_coverage", sheet.First: decimal(c.From), sheet.Last: decimal(c.To)}) {
				return
			}
		}
		for _, i := range kept {
			if !yield(w.row(&m.pieces[i])) {
				return
			}
		}
		yield(Row{sheet.Role: "end", sheet.Port: strconv.Itoa(s.Rows)})
	}, s, nil
}

// Write writes the merged table.
func (m *Merger) Write(w io.Writer, o Options) (Stats, error) {
	rows, stats, err := m.Rows(o)
	if err != nil {
		return stats, err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	header := Columns()
	line := strings.Join(header[:], ",") + "\n"
	buffered.WriteString(line) // a bufio.Writer keeps its first error for Flush
	for row := range rows {
		for c, cell := range row {
			if c > 0 {
				buffered.WriteByte(',')
			}
			buffered.WriteString(cell) // no cell has a comma, a quote or a row end
		}
		if err := buffered.WriteByte('\n'); err != nil {
			break
		}
	}
	if err := buffered.Flush(); err != nil {
		return stats, fmt.Errorf("write the relay table: %w", err)
	}
	return stats, nil
}

// WriteFile puts the merged table in the place of the file: whole, or not at
// all. The new table is written beside it, synced and renamed, so a reader meets
// the old one or the new one, and if anything fails the old one stays. The old
// one's permission stays, and its owner where we may set it: a table of splunk
// that root renewed must still be splunk's. A table that is new is readable by
// all. A link is followed.
func (m *Merger) WriteFile(path string, o Options) (stats Stats, err error) {
	target, err := replaceable(path)
	if err != nil {
		return Stats{}, fmt.Errorf("write the relay table: %w", err)
	}
	var failed error // says itself what it was about
	err = whole.Replace(target, 0o644, func(w io.Writer) error {
		stats, failed = m.Write(w, o)
		return failed
	})
	if err != nil && failed == nil {
		err = fmt.Errorf("write the relay table: %w", err)
	}
	return stats, err
}

// replaceable returns the file that path stands for, links followed.
func replaceable(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	return target, nil
}

// since returns what the intervals cover from the moment on. Before it relays that had
// left were dropped, so that a table without them must not say that it knew that time:
// the history is asked for it.
func since(l lists, moment int64) lists {
	l = slices.Clone(l[l.first(moment):])
	if len(l) > 0 {
		l[0].From = max(l[0].From, moment)
	}
	return l
}

// length returns how long the intervals last together.
func (l lists) length() time.Duration {
	var seconds int64
	for _, i := range l {
		seconds += i.To - i.From
	}
	return time.Duration(seconds) * time.Second
}

// order compares pieces as Rows says. No two of a table are equal.
func (m *Merger) order(a, b int32) int {
	p, q := &m.pieces[a], &m.pieces[b]
	k, l := &m.rows[p.row].key, &m.rows[q.row].key
	if c := bytes.Compare(k.addr[:], l.addr[:]); c != 0 {
		return c
	}
	known := 0 // a row without a fingerprint goes before one of zeros
	if k.relay.known != l.relay.known {
		if known = -1; k.relay.known {
			known = 1
		}
	}
	return cmp.Or(
		cmp.Compare(k.kind, l.kind),
		cmp.Compare(k.port, l.port),
		bytes.Compare(k.relay.id[:], l.relay.id[:]),
		known,
		cmp.Compare(p.first, q.first),
		cmp.Compare(p.last, q.last),
		cmp.Compare(k.flags, l.flags),
	)
}

// count returns how many relays and exits the rows are of.
func (m *Merger) count(kept []int32) (relays, exits int) {
	const isRelay, isExit = 1, 2
	seen := make(map[[20]byte]uint8)
	for _, i := range kept {
		k := &m.rows[m.pieces[i].row].key
		if !k.relay.known {
			continue
		}
		is := uint8(isRelay)
		switch {
		case k.kind == flow.ExitAddress:
			is = isExit
		case k.flags&(flow.Exit|flow.BadExit) == flow.Exit:
			is |= isExit
		}
		have := seen[k.relay.id]
		if have&isRelay < is&isRelay {
			relays++
		}
		if have&isExit < is&isExit {
			exits++
		}
		seen[k.relay.id] = have | is
	}
	return relays, exits
}

// names returns the nicknames of the relays that have exit rows, by number:
// exit lists know none, so an exit row shows the one that the relay had last in
// a consensus.
func (m *Merger) names() map[[20]byte]uint32 {
	last := make(map[[20]byte]*piece)
	for i := range m.rows {
		if k := &m.rows[i].key; k.kind == flow.ExitAddress && k.relay.known {
			last[k.relay.id] = nil
		}
	}
	for i := range m.pieces {
		p := &m.pieces[i]
		k := &m.rows[p.row].key
		if k.kind == flow.ExitAddress || !k.relay.known {
			continue
		}
		if have, ok := last[k.relay.id]; ok && (have == nil || m.later(p, have)) {
			last[k.relay.id] = p
		}
	}
	names := make(map[[20]byte]uint32)
	for id, p := range last {
		if p != nil {
			names[id] = p.nickname
		}
	}
	return names
}

// rowWriter writes pieces as rows. Its buffer holds the cells of a row, which
// become strings at once.
type rowWriter struct {
	merger *Merger
	names  map[[20]byte]uint32
	buf    []byte
}

func (w *rowWriter) row(p *piece) Row {
	k := &w.merger.rows[p.row].key
	nick := p.nickname
	if k.kind == flow.ExitAddress && k.relay.known {
		if n, ok := w.names[k.relay.id]; ok {
			nick = n
		}
	}
	row := Row{
		sheet.Role:     [...]string{flow.ORPort: "or", flow.DirPort: "dir", flow.ExitAddress: "exit"}[k.kind],
		sheet.Flags:    flagCells[k.flags],
		sheet.Nickname: w.merger.nicknames[nick],
	}
	b := netip.AddrFrom16(k.addr).Unmap().AppendTo(w.buf[:0])
	ip := len(b)
	if k.kind != flow.ExitAddress {
		b = strconv.AppendUint(b, uint64(k.port), 10)
	}
	port := len(b)
	if k.relay.known {
		b = hex.AppendEncode(b, k.relay.id[:])
	}
	fingerprint := len(b)
	b = strconv.AppendInt(b, p.first, 10)
	first := len(b)
	b = strconv.AppendInt(b, p.last, 10)
	copy(b[port:fingerprint], bytes.ToUpper(b[port:fingerprint]))
	w.buf = b
	all := string(b)
	row[sheet.IP], row[sheet.Port], row[sheet.Fingerprint] = all[:ip], all[ip:port], all[port:fingerprint]
	row[sheet.First], row[sheet.Last] = all[fingerprint:first], all[first:]
	return row
}

// flagCells are the cells of all sets of flags.
var flagCells = func() (cells [flow.AllFlags + 1]string) {
	for f := range cells {
		cells[f] = flow.Flags(f).String()
	}
	return cells
}()

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
