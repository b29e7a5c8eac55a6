package sheet

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"unsafe"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// reader reads a table, block by block. Texts of rows lie in the block and are gone
// with it; what is kept of them is packed.
type reader struct {
	sheet  Sheet
	order  []uint8 // of each column of the file which of ours it is; nil: no header yet
	isOurs bool    // they are ours, and in our order
	slow   bool    // nothing is left to quick
	lines  int     // behind the header
	cells  cells
	entry  Entry  // which quick fills in
	ip     string // its address as written in this block; empty at the beginning of one
}

// cells are a row's values, by column.
type cells [Columns + 1]string

const (
	// blockSize is what is read at once: it stays in a core's own cache.
	blockSize = 128 << 10
	// maxColumns tells a header from other text. Eight columns are ours;
	// outputlookup may add some.
	maxColumns = 64
)

// Read reads a table, which is likely to have so many bytes. It fails only if the
// header is not that of a table, if there are too many lines, or with the error of
// whom it reads from; a row that cannot be read is counted and skipped.
func Read(from io.Reader, likely int64) (*Sheet, error) { return new(reader).read(from, likely) }

func (p *reader) read(from io.Reader, likely int64) (*Sheet, error) {
	p.sheet.expect(int(likely))
	block := make([]byte, 0, min(blockSize, max(likely, bytes.MinRead)+1))
	for more := true; more; {
		n, err := io.ReadFull(from, block[len(block):cap(block)])
		end := len(block) + bytes.LastIndexByte(block[len(block):len(block)+n], '\n') + 1
		isCut := end == len(block) // no line ended
		block = block[:len(block)+n]
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			end, isCut, more = len(block), false, false
		case err != nil:
			return nil, err
		}
		if isCut { // a line may be as long as the file
			block = append(make([]byte, 0, 2*cap(block)), block...)
			continue
		}
		// Nobody keeps this text: the block is written again behind it.
		if err := p.block(unsafe.String(unsafe.SliceData(block), end)); err != nil {
			return nil, err
		}
		block = block[:copy(block, block[end:])]
	}
	if p.lines > MaxRows {
		return nil, fmt.Errorf("it has %d lines; the limit is %d", p.lines, MaxRows)
	}
	p.sheet.close()
	return &p.sheet, nil
}

// block reads whole lines; of the last block the last line may lack its end.
func (p *reader) block(text string) error {
	if p.order == nil {
		var line string
		var err error
		line, text, _ = strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
		if p.order, err = header(line); err != nil {
			return err
		}
		p.isOurs = isOrdered(p.order) && !p.slow
	}
	if p.lines > MaxRows { // they are too many, and only counted
		p.lines += strings.Count(text, "\n")
		return nil
	}
	p.ip = ""
	for text != "" {
		if p.isOurs {
			if n := p.quick(text); n > 0 {
				text = text[n:]
				p.lines++
				p.sheet.Rows++
				p.sheet.Whole = false // see below
				continue
			}
		}
		line, rest, whole := strings.Cut(text, "\n")
		text = rest
		if whole {
			p.lines++
		}
		p.line(line, whole)
	}
	return nil
}

// line reads a line in whatever form.
func (p *reader) line(line string, whole bool) {
	if line == "" || line == "\r" {
		return
	}
	s, row := &p.sheet, &p.cells
	ok := split(line, p.order, row)
	if ok && row[Role] == "end" {
		if count, ok := number(row[Port]); ok && int(count) == s.Rows {
			s.Whole = true
			return
		}
	}
	// Whatever else stands after the end row, the table is not as it was
	// written. A row without a row end was cut, and what is left of a
	// number may look like one.
	s.Whole = false
	s.Rows++
	if !ok || !whole || !p.row(row) {
		s.Skipped++
	}
}

// header returns for each column of the file which of ours it is, or ignored.
func header(line string) ([]uint8, error) {
	order := make([]uint8, 0, maxColumns)
	var seen [Columns]bool
	for more := true; more; {
		var name string
		var ok bool
		name, line, more, ok = cutCell(line)
		if !ok || len(order) == maxColumns {
			return nil, fmt.Errorf("%w: its first line is not a CSV header of at most %d columns", ErrNotATable, maxColumns)
		}
		column := uint8(ignored)
		for c := range Names {
			if name == Names[c] && !seen[c] {
				column, seen[c] = uint8(c), true
			}
		}
		order = append(order, column)
	}
	for c, name := range Names {
		if !seen[c] {
			return nil, fmt.Errorf("%w: its header has no column %q", ErrNotATable, name)
		}
	}
	return order, nil
}

// isOrdered reports whether a file has our columns in our order, and no other.
func isOrdered(order []uint8) bool {
	for i, column := range order {
		if int(column) != i || i >= Columns {
			return false
		}
	}
	return len(order) == Columns
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
func (p *reader) row(row *cells) bool {
	first, ok1 := number(row[First])
	last, ok2 := number(row[Last])
	if !ok1 || !ok2 || last < first {
		return false
	}
	e := Entry{First: first, Last: last}
	switch row[Role] {
	case "or":
		e.Kind = flow.ORPort
	case "dir":
		e.Kind = flow.DirPort
	case "exit":
		e.Kind = flow.ExitAddress
	case "coverage":
		p.sheet.Coverage = append(p.sheet.Coverage, flow.Interval{From: first, To: last})
		return true
	case "exit_coverage":
		p.sheet.ExitCoverage = append(p.sheet.ExitCoverage, flow.Interval{From: first, To: last})
		return true
	default:
		return false
	}
	if e.Kind != flow.ExitAddress {
		port, ok := number(row[Port])
		if !ok || port < 1 || port > 65535 {
			return false
		}
		e.Port = uint16(port)
	}
	addr, ok := cell.V4(row[IP])
	if !ok {
		other, err := netip.ParseAddr(row[IP])
		if err != nil {
			return false
		}
		addr = other.Unmap().WithZone("")
	}
	e.Addr = addr
	id, ok := fingerprint(row[Fingerprint])
	if !ok {
		return false
	}
	e.Flags = parseFlags(row[Flags])
	p.sheet.add(&e, id+","+NicknameOf(row[Nickname]))
	return true
}

// fingerprint returns 40 hex digits in upper case. A list that was made by hand
// may have none.
func fingerprint(s string) (string, bool) {
	if len(s) != fingerprintLen {
		return "", s == ""
	}
	var kinds uint8
	for i := range len(s) {
		kinds |= kindOf[s[i]]
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
	noWord
)

// kindOf tells for each byte what it is as a hex digit, and whether a nickname may
// have it; 0 for those that are as they should be in both.
var kindOf = func() (kind [256]uint8) {
	for i := range kind {
		switch c := byte(i); {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'F':
		case 'a' <= c && c <= 'f':
			kind[i] = lowerHex
		case 'G' <= c && c <= 'Z', 'g' <= c && c <= 'z':
			kind[i] = noHex
		default:
			kind[i] = noHex | noWord
		}
	}
	return kind
}()

// NicknameOf returns a nickname as a relay may have it. Anything else is dropped, for
// nicknames are shown to people and the relay is known by its fingerprint.
func NicknameOf(s string) string {
	if !flow.IsNickname(s) {
		return ""
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

// number reads whole seconds or a port, up to MaxTime. Splunk may write a
// number with a fraction, which is cut off.
func number(s string) (int64, bool) {
	var n int64
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return n, s[i] == '.' && i > 0 && areDigits(s[i+1:])
		}
		if n = n*10 + int64(digit); n > MaxTime {
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
