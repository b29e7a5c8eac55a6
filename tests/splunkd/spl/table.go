package spl

import (
	"math"
	"strconv"
	"strings"
)

// Value is what a field has in one row: no value (nil), one value, or a list. An empty text on the wire is no value.
type Value []string

// Text is the value as a plain cell shows it: a list joined by line feeds.
func (v Value) Text() string { return strings.Join(v, "\n") }

// One makes a value of one text, or of none where the text is empty.
func One(text string) Value {
	if text == "" {
		return nil
	}
	return Value{text}
}

// Row holds the values of one result by field name. A field without value may be missing.
type Row map[string]Value

// Get returns the field's value as one text, empty without value.
func (r Row) Get(field string) string { return r[field].Text() }

func (r Row) Clone() Row {
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

func (t *Table) Has(column string) bool {
	for _, name := range t.Columns {
		if name == column {
			return true
		}
	}
	return false
}

// Add appends the columns that are not there yet.
func (t *Table) Add(columns ...string) {
	for _, column := range columns {
		if !t.Has(column) {
			t.Columns = append(t.Columns, column)
		}
	}
}

// Remove takes a column and its values away.
func (t *Table) Remove(column string) {
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

// Internal says whether a field is one of Splunk's own, which `fields` keeps and tables hide.
func Internal(field string) bool { return strings.HasPrefix(field, "_") }

// Number reads a text as Splunk's commands do: decimal, with sign, fraction and exponent; no hexadecimal, no infinity.
func Number(text string) (float64, bool) {
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

// FormatNumber writes whole numbers without a point and others with as many digits as they need.
func FormatNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e18 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// CompareTexts orders two texts: as numbers where both are, else by their bytes.
func CompareTexts(a, b string) int {
	x, isNumber := Number(a)
	y, both := Number(b)
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

// MatchWildcard compares without case; `*` in the pattern stands for any text, also none.
func MatchWildcard(pattern, text string) bool {
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
