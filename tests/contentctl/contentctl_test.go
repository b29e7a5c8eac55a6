package contentctl

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

// line is a difference that is meant, and why. It stands for a key, with * for any text,
// in every search that it is about, and for no other.
type line struct {
	of           []string
	key          string
	ours, theirs string // anything, Absent, or a text: {key} is what our search has there; further names in expand
	why          string
}

const anything = "*"

const (
	blind     = "Tor Detect is blind"
	update    = "Update the Tor relay list"
	keep      = "Keep the Tor relay history"
	login     = "Login from a Tor exit"
	snowflake = "Snowflake client of Tor"
	story     = "Tor in the network"
)

// differences are all that our conf files and those that contentctl builds do not share.
// The first line that fits counts.
func differences(ours Sources) []line {
	all, findings, hints, escu := groups(ours)
	const notable = "action.notable.param."
	return []line{
		// What one side alone has.
		{[]string{blind, update, keep}, StanzaKey, "{name}", Absent, "no detections: they find no Tor, stand in no story, and one of them has no risk to tell"},
		{[]string{"default"}, StanzaKey, Absent, "default", "it switches off what an older version left behind in local; no search of ours was ever removed, and exported it would reach other apps"},
		{escu, StanzaKey, Absent, "{name}", "house rule: a story that a detection names is in the project; these are ESCU's and come with it"},

		// Names.
		{all, StanzaKey, "{name}", "{labelled}", "ours came before the label, and local changes and findings hang on the names"},
		{all, "action.correlationsearch.label", "{name}", "{labelled}", "the name of the stanza"},
		{[]string{story}, "searches", anything, "{labelled}", "the names of the stanzas"},

		// How a search is told, with Enterprise Security and without.
		{all, "alert.digest_mode", "0", "1", "suppression by fields is documented for results that are told one by one; in digest mode it can silence every host after the first"},
		{all, "alert.suppress", "1", "true", "the same to Splunk"},
		{findings, "alert.track", "1", Absent, "seen without Enterprise Security, as a triggered alert"},
		{findings, "alert.severity", "3", Absent, "of the triggered alert"},
		{findings, "alert.expires", "7d", Absent, "a triggered alert outlasts a weekend"},
		{findings, "is_visible", "true", "false", "without Enterprise Security the list of searches is where they are found"},

		// Findings and risk.
		{findings, notable + "_entities/N/A/*", Absent, anything, "a finding without an entity has no place in an investigation of Enterprise Security 8"},
		{findings, notable + "_entities/*", anything, Absent, "the host or user, with the score 0: action.risk adds the risk, once"},
		{all, "action.risk.param._risk/*/risk_message", "{action.risk.param._risk_message}", Absent, "Enterprise Security 8 reads the message there, 7 in _risk_message; both have it"},

		// The search and its drilldowns.
		{all, "search", "{search}", "{search}{house}", "house rules: a filter macro named after the search, where ours share one; fields that tordetect or a macro brings, named in the SPL"},
		{all, notable + "drilldown_searches/" + whatItFound + "/search", Absent, "{search}{house}", "house rule: a drilldown is the search itself; it would read 25 hours again, and calls macros that are not exported"},
		{all, notable + "drilldown_searches/" + whatItFound + "/*", Absent, anything, "of the same"},
		{hints, notable + "drilldown_searches/" + whoElse + "/*", Absent, anything, "house rule: an Anomaly too has two drilldowns; without a finding nobody can click on them"},

		// What is read about a search.
		{all, "action.escu.eli5", anything, "{description}", "the description says what was found, ours here how that works; contentctl 5 repeats the description"},
		{all, "explanation", "{action.escu.eli5}", "{description}", "as action.escu.eli5"},
		{all, "action.escu.creation_date", "2026-11-25", "{action.escu.modification_date}", "the YAML has one date, that of the change"},
		{[]string{snowflake}, "action.escu.confidence", "medium", "high", "contentctl says high of every search; this one may be a video call"},
		{[]string{snowflake}, "action.escu.data_models", `["Network_Traffic"]`, `[]`, "contentctl looks for models in the text of the search; this one reads its own in the macro tordetect_snowflake_by_host"},
		{except(all, login), "*/kill_chain_phases", `["Command and Control"]`, Absent, "the phase of T1090.003; contentctl writes phases only with ATT&CK's data, which it fetches from the network"},
		{[]string{login}, "*/kill_chain_phases", `["Command and Control"]`, Absent, "the same; for T1078 the data has Delivery, Exploitation and Installation too, of which a login tells nothing"},
		{[]string{login}, "*/cis20", `["CIS 13"]`, `["CIS 10"]`, "CIS 13 is network monitoring, which finds it; contentctl goes by the domain, and gives 10 to every other than network"},
	}
}

