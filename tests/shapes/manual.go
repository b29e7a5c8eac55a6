package shapes

import (
	"fmt"
	"slices"
	"strings"
)

// Tables writes what is read and what is not as tables of the manual: shapes of one
// product, its versions and form are one row, whose logs stand in the order of the
// shapes.
func Tables(shapes []*Shape) string {
	var out strings.Builder
	out.WriteString("| product | versions | logs | how they come |\n|---|---|---|---|\n")
	for _, group := range grouped(shapes, true) {
		s := group[0]
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", s.Product, s.Versions, logs(group), s.Form)
	}
	out.WriteString("\nWhat is not read is not guessed at; `torctl scan` says what it was:\n\n| product | versions | logs | how they come | called |\n|---|---|---|---|---|\n")
	for _, group := range grouped(shapes, false) {
		s := group[0]
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", s.Product, s.Versions, logs(group), s.Form, called(group))
	}
	return out.String()
}

// grouped puts shapes of one row together.
func grouped(shapes []*Shape, read bool) [][]*Shape {
	var out [][]*Shape
	for _, s := range shapes {
		if s.IsRead() != read {
			continue
		}
		at := slices.IndexFunc(out, func(g []*Shape) bool {
			return g[0].Product == s.Product && g[0].Versions == s.Versions && g[0].Form == s.Form
		})
		if at < 0 {
			out, at = append(out, nil), len(out)
		}
		out[at] = append(out[at], s)
	}
	slices.SortStableFunc(out, func(a, b []*Shape) int {
		return strings.Compare(strings.ToLower(a[0].Product), strings.ToLower(b[0].Product))
	})
	return out
}

func logs(group []*Shape) string {
	var out []string
	for _, s := range group {
		if !slices.Contains(out, s.Log) {
			out = append(out, s.Log)
		}
	}
	if slices.ContainsFunc(out, func(s string) bool { return strings.Contains(s, ",") }) {
		return strings.Join(out, "; ")
	}
	return strings.Join(out, ", ")
}

// called is what scan calls lines that are no flows.
func called(group []*Shape) string {
	var out []string
	for _, s := range group {
		for line := range strings.Lines(s.Read) {
			text := "an unknown format"
			if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "no flow: "); ok {
				text = kind
			}
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return strings.Join(out, ", ")
}
