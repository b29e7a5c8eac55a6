// Package report writes what a scan found: as a table for the terminal, as CSV and
// JSON lines for programs, and, in the folder html, as a page.
//
//	in:   flow after flow of package scan, then its Summary
//	out:  ┌─────────┬───────┬───   or  file,line,_time,...,tor_verdict,tor_score,...
//	      │ verdict │ score │          "pan.log",1,1795174200,...,tor,97,...
//
// table.go has the table, data.go CSV and JSON, whose columns stand in columns.go,
// summary.go the lines beside the results. Package digest is what table and page
// tell of. The package reads no log and judges nothing.
package report

import "tordetect/src/scan"

// A Report is a form of the results of a scan.
type Report interface {
	// Add takes a flow, in the order of the logs.
	Add(*scan.Flow) error

	// Finish is called once, behind the last flow.
	Finish(*scan.Summary) error
}
