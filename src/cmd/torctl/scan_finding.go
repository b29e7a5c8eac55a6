package main

import (
	"bytes"
	"strconv"
	"strings"

	"tordetect/src/rows"
)

// column is a column of the results of scan.
type column uint8

const (
	colFile column = iota
	colLine
	colTime
	colDuration
	colSource
	colSourcePort
	colDest
	colDestPort
	colTransport
	colApp
	colAction
	colBytesIn
	colBytesOut
	colPacketsIn
	colPacketsOut
	colSNI
	colJA4
	colJA3
	colQuery
	colURL
	colUser
	colVerdict
	colScore
	colState
	colDirection
	colRole
	colEvidence
	colReason
	colRelay
	colNickname
	colFirstSeen
	colLastSeen
	colCoverage
	colListTime
	columnCount
)

// shape is how a column is written as JSON.
type shape uint8

const (
	shapeText shape = iota
	shapeNumber
	shapeList
)

// resultColumns are the columns of json and csv: where the flow stands, what it is
// by CIM's names, and the fields of tordetect. From are the names under which rows
// have it, the best first, as the search command looks for them.
var resultColumns = [columnCount]struct {
	name  string
	shape shape
	from  []string
}{
	colFile:       {"file", shapeText, nil},
	colLine:       {"line", shapeNumber, []string{"log_line"}},
	colTime:       {"_time", shapeNumber, []string{"lastTime", "_time", "firstTime", "ts", "timestamp"}},
	colDuration:   {"duration", shapeNumber, []string{"duration"}},
	colSource:     {"src_ip", shapeText, []string{"src_ip", "src", "id.orig_h", "id_orig_h"}},
	colSourcePort: {"src_port", shapeNumber, []string{"src_port", "id.orig_p", "id_orig_p"}},
	colDest:       {"dest_ip", shapeText, []string{"dest_ip", "dest", "id.resp_h", "id_resp_h"}},
	colDestPort:   {"dest_port", shapeNumber, []string{"dest_port", "id.resp_p", "id_resp_p"}},
	colTransport:  {"transport", shapeText, []string{"transport", "proto"}},
	colApp:        {"app", shapeText, []string{"app", "application", "appi_name"}},
	colAction:     {"action", shapeText, []string{"action", "alert.action", "flow.action"}},
	colBytesIn:    {"bytes_in", shapeNumber, []string{"bytes_in", "bytes_received", "resp_bytes", "flow.bytes_toclient"}},
	colBytesOut:   {"bytes_out", shapeNumber, []string{"bytes_out", "bytes_sent", "orig_bytes", "flow.bytes_toserver"}},
	colPacketsIn:  {"packets_in", shapeNumber, []string{"packets_in", "pkts_received", "resp_pkts", "flow.pkts_toclient"}},
	colPacketsOut: {"packets_out", shapeNumber, []string{"packets_out", "pkts_sent", "orig_pkts", "flow.pkts_toserver"}},
	colSNI:        {"sni", shapeText, []string{"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name"}},
	colJA4:        {"ja4", shapeText, []string{"ja4", "tls.ja4"}},
	colJA3:        {"ja3", shapeText, []string{"ja3", "tls.ja3", "tls.ja3.hash"}},
	colQuery:      {"query", shapeText, []string{"query", "dns.rrname", "dns.queries{}.rrname", "dns.query{}.rrname"}},
	colURL:        {"url", shapeText, []string{"url", "url_domain", "http.hostname"}},
	colUser:       {"user", shapeText, []string{"user"}},
	colVerdict:    {"tor_verdict", shapeText, []string{"tor_verdict"}},
	colScore:      {"tor_score", shapeNumber, []string{"tor_score"}},
	colState:      {"tor_state", shapeText, []string{"tor_state"}},
	colDirection:  {"tor_direction", shapeText, []string{"tor_direction"}},
	colRole:       {"tor_role", shapeText, []string{"tor_role"}},
	colEvidence:   {"tor_evidence", shapeList, []string{"tor_evidence"}},
	colReason:     {"tor_reason", shapeText, []string{"tor_reason"}},
	colRelay:      {"tor_relay", shapeList, []string{"tor_relay"}},
	colNickname:   {"tor_nickname", shapeList, []string{"tor_nickname"}},
	colFirstSeen:  {"tor_first_seen", shapeNumber, []string{"tor_first_seen"}},
	colLastSeen:   {"tor_last_seen", shapeNumber, []string{"tor_last_seen"}},
	colCoverage:   {"tor_coverage", shapeText, []string{"tor_coverage"}},
	colListTime:   {"tor_list_time", shapeNumber, []string{"tor_list_time"}},
}

