package spl

import "fmt"

// SearchError is a search that failed as it would fail in Splunk: Text is what the user reads.
type SearchError struct{ Text string }

func (e *SearchError) Error() string { return e.Text }

func SearchErrorf(format string, values ...any) error {
	return &SearchError{Text: fmt.Sprintf(format, values...)}
}
