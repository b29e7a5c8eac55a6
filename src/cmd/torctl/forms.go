package main

import (
	"fmt"
	"slices"
	"strings"
)

// The forms of results beside those of terminal.
const (
	formHTML = "html"
	formText = "text"
)

func checkForm(form string, allowed ...string) error {
	if slices.Contains(allowed, form) {
		return nil
	}
	last := len(allowed) - 1
	return fmt.Errorf("unknown output form %q: want %s or %s", form, strings.Join(allowed[:last], ", "), allowed[last])
}
