package main

import (
	"fmt"
	"strings"

	"tordetect/src/terminal"
)

// The forms of results.
const (
	formTable = terminal.FormTable
	formJSON  = terminal.FormJSON
	formCSV   = terminal.FormCSV
	formHTML  = "html"
)

func checkForm(form string, allowed ...string) error {
	for _, a := range allowed {
		if form == a {
			return nil
		}
	}
	last := len(allowed) - 1
	return fmt.Errorf("unknown output form %q: want %s or %s", form, strings.Join(allowed[:last], ", "), allowed[last])
}

func printable(text string) string { return terminal.Printable(text) }

func counted(n int64, what string) string { return terminal.Counted(n, what) }