// groups are our detections: all, those with a finding, those with a risk only; and the
// stories of ESCU that they name.
func groups(from Sources) (all, findings, hints, escu []string) {
	for _, stanza := range from.Stories.Stanzas() {
		if name, ok := strings.CutPrefix(stanza, searchStanza); ok {
			all = append(all, name)
			if _, ok := from.Searches.Get(name, "action.notable"); ok {
				findings = append(findings, name)
			} else {
				hints = append(hints, name)
			}
		}
	}
	values := flatten(from.Searches)
	for _, name := range all {
		named := values[name]["action.escu.analytic_story"]
		for _, found := range quoted.FindAllStringSubmatch(named, -1) {
			if !from.Stories.Has(storyStanza+found[1]) && !slices.Contains(escu, found[1]) {
				escu = append(escu, found[1])
			}
		}
	}
	return all, findings, hints, escu
}

func except(all []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == name })
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

func TestSameAsContentctl(t *testing.T) {
	program := os.Getenv("CONTENTCTL")
	if program == "" {
		t.Skip("skipped: CONTENTCTL names no contentctl program; ./build.sh inspect installs one and runs this test")
	}
	dir, from := t.TempDir(), ours(t)
	added, err := Write(dir, from)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // seconds, but for a machine that is busy
	defer cancel()
	build := exec.CommandContext(ctx, program, "build")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	built := filepath.Join(dir, "dist", "tordetect", "default")
	found := Compare(from.Searches, conf(t, filepath.Join(built, "savedsearches.conf")))
	found = append(found, Compare(from.Stories, conf(t, filepath.Join(built, "analyticstories.conf")))...)
	require.Empty(t, strings.Join(faults(differences(from), found, from, added), "\n"))
}

// faults are the differences that no line tells, and the lines that tell of none.
func faults(lines []line, found []Difference, from Sources, added map[string]string) (faults []string) {
	type occurrence struct {
		line int
		name string
	}
	seen := map[occurrence]bool{}
	for _, d := range found {
		name := bare(d.Stanza)
		at := slices.IndexFunc(lines, func(l line) bool { return slices.Contains(l.of, name) && matches(l.key, d.Key) })
		if at < 0 {
			faults = append(faults, "["+d.Stanza+"] "+d.Key+": no line of the table tells of it: ours "+d.Ours+", theirs "+d.Theirs)
			continue
		}
		seen[occurrence{at, name}] = true
		for _, side := range []struct{ who, want, got string }{{"ours", lines[at].ours, d.Ours}, {"theirs", lines[at].theirs, d.Theirs}} {
			want := expand(side.want, d, from.Searches, added[name])
			if side.want == anything && side.got != Absent || side.got == want {
				continue
			}
			faults = append(faults, "["+d.Stanza+"] "+d.Key+": "+side.who+" has "+side.got+", and the table says "+want)
		}
	}
	for i, l := range lines {
		for _, name := range l.of {
			if !seen[occurrence{i, name}] {
				faults = append(faults, "["+name+"] "+l.key+": does not differ, though the table says so: "+l.why)
			}
		}
	}
	return faults
}

func matches(pattern, key string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(key)
}

var placeholder = regexp.MustCompile(`\{[a-z][a-z_.0-9]*\}`)

// expand puts in what stands for something else: {name}, the name of the search;
// {labelled}, each name with the label; {house}, what the house rules added; else a key.
func expand(text string, d Difference, searches *splunkd.Conf, house string) string {
	labelled := func(name string) string { return Label + " - " + name + " - Rule" }
	return placeholder.ReplaceAllStringFunc(text, func(hole string) string {
		switch key := strings.Trim(hole, "{}"); key {
		case "name":
			return bare(d.Stanza)
		case "house":
			return house
		case "labelled":
			if !strings.HasPrefix(d.Ours, "[") {
				return labelled(d.Ours)
			}
			return quoted.ReplaceAllStringFunc(d.Ours, func(q string) string { return `"` + labelled(strings.Trim(q, `"`)) + `"` })
		default:
			value, _ := searches.Get(bare(d.Stanza), key)
			return value
		}
	})
}

