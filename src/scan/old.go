package scan

// This file goes away: it has rows of CSV between the log and the finding.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command"
	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/rows"
	"tordetect/src/trafficlog"
)

// CheckFormat checks the name of a format.
func CheckFormat(name string) error {
	_, err := trafficlog.ParseFormat(name)
	return err
}

// Check says what of the options nobody can work with.
func (o *Options) Check() error {
	_, err := newJudge(o, nil)
	return err
}

// judge drives the search command over log files, as splunkd does over the chunks
// of a search: one goroutine reads and parses, this one judges.
type judge struct {
	options *Options
	counter *counter
	log     *trafficlog.Log
	search  *command.Search
	chunk   chunked.Chunk
	layout  layout
	rows    rows.Scanner
	scratch []byte
	flow    Flow
	finding detect.Finding
	relays  []flow.Sighting
	texts   map[string]string
}

func newJudge(o *Options, c *counter) (*judge, error) {
	format, err := trafficlog.ParseFormat(o.Format)
	if err != nil {
		return nil, err
	}
	folder, name := filepath.Split(o.Relays)
	args := []string{"relays=" + name}
	if o.Internal != "" {
		args = append(args, "internal="+o.Internal)
	}
	search := command.New(cmp.Or(folder, "."), func() time.Time { return o.Now })
	if _, err := search.Getinfo(&chunked.Info{Args: args}); err != nil {
		if !strings.HasSuffix(name, ".csv") {
			return nil, fmt.Errorf("bad relay table %q: want the path of a .csv file", o.Relays)
		}
		return nil, err
	}
	log := trafficlog.New(trafficlog.Options{Format: format, Zone: o.Zone, Now: o.Now, Strict: o.Strict})
	return &judge{options: o, counter: c, log: log, search: search, texts: map[string]string{}}, nil
}

// parsed is a chunk on its way from the reader to the judge.
type parsed struct {
	file string
	body []byte
}

const inFlight = 3 // chunks: one in the making, one being judged, one waiting

func read(ctx context.Context, o *Options, stdin io.Reader, progress Progress, c *counter) error {
	j, err := newJudge(o, c)
	if err != nil {
		return err
	}
	full, empty := make(chan parsed, inFlight), make(chan []byte, inFlight)
	stop := make(chan struct{})
	for range inFlight {
		empty <- nil
	}
	var failure error
	go func() {
		defer close(full)
		failure = o.each(stdin, progress, func(name string, f io.Reader) error {
			before := j.log.Counts
			err := j.log.Read(name, f, func(c *trafficlog.Chunk) error {
				select {
				case body := <-empty:
					full <- parsed{c.File, append(body[:0], c.Body...)}
					return nil
				case <-stop:
					return context.Canceled
				}
			})
			if j.log.Rows == before.Rows && j.log.Other > before.Other {
				c.summary.Flowless = append(c.summary.Flowless, name)
			}
			return err
		}, j.log.Missing)
	}()
	for p := range full {
		if err == nil {
			if err = ctx.Err(); err == nil {
				err = j.judge(p)
			}
			if err != nil {
				close(stop)
			}
		}
		select {
		case empty <- p.body:
		default:
		}
	}
	if err == nil {
		err = failure
	}
	var complaint *trafficlog.Complaint
	if errors.As(err, &complaint) {
		err = &Complaint{complaint.Kind.String(), complaint.Error()}
	}
	j.summarize()
	return err
}

// judge judges the rows of one chunk.
func (j *judge) judge(p parsed) error {
	j.chunk.Reply = j.chunk.Reply[:0]
	if err := j.search.ExecuteStream(&j.chunk, bytes.NewReader(p.body)); err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	s, l := &j.rows, &j.layout
	if err := s.Reset(j.chunk.Reply); err != nil {
		return fmt.Errorf("%s: the judged rows: %w", p.file, err)
	}
	l.bind(s)
	j.flow.File = p.file
	for s.Next() {
		row := s.Row()
		if len(l.tail) > 0 && bytes.HasSuffix(row, l.tail) {
			if at := epoch(bytes.Trim(row[:bytes.IndexByte(row, ',')], `"`)); at != 0 {
				j.counter.quiet(l.verdict, l.covered, at, 0, true)
				continue
			}
		}
		j.fill()
		if !j.counter.wants(j.finding.Score, false, nil) {
			l.remember(row, j)
		}
		if err := j.counter.event(&j.flow); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: the judged rows: %w", p.file, err)
	}
	return nil
}

