package splunkd

import (
	"math"
	"strconv"
	"strings"
)

// Value is what a field has in one row: no value (nil), one value, or a list. An empty text on the wire is no value.
type Value []string

// Text is the value as a plain cell shows it: a list joined by line feeds.
func (v Value) Text() string { return strings.Join(v, "\n") }

// one makes a value of one text, or of none where the text is empty.
func one(text string) Value {
	if text == "" {
		return nil
	}
	return Value{text}
}

// Row holds the values of one result by field name. A field without value may be missing.
type Row map[string]Value

// Get returns the field's value as one text, empty without value.
func (r Row) Get(field string) string { return r[field].Text() }

func (r Row) clone() Row {
	copied := make(Row, len(r)+4)
	for name, value := range r {
		copied[name] = value
	}
	return copied
}

// Table is the result of a command: rows, and the columns in the order in which Splunk would show them.
type Table struct {
	Columns []string
	Rows    []Row
}

func (t *Table) has(column string) bool {
	for _, name := range t.Columns {
		if name == column {
			return true
		}
	}
	return false
}

// add appends the columns that are not there yet.
func (t *Table) add(columns ...string) {
	for _, column := range columns {
		if !t.has(column) {
			t.Columns = append(t.Columns, column)
		}
	}
}

// remove takes a column and its values away.
func (t *Table) remove(column string) {
	kept := t.Columns[:0:0]
	for _, name := range t.Columns {
		if name != column {
			kept = append(kept, name)
		}
	}
	t.Columns = kept
	for _, row := range t.Rows {
		delete(row, column)
	}
}

// internal says whether a field is one of Splunk's own, which `fields` keeps and tables hide.
func internal(field string) bool { return strings.HasPrefix(field, "_") }

// number reads a text as Splunk's commands do: decimal, with sign, fraction and exponent; no hexadecimal, no infinity.
func number(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// formatNumber writes whole numbers without a point and others with as many digits as they need.
func formatNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e18 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// compareTexts orders two texts: as numbers where both are, else by their bytes.
func compareTexts(a, b string) int {
	x, isNumber := number(a)
	y, both := number(b)
	if isNumber && both {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return strings.Compare(a, b)
}

// matchWildcard compares without case; `*` in the pattern stands for any text, also none.
func matchWildcard(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// matchName is matchWildcard for field names, which keep their case.
func matchName(pattern, name string) bool {
	prefix, suffix, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	return len(name) >= len(prefix)+len(suffix) && strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
}
