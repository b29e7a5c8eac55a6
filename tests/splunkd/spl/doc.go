// Package spl is the language of Splunk's searches as far as the stand-in plays it: text to commands, and commands over
// rows.
//
//	stages, err := spl.ParsePipeline("| makeresults | eval a=1 | where a>0")
//	run, err := spl.CompileEval(&spl.Context{Now: now, Zone: time.UTC}, "a=1, b=a+1")
//	table, err := run(&spl.Table{Rows: []spl.Row{{}}})
//
// Read table.go for rows and values, spl.go for pipelines and their tokens, expr.go, operand.go and eval.go for the
// expressions of eval and where, predicate.go for the filters of search and tstats, aggregate.go for stats, clock.go for times,
// then commands.go (row by row) and tables.go (whole tables).
//
// Where rows come from, macros, subsearches and custom commands are package splunkd's, which says in one list what of all
// this is proved and what only supposed.
package spl