// layout knows where the columns stand in the rows of a chunk.
type layout struct {
	header  []byte
	columns int
	places  [columnCount][]int // the best first
	first   int                // place of firstTime; -1 without one

	// Most rows have nothing to do with Tor and all end alike, from tor_verdict on.
	// Such a row is counted like the one before, which spares taking it apart.
	tailed  bool   // the columns allow that
	tail    []byte // what the last of these rows ended with, its first comma too
	rank    int    // of its verdict
	covered int    // its coverage
}

// bind finds the columns in a header.
func (l *layout) bind(header []byte) {
	if l.header != nil && bytes.Equal(header, l.header) {
		return
	}
	*l = layout{header: append(l.header[:0], header...), first: -1}
	var names []string
	for _, cell := range splitRow(nil, l.header) {
		name, _ := rows.Value(cell, nil)
		names = append(names, string(name))
	}
	l.columns = len(names)
	for c, column := range resultColumns {
		for _, name := range column.from {
			for i, found := range names {
				if found == name || isPrefixed(found, name) {
					l.places[c] = append(l.places[c], i)
				}
			}
		}
	}
	for i, found := range names {
		if found == "firstTime" || isPrefixed(found, "firstTime") {
			l.first = i
		}
	}
	verdict := l.places[colVerdict][0]
	l.tailed = verdict > 0 && len(l.places[colTime]) > 0 && l.places[colTime][0] == 0
	for _, c := range [...]column{colScore, colCoverage, colListTime} {
		l.tailed = l.tailed && l.places[c][0] > verdict
	}
}

// remember keeps the end of a row that was counted.
func (l *layout) remember(row []byte, r *judged) {
	l.tail = l.tail[:0]
	if !l.tailed {
		return
	}
	size := 0
	for _, cell := range r.cells[l.places[colVerdict][0]:] {
		size += 1 + len(cell)
	}
	// A row that ends with these bytes has these cells, as its tail cannot begin
	// inside a quoted cell: the first quote in it would have to close that cell, and
	// what follows is neither a comma nor another quote.
	tail := row[len(row)-size:]
	if at := bytes.IndexByte(tail, '"'); at < 0 || at+1 < len(tail) && tail[at+1] != '"' && tail[at+1] != ',' {
		l.tail = append(l.tail, tail...)
	}
	l.rank, l.covered = verdictRank(r.text(colVerdict)), coverageOf(r.cell(colCoverage))
}

// isPrefixed reports whether a column is name behind the prefix of a data model's
// dataset, as in All_Traffic.src.
func isPrefixed(column, name string) bool {
	prefix, ok := strings.CutSuffix(column, "."+name)
	return ok && prefix != "" && 'A' <= prefix[0] && prefix[0] <= 'Z' && !strings.Contains(prefix, ".")
}

// A judged row is a flow with its finding. It and what its methods return are
// valid until the next one.
type judged struct {
	File  string
	Score int

	layout  *layout
	cells   [][]byte // raw, of the whole row
	scratch []byte
}

// cell returns the text of a column, empty where the row has none.
func (r *judged) cell(c column) []byte {
	if c == colFile {
		r.scratch = append(r.scratch[:0], r.File...)
		return r.scratch
	}
	if first := r.firstTime(); c == colDuration && first > 0 {
		r.scratch = strconv.AppendInt(r.scratch[:0], max(epoch(r.cell(colTime))-first, 0), 10)
		return r.scratch
	}
	var value []byte
	for _, place := range r.layout.places[c] {
		value, r.scratch = rows.Value(r.cells[place], r.scratch[:0])
		if len(value) > 0 && string(value) != "null" {
			return value
		}
	}
	return nil
}

func (r *judged) text(c column) string { return string(r.cell(c)) }

func (r *judged) number(c column) int64 { return wholeNumber(r.cell(c)) }

// firstTime returns the cell of that name in epoch seconds; 0 without one.
func (r *judged) firstTime() int64 {
	if r.layout.first < 0 {
		return 0
	}
	text, _ := rows.Value(r.cells[r.layout.first], nil)
	return epoch(text)
}

