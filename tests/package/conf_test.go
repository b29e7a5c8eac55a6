package packagetest

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed lists, for each conf file, its stanzas (as expressions) and the keys
// that Splunk knows in them. Splunk drops a misspelt key without a word; a key
// that we start to use has to be added here, from its spec file.
var allowed = map[string]map[string]string{
	"default/app.conf": {
		`install`:      "is_configured state build",
		`ui`:           "is_visible label",
		`launcher`:     "author description version",
		`package`:      "id check_for_updates",
		`id`:           "name version",
		`shclustering`: "deployer_lookups_push_mode",
		`triggers`:     "reload.analyticstories",
	},
	"default/workflow_actions.conf": {`tordetect_[a-z_]+`: "label type link.method link.target link.uri fields display_location"},
	"default/commands.conf":         {`[a-z0-9]+`: "chunked filename run_in_preview is_risky maxwait"},
	"default/macros.conf":           {`[a-z_]+(\(\d\))?`: "args definition description"},
	"default/server.conf":           {`shclustering`: "conf_replication_include.analyticstories"},
	"default/transforms.conf":       {`tor_relays(_history)?`: "filename case_sensitive_match max_matches"},
	"default/distsearch.conf":       {`replicationDenylist`: "tordetect_torupdate tordetect_torrelays tordetect_history"},
	"default/searchbnf.conf": {
		`[a-z0-9]+-command`: "syntax shortdesc description usage example1 comment1 example2 comment2 example3 comment3 example4 comment4 tags related",
		`[a-z0-9]+-option`:  "syntax description",
	},
	"default/savedsearches.conf": {`[A-Za-z -]+`: `description search disabled enableSched cron_schedule dispatch.earliest_time dispatch.latest_time
		schedule_window allow_skew realtime_schedule counttype relation quantity alert.digest_mode alert.track alert.severity alert.expires is_visible
		alert.suppress alert.suppress.fields alert.suppress.period
		action.correlationsearch.enabled action.correlationsearch.label action.correlationsearch.detection_type
		action.correlationsearch.annotations action.correlationsearch.metadata
		action.notable action.notable.param.rule_title action.notable.param.rule_description action.notable.param.security_domain
		action.notable.param.severity action.notable.param.nes_fields action.notable.param._entities action.notable.param.drilldown_searches
		action.risk action.risk.param._risk_message action.risk.param._risk_score action.risk.param.verbose action.risk.param._risk
		action.escu action.escu.enabled action.escu.mappings action.escu.data_models action.escu.analytic_story action.escu.product
		action.escu.eli5 action.escu.how_to_implement action.escu.known_false_positives action.escu.creation_date
		action.escu.modification_date action.escu.confidence action.escu.search_type action.escu.providing_technologies`},
	"default/analyticstories.conf": {
		`savedsearch://[A-Za-z -]+`:   "type asset_type confidence explanation how_to_implement annotations known_false_positives providing_technologies",
		`analytic_story://[A-Za-z ]+`: "category last_updated version references maintainers spec_version searches description narrative",
	},
	"metadata/default.meta": {
		``: "access export", `commands(/torupdate)?`: "access export", `searchbnf`: "export", `lookups`: "export", `savedsearches(/default)?`: "export",
		`analyticstories`: "export", `workflow_actions`: "export", `transforms/[a-z_]+`: "export", `macros/[a-z_]+(%281%29)?`: "export",
	},
}

func TestConfKeys(t *testing.T) {
	for _, name := range names() {
		if isConf := strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".meta"); !isConf {
			continue
		}
		require.Contains(t, allowed, name, "a new conf file: list its keys in this test")
		c := conf(t, name)
		for _, stanza := range c.Stanzas() {
			keys, found := "", false
			for pattern, of := range allowed[name] {
				if regexp.MustCompile(`^(` + pattern + `)$`).MatchString(stanza) {
					keys, found = of, true
				}
			}
			require.True(t, found, "%s: unknown stanza [%s]", name, stanza)
			require.NotEmpty(t, c.Keys(stanza), "%s: [%s] is empty", name, stanza)
			require.Subset(t, strings.Fields(keys), c.Keys(stanza), "%s: [%s]: unknown keys", name, stanza)
		}
	}
	for name := range allowed {
		require.True(t, has(name), "%s is missing", name)
	}
}

