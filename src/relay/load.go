package relay

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"unsafe"
)

// Table is a relay table in memory. Make one with Empty, Parse or Open. It is
// not safe for use by several goroutines at once while Extend runs.
type Table struct {
	entries   []Entry
	index                        // address -> first entry, then next
	exits     map[string][]int32 // fingerprint -> its ExitAddress entries
	lists     lists              // when consensuses were read
	exitLists lists              // when exit lists were read

	// Rows counts the table's rows, the end row apart. Skipped of them could
	// not be read.
	Rows, Skipped int
	// Complete says that the end row was there and counted right. A table
	// that is not complete was cut: its rows count, its coverage does not.
	Complete bool
}

// Limits on what is read. A week of hourly lists has 27,000 rows in 3.6 MB, 400
// days have 400,000 in 50 MB; these are ten times as much.
const (
	MaxTableBytes = 512 << 20
	maxColumns    = 64 // outputlookup may add columns; eight are ours
)

// ErrNotATable says that a file's header is not that of a relay table.
var ErrNotATable = errors.New("not a relay table")

// Empty returns a table that knows only the built-in list.
func Empty() *Table {
	t := &Table{}
	t.add(builtIn())
	return t
}

// Open reads the table in the file. An error of the kind fs.ErrNotExist says
// that there is none.
func Open(path string) (*Table, error) {
	t := Empty()
	if err := t.ExtendFile(path); err != nil {
		return nil, err
	}
	return t, nil
}

// Parse reads a table from text.
func Parse(text string) (*Table, error) {
	t := Empty()
	if err := t.Extend(text); err != nil {
		return nil, err
	}
	return t, nil
}

// ExtendFile adds the table in the file, for instance the history, to t.
func (t *Table) ExtendFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the relay table: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the relay table: %w", err)
	}
	if info.Size() > MaxTableBytes {
		return fmt.Errorf("relay table %s has %d bytes; the limit is %d", path, info.Size(), MaxTableBytes)
	}
	data := make([]byte, info.Size()+1) // one more, so that a file that grows is noticed
	n, err := io.ReadFull(f, data)
	if err == nil {
		return fmt.Errorf("relay table %s grew while it was read; try again", path)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the relay table: %w", err)
	}
	return t.Extend(unsafe.String(unsafe.SliceData(data), n)) // data is never written again
}

// Extend adds the rows and the coverage of a second table to t; t stays as it
// was if the text is no table. The text is kept, not copied.
func (t *Table) Extend(text string) error {
	p, err := parse(text)
	if err != nil {
		return err
	}
	t.Complete = p.complete() && (t.Complete || t.Rows == 0)
	t.Rows += p.rows
	t.Skipped += p.skipped
	if p.complete() {
		t.lists = join(append(t.lists, p.coverage...))
		t.exitLists = join(append(t.exitLists, p.exitCoverage...))
	}
	t.add(p.entries)
	return nil
}

// add takes entries into the index.
func (t *Table) add(entries []Entry) {
	start := len(t.entries)
	t.entries = append(t.entries, entries...)
	t.index.grow(t.entries)
	for i := start; i < len(t.entries); i++ {
		e := &t.entries[i]
		t.index.insert(t.entries, int32(i))
		if e.Kind == ExitAddress {
			if t.exits == nil {
				t.exits = make(map[string][]int32)
			}
			t.exits[e.Fingerprint] = append(t.exits[e.Fingerprint], int32(i))
		}
	}
}

// parsed is a table's text, taken apart.
type parsed struct {
	entries                []Entry
	coverage, exitCoverage []Interval
	rows, skipped          int
	end                    int // the end row's count, -1 without one
}

func (p *parsed) complete() bool { return p.end == p.rows }

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
)

var columnNames = [columns]string{"ip", "port", "role", "flags", "fingerprint", "nickname", "first_seen", "last_seen"}

