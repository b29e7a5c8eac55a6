// Package dashboard plays a dashboard (Simple XML) as a browser would, with the stand-in for splunkd behind it.
//
//	view, err := dashboard.Read("default/data/ui/views/was_it_tor.xml")
//	page, err := dashboard.Open(head, view, map[string]string{"address": "2001:db8::10"})
//	for _, row := range page.Rows() { ... }           // what is shown, and what is not
//	page.Outcome(table.Search).Result.Rows            // what a panel's search gave
//	link, err := page.Click(table, "host", row)       // where a click leads
//
// A search runs as soon as all its tokens have values, and again when one changes; what its event handlers set may let
// others run. Open returns when nothing moves any more.
//
//	view.go    the file: inputs, searches, rows of panels
//	tokens.go  $name$ and $name|s$, tokens of inputs
//	page.go    running searches, event handlers, what is shown
//
// # What is only supposed
//
// No browser of Splunk's was at hand. Its manual has the filters, the escaping in <html> and <link>, <init>, the first
// condition that matches, depends and rejects, and that <fields> hides columns which $row.name$ still has. Supposed: that
// searches of hidden panels run; that job.resultCount behind a base is the base's and result.* the own; that a search which
// fails sets off <error> or <fail> and never <done>, and that panels over its result show its message. Parts that our
// dashboards do not use are refused.
package dashboard

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

// View is a dashboard as its file has it.
type View struct {
	Label, Description string
	Inputs             []Input // of the whole page
	Rows               []Row
	Searches           []*Search // all, in the order of the file
	init               []node    // what is set when the page opens
}

// Row is a row of panels, Panel a panel in it.
type Row struct {
	Shown
	Panels []Panel
}

type Panel struct {
	Shown
	Title    string
	Inputs   []Input
	Elements []Element
}

// Shown says on which tokens it depends whether something is shown: all of Depends have a value, and none of Rejects.
type Shown struct{ Depends, Rejects []string }

// Element is a table, chart, single value or text of a panel.
type Element struct {
	Shown
	Kind      string // table, chart, single, html
	Title     string
	Search    *Search // nil for html
	Options   map[string]string
	Fields    []string // of a table: the columns shown; nil shows all
	HTML      string   // the text, with tokens in it
	drilldown []node
}

// Search is a search and what follows from it.
type Search struct {
	ID, Base, Query  string
	Earliest, Latest string
	Done, Error      []node // handlers; Error has those of <error>, which must be those of <fail>
}

// Input is a field of the form.
type Input struct {
	Type, Token, Label string
	Default            string // of a time input: Earliest and Latest
	Earliest, Latest   string
	Choices            []Choice
}

// Choice is a value that can be chosen, with what it is called.
type Choice struct{ Value, Label string }

// node is an element of the file.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Inner    string     `xml:",innerxml"`
	Children []node     `xml:",any"`
}

func (n node) name() string { return n.XMLName.Local }