// times returns the first and the last moment of the flow in epoch seconds, 0 if
// it has none.
func (r *judged) times() (first, last int64) {
	if last = epoch(r.cell(colTime)); last == 0 {
		return 0, 0
	}
	return last - r.number(colDuration), last
}

// A finding is a judged row as reports keep it.
type finding struct {
	File string
	Line int64

	First, Last        int64 // epoch seconds; 0: not known
	Source, Dest       string
	SourcePort         string
	DestPort           string
	Transport, App     string
	Action, User       string
	BytesIn, BytesOut  int64 // 0: none, or not known
	SNI, JA4, JA3      string
	Query, URL         string
	Verdict            string // tor, likely, possible, none, unknown
	Score              int    // 0 to 99
	State              string // established, attempt, blocked, unknown
	Direction          string // outbound, inbound, relay, or empty
	Role               string // of the relay at that time, or empty
	Evidence           []string
	Reason             string
	Relays, Nicknames  []string // fingerprints and names; several if they share an address
	ListedFrom, Listed int64    // the interval in which the address was listed; 0: none
	Coverage           string   // full, stale, gap, before, none
}

func (r *judged) finding() finding {
	f := finding{
		File: r.File, Line: r.number(colLine), Score: r.Score,
		Source: r.text(colSource), SourcePort: r.text(colSourcePort), Dest: r.text(colDest), DestPort: r.text(colDestPort),
		Transport: r.text(colTransport), App: r.text(colApp), Action: r.text(colAction), User: r.text(colUser),
		BytesIn: r.number(colBytesIn), BytesOut: r.number(colBytesOut),
		SNI: r.text(colSNI), JA4: r.text(colJA4), JA3: r.text(colJA3), Query: r.text(colQuery), URL: r.text(colURL),
		Verdict: r.text(colVerdict), State: r.text(colState), Direction: r.text(colDirection), Role: r.text(colRole),
		Evidence: r.list(colEvidence), Reason: r.text(colReason), Relays: r.list(colRelay), Nicknames: r.list(colNickname),
		ListedFrom: r.number(colFirstSeen), Listed: r.number(colLastSeen), Coverage: r.text(colCoverage),
	}
	f.First, f.Last = r.times()
	return f
}

// list returns the values of a column, which stand a line each.
func (r *judged) list(c column) []string {
	if text := r.text(c); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}

// wholeNumber reads a count; 0 if it is none.
func wholeNumber(text []byte) int64 {
	whole, _, _ := bytes.Cut(text, []byte{'.'})
	n := int64(0)
	for _, c := range whole {
		if c < '0' || c > '9' || len(whole) > 18 {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// epoch reads epoch seconds or an ISO time with a zone; 0 if it is neither.
func epoch(text []byte) int64 {
	if n := wholeNumber(text); n > 0 || len(text) == 0 {
		return n
	}
	at, _ := parseISO(string(text))
	return at
}

// cutRow cuts the first row off rows that package rows wrote.
func cutRow(text []byte) (row, rest []byte) {
	end := 0
	for {
		at := bytes.IndexByte(text[end:], '\n')
		if at < 0 {
			return text, nil
		}
		if bytes.Count(text[end:end+at], quotes)&1 == 0 {
			return text[:end+at], text[end+at+1:]
		}
		// The line end is in quotes, and so is all up to the next quote.
		end += at + 1
		if at = bytes.IndexByte(text[end:], '"'); at < 0 {
			return text, nil
		}
		end += at + 1
	}
}

var quotes = []byte{'"'}

// splitRow appends the raw cells of a row that package rows wrote.
func splitRow(dst [][]byte, row []byte) [][]byte {
	for {
		end := 0
		if len(row) > 0 && row[0] == '"' {
			for end = 1; end < len(row); end++ {
				if row[end] == '"' {
					if end+1 < len(row) && row[end+1] == '"' {
						end++
						continue
					}
					break
				}
			}
			end = min(end+1, len(row))
		} else if end = bytes.IndexByte(row, ','); end < 0 {
			end = len(row)
		}
		dst = append(dst, row[:end])
		if end >= len(row) {
			return dst
		}
		row = row[end+1:]
	}
}

// isNumber reports whether text can stand in JSON as a number.
func isNumber(text []byte) bool {
	if len(text) == 0 || len(text) > 20 || text[0] == '0' && len(text) > 1 && text[1] != '.' {
		return false
	}
	dot := false
	for i, c := range text {
		if c == '.' && !dot && i > 0 && i+1 < len(text) {
			dot = true
		} else if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
