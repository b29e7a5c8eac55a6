package relay

import (
	"fmt"
	"net/netip"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// parsed is a table's text, taken apart.
type parsed struct {
	entries                []Entry
	coverage, exitCoverage []flow.Interval
	rows, skipped          int
	complete               bool // the last row is the end row and counts right

	// beside is the table that these rows join: behind the rows of an address come
	// those that it has, so that they need not be brought together later, which for a
	// history would take its memory twice. joined tells of its entries those that are
	// among ours, by the first of each address.
	beside *index
	joined []bool

	ip      string // the address of the last entry, as written
	flags   string // the flags of the last entry, as written
	flagged flow.Flags
}

// The table's columns, found by name; the order in a file does not matter.
const (
	colIP = iota
	colPort
	colRole
	colFlags
	colFingerprint
	colNickname
	colFirst
	colLast
	columns
	ignored = columns // a column of someone else
)

var columnNames = [columns]string{"ip", "port", "role", "flags", "fingerprint", "nickname", "first_seen", "last_seen"}

// cells are a row's values, by column.
type cells [columns + 1]string

const (
	// maxColumns tells a header from other text. Eight columns are ours;
	// outputlookup may add some.
	maxColumns = 64
	// maxRows bounds the memory that a file makes us take, 80 bytes a line and
	// more: ten times the rows of 400 days.
	maxRows = 4_000_000
	// maxTime is 9999-12-31T23:59:59Z in epoch seconds.
	maxTime = 253402300799
)

// parse reads a table. It fails only if the header is not that of a table or
// if there are too many lines; a row that cannot be read is counted and
// skipped.
func parse(text string, beside *index) (*parsed, error) {
	line, rest, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	order, err := header(line)
	if err != nil {
		return nil, err
	}
	lines := strings.Count(rest, "\n")
	if lines > maxRows {
		return nil, fmt.Errorf("it has %d lines; the limit is %d", lines, maxRows)
	}
	p := &parsed{entries: make([]Entry, 0, lines+len(beside.entries)), beside: beside, joined: make([]bool, len(beside.entries))}
	isOurs := isOrdered(order)
	var row cells
	for rest != "" {
		var whole bool
		line, rest, whole = strings.Cut(rest, "\n")
		if line == "" || line == "\r" {
			continue
		}
		if isOurs && whole && p.quick(line) {
			p.complete = false // see below
			p.rows++
			continue
		}
		ok := split(line, order, &row)
		if ok && row[colRole] == "end" {
			if count, ok := number(row[colPort]); ok && int(count) == p.rows {
				p.complete = true
				continue
			}
		}
		// Whatever else stands after the end row, the table is not as it was
		// written. A row without a row end was cut, and what is left of a
		// number may look like one.
		p.complete = false
		p.rows++
		if !ok || !whole || !p.row(&row) {
			p.skipped++
		}
	}
	p.joinRest()
	return p, nil
}

// add appends an entry. If it begins another address, the one before is complete.
func (p *parsed) add(e Entry) {
	if n := len(p.entries); n > 0 && p.entries[n-1].Addr != e.Addr {
		p.join()
	}
	p.entries = append(p.entries, e)
}

// join appends what the other table has of the address of the last entry.
func (p *parsed) join() {
	if start, rows := p.beside.find(p.entries[len(p.entries)-1].Addr); len(rows) > 0 && !p.joined[start] {
		p.joined[start] = true
		p.entries = append(p.entries, rows...)
	}
}

// joinRest appends the addresses that the other table alone has.
func (p *parsed) joinRest() {
	if len(p.entries) > 0 {
		p.join()
	}
	for start, all := 0, p.beside.entries; start < len(all); {
		rows := all[start:]
		rows = rows[:leading(rows, (*Entry).sameAddr)]
		if !p.joined[start] {
			p.entries = append(p.entries, rows...)
		}
		start += len(rows)
	}
}

// header returns for each column of the file which of ours it is, or ignored.
func header(line string) ([]uint8, error) {
	order := make([]uint8, 0, maxColumns)
	var seen [columns]bool
	for more := true; more; {
		var name string
		var ok bool
		name, line, more, ok = cutCell(line)
		if !ok || len(order) == maxColumns {
			return nil, fmt.Errorf("%w: its first line is not a CSV header of at most %d columns", ErrNotATable, maxColumns)
		}
		column := uint8(ignored)
		for c := range columnNames {
			if name == columnNames[c] && !seen[c] {
				column, seen[c] = uint8(c), true
			}
		}
		order = append(order, column)
	}
	for c, name := range columnNames {
		if !seen[c] {
			return nil, fmt.Errorf("%w: its header has no column %q", ErrNotATable, name)
		}
	}
	return order, nil
}

// isOrdered reports whether a file has our columns in our order, and no other.
func isOrdered(order []uint8) bool {
	for i, column := range order {
		if int(column) != i || i >= columns {
			return false
		}
	}
	return len(order) == columns
}

// split takes a line apart. It returns false for broken quotes and for fewer or
// more cells than the header has.
func split(line string, order []uint8, row *cells) bool {
	for i, column := range order {
		var more, ok bool
		row[column], line, more, ok = cutCell(line)
		if !ok || more != (i < len(order)-1) {
			return false
		}
	}
	return true
}

// cutCell takes the first value off a line of CSV; more tells whether another one
// follows. A value in quotes must end on its line: no column of the table
// holds a newline. ok is false for broken quotes.
func cutCell(line string) (value, rest string, more, ok bool) {
	if line != "" && line[0] == '"' {
		return quoted(line[1:])
	}
	if i := strings.IndexByte(line, ','); i >= 0 {
		return line[:i], line[i+1:], true, true
	}
	return strings.TrimSuffix(line, "\r"), "", false, true
}

// quoted is cutCell behind the opening quote.
func quoted(line string) (value, rest string, more, ok bool) {
	end := strings.IndexByte(line, '"')
	doubled := false
	for end >= 0 && end+1 < len(line) && line[end+1] == '"' {
		doubled = true
		next := strings.IndexByte(line[end+2:], '"')
		if next < 0 {
			return "", "", false, false
		}
		end += 2 + next
	}
	if end < 0 {
		return "", "", false, false
	}
	value, rest = line[:end], line[end+1:]
	if doubled {
		value = strings.ReplaceAll(value, `""`, `"`)
	}
	switch {
	case rest == "" || rest == "\r":
		return value, "", false, true
	case rest[0] == ',':
		return value, rest[1:], true, true
	}
	return "", "", false, false
}

// row reads one row; false means that it cannot be read.
func (p *parsed) row(row *cells) bool {
	first, ok1 := number(row[colFirst])
	last, ok2 := number(row[colLast])
	if !ok1 || !ok2 || last < first {
		return false
	}
	e := Entry{First: first, Last: last}
	switch row[colRole] {
	case "or":
		e.Kind = flow.ORPort
	case "dir":
		e.Kind = flow.DirPort
	case "exit":
		e.Kind = flow.ExitAddress
	case "coverage":
		p.coverage = append(p.coverage, flow.Interval{From: first, To: last})
		return true
	case "exit_coverage":
		p.exitCoverage = append(p.exitCoverage, flow.Interval{From: first, To: last})
		return true
	default:
		return false
	}
	if e.Kind != flow.ExitAddress {
		port, ok := number(row[colPort])
		if !ok || port < 1 || port > 65535 {
			return false
		}
		e.Port = uint16(port)
	}
	var before Entry // often of the same relay
	if n := len(p.entries); n > 0 {
		before = p.entries[n-1]
	}
	if row[colIP] == p.ip && before.Addr.IsValid() {
		e.Addr = before.Addr
	} else {
		addr, ok := cell.V4(row[colIP])
		if !ok {
			other, err := netip.ParseAddr(row[colIP])
			if err != nil {
				return false
			}
			addr = other.Unmap().WithZone("")
		}
		e.Addr = addr
	}
	if row[colFingerprint] == before.Fingerprint {
		e.Fingerprint = before.Fingerprint
	} else if fp, ok := fingerprint(row[colFingerprint]); ok {
		e.Fingerprint = fp
	} else {
		return false
	}
	e.Nickname = nickname(row[colNickname])
	if row[colFlags] != p.flags || len(p.entries) == 0 {
		p.flags, p.flagged = row[colFlags], parseFlags(row[colFlags])
	}
	e.Flags = p.flagged
	p.add(e)
	p.ip = row[colIP]
	return true
}

// fingerprint returns 40 hex digits in upper case. A list that was made by hand
// may have none.
func fingerprint(s string) (string, bool) {
	if len(s) != 40 {
		return "", s == ""
	}
	var kinds uint8
	for i := range len(s) {
		kinds |= hexKind[s[i]]
	}
	switch {
	case kinds&noHex != 0:
		return "", false
	case kinds&lowerHex != 0:
		return strings.ToUpper(s), true
	}
	return s, true
}

const (
	lowerHex = 1 << iota
	noHex
)

// hexKind tells for each byte what kind of hex digit it is; 0 for those that are
// as they should be. A table, as 27,000 fingerprints are a tenth of what reading a
// table costs when each byte is compared.
var hexKind = func() (kind [256]uint8) {
	for i := range kind {
		switch c := byte(i); {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'F':
		case 'a' <= c && c <= 'f':
			kind[i] = lowerHex
		default:
			kind[i] = noHex
		}
	}
	return kind
}()

// nickname returns what a relay may call itself: 1 to 19 letters and digits
// (dir-spec 2.1.1). Anything else is dropped, for nicknames are shown to people
// and the relay is known by its fingerprint.
func nickname(s string) string {
	if len(s) > 19 {
		return ""
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return ""
		}
	}
	return s
}

// parseFlags reads a list with blanks between; flags that the table does not keep
// are passed over.
func parseFlags(s string) (f flow.Flags) {
	for s != "" {
		var word string
		word, s, _ = strings.Cut(s, " ")
		f |= flow.ParseFlag(word)
	}
	return f
}

// number reads whole seconds or a port, up to maxTime. Splunk may write a
// number with a fraction, which is cut off.
func number(s string) (int64, bool) {
	var n int64
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return n, s[i] == '.' && i > 0 && areDigits(s[i+1:])
		}
		if n = n*10 + int64(digit); n > maxTime {
			return 0, false
		}
	}
	return n, s != ""
}

func areDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}