// summarize takes over what was counted below.
func (j *judge) summarize() {
	s, read := &j.counter.summary, &j.log.Counts
	s.Files, s.BadFiles, s.Unreadable, s.Other, s.Zoneless = read.Files, read.BadFiles, read.Unreadable, read.Other, read.Zoneless
	if read.Other > 0 {
		s.Kinds[AnyKind] = read.Other
	}
	for _, c := range j.log.Complaints.Kept() {
		s.Complaints = append(s.Complaints, &Complaint{c.Kind.String(), c.Error()})
	}
	for kind := range trafficlog.Kinds {
		if n := j.log.Complaints.Count(kind); n > 0 {
			s.Troubles = append(s.Troubles, Trouble{kind.String(), n})
		}
	}
	for _, m := range j.chunk.Messages() {
		s.Warnings = append(s.Warnings, outsideSplunk.Replace(m.Text))
	}
}

// outsideSplunk says what to do in the words of a command line where the search
// command's messages say it in those of Splunk.
var outsideSplunk = strings.NewReplacer(
	"Run the search Update the Tor relay list.", "Run torctl relays update.",
	"Put tordetect before the macro or convert command that turns times into text.", "Write times as epoch seconds or with a zone, as in 2026-11-20T09:00:00Z.",
)

// The columns of a reply beside those of a Flow.
const (
	colLine = Columns + iota
	colTime
	colFirst
	colDuration
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

// from are the names under which rows have a column, the best first, as the search
// command looks for them.
var from = [columnCount][]string{
	SrcIP: {"src_ip", "src", "id.orig_h", "id_orig_h"}, SrcPort: {"src_port", "id.orig_p", "id_orig_p"},
	DestIP: {"dest_ip", "dest", "id.resp_h", "id_resp_h"}, DestPort: {"dest_port", "id.resp_p", "id_resp_p"},
	Transport: {"transport", "proto"}, App: {"app", "application", "appi_name"}, Action: {"action", "alert.action", "flow.action"},
	BytesIn: {"bytes_in", "bytes_received", "resp_bytes", "flow.bytes_toclient"}, BytesOut: {"bytes_out", "bytes_sent", "orig_bytes", "flow.bytes_toserver"},
	PacketsIn: {"packets_in", "pkts_received", "resp_pkts", "flow.pkts_toclient"}, PacketsOut: {"packets_out", "pkts_sent", "orig_pkts", "flow.pkts_toserver"},
	SNI: {"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name"}, JA4: {"ja4", "tls.ja4"}, JA3: {"ja3", "tls.ja3", "tls.ja3.hash"},
	Query: {"query", "dns.rrname", "dns.queries{}.rrname", "dns.query{}.rrname"}, URL: {"url", "url_domain", "http.hostname"}, User: {"user"},
	colLine: {"log_line"}, colTime: {"lastTime", "_time", "firstTime", "ts", "timestamp"}, colFirst: {"firstTime"}, colDuration: {"duration"},
	colVerdict: {"tor_verdict"}, colScore: {"tor_score"}, colState: {"tor_state"}, colDirection: {"tor_direction"}, colRole: {"tor_role"},
	colEvidence: {"tor_evidence"}, colReason: {"tor_reason"}, colRelay: {"tor_relay"}, colNickname: {"tor_nickname"},
	colFirstSeen: {"tor_first_seen"}, colLastSeen: {"tor_last_seen"}, colCoverage: {"tor_coverage"}, colListTime: {"tor_list_time"},
}

// layout knows where the columns stand in the rows of a chunk.
type layout struct {
	header []byte
	all    []int
	places [columnCount][]int // the best first

	// Most rows have nothing to do with Tor and end alike, from tor_verdict on: they
	// are counted like the one before, which spares taking them apart.
	tailed  bool   // the columns allow that
	tail    []byte // what the last of these rows ended with, its first comma too
	verdict detect.Verdict
	covered flow.Coverage
}

// bind finds the columns, also behind a data set's name, as in All_Traffic.src.
func (l *layout) bind(s *rows.Scanner) {
	if l.header == nil || !bytes.Equal(s.Header(), l.header) {
		*l = layout{header: append(l.header[:0], s.Header()...)}
		for i := range s.Names() {
			l.all = append(l.all, i)
		}
		for c := range from {
			for _, name := range from[c] {
				for i, found := range s.Names() {
					set, prefixed := strings.CutSuffix(found, "."+name)
					if found == name || prefixed && set != "" && 'A' <= set[0] && set[0] <= 'Z' && !strings.Contains(set, ".") {
						l.places[c] = append(l.places[c], i)
					}
				}
			}
		}
		verdict := l.places[colVerdict][0]
		l.tailed = verdict > 0 && len(l.places[colTime]) > 0 && l.places[colTime][0] == 0 &&
			l.places[colScore][0] > verdict && l.places[colCoverage][0] > verdict && l.places[colListTime][0] > verdict
	}
	s.Pick(l.all)
}

// remember keeps the end of a row that was counted.
func (l *layout) remember(row []byte, j *judge) {
	l.tail = l.tail[:0]
	if !l.tailed {
		return
	}
	size := 0
	for i := l.places[colVerdict][0]; i < len(l.all); i++ {
		size += 1 + len(j.rows.Cell(i))
	}
	// A row that ends with these bytes has these cells: its tail cannot begin inside
	// quotes, as its first quote is followed by neither a comma nor a quote.
	tail := row[len(row)-size:]
	if at := bytes.IndexByte(tail, '"'); at < 0 || at+1 < len(tail) && tail[at+1] != '"' && tail[at+1] != ',' {
		l.tail = append(l.tail, tail...)
	}
	l.verdict, l.covered = j.finding.Verdict, j.flow.Coverage
}

// cell returns the text of a column, empty where the row has none.
func (j *judge) cell(c Column) []byte {
	for _, place := range j.layout.places[c] {
		value, longer := rows.Value(j.rows.Cell(place), j.scratch)
		j.scratch = longer
		if len(value) > 0 && string(value) != "null" {
			return value[:len(value):len(value)]
		}
	}
	return nil
}

// word finds a cell among the words of a type.
func word[T interface{ String() string }](cell []byte, of ...T) T {
	for _, one := range of {
		if string(cell) == one.String() {
			return one
		}
	}
	return of[len(of)-1]
}

// codes are all pieces of evidence by name.
var codes = func() map[string]detect.Evidence {
	all := map[string]detect.Evidence{}
	for _, e := range detect.Weights() {
		all[e.Name()] = e
		if e.Stale = true; e.Name() != "" {
			all[e.Name()] = e
		}
	}
	return all
}()

// fill takes a row apart.
func (j *judge) fill() {
	j.scratch = j.scratch[:0]
	f, d := &j.flow, &j.finding
	for c := range Columns {
		f.Cells[c] = j.cell(c)
	}
	f.Line = Number(j.cell(colLine))
	f.First, f.Last = 0, epoch(j.cell(colTime))
	if first := epoch(j.cell(colFirst)); f.Last != 0 && first != 0 {
		f.First = min(first, f.Last)
	} else if long := j.cell(colDuration); f.Last != 0 && len(long) > 0 {
		f.First = f.Last - Number(long)
	}
	f.Coverage = word(j.cell(colCoverage), Coverages[:]...)
	f.ListTime = Number(j.cell(colListTime))
	f.Closes, f.Finding = true, d

	*d = detect.Finding{
		Score: int(Number(j.cell(colScore))), Verdict: word(j.cell(colVerdict), Verdicts[:]...), State: word(j.cell(colState), States[:]...),
		Direction: word(j.cell(colDirection), detect.Outbound, detect.Inbound, detect.Relay, detect.DirectionNone),
		Role:      word(j.cell(colRole), detect.RoleBridge, detect.RoleRelay, detect.RoleGuard, detect.RoleExit, detect.RoleGuardExit, detect.RoleAuthority, detect.RoleNone),
		Reason:    j.cell(colReason), Evidence: d.Evidence[:0], Relays: d.Relays[:0],
	}
	if text := j.cell(colEvidence); len(text) > 0 {
		for name := range bytes.SplitSeq(text, []byte("\n")) {
			d.Evidence = append(d.Evidence, codes[string(name)])
		}
	}
	if d.Role == detect.RoleNone {
		return
	}
	fingerprints, names := bytes.Split(j.cell(colRelay), []byte("\n")), bytes.Split(j.cell(colNickname), []byte("\n"))
	seen := j.cell(colFirstSeen)
	j.relays = slices.Grow(j.relays[:0], len(fingerprints))
	for i, fingerprint := range fingerprints {
		s := flow.Sighting{Kind: flow.Authority, Fingerprint: j.text(fingerprint)}
		if i < len(names) {
			s.Nickname = j.text(names[i])
		}
		if len(seen) > 0 {
			s.Kind, s.First, s.Last = flow.ORPort, Number(seen), Number(j.cell(colLastSeen))
		}
		j.relays = append(j.relays, s)
		d.Relays = append(d.Relays, &j.relays[i])
	}
	d.Deciding = d.Relays[0]
}

// text is a name of a relay, which comes again and again, as a string.
func (j *judge) text(name []byte) string {
	if _, known := j.texts[string(name)]; !known {
		if len(j.texts) >= 20000 { // twice the network
			clear(j.texts)
		}
		j.texts[string(name)] = string(name)
	}
	return j.texts[string(name)]
}

// epoch reads epoch seconds or an ISO time with a zone; 0 if it is neither.
func epoch(text []byte) int64 {
	if n := Number(text); n > 0 || len(text) == 0 {
		return n
	}
	iso := strings.Replace(string(text), " ", "T", 1)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(form, iso); err == nil {
			return at.Unix()
		}
	}
	return 0
}