func (n node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// text is the text of the first child of that name.
func (n node) text(name string) string {
	for _, child := range n.Children {
		if child.name() == name {
			return strings.TrimSpace(child.Text)
		}
	}
	return ""
}

// Read reads the file of a dashboard.
func Read(file string) (*View, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	view, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return view, nil
}

func parse(text []byte) (*View, error) {
	var root node
	if err := xml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	if root.name() != "form" && root.name() != "dashboard" {
		return nil, fmt.Errorf("a form or dashboard is wanted, found <%s>", root.name())
	}
	v := &View{Label: root.text("label"), Description: root.text("description")}
	for _, child := range root.Children {
		var err error
		switch child.name() {
		case "label", "description":
		case "init":
			v.init = child.Children
		case "search":
			_, err = v.search(child)
		case "fieldset":
			v.Inputs, err = inputs(child.Children)
		case "row":
			err = v.row(child)
		default:
			err = fmt.Errorf("<%s> at the top is not played", child.name())
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *View) row(n node) error {
	row := Row{Shown: shown(n)}
	for _, child := range n.Children {
		if child.name() != "panel" {
			return fmt.Errorf("<%s> in a row is not played", child.name())
		}
		panel := Panel{Shown: shown(child), Title: child.text("title")}
		for _, part := range child.Children {
			var err error
			switch part.name() {
			case "title":
			case "input":
				var in Input
				in, err = input(part)
				panel.Inputs = append(panel.Inputs, in)
			case "table", "chart", "single", "html":
				var element Element
				element, err = v.element(part)
				panel.Elements = append(panel.Elements, element)
			default:
				err = fmt.Errorf("<%s> in a panel is not played", part.name())
			}
			if err != nil {
				return err
			}
		}
		row.Panels = append(row.Panels, panel)
	}
	v.Rows = append(v.Rows, row)
	return nil
}

func (v *View) element(n node) (Element, error) {
	e := Element{Shown: shown(n), Kind: n.name(), Options: map[string]string{}}
	if e.Kind == "html" {
		e.HTML = n.Inner
		return e, nil
	}
	for _, child := range n.Children {
		var err error
		switch child.name() {
		case "title":
			e.Title = strings.TrimSpace(child.Text)
		case "search":
			e.Search, err = v.search(child)
		case "option":
			e.Options[child.attr("name")] = strings.TrimSpace(child.Text)
		case "fields":
			if text := strings.TrimSpace(child.Text); strings.HasPrefix(text, "[") {
				err = json.Unmarshal([]byte(text), &e.Fields)
			} else {
				e.Fields = list(text)
			}
		case "drilldown":
			e.drilldown = child.Children
		default:
			err = fmt.Errorf("<%s> in a %s is not played", child.name(), e.Kind)
		}
		if err != nil {
			return e, err
		}
	}
	if e.Search == nil {
		return e, fmt.Errorf("a %s without a search", e.Kind)
	}
	return e, nil
}

func (v *View) search(n node) (*Search, error) {
	s := &Search{ID: n.attr("id"), Base: n.attr("base"), Query: n.text("query"), Earliest: n.text("earliest"), Latest: n.text("latest")}
	var onError, onFail string
	for _, child := range n.Children {
		switch child.name() {
		case "query", "earliest", "latest":
		case "done":
			s.Done = child.Children
		case "error":
			s.Error, onError = child.Children, words(child.Inner)
		case "fail":
			onFail = words(child.Inner)
		default:
			return nil, fmt.Errorf("<%s> in a search is not played", child.name())
		}
	}
	if onError != onFail {
		return nil, fmt.Errorf("<error> and <fail> of the search %q differ: the browser may call either", s.Query)
	}
	v.Searches = append(v.Searches, s)
	return s, nil
}

func inputs(nodes []node) (list []Input, err error) {
	for _, n := range nodes {
		in, err := input(n)
		if err != nil {
			return nil, err
		}
		list = append(list, in)
	}
	return list, nil
}

func input(n node) (Input, error) {
	in := Input{Type: n.attr("type"), Token: n.attr("token"), Label: n.text("label")}
	for _, child := range n.Children {
		switch child.name() {
		case "label":
		case "default":
			in.Default = strings.TrimSpace(child.Text)
			in.Earliest, in.Latest = child.text("earliest"), child.text("latest")
		case "choice":
			in.Choices = append(in.Choices, Choice{child.attr("value"), strings.TrimSpace(child.Text)})
		default:
			return in, fmt.Errorf("<%s> in an input is not played", child.name())
		}
	}
	return in, nil
}

func shown(n node) Shown {
	var s Shown
	for _, name := range list(n.attr("depends")) {
		s.Depends = append(s.Depends, strings.Trim(name, "$"))
	}
	for _, name := range list(n.attr("rejects")) {
		s.Rejects = append(s.Rejects, strings.Trim(name, "$"))
	}
	return s
}

// words is a text with single blanks.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// list cuts at commas.
func list(text string) (parts []string) {
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
