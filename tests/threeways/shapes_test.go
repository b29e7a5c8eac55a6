package threeways

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/flows"
	"tordetect/tests/sample"
	"tordetect/tests/shared"
)

// The rule, over the log that the demo reads: a file, rows with _raw, and columns.
func TestSample(t *testing.T) {
	events := eventsOf(t, sample.Log())
	require.Len(t, events, len(sample.Flows()))
	w := ways{table: string(sample.Table())}
	file := w.compareAs(t, "", events)
	require.Greater(t, scored(file), 10)
}

// The rule, over the logs by which the weights are found: of the border's firewall, of
// exporters, clouds, proxies and sign-ins, as CSV, as JSON lines, and as rows.
func TestFlows(t *testing.T) {
	set := flows.Generate(7)
	w := ways{table: string(set.Table())}
	w.lookups(t)
	bodies := map[string][]byte{"border": set.CSV()}
	for _, l := range set.Logs() {
		bodies[l.Name] = l.CSV()
	}
	most := 500_000 // bytes: some thousand rows of each
	if raceDetector || testing.Short() {
		most /= 5
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			body = body[:1+bytes.LastIndexByte(body[:min(len(body), most)], '\n')]
			events := eventsOfRows(t, body)
			file := w.compareAs(t, "", events)
			require.NotZero(t, scored(file))

			read, _ := w.text(t, string(body))
			table := make([]answer, len(events))
			require.Len(t, read, len(events), "a file of CSV hands out each row")
			for i, a := range read {
				table[i] = a.answer
			}
			// As columns, because a row is judged where an object that says nothing is none.
			same(t, "as a file of CSV", events, table, w.judged(t, asColumns(events, false)))
		})
	}
}

func scored(answers []answer) int {
	n := 0
	for _, a := range answers {
		if a.score != "0" && a.score != "" {
			n++
		}
	}
	return n
}

// The rule, over inputs that went wrong once, and a firewall's log of a real network.
func TestShared(t *testing.T) {
	table, err := os.ReadFile(shared.Beside(t, "cases/relays.csv"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(shared.Beside(t, "cases"), "*"))
	require.NoError(t, err)
	w := ways{table: string(table)}
	w.lookups(t)
	require.Greater(t, len(files), 2, "more than table and list")
	for _, path := range files {
		if ext := filepath.Ext(path); ext == ".csv" || filepath.Base(path) == "cases.json" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			head, events := splitHead(t, text)
			file, unread := w.file(t, head, events)
			require.Zero(t, unread)
			same(t, "as _raw", events, file, w.judged(t, asRaw(events, false)))
			same(t, "by tordetect as _raw", events, untimed(file), w.searched(t, asRaw(events, false)))
			for i, e := range events {
				if len(e.cells) > 0 { // a plain line, whose columns are known
					one := events[i : i+1]
					same(t, "as columns", one, file[i:i+1], w.judged(t, asColumns(one, false)))
				}
			}
		})
	}
	t.Run("pan.log", func(t *testing.T) {
		table, err := os.ReadFile(shared.File(t, "privnet/tor_relays.csv"))
		require.NoError(t, err)
		w := ways{table: string(table)}
		w.compareAs(t, "", eventsOf(t, shared.Bytes(t, "privnet/pan.log")))
	})
}

// compareAs holds all ways to that of the file, without a time but the event's own.
func (w *ways) compareAs(t *testing.T, head string, events []event) []answer {
	t.Helper()
	file, unread := w.file(t, head, events)
	require.Zero(t, unread)
	raw, columns := asRaw(events, false), asColumns(events, false)
	same(t, "as _raw", events, file, w.judged(t, raw))
	same(t, "as columns", events, file, w.judged(t, columns))
	same(t, "by tordetect as _raw", events, untimed(file), w.searched(t, raw))
	same(t, "by tordetect as columns", events, untimed(file), w.searched(t, columns))
	return file
}

// splitHead takes a log apart into the lines of its head and its events.
func splitHead(t *testing.T, text []byte) (head string, events []event) {
	var names []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		if fields, ok := strings.CutPrefix(line, "#fields\t"); ok {
			names = strings.Split(strings.TrimSpace(fields), "\t")
		}
		head += line
	}
	events = eventsOf(t, text[len(head):])
	for i := range events {
		for at, text := range strings.Split(events[i].line, "\t") {
			if at < len(names) && text != "-" {
				events[i].put(names[at], text)
			}
		}
	}
	return head, events
}

// eventsOf makes events of lines, with columns where they are plain: JSON and nothing
// around it, or a Palo Alto line without a header.
func eventsOf(t *testing.T, text []byte) []event {
	var out []event
	for line := range strings.Lines(string(text)) {
		e := event{line: strings.TrimRight(line, "\r\n")}
		switch {
		case strings.HasPrefix(line, "{"):
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.UseNumber()
			e.flatten("", decoded(t, decoder))
			for _, c := range e.cells {
				if strings.HasPrefix(c.name, "result.") || c.name == "preview" || strings.HasPrefix(c.name, "messages") {
					e.cells = nil // of an export
					break
				}
			}
		case strings.HasPrefix(line, "1,"):
			cells, err := csv.NewReader(strings.NewReader(line)).Read()
			require.NoError(t, err)
			for n, name := range panNames {
				if n <= len(cells) && cells[3] == "TRAFFIC" {
					e.put(name, cells[n-1])
				}
			}
			for _, text := range cells[min(len(cells), 47):] {
				if len(text) > 20 && text[4] == '-' && text[10] == 'T' {
					e.put("high_res_timestamp", text)
				}
			}
		}
		out = append(out, e)
	}
	return out
}

// decoded reads a JSON value with its keys in order.
func decoded(t *testing.T, d *json.Decoder) any {
	token, err := d.Token()
	if err == io.EOF {
		return nil
	}
	require.NoError(t, err)
	switch token {
	case json.Delim('{'):
		var o object
		for d.More() {
			key, err := d.Token()
			require.NoError(t, err)
			o = append(o, field{key.(string), decoded(t, d)})
		}
		_, _ = d.Token()
		return o
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, decoded(t, d))
		}
		_, _ = d.Token()
		return list
	case nil:
		return nil
	}
	return fmt.Sprint(token)
}

// eventsOfRows makes events of CSV: the line is the row as JSON.
func eventsOfRows(t *testing.T, body []byte) []event {
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(t, err)
	r := newSource(3)
	var out []event
	for _, record := range records[1:] {
		var o object
		var e event
		for i, name := range records[0] {
			values := strings.Split(record[i], "\n")
			e.put(name, values...)
			if len(values) > 1 {
				o = append(o, field{name, list(values)})
			} else if record[i] != "" {
				o = append(o, field{name, record[i]})
			}
		}
		e.line = r.write(o)
		out = append(out, e)
	}
	return out
}