// The exact values without which the app does not work, or not as said.
func TestAppConf(t *testing.T) {
	c := conf(t, "default/app.conf")
	for _, want := range [][3]string{
		{"install", "is_configured", "false"}, {"install", "state", "enabled"}, {"ui", "is_visible", "true"},
		{"package", "check_for_updates", "false"}, {"shclustering", "deployer_lookups_push_mode", "always_preserve"},
		{"triggers", "reload.analyticstories", "simple"},
	} {
		require.Equal(t, want[2], value(t, c, want[0], want[1]))
	}
	require.Equal(t, "true", value(t, conf(t, "default/server.conf"), "shclustering", "conf_replication_include.analyticstories"))
}

func TestCommands(t *testing.T) {
	c := conf(t, "default/commands.conf")
	launchers := map[string]bool{}
	for _, name := range c.Stanzas() {
		require.Regexp(t, `^[a-z0-9]+$`, name)
		require.Equal(t, "true", value(t, c, name, "chunked"))
		file := value(t, c, name, "filename")
		require.True(t, has("bin/"+file), "[%s] names bin/%s, which is missing", name, file)
		launchers[file] = true
		// Its default has changed between Splunk versions.
		value(t, c, name, "run_in_preview")
	}
	for _, name := range names() {
		if path.Dir(name) == "bin" && strings.HasSuffix(name, ".sh") {
			require.True(t, launchers[path.Base(name)], "%s is started by no command", name)
			require.True(t, strings.HasPrefix(read(t, name), "#!/bin/sh\n"), name)
		}
	}
}

func TestMeta(t *testing.T) {
	c := conf(t, "metadata/default.meta")
	require.Equal(t, "read : [ * ], write : [ admin, sc_admin ]", value(t, c, "", "access"))
	require.Equal(t, "none", value(t, c, "", "export"))
	macros, transforms := conf(t, "default/macros.conf"), conf(t, "default/transforms.conf")
	exported := map[string]bool{}
	for _, stanza := range c.Stanzas() {
		stanza, err := url.PathUnescape(stanza) // as Splunk writes the brackets of a macro's name
		require.NoError(t, err)
		if value(t, c, strings.NewReplacer("(", "%28", ")", "%29").Replace(stanza), "export") == "system" {
			exported[stanza] = true
		}
		if kind, name, found := strings.Cut(stanza, "/"); found && kind == "macros" {
			require.True(t, macros.Has(name), "[%s]: no such macro", stanza)
		} else if found && kind == "transforms" {
			require.True(t, transforms.Has(name), "[%s]: no such lookup", stanza)
		}
	}
	for _, stanza := range []string{"commands", "searchbnf", "lookups", "savedsearches", "analyticstories", "transforms/tor_relays", "transforms/tor_relays_history"} {
		require.True(t, exported[stanza], "[%s] must be exported", stanza)
	}
	// Our macros are for all, but for those of one search alone; the copies of ESCU's and CIM's for nobody else.
	for _, macro := range macros.Stanzas() {
		ours := strings.HasPrefix(macro, "tordetect_") && !strings.HasPrefix(macro, "tordetect_blind_")
		require.Equal(t, ours, exported["macros/"+macro], macro)
	}
}

func TestLookups(t *testing.T) {
	c := conf(t, "default/transforms.conf")
	for _, name := range c.Stanzas() {
		require.Equal(t, name+".csv", value(t, c, name, "filename"))
	}
}

