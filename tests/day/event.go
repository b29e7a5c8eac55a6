package day

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd"
)

// Event is an event with the time at which it was indexed.
type Event struct {
	Model       string // of the CIM, such as Network_Traffic; empty for an event that is in none
	Time, Index time.Time
	Fields      map[string]string
	Truth       *Truth // nil: it has nothing to do with Tor, or nobody knows
}

// Truth is what an event really is.
type Truth struct {
	Case  string   `json:"case"`
	Names []string `json:"names"`          // of the host or user: a result may have any of them
	Find  []string `json:"find,omitempty"` // searches that have to tell of it
	May   []string `json:"may,omitempty"`  // searches that may
}

const (
	maxLine   = 1 << 20
	maxEvents = 5_000_000 // a few gigabytes of memory
)

// Read reads events, one JSON object a line: model, _time, _indextime, fields without the data set's name, and the truth
// where it is known.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := parse(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if events = append(events, e); len(events) > maxEvents {
			return nil, fmt.Errorf("more than %d events", maxEvents)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, errors.New("it holds no events")
	}
	return events, nil
}

func parse(line []byte) (Event, error) {
	var cells map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&cells); err != nil {
		return Event{}, fmt.Errorf("no JSON object: %w", err)
	}
	e := Event{Fields: map[string]string{}}
	if truth, ok := cells["truth"].(map[string]any); ok {
		text, err := json.Marshal(truth)
		if err == nil {
			err = json.Unmarshal(text, &e.Truth)
		}
		if err != nil {
			return Event{}, fmt.Errorf("truth: %w", err)
		}
		delete(cells, "truth")
	}
	for name, cell := range cells {
		if text := cellText(cell); text != "" {
			e.Fields[name] = text
		}
	}
	// The data set behind the model's name says nothing: our models have one each.
	e.Model, _, _ = strings.Cut(e.Fields["model"], ".")
	var err error
	if e.Time, err = seconds(e.Fields["_time"]); err != nil {
		return Event{}, fmt.Errorf("_time: %w", err)
	}
	if e.Index, err = seconds(e.Fields["_indextime"]); err != nil {
		return Event{}, fmt.Errorf("_indextime: %w", err)
	}
	for _, name := range []string{"model", "_time", "_indextime"} {
		delete(e.Fields, name)
	}
	return e, nil
}

func cellText(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case []any:
		var texts []string
		for _, each := range v {
			texts = append(texts, cellText(each))
		}
		return strings.Join(texts, "\n")
	}
	return fmt.Sprint(cell)
}

// seconds reads epoch seconds, those of the years that a relay table can have.
func seconds(text string) (time.Time, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < 1e9 || f > 5e9 {
		return time.Time{}, fmt.Errorf("%q are no epoch seconds", text)
	}
	whole := math.Floor(f)
	return time.Unix(int64(whole), int64((f-whole)*1e9)).UTC(), nil
}

// Write writes events as Read takes them.
func Write(w io.Writer, events []Event) error {
	out := json.NewEncoder(w)
	for _, e := range events {
		cells := map[string]any{"_time": e.Time.Unix(), "_indextime": e.Index.Unix()}
		if e.Model != "" {
			cells["model"] = e.Model
		}
		if e.Truth != nil {
			cells["truth"] = e.Truth
		}
		for name, text := range e.Fields {
			cells[name] = text
		}
		if err := out.Encode(cells); err != nil {
			return err
		}
	}
	return nil
}

// indexed turns events into those of a search head.
func indexed(events []Event) []splunkd.Event {
	out := make([]splunkd.Event, len(events))
	for i, e := range events {
		out[i] = splunkd.Event{Time: e.Time, Index: e.Index, Model: e.Model, Raw: e.Fields["_raw"], Fields: e.Fields}
	}
	return out
}

// span is from the first event to the last moment of indexing.
func span(events []Event) (first, last time.Time) {
	first, last = events[0].Index, events[0].Index
	for _, e := range events {
		if e.Index.Before(first) {
			first = e.Index
		}
		if e.Index.After(last) {
			last = e.Index
		}
	}
	return first, last
}

func byIndex(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return a.Index.Compare(b.Index) })
}
