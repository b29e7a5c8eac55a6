package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"tordetect/tests/preview/dashboard"
	"tordetect/tests/splunkd"
)

//go:embed page.tmpl
var pageText string

//go:embed page.css
var pageStyle string

// A sheet is a page as the template has it.
type sheet struct {
	Label, Description, Theme string
	Style                     template.CSS
	Fields                    []field
	Rows                      [][]panel
}

type field struct {
	Label, Value string
	Box, Ticked  bool // a box to tick
}

type panel struct {
	Title  string
	Fields []field
	Parts  []part
}

// A part shows one of these.
type part struct {
	Title  string
	Fault  string        // why the search gave nothing
	Waits  bool          // for a value of the form
	Text   template.HTML // of <html>, or a chart
	Single *single
	Table  *table
}

type single struct{ Value, Unit, Under, Tone string }

type table struct {
	Columns []string
	Rows    [][]cell
	Clicks  bool
	More    string // rows that are on other pages
}

type cell struct {
	Values []string
	Number bool
	Wide   bool // a sentence
	Short  bool // no place to break
}

// From wideCell characters on a cell gets room to wrap; up to shortCell, a time with its zone, it stays on one line.
const wideCell, shortCell = 45, 25

// tableRows is how many rows a page of a table has where it does not say (Simple XML's default).
const tableRows = 20

func render(w io.Writer, page *dashboard.Page, theme string, width int) error {
	view := page.View
	s := sheet{Label: view.Label, Description: view.Description, Theme: theme, Style: template.CSS(pageStyle), Fields: fields(page, view.Inputs)}
	for _, row := range page.Rows() {
		var panels []panel
		for _, p := range row.Panels {
			drawn := panel{Title: page.Fill(p.Title, false), Fields: fields(page, p.Inputs)}
			for _, e := range p.Elements {
				shown, err := element(page, e, chartWide(width, len(row.Panels)))
				if err != nil {
					return fmt.Errorf("panel %q: %w", drawn.Title, err)
				}
				drawn.Parts = append(drawn.Parts, shown)
			}
			panels = append(panels, drawn)
		}
		s.Rows = append(s.Rows, panels)
	}
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, s)
}

// fields are the inputs with what they hold.
func fields(page *dashboard.Page, inputs []dashboard.Input) (list []field) {
	for _, in := range inputs {
		f := field{Label: in.Label, Value: page.Tokens[in.Token]}
		switch in.Type {
		case "time":
			f.Value = page.Tokens[in.Token+".earliest"] + " to " + page.Tokens[in.Token+".latest"]
		case "checkbox":
			f.Box = true
			_, f.Ticked = page.Tokens[in.Token]
			f.Value = ""
			for _, choice := range in.Choices {
				f.Value += choice.Label
			}
		}
		for _, choice := range in.Choices {
			if choice.Value == f.Value {
				f.Value = choice.Label
			}
		}
		list = append(list, f)
	}
	return list
}

func element(page *dashboard.Page, e dashboard.Element, wide float64) (part, error) {
	p := part{Title: page.Fill(e.Title, false)}
	if e.Kind == "html" {
		// The text is the dashboard's own; values in it are escaped.
		p.Text = template.HTML(page.Fill(e.HTML, true))
		return p, nil
	}
	outcome := page.Outcome(e.Search)
	switch {
	case outcome.Err != nil:
		p.Fault = outcome.Err.Error()
		return p, nil
	case outcome.Result == nil:
		p.Waits = true
		return p, nil
	}
	var err error
	switch e.Kind {
	case "single":
		p.Single, err = number(page, e, outcome.Result)
	case "table":
		p.Table, err = grid(e, outcome.Result)
	case "chart":
		p.Text, err = chart(e, outcome.Result, wide)
	}
	return p, err
}

// number is a single value: the first column of the first row, coloured where the view says from which value on.
func number(page *dashboard.Page, e dashboard.Element, result *splunkd.Result) (*single, error) {
	s := &single{Value: "No results found.", Unit: e.Options["unit"], Under: page.Fill(e.Options["underLabel"], false)}
	columns := visible(result.Columns)
	if len(result.Rows) == 0 || len(columns) == 0 || result.Rows[0].Get(columns[0]) == "" {
		s.Unit = ""
		return s, nil
	}
	s.Value = result.Rows[0].Get(columns[0])
	precise, err := precision(s.Value, e.Options["numberPrecision"])
	if err != nil {
		return nil, err
	}
	raw := s.Value
	s.Value = thousands(precise)
	if e.Options["useColors"] != "1" {
		return s, nil
	}
	bounds := strings.Split(strings.Trim(e.Options["rangeValues"], "[]"), ",")
	colours := strings.Split(strings.NewReplacer("[", "", "]", "", `"`, "", "0x", "#").Replace(e.Options["rangeColors"]), ",")
	if len(colours) != len(bounds)+1 {
		return nil, fmt.Errorf("%d colours for %d bounds", len(colours), len(bounds))
	}
	value, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return nil, err
	}
	at := 0
	for _, bound := range bounds {
		limit, err := strconv.ParseFloat(strings.TrimSpace(bound), 64)
		if err != nil {
			return nil, err
		}
		if value > limit {
			at++
		}
	}
	s.Tone = strings.TrimSpace(colours[at])
	return s, nil
}

// precision rounds a number to the places of the option numberPrecision, 0 or 0.0 and so on. Splunk takes none as 0.
func precision(value, pattern string) (string, error) {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value, nil // a word
	}
	whole, places, _ := strings.Cut(pattern, ".")
	if strings.Trim(whole+places, "0") != "" {
		return "", fmt.Errorf("a numberPrecision of %q", pattern)
	}
	return strconv.FormatFloat(number, 'f', len(places), 64), nil
}

// thousands puts commas into a number, as single values and axes have them.
func thousands(number string) string {
	whole, rest, fraction := strings.Cut(number, ".")
	if strings.Trim(whole, "0123456789") != "" {
		return number
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction {
		whole += "."
	}
	return whole + rest
}

// visible leaves Splunk's own fields out.
func visible(columns []string) (shown []string) {
	for _, name := range columns {
		if !strings.HasPrefix(name, "_") {
			shown = append(shown, name)
		}
	}
	return shown
}

func grid(e dashboard.Element, result *splunkd.Result) (*table, error) {
	t := &table{Columns: e.Fields}
	if t.Columns == nil {
		t.Columns = visible(result.Columns)
	}
	for _, name := range t.Columns {
		t.Clicks = t.Clicks || e.Clickable(name)
	}
	limit := tableRows
	if text := e.Options["count"]; text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			return nil, err
		}
	}
	for i, row := range result.Rows {
		if i == limit {
			t.More = thousands(strconv.Itoa(len(result.Rows) - limit))
			break
		}
		var cells []cell
		for _, name := range t.Columns {
			c := cell{Number: true, Short: true}
			for _, value := range row[name] {
				value = splunkd.Printable(value)
				c.Values = append(c.Values, value)
				c.Short = c.Short && len(value) <= shortCell
				c.Wide = c.Wide || len(value) >= wideCell
				if _, err := strconv.ParseFloat(value, 64); err != nil {
					c.Number = false
				}
			}
			cells = append(cells, c)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t, nil
}