// The indexers must get the program and the table, and only those. AppInspect
// reads the same patterns as Python's expressions, below another folder.
func TestReplicationDenylist(t *testing.T) {
	c := conf(t, "default/distsearch.conf")
	denied := func(translate func(string) string, file string) bool {
		for _, key := range c.Keys("replicationDenylist") {
			pattern := value(t, c, "replicationDenylist", key)
			require.NotEmpty(t, pattern, "an empty value matches everything")
			require.NotContains(t, pattern, `\.`, "it silently matches nothing")
			if regexp.MustCompile(translate(pattern)).MatchString(file) {
				return true
			}
		}
		return false
	}
	splunk := func(pattern string) string {
		var out strings.Builder
		for len(pattern) > 0 {
			switch {
			case strings.HasPrefix(pattern, `[/\\]`):
				out.WriteString(`[/\\]`)
				pattern = pattern[5:]
				continue
			case strings.HasPrefix(pattern, "..."):
				out.WriteString(".*")
				pattern = pattern[3:]
				continue
			case pattern[0] == '*':
				out.WriteString(`[^/\\]*`)
			default:
				out.WriteString(regexp.QuoteMeta(pattern[:1]))
			}
			pattern = pattern[1:]
		}
		return "^" + out.String() + "$"
	}
	python := func(pattern string) string { return pattern }
	for file, want := range map[string]bool{
		"apps/tordetect/bin/tordetect.sh":                   false,
		"apps/tordetect/bin/tordetect-linux-amd64":          false,
		"apps/tordetect/bin/tordetect-linux-arm64":          false,
		"apps/tordetect/lookups/tor_relays.csv":             false,
		"apps/tordetect/bin/torrelays.sh":                   true,
		"apps/tordetect/bin/torupdate.sh":                   true,
		"apps/tordetect/bin/torrelays-linux-amd64":          true,
		"apps/tordetect/lookups/tor_relays_history.csv":     true,
		"apps/another/bin/torrelays-linux-amd64":            false,
		"apps/tordetect/bin/other/torrelays-linux-amd64":    false,
		"apps/another/lookups/tor_relays_history.csv":       false,
		"apps/tordetect/lookups/tor_relays_history.csv.bak": false,
	} {
		require.Equal(t, want, denied(splunk, file), "Splunk, %s", file)
		if !want && !strings.HasSuffix(file, ".bak") {
			require.False(t, denied(python, file), "AppInspect, %s", file)
		}
	}
}

func TestMacros(t *testing.T) {
	c := conf(t, "default/macros.conf")
	for _, name := range c.Stanzas() {
		definition := value(t, c, name, "definition")
		require.NotEmpty(t, value(t, c, name, "description"))
		requireBalanced(t, definition)
		requireMacros(t, definition)
		args, _ := c.Get(name, "args")
		count := 0
		for _, arg := range strings.FieldsFunc(args, func(r rune) bool { return r == ',' || r == ' ' }) {
			require.Contains(t, definition, "$"+arg+"$", name)
			count++
		}
		_, suffix, _ := strings.Cut(name, "(")
		if count == 0 {
			require.Empty(t, suffix, name)
		} else {
			require.Equal(t, string(rune('0'+count))+")", suffix, name)
		}
		tokens := map[string]bool{}
		for _, found := range regexp.MustCompile(`\$[a-z]+\$`).FindAllString(definition, -1) {
			tokens[found] = true
		}
		require.Len(t, tokens, count, "%s: a token that is no argument", name)
	}
}

var macroCall = regexp.MustCompile("`([^`]*)`")

// requireMacros fails if a macro that is called does not exist here. There is
// none from elsewhere that we may rely on: CIM's are not ours to assume.
func requireMacros(t *testing.T, spl string) {
	t.Helper()
	c := conf(t, "default/macros.conf")
	for _, call := range macroCall.FindAllStringSubmatch(spl, -1) {
		name, args, hasArgs := strings.Cut(strings.TrimSuffix(call[1], ")"), "(")
		if hasArgs {
			name += "(" + string(rune('1'+strings.Count(args, ","))) + ")"
		}
		require.True(t, c.Has(name), "macro `%s` is not defined", call[1])
	}
}

// requireBalanced fails on open quotes, parentheses, brackets and backticks.
func requireBalanced(t *testing.T, spl string) {
	t.Helper()
	require.Zero(t, strings.Count(spl, "`")%2, "open backtick: %s", spl)
	var open []rune
	quoted, escaped := false, false
	pairs := map[rune]rune{')': '(', ']': '['}
	for _, r := range spl {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '(' || r == '[':
			open = append(open, r)
		case r == ')' || r == ']':
			require.NotEmpty(t, open, "a closing %c too many: %s", r, spl)
			require.Equal(t, pairs[r], open[len(open)-1], spl)
			open = open[:len(open)-1]
		}
	}
	require.False(t, quoted, "open quote: %s", spl)
	require.Empty(t, open, "open parenthesis: %s", spl)
}

func TestFolders(t *testing.T) {
	for _, name := range names() {
		switch {
		case strings.HasPrefix(name, "default/data/ui/"):
			require.Equal(t, ".xml", filepath.Ext(name), name)
		case strings.HasPrefix(name, "default/"): // setup.xml would be a page that asks before the app can be used
			require.Equal(t, ".conf", filepath.Ext(name), name)
		}
	}
}
