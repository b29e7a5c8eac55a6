package main

import (
	"regexp"
	"slices"

	"tordetect/src/detect"
	"tordetect/src/event"
	"tordetect/src/flow"
)

// method is a way to call a flow Tor.
type method struct {
	group, name string
	finds       func(*row) bool
	leaks       bool // what tells of Tor without being it counts as right
	answered    bool // only of flows that were answered, as far as the log tells
}

// The groups of methods.
const (
	byVerdict = "verdict"
	byUsual   = "usual way"
	byCode    = "evidence"
)

// likelyOrAbove is the name of the method that an analyst's list goes by.
const likelyOrAbove = "likely or above (50)"

// torPorts are those that people look for (tor.md section 12).
var torPorts = []string{"9001", "9030", "9040", "9050", "9051", "9150"}

// barePattern is the usual expression for the names that C tor makes up.
var barePattern = regexp.MustCompile(`^www\.[a-z2-7]{4,25}\.com$`)

// unanswered reports whether the log says that nothing came of it.
func (r *row) unanswered() bool { return r.State == "attempt" || r.State == "blocked" }

// methods are all that are measured, in the order of the report.
func methods() []method {
	out := []method{
		{byVerdict, "tor (score 80 and more)", func(r *row) bool { return r.Score >= 80 }, false, false},
		{byVerdict, likelyOrAbove, func(r *row) bool { return r.Score >= 50 }, false, false},
		{byVerdict, "likely or above, of answered flows", func(r *row) bool { return r.Score >= 50 }, false, true},
		{byVerdict, "possible or above (20)", func(r *row) bool { return r.Score >= 20 }, false, false},
		{byUsual, "exit list, either end", func(r *row) bool { return r.listing.exit }, false, false},
		{byUsual, "relay's address, listed then", func(r *row) bool { return r.listing.relay }, false, false},
		{byUsual, "relay's address, whole table", func(r *row) bool { return r.listing.ever }, false, false},
		{byUsual, "ports 9001 9030 9040 9050 9051 9150", func(r *row) bool { return slices.Contains(torPorts, r.destPort) }, false, false},
		{byUsual, "firewall's label", func(r *row) bool { return event.ReadLabel([]byte(r.app)) == flow.LabelTor }, false, false},
		{byUsual, "name pattern, bare", func(r *row) bool { return barePattern.MatchString(r.sni) }, false, false},
	}
	for _, code := range detect.Names() {
		leaks := code == "onion_name" || code == "tor2web_label"
		out = append(out, method{byCode, code, func(r *row) bool { return r.Has(code) }, leaks, false})
	}
	return out
}