func parse(text string) (*parsed, error) {
	header, rest, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	var cells [maxColumns]string
	n, ok := split(header, &cells)
	if !ok {
		return nil, fmt.Errorf("%w: its first line is not a CSV header of at most %d columns", ErrNotATable, maxColumns)
	}
	var place [columns]int
	for c, name := range columnNames {
		place[c] = -1
		for i, cell := range cells[:n] {
			if cell == name {
				place[c] = i
			}
		}
		if place[c] < 0 {
			return nil, fmt.Errorf("%w: its header has no column %q", ErrNotATable, name)
		}
	}
	p := &parsed{end: -1, entries: make([]Entry, 0, strings.Count(rest, "\n"))}
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line == "" || line == "\r" {
			continue
		}
		got, ok := split(line, &cells)
		var row [columns]string
		if ok = ok && got == n; ok {
			for c, i := range place {
				row[c] = cells[i]
			}
		}
		if ok && row[colRole] == "end" {
			if count, ok := number(row[colPort]); ok && p.end < 0 {
				p.end = int(min(count, 1<<31))
				continue
			}
		}
		p.rows++
		if !ok || !p.row(&row) {
			p.skipped++
		}
	}
	return p, nil
}

// row reads one row; false means that it cannot be read.
func (p *parsed) row(row *[columns]string) bool {
	first, ok1 := number(row[colFirst])
	last, ok2 := number(row[colLast])
	if !ok1 || !ok2 || last < first {
		return false
	}
	e := Entry{Fingerprint: row[colFingerprint], Nickname: row[colNickname], First: first, Last: last}
	switch row[colRole] {
	case "coverage":
		p.coverage = append(p.coverage, Interval{first, last})
		return true
	case "exit_coverage":
		p.exitCoverage = append(p.exitCoverage, Interval{first, last})
		return true
	case "or":
		e.Kind = ORPort
	case "dir":
		e.Kind = DirPort
	case "exit":
		e.Kind = ExitAddress
	default:
		return false
	}
	addr, err := netip.ParseAddr(row[colIP])
	if err != nil {
		return false
	}
	e.Addr = addr.Unmap().WithZone("")
	if e.Kind != ExitAddress {
		port, ok := number(row[colPort])
		if !ok || port < 1 || port > 65535 {
			return false
		}
		e.Port = uint16(port)
	}
	for flags := row[colFlags]; flags != ""; {
		var flag string
		flag, flags, _ = strings.Cut(flags, " ")
		switch flag {
		case "Guard":
			e.Flags |= Guard
		case "Exit":
			e.Flags |= Exit
		case "BadExit":
			e.Flags |= BadExit
		case "Authority":
			e.Flags |= DirAuthority
		}
	}
	p.entries = append(p.entries, e)
	return true
}

// split takes a line of CSV apart, without its row end. A cell in quotes must
// end on the same line: no value of the table holds a newline. It returns the
// number of cells, and false for broken quotes or too many columns.
func split(line string, cells *[maxColumns]string) (int, bool) {
	line = strings.TrimSuffix(line, "\r")
	for n := 0; n < maxColumns; n++ {
		if strings.HasPrefix(line, `"`) {
			var value strings.Builder
			line = line[1:]
			for {
				i := strings.IndexByte(line, '"')
				if i < 0 {
					return 0, false
				}
				if value.Len() == 0 && (i+1 == len(line) || line[i+1] != '"') {
					cells[n], line = line[:i], line[i+1:] // the usual case: nothing to undo
					break
				}
				value.WriteString(line[:i])
				line = line[i+1:]
				if !strings.HasPrefix(line, `"`) {
					cells[n] = value.String()
					break
				}
				value.WriteByte('"')
				line = line[1:]
			}
			if line == "" {
				return n + 1, true
			}
			if line[0] != ',' {
				return 0, false
			}
			line = line[1:]
			continue
		}
		i := strings.IndexByte(line, ',')
		if i < 0 {
			cells[n] = line
			return n + 1, true
		}
		cells[n], line = line[:i], line[i+1:]
	}
	return 0, false
}

// number reads whole seconds or a port. Splunk may write a number with a
// fraction, which is cut off.
func number(s string) (int64, bool) {
	if i := strings.IndexByte(s, '.'); i > 0 {
		s = s[:i]
	}
	if s == "" || len(s) > 15 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}
