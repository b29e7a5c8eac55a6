package dashboard

import (
	"fmt"
	"strconv"
	"strings"

	"tordetect/tests/splunkd"
)

// Page is a dashboard in a browser.
type Page struct {
	View   *View
	Tokens Tokens
	head   *splunkd.Head
	ran    map[*Search]Outcome
}

// Outcome is what became of a search. A search that waits for a token, or for a base that failed, has neither.
type Outcome struct {
	Query  string // with its tokens replaced
	Result *splunkd.Result
	Err    error
	runs   int
	key    string
}

// maxRounds ends a page whose searches set each other off for ever.
const maxRounds = 30

// Open loads a dashboard, with values for fields of its form by their tokens, as a link with form.NAME= has them. A
// link may also set any other token, by ?NAME: supposed is that it is there before the page's init.
func Open(head *splunkd.Head, view *View, form map[string]string) (*Page, error) {
	p := &Page{View: view, Tokens: Tokens{}, head: head, ran: map[*Search]Outcome{}}
	all := append([]Input(nil), view.Inputs...)
	for _, row := range view.Rows {
		for _, panel := range row.Panels {
			all = append(all, panel.Inputs...)
		}
	}
	for name, value := range form {
		if token, other := strings.CutPrefix(name, "?"); other {
			p.Tokens[token] = value
			continue
		}
		known := false
		for _, in := range all {
			known = known || name == in.Token || in.Type == "time" && (name == in.Token+".earliest" || name == in.Token+".latest")
		}
		if !known {
			return nil, fmt.Errorf("the form has no field %q", name)
		}
	}
	if err := p.act(view.init, nil, Tokens{}); err != nil {
		return nil, err
	}
	p.Tokens.start(all, form)
	return p, p.settle()
}

// Type changes a field of the form, as a person would.
func (p *Page) Type(token, value string) error {
	p.Tokens.set("form."+token, value)
	return p.settle()
}

// Clear takes a field's value away: an unticked box, a field without a default that is emptied.
func (p *Page) Clear(token string) error {
	p.Tokens.unset("form." + token)
	return p.settle()
}

// settle runs what has to run until nothing changes.
func (p *Page) settle() error {
	for range maxRounds {
		moved := false
		for _, s := range p.View.Searches {
			again, err := p.run(s)
			if err != nil {
				return fmt.Errorf("search %s %q: %w", s.ID, s.Query, err)
			}
			moved = moved || again
		}
		if !moved {
			return nil
		}
	}
	return fmt.Errorf("the searches of %s still set each other off after %d rounds", p.View.Label, maxRounds)
}

// run runs a search if it has changed, and its handlers.
func (p *Page) run(s *Search) (ran bool, err error) {
	var parts [3]string
	for i, text := range []string{s.Query, s.Earliest, s.Latest} {
		filled, missing, err := p.Tokens.fill(text, "n")
		if err != nil {
			return false, err
		}
		if missing != "" {
			return false, nil // it keeps its old result, as in the browser
		}
		parts[i] = filled
	}
	key := strings.Join(parts[:], "\x00")
	var base *splunkd.Result
	if s.Base != "" {
		of := p.search(s.Base)
		if of == nil {
			return false, fmt.Errorf("no search with the id %s", s.Base)
		}
		outcome := p.ran[of]
		if outcome.Result == nil || outcome.Err != nil {
			delete(p.ran, s)
			return false, nil
		}
		base, key = outcome.Result, key+"\x00"+strconv.Itoa(outcome.runs)
	}
	before := p.ran[s]
	if before.key == key {
		return false, nil
	}
	now := Outcome{Query: parts[0], key: key, runs: before.runs + 1}
	if base != nil {
		now.Result, now.Err = p.head.PostProcess(base, parts[0])
	} else {
		now.Result, now.Err = p.head.RunOver(parts[0], parts[1], parts[2])
	}
	if _, seen := now.Err.(*splunkd.SearchError); now.Err != nil && !seen {
		return false, now.Err
	}
	p.ran[s] = now
	if now.Err != nil {
		return true, p.act(s.Error, nil, Tokens{})
	}
	counted := now.Result
	if base != nil {
		counted = base
	}
	fields := splunkd.Row{"job.resultCount": {strconv.Itoa(len(counted.Rows))}}
	events := Tokens{"job.resultCount": strconv.Itoa(len(counted.Rows))}
	for _, column := range now.Result.Columns {
		if len(now.Result.Rows) > 0 {
			fields["result."+column] = now.Result.Rows[0][column]
			events["result."+column] = now.Result.Rows[0].Get(column)
		}
	}
	return true, p.act(s.Done, fields, events)
}

