package splunkd

import (
	"fmt"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// compileRest plays `| rest splunk_server=local count=0 /servicesNS/-/tordetect/saved/searches` and .../search/jobs, with
// those columns of theirs that say what runs when, for whom, and what a job had to say. What cannot be read gives no row
// and a warning, as strict=false, the default, promises (Search Reference, rest).
func compileRest(s *search, text string) (spl.Operator, error) {
	path := ""
	for _, word := range strings.Fields(text) {
		name, _, given := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "/") && path == "":
			path = word
		case !given || strings.HasPrefix(name, "/"):
			return nil, spl.SearchErrorf("Error in 'rest' command: unexpected %q.", word)
		}
	}
	if path == "" {
		return nil, spl.SearchErrorf("Error in 'rest' command: a path is missing.")
	}
	return func(*spl.Table) (*spl.Table, error) {
		_, endpoint, ok := strings.Cut(path, "/-/"+s.head.App.ID+"/")
		switch {
		case s.head.NoREST, !ok:
		case endpoint == "saved/searches":
			return s.savedSearches()
		case endpoint == "search/jobs":
			return s.jobs(), nil
		}
		s.note([]wire.Message{{Level: "WARN", Text: fmt.Sprintf("Unexpected status for to fetch REST endpoint uri=%s%s from server=%s - Not Found", splunkdURI, path, splunkdURI)}})
		return &spl.Table{}, nil
	}, nil
}

// on says which saved searches are enabled: those of Head.Enabled if there are any, else as their conf has it.
func (h *Head) on(saved *Conf, name string) bool {
	if h.Enabled != nil {
		return h.Enabled[name]
	}
	disabled, _ := saved.Get(name, "disabled")
	off, _ := confBool(disabled)
	return !off
}

func (s *search) savedSearches() (*spl.Table, error) {
	saved, err := s.head.App.Conf("savedsearches")
	if err != nil {
		return nil, err
	}
	out := &spl.Table{Columns: []string{"title", "disabled", "is_scheduled", "next_scheduled_time", "eai:acl.app", "eai:acl.owner", "splunk_server"}}
	asked := []string{"search", "cron_schedule", "dispatch.earliest_time", "dispatch.latest_time"}
	out.Add(asked...)
	for _, name := range saved.Stanzas() {
		on := s.head.on(saved, name)
		row := spl.Row{
			"title": spl.One(name), "disabled": spl.One("1"), "is_scheduled": spl.One("0"), "eai:acl.app": spl.One(s.head.App.ID),
			"eai:acl.owner": spl.One("nobody"), "splunk_server": spl.One(searchHead),
		}
		if owner := s.head.Owners[name]; owner != "" {
			row["eai:acl.owner"] = spl.One(owner)
		}
		for _, key := range asked {
			value, _ := saved.Get(name, key)
			row[key] = spl.One(value)
		}
		text, _ := saved.Get(name, "enableSched")
		scheduled, _ := confBool(text)
		if scheduled {
			row["is_scheduled"] = spl.One("1")
		}
		if on {
			row["disabled"] = spl.One("0")
		}
		if on && scheduled && s.head.Owners[name] == "" { // an owner who is named here is one who has gone
			times, err := parseCron(row.Get("cron_schedule"))
			if err != nil {
				return nil, err
			}
			now := s.context.Now.In(s.context.Zone)
			for _, at := range times.between(now, now.AddDate(0, 0, 8))[:1] {
				row["next_scheduled_time"] = spl.One(at.Format("2006-01-02 15:04:05 MST"))
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// job is a scheduled search whose results are still there.
type job struct {
	label    string
	done     time.Time
	warnings []string
}

// jobTime is for how long a job can be seen: twice the period of its search (savedsearches.conf, dispatch.ttl = 2p), of
// which ours have an hour.
const jobTime = 2 * time.Hour

func (s *search) jobs() *spl.Table {
	out := &spl.Table{Columns: []string{"label", "isSavedSearch", "dispatchState", "eai:acl.app", "messages.warn"}}
	for _, j := range s.head.jobs {
		if age := s.context.Now.Sub(j.done); age >= 0 && age < jobTime {
			out.Rows = append(out.Rows, spl.Row{"label": spl.One(j.label), "isSavedSearch": spl.One("1"), "dispatchState": spl.One("DONE"), "eai:acl.app": spl.One(s.head.App.ID), "messages.warn": j.warnings})
		}
	}
	return out
}