func ours(t *testing.T) Sources {
	read := func(name string) *splunkd.Conf { return conf(t, filepath.Join("..", "..", "default", name+".conf")) }
	return Sources{Searches: read("savedsearches"), Stories: read("analyticstories"), Macros: read("macros")}
}

func conf(t *testing.T, file string) *splunkd.Conf {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return parse(t, filepath.Base(file), string(text))
}

func parse(t *testing.T, name, text string) *splunkd.Conf {
	t.Helper()
	read, err := splunkd.ParseConf(name, text)
	require.NoError(t, err)
	return read
}

// What is compared where, without contentctl.
func TestCompare(t *testing.T) {
	a := parse(t, "ours", `
[Login]
search = | a \
    | b
same = {"x": ["2", "1"], "y": 1.0}
risk = [{"risk_object_field": "user", "risk_score": 50}, {"threat_object_field": "exit"}]
list = []
[Ours alone]
k = v
`)
	b := parse(t, "theirs", `
[default]
disabled = 1
[Tor Detect - Login - Rule]
search = | a \
    | c
same = {"y":1.0,"x":["1","2"]}
risk = [{"threat_object_field":"exit"},{"risk_object_field":"user","risk_score":20}]
list = ["1"]
more = [not JSON
`)
	require.Equal(t, []Difference{
		{"Login", StanzaKey, "Login", "Tor Detect - Login - Rule"},
		{"Login", "list", "[]", `["1"]`},
		{"Login", "more", Absent, "[not JSON"},
		{"Login", "risk/user/risk_score", "50", "20"},
		{"Login", "search", "| a\n    | b", "| a\n    | c"},
		{"Ours alone", StanzaKey, "Ours alone", Absent},
		{"default", StanzaKey, Absent, "default"},
	}, Compare(a, b))
}

func TestFaults(t *testing.T) {
	from := Sources{Searches: parse(t, "ours", "[Login]\nsearch = | a\n")}
	lines := []line{
		{[]string{"Login"}, StanzaKey, "{name}", "{labelled}", "named before"},
		{[]string{"Login"}, "search", "{search}", "{search}{house}", "house rules"},
		{[]string{"Login"}, "extra/*", anything, Absent, "more"},
	}
	found := []Difference{
		{"Login", StanzaKey, "Login", "Tor Detect - Login - Rule"},
		{"savedsearch://Login", "extra/1", "x", Absent},
		{"Login", "search", "| a", "| a | `login_filter`"},
	}
	added := map[string]string{"Login": " | `login_filter`"}
	require.Empty(t, faults(lines, found, from, added))
	require.Equal(t, []string{"[Login] search: theirs has | a | `login_filter`, and the table says | a"}, faults(lines, found, from, nil))
	require.Equal(t, []string{"[Login] extra/*: does not differ, though the table says so: more"},
		faults(lines, []Difference{found[0], found[2]}, from, added))
	require.Equal(t, []string{"[Login] new: no line of the table tells of it: ours 1, theirs 2"},
		faults(lines, append(found, Difference{"Login", "new", "1", "2"}), from, added))
	require.Equal(t, []string{"[Login] extra/2: ours has (absent), and the table says *"},
		faults(lines, append(found, Difference{"Login", "extra/2", Absent, Absent}), from, added))
}

// Every search of the story is written, with what the house rules ask for.
func TestWrite(t *testing.T) {
	dir, from := t.TempDir(), ours(t)
	all, _, _, _ := groups(from)
	added, err := Write(dir, from)
	require.NoError(t, err)
	require.Len(t, added, len(all))
	for _, name := range all {
		require.FileExists(t, filepath.Join(dir, file("detections/network", name)+".yml"))
	}
	require.NotContains(t, added["TOR Traffic"], "filter", "its macro has the name of the search")
	require.Contains(t, added[login], " | `login_from_a_tor_exit_filter`")

	var p project
	p.added = map[string]string{}
	require.Equal(t, "| a | `a_b_filter`", p.keepRules("A b", "| a | `a_b_filter`", []string{"a"}))
	require.Equal(t, "| a | `a_b_filter` ```c d```", p.keepRules("A b", "| a", []string{"c", "a", "d", "c"}))

	from.Searches = parse(t, "savedsearches.conf", "[x]\nk = v\n")
	_, err = Write(t.TempDir(), from)
	require.EqualError(t, err, "making a contentctl project: [TOR Traffic] has no action.correlationsearch.annotations")
}