func (p *Page) search(id string) *Search {
	for _, s := range p.View.Searches {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// act carries out a handler: set and unset, or those of the first condition that holds. events are tokens that only it knows.
func (p *Page) act(handler []node, fields splunkd.Row, events Tokens) error {
	for _, n := range handler {
		switch n.name() {
		case "condition":
			if match := n.attr("match"); match != "" {
				holds, err := p.head.Holds(match, fields)
				if err != nil {
					return err
				}
				if !holds {
					continue
				}
			}
			return p.act(n.Children, fields, events)
		case "set":
			value, missing, err := p.with(events).fill(strings.TrimSpace(n.Text), "n")
			if err != nil || missing != "" {
				return fmt.Errorf("set %s: no value for $%s$ (%v)", n.attr("token"), missing, err)
			}
			p.Tokens.set(n.attr("token"), value)
		case "unset":
			p.Tokens.unset(n.attr("token"))
		default:
			return fmt.Errorf("<%s> in a handler is not played", n.name())
		}
	}
	return nil
}

// with adds tokens that hold for one event.
func (p *Page) with(events Tokens) Tokens {
	all := Tokens{}
	for name, value := range p.Tokens {
		all[name] = value
	}
	for name, value := range events {
		all[name] = value
	}
	return all
}

// Outcome is what became of a search so far. One over the result of a search that failed shows that one's message.
func (p *Page) Outcome(s *Search) Outcome {
	if s.Base != "" && p.ran[p.search(s.Base)].Err != nil {
		return Outcome{Err: p.ran[p.search(s.Base)].Err}
	}
	return p.ran[s]
}

// Shows says whether something is shown now.
func (p *Page) Shows(s Shown) bool {
	for _, name := range s.Depends {
		if _, has := p.Tokens[name]; !has {
			return false
		}
	}
	for _, name := range s.Rejects {
		if _, has := p.Tokens[name]; has {
			return false
		}
	}
	return true
}

// Rows are the rows that are shown, with the panels and elements of them that are.
func (p *Page) Rows() (rows []Row) {
	for _, row := range p.View.Rows {
		if !p.Shows(row.Shown) {
			continue
		}
		visible := Row{}
		for _, panel := range row.Panels {
			if !p.Shows(panel.Shown) {
				continue
			}
			elements := panel.Elements
			panel.Elements = nil
			for _, e := range elements {
				if p.Shows(e.Shown) {
					panel.Elements = append(panel.Elements, e)
				}
			}
			visible.Panels = append(visible.Panels, panel)
		}
		rows = append(rows, visible)
	}
	return rows
}

// Fill puts the page's tokens into a text of the page, escaped for HTML where the text is HTML.
func (p *Page) Fill(text string, isHTML bool) string {
	usual := "n"
	if isHTML {
		usual = "h"
	}
	filled, _, _ := p.Tokens.fill(text, usual)
	return filled
}

// Clickable says whether a click on a column does something.
func (e Element) Clickable(column string) bool {
	option := e.Options["drilldown"]
	if e.Kind == "chart" {
		option = e.Options["charting.drilldown"]
	}
	return len(e.drilldown) > 0 && option != "none"
}

// Click is a click on a cell of a table, or on the bar of a row in a chart (then earliest and latest of the bar are
// wanted). It returns the address of the page that opens, relative to this one; or none, and the page has changed.
func (p *Page) Click(e Element, column string, row splunkd.Row, more Tokens) (link string, err error) {
	if !e.Clickable(column) {
		return "", fmt.Errorf("a click on %s does nothing", column)
	}
	events := Tokens{"click.name": column, "click.value": row.Get(column)}
	for name := range row {
		events["row."+name] = row.Get(name)
	}
	for name, value := range more {
		events[name] = value
	}
	actions := e.drilldown
	for _, n := range e.drilldown {
		if n.name() == "condition" && (n.attr("field") == "" || n.attr("field") == "*" || n.attr("field") == column) {
			actions = n.Children
			break
		}
	}
	for _, n := range actions {
		if n.name() != "link" {
			continue
		}
		// Token values are escaped for a URL where no filter is named.
		link, missing, err := p.with(events).fill(strings.TrimSpace(n.Text), "u")
		if err != nil || missing != "" {
			return "", fmt.Errorf("link: no value for $%s$ (%v)", missing, err)
		}
		return link, nil
	}
	if err := p.act(actions, nil, events); err != nil {
		return "", err
	}
	return "", p.settle()
}
