// Package rows reads and extends the CSV rows of one chunk of search results
// without copying them.
//
// In goes a header row and data rows, as splunkd writes them:
//
//	dest_ip,dest_port,"user name",__mv_dest_ip,__mv_dest_port,"__mv_user name"
//	"192.0.2.7",443,"O""Neil",,,
//	"198.51.100.9",9001,,"$198.51.100.9$;$192.0.2.1$",,
//
// Out come slices of that same memory: the raw row, its raw cells (quotes included),
// and a reply in which every input byte is as it was, with columns replaced or
// appended:
//
//	dest_ip,dest_port,"user name",__mv_dest_ip,__mv_dest_port,"__mv_user name",verdict
//	"192.0.2.7",443,"O""Neil",,,,none
//	"198.51.100.9",9001,,"$198.51.100.9$;$192.0.2.1$",,,tor
//
// [Scanner] walks over the rows of a body in memory or of one that arrives,
// [Value] removes the quotes of one cell, [List] holds a multivalue value, [Cell]
// encodes what a row gets, [Output] lays out and writes the reply. [Writer] writes
// rows that no input has. Nothing here allocates memory per row.
//
// # The text that is accepted
//
// Cells are separated by a comma. A cell is bare or in double quotes; inside
// quotes a quote is doubled, and commas, LF and CR are text. A row ends with LF
// or CRLF; the last row of a body may lack its end, and a CR at the very end of
// a body counts as a row end cut in two. Rows are written with LF. An empty
// line is a row of one empty cell. Invalid UTF-8, NUL, a byte order mark and a
// CR that is not before a LF are text like any other, and no cell, row or
// header is too long.
//
// Splunk reads wrong cells without a word when quoting or the number of cells
// goes wrong, so this package refuses: a quote inside a bare cell, text after a
// closing quote, a quote that is never closed, a row with more or fewer cells
// than the header. See [Error].
//
// The difference from encoding/csv, which is the oracle of the tests: that
// package turns CRLF inside quotes into LF, drops blank lines, removes the
// quotes that must be written back, and is several times slower (see the
// benchmarks).
//
// This package knows nothing of the frames around a body, of the meaning of any
// column but the prefix __mv_, and of character sets.
package rows
