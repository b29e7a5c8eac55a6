package splunkd

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
)

// event is one indexed event.
type event struct {
	number int // by which it lies on an indexer
	raw    string
	time   time.Time
	added  time.Time         // _indextime; zero: a second after its time
	fields map[string]string // as the add-on extracts them
	lists  map[string][]string
	model  string // the data model that its tags put it in, or empty
}

// maxLine bounds one log line. Splunk itself cuts events at 10,000 bytes (TRUNCATE); nothing of ours is longer.
const maxLine = 1 << 20

// panFields are the names that the Palo Alto add-on gives to the columns of a TRAFFIC line, by their 1-based number
// (PAN-OS 9 to 11; add-on of 2020).
var panFields = map[int]string{
	2: "receive_time", 3: "serial_number", 4: "type", 5: "log_subtype", 7: "generated_time", 8: "src_ip", 9: "dest_ip",
	10: "src_translated_ip", 11: "dest_translated_ip", 12: "rule", 13: "src_user", 14: "dest_user", 15: "app", 16: "vsys",
	17: "src_zone", 18: "dest_zone", 19: "src_interface", 20: "dest_interface", 21: "log_forwarding_profile",
	23: "session_id", 24: "repeat_count", 25: "src_port", 26: "dest_port", 27: "src_translated_port",
	28: "dest_translated_port", 29: "session_flags", 30: "transport", 31: "vendor_action", 32: "bytes", 33: "bytes_out",
	34: "bytes_in", 35: "packets", 36: "start_time", 37: "duration", 38: "http_category", 40: "sequence_number",
	45: "packets_out", 46: "packets_in", 47: "session_end_reason", 53: "dvc_name",
}

// panActions is the add-on's lookup of vendor_action; a trailing * stands for any text.
var panActions = []struct{ vendor, action string }{
	{"allow", "allowed"}, {"alert", "allowed"}, {"continue", "allowed"}, {"forward", "allowed"},
	{"deny", "blocked"}, {"block*", "blocked"}, {"reset-*", "blocked"},
	{"drop*", "dropped"}, {"sinkhole", "dropped"},
}

const (
	panTimeLayout = "2006/01/02 15:04:05"
	panProduct    = "Palo Alto Networks Firewall"
	trafficSource = "pan:traffic"
	otherSource   = "pan:log"
)

// parsePan reads one line of a Palo Alto firewall as the add-on does: columns by position, _time from column 7 in UTC,
// action from vendor_action, src and dest the addresses, user the source's, else the destination's. A syslog header
// before the first comma does no harm.
func parsePan(line, host string) (event, error) {
	columns := splitLog(line)
	at := func(number int) string {
		if number <= len(columns) {
			return strings.TrimSpace(columns[number-1])
		}
		return ""
	}
	when, err := time.ParseInLocation(panTimeLayout, at(7), time.UTC)
	if err != nil {
		return event{}, fmt.Errorf("generated_time (column 7) is %q, want %s", at(7), panTimeLayout)
	}
	e := event{raw: line, time: when, fields: map[string]string{"host": host, "index": "main", "source": "pan.log", "sourcetype": otherSource}}
	if at(4) != "TRAFFIC" {
		return e, nil
	}
	e.fields["sourcetype"], e.model = trafficSource, "Network_Traffic"
	for number, name := range panFields {
		if value := at(number); value != "" {
			e.fields[name] = value
		}
	}
	derive := func(name, value string) {
		if value != "" {
			e.fields[name] = value
		}
	}
	derive("src", at(8))
	derive("dest", at(9))
	derive("dvc", host)
	derive("transport", strings.ToLower(at(30)))
	derive("vendor_product", panProduct)
	e.fields["user"] = "unknown"
	derive("user", at(14))
	derive("user", at(13))
	for _, known := range panActions {
		if spl.MatchWildcard(known.vendor, at(31)) {
			e.fields["action"] = known.action
			break
		}
	}
	return e, nil
}

// splitLog cuts a line at commas; a column that begins with a double quote goes to the closing one.
func splitLog(line string) []string {
	var columns []string
	for {
		var column string
		if strings.HasPrefix(line, `"`) {
			end := 1
			for end < len(line) && line[end] != '"' {
				end++
			}
			column, line = line[1:end], line[min(end+1, len(line)):]
			_, line, _ = strings.Cut("x"+line, ",")
			columns = append(columns, column)
			if line == "" {
				return columns
			}
			continue
		}
		column, rest, more := strings.Cut(line, ",")
		columns = append(columns, column)
		if !more {
			return columns
		}
		line = rest
	}
}

// readLog reads a log, one event a line. Empty lines are skipped.
func readLog(r io.Reader, host string) ([]event, error) {
	var events []event
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64*1024), maxLine)
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSuffix(scanner.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		e, err := parsePan(line, host)
		if err != nil {
			return nil, fmt.Errorf("log line %d: %w", number, err)
		}
		events = append(events, e)
	}
	return events, scanner.Err()
}

// eventColumns come first in the rows of an event search, the extracted fields after them by name. The order is that of
// a recorded `events` request, as far as that has the fields.
var eventColumns = []string{"index", "_time", "_raw", "_sourcetype", "_indextime", "_subsecond"}

// indexed is the event's _indextime.
func (e event) indexed() time.Time {
	if e.added.IsZero() {
		return e.time.Add(time.Second)
	}
	return e.added
}

// row is the event as a raw search shows it.
func (e event) row() spl.Row {
	row := spl.Row{
		"_time":       spl.Value{spl.EpochText(e.time)},
		"_raw":        spl.Value{e.raw},
		"_sourcetype": spl.Value{e.fields["sourcetype"]},
		"_indextime":  spl.Value{strconv.FormatInt(e.indexed().Unix(), 10)},
	}
	for name, values := range e.lists {
		row[name] = values
	}
	for name, value := range e.fields {
		row[name] = spl.One(value)
	}
	return row
}
