package splunkd

import "tordetect/tests/splunkd/spl"

// The language is that of package spl. Who plays searches meets these of it.
type (
	Value       = spl.Value
	Row         = spl.Row
	Table       = spl.Table
	SearchError = spl.SearchError
)
