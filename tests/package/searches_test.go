package packagetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
	"tordetect/src/rows"
	"tordetect/tests/manual"
)

const savedsearches = "default/savedsearches.conf"

// seed is the detection that search 1 must stay, word for word but for blanks.
const seed = "| tstats `security_content_summariesonly` count min(_time) as firstTime max(_time) as lastTime from datamodel=Network_Traffic " +
	"where All_Traffic.app=tor AND All_Traffic.action=allowed " +
	"by All_Traffic.src_ip All_Traffic.dest_ip All_Traffic.dest_port All_Traffic.action " +
	"| `security_content_ctime(firstTime)` | `security_content_ctime(lastTime)` | `drop_dm_object_name(\"All_Traffic\")` | `tor_traffic_filter`"

func TestSeedSearch(t *testing.T) {
	spl := strings.Join(strings.Fields(value(t, conf(t, savedsearches), "TOR Traffic", "search")), " ")
	require.Contains(t, spl, "All_Traffic.action | tordetect labeled=true | `security_content_ctime(firstTime)`")
	require.Equal(t, seed, strings.Replace(spl, "| tordetect labeled=true ", "", 1))
}

// keepers are the searches that keep the relay list and find nothing.
var keepers = []string{"Update the Tor relay list", "Keep the Tor relay history"}

// What the keepers need, and that they cannot empty a table.
func TestKeepers(t *testing.T) {
	c := conf(t, savedsearches)
	for _, name := range keepers {
		require.Equal(t, "true", value(t, c, name, "disabled"))
		require.Equal(t, "false", value(t, c, name, "is_visible"))
		spl := value(t, c, name, "search")
		requireBalanced(t, spl)
		requireMacros(t, spl)
		require.Regexp(t, "^\\| torupdate `tordetect_update_options` (history=true retention=400d )?\\| outputlookup override_if_empty=false tor_relays(_history)? \\| stats count as rows$", spl)
		require.NotEmpty(t, value(t, c, name, "dispatch.earliest_time"))
		require.NotEmpty(t, value(t, c, name, "dispatch.latest_time"))
	}
	require.Equal(t, "0 * * * *", value(t, c, keepers[0], "cron_schedule"))
	meta := conf(t, "metadata/default.meta")
	require.Equal(t, "read : [ admin, sc_admin ], write : [ admin, sc_admin ]", value(t, meta, "commands/torupdate", "access"))
}

// health says when the other searches see nothing.
const health = "Tor Detect is blind"

// hosted reads the relay list alone, and no traffic.
const hosted = "Our addresses on the Tor list"

// detections leaves out the searches that find no Tor.
func detections(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == health || slices.Contains(keepers, name) })
}

// What the search needs to reach an admin, with Enterprise Security or without.
func TestHealth(t *testing.T) {
	c := conf(t, savedsearches)
	get := func(key string) string { t.Helper(); return value(t, c, health, key) }
	spl := get("search")
	requireBalanced(t, spl)
	requireMacros(t, spl)
	require.Equal(t, []string{"true", "1", "true", "1"}, []string{get("disabled"), get("enableSched"), get("is_visible"), get("alert.track")})
	readCron(t, get("cron_schedule"))
	// One result for each problem and search, each suppressed by itself, for a day less the delay of a run.
	require.Equal(t, []string{"0", "1", "problem,search", "86300s"},
		[]string{get("alert.digest_mode"), get("alert.suppress"), get("alert.suppress.fields"), get("alert.suppress.period")})
	require.Equal(t, health, get("action.correlationsearch.label"))
	require.Equal(t, "1", get("action.notable"))
	_, risky := c.Get(health, "action.risk")
	require.False(t, risky, "nobody is to blame")
	for _, key := range []string{"action.notable.param.rule_title", "action.notable.param.rule_description"} {
		for _, found := range token.FindAllStringSubmatch(get(key), -1) {
			requireField(t, spl, found[1])
		}
	}
	// $search$ is Splunk's own token (the text of the search), and so no field.
	require.NotContains(t, get("action.notable.param.rule_title")+get("action.notable.param.rule_description"), "$search$")

	// Every problem that can be named is told in a sentence, and stands in the manual.
	pages := manual.Text(t, folder)
	named := map[string]bool{}
	for _, found := range regexp.MustCompile(`"([a-z ]+)",null\(\)`).FindAllStringSubmatch(spl, -1) {
		named[found[1]] = true
	}
	require.Len(t, named, 24)
	_, findings, _ := strings.Cut(spl, "finding=case(")
	for problem := range named {
		require.Regexp(t, `problem="`+problem+`",("|[a-z_.]+[.(])`, findings)
		require.Contains(t, pages, "| `"+problem+"` |", "the manual's table of problems")
	}

	// All searches are in its list, and what they need is what they read.
	c2 := conf(t, "default/macros.conf")
	needs := value(t, c2, "tordetect_blind_needs", "definition")
	for _, name := range c.Stanzas() {
		require.Contains(t, spl, name)
		if slices.Contains(keepers, name) || name == health {
			continue
		}
		text := value(t, c, name, "search")
		for reads, need := range map[string]string{"datamodel=Network_Traffic": "traffic", "datamodel=Authentication": "logins", "`tordetect_tls_events`": "tls", "`tordetect_dns_events`": "dns", "require_list=true": "list", "inputlookup tor_relays": "list"} {
			found := regexp.MustCompile(`"` + name + `"[^=]*?,"([a-z,]+)"`).FindStringSubmatch(needs)
			require.NotNil(t, found, name)
			if strings.Contains(text, reads) {
				require.Contains(t, strings.Split(found[1], ","), need, "%s reads %s", name, reads)
			}
		}
	}
}

// eachSearch runs check on every detection.
func eachSearch(t *testing.T, check func(t *testing.T, name string, get func(key string) string)) {
	c := conf(t, savedsearches)
	require.NotEmpty(t, c.Stanzas())
	for _, name := range detections(c.Stanzas()) {
		t.Run(name, func(t *testing.T) {
			check(t, name, func(key string) string { t.Helper(); return value(t, c, name, key) })
		})
	}
}

// windows are the minutes that most runs look at; every hour has its run, and every
// sixth looks at all of its 25 hours. TOR Traffic always does. Names are made up anew
// for each connection, and a name that was asked for earlier is none; sign-ins are
// often logged an hour late; a Snowflake client's steps lie up to two minutes apart.
var windows = map[string]int{
	"Tor client that the firewall did not name": 60, "Traffic from Tor exits": 60,
	"Login from a Tor exit": 240, "Tor client with made-up server names": 240, "Snowflake client of Tor": 62,
}

// longest is the window of the runs that look for what came late, in minutes.
const longest = 25 * 60

func TestSearches(t *testing.T) {
	eachSearch(t, func(t *testing.T, name string, get func(string) string) {
		// ES puts a prefix and a suffix around it and allows 99 characters in all.
		require.LessOrEqual(t, len(name), 81)
		require.Equal(t, "true", get("disabled"))
		require.Equal(t, "1", get("enableSched"))
		require.NotEmpty(t, get("description"))

		spl := get("search")
		requireBalanced(t, spl)
		requireMacros(t, spl)
		spl = pipeline(t, spl)
		for _, word := range []string{"delete", "script", "runshellscript", "sendemail", "outputcsv", "collect", "rest", "map"} {
			require.NotRegexp(t, `\|\s*`+word+`\b`, spl)
		}
		minute, perHour := readCron(t, get("cron_schedule"))
		require.Equal(t, 1, perHour)
		require.Less(t, minute, 60)
		require.Equal(t, []string{"auto", "100%", "0"}, []string{get("schedule_window"), get("allow_skew"), get("realtime_schedule")})

		// Fields suppress results that are told one by one, and those only (savedsearches.conf.spec).
		require.Equal(t, []string{"0", "1"}, []string{get("alert.digest_mode"), get("alert.suppress")})
		require.Regexp(t, `^\d+s$`, get("alert.suppress.period"))
		suppressed, err := time.ParseDuration(get("alert.suppress.period"))
		require.NoError(t, err)
		require.Regexp(t, `^[a-z_]+(,[a-z_]+)*$`, get("alert.suppress.fields"), "blanks are not allowed")
		for _, field := range strings.Split(get("alert.suppress.fields"), ",") {
			requireField(t, spl, field)
		}
		if name == hosted {
			return
		}
		require.Less(t, strings.Index(spl, "tordetect"), strings.Index(spl, "security_content_ctime"), "times have to be numbers for tordetect")
		require.Equal(t, name == "Snowflake client of Tor", len(calls(spl)) == 0, "only Snowflake shows no relay")
		for _, call := range calls(spl) {
			_, err := tordetect.ParseOptions(call)
			require.NoError(t, err)
		}

		// What was told is remembered until no run looks at it again, and for the delay of a run.
		early, late := minutesBack(t, get("dispatch.earliest_time")), minutesBack(t, get("dispatch.latest_time"))
		require.Equal(t, longest, early-late)
		require.GreaterOrEqual(t, suppressed, (longest+60)*time.Minute)
		require.GreaterOrEqual(t, late, 10)
		minutes := windows[name]
		require.Equal(t, minutes > 0, name != "TOR Traffic")
		require.Equal(t, minutes > 0, strings.Contains(spl, fmt.Sprintf("`tordetect_window(%d)`", minutes)))
		for _, gives := range []string{"eventstats", "transaction"} {
			require.NotContains(t, spl, gives, "it leaves out what does not fit its memory, and the run is green")
		}
	})
}

// readCron returns the minute and how often an hour it runs.
func readCron(t *testing.T, cron string) (minute, perHour int) {
	parts := regexp.MustCompile(`^(\d{1,2}) (\*|\d{1,2}) \* \* \*$`).FindStringSubmatch(cron)
	require.NotNil(t, parts, "cron %q", cron)
	minute, err := strconv.Atoi(parts[1])
	require.NoError(t, err)
	return minute, 1
}

func minutesBack(t *testing.T, modifier string) int {
	parts := regexp.MustCompile(`^-(\d+)m@m$`).FindStringSubmatch(modifier)
	require.NotNil(t, parts, "time %q", modifier)
	n, err := strconv.Atoi(parts[1])
	require.NoError(t, err)
	return n
}

// pipeline is a search with those macros put in that are a part of its pipeline and name fields.
func pipeline(t *testing.T, spl string) string {
	t.Helper()
	return regexp.MustCompile("`(tordetect_(?:[a-z_]*by_host|hosted))(?:\\((\\d+)\\))?`").ReplaceAllStringFunc(spl, func(call string) string {
		name, minutes, given := strings.Cut(strings.Trim(call, "`)"), "(")
		if given {
			name += "(1)"
		}
		return strings.ReplaceAll(value(t, conf(t, "default/macros.conf"), name, "definition"), "$minutes$", minutes)
	})
}

// requireField fails if a result of the search cannot have the field: it is
// neither named in it nor added by tordetect.
func requireField(t *testing.T, spl, field string) {
	t.Helper()
	isOurs := slices.ContainsFunc(tordetect.Fields, func(f rows.Field) bool { return f.Name == field })
	_, last, hasStats := strings.Cut(spl, "| stats")
	if hasStats { // only what stats and what follows it name is left
		require.Regexp(t, `\b`+field+`\b`, last, "field %s", field)
		return
	}
	require.True(t, isOurs || regexp.MustCompile(`\b(All_Traffic\.)?`+field+`\b`).MatchString(spl), "field %s", field)
}

// decode reads JSON that has to stand on one line.
func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	require.NotContains(t, text, "\n")
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&v), text)
	require.False(t, decoder.More())
	return v
}

type annotations struct {
	AnalyticStory   []string `json:"analytic_story"`
	CIS20           []string `json:"cis20"`
	DataSource      []string `json:"data_source"`
	KillChainPhases []string `json:"kill_chain_phases"`
	MitreAttack     []string `json:"mitre_attack"`
	NIST            []string `json:"nist"`
	Type            string   `json:"type"`
	TypeList        []string `json:"type_list"`
}

type risk struct {
	Message     string `json:"risk_message"`
	Field       string `json:"risk_object_field"`
	Type        string `json:"risk_object_type"`
	Score       int    `json:"risk_score"`
	ThreatField string `json:"threat_object_field"`
	ThreatType  string `json:"threat_object_type"`
}

type drilldown struct {
	Name     string `json:"name"`
	Search   string `json:"search"`
	Earliest string `json:"earliest_offset"`
	Latest   string `json:"latest_offset"`
}

var token = regexp.MustCompile(`\$([a-z_]+)(?:\|s)?\$`)

// What Enterprise Security reads. A token that is no field stays as it is in
// the title, and a risk field that is none scores nobody.
func TestEnterpriseSecurity(t *testing.T) {
	ids := map[string]bool{"ea688274-9c06-4473-b951-e4cb7a5d7a45": true} // ESCU's; a second one with it is a bug
	severities := []string{"informational", "low", "medium", "high", "critical"}
	eachSearch(t, func(t *testing.T, name string, get func(string) string) {
		spl := pipeline(t, get("search"))
		requireTokens := func(text string) {
			for _, found := range token.FindAllStringSubmatch(text, -1) {
				requireField(t, spl, found[1])
			}
		}
		require.Equal(t, "1", get("action.correlationsearch.enabled"))
		require.Equal(t, name, get("action.correlationsearch.label"))
		a := decode[annotations](t, get("action.correlationsearch.annotations"))
		require.Equal(t, []string{a.Type}, a.TypeList)
		require.Contains(t, a.MitreAttack, "T1090.003")
		require.NotContains(t, a.MitreAttack, "T1090", "a parent beside its part")
		require.Equal(t, map[string]string{"TTP": "DE.CM", "Anomaly": "DE.AE"}[a.Type], a.NIST[0])
		m := decode[annotations](t, get("action.escu.mappings"))
		require.Equal(t, []any{a.CIS20, a.KillChainPhases, a.MitreAttack, a.NIST}, []any{m.CIS20, m.KillChainPhases, m.MitreAttack, m.NIST})
		require.Equal(t, a.AnalyticStory, decode[[]string](t, get("action.escu.analytic_story")))

		meta := decode[struct {
			Deprecated string  `json:"deprecated"`
			ID         string  `json:"detection_id"`
			Version    string  `json:"detection_version"`
			Published  float64 `json:"publish_time"`
		}](t, get("action.correlationsearch.metadata"))
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, meta.ID)
		require.False(t, ids[meta.ID], "detection_id comes twice")
		ids[meta.ID] = true

		highest, entity := 0, ""
		require.Equal(t, "1", get("action.risk"))
		requireTokens(get("action.risk.param._risk_message"))
		for _, r := range decode[[]risk](t, get("action.risk.param._risk")) {
			require.Equal(t, get("action.risk.param._risk_message"), r.Message)
			if r.ThreatField != "" {
				requireField(t, spl, r.ThreatField)
				require.Equal(t, "ip_address", r.ThreatType)
				continue
			}
			requireField(t, spl, r.Field)
			require.Contains(t, get("alert.suppress.fields")+" risk_src risk_dest risk_user tor_host", r.Field, "one entity is one finding")
			require.Equal(t, r.Field == "risk_user", r.Type == "user")
			entity = r.Field
			require.Contains(t, []string{"system", "user"}, r.Type)
			require.NotEqual(t, "user", r.Field, "unknown would collect everyone's risk")
			highest = max(highest, r.Score)
		}
		require.Positive(t, highest)

		if a.Type != "TTP" {
			return
		}
		require.Equal(t, "1", get("action.notable"))
		requireTokens(get("action.notable.param.rule_title"))
		requireTokens(get("action.notable.param.rule_description"))
		require.Equal(t, severities[(highest-1)/20], get("action.notable.param.severity"))
		for _, field := range strings.Split(get("action.notable.param.nes_fields"), ",") {
			requireField(t, spl, field)
		}
		require.Equal(t, []risk{{Field: entity, Type: map[bool]string{true: "user", false: "system"}[entity == "risk_user"]}}, decode[[]risk](t, get("action.notable.param._entities")),
			"the finding names whom it is about, and must not score a second time")
		require.Equal(t, []string{"1", "7d", "true"}, []string{get("alert.track"), get("alert.expires"), get("is_visible")}, "seen without Enterprise Security")
		drilldowns := decode[[]drilldown](t, get("action.notable.param.drilldown_searches"))
		require.GreaterOrEqual(t, len(drilldowns), 2)
		for _, d := range drilldowns {
			require.NotContains(t, d.Search, "`", "drilldowns run in another app, where our macros are not")
			requireBalanced(t, d.Search)
			text := d.Search + d.Name
			require.Regexp(t, token, text)
			requireTokens(text)
			// A finding of a run that looked for what came late is about a few minutes of its 25 hours.
			require.Equal(t, d.Earliest == "$info_min_time$" && name != "TOR Traffic", strings.Contains(d.Search, "earliest=$tor_from$ latest=$tor_to$"), d.Name)
			require.Regexp(t, `^\| (tstats summariesonly=true|inputlookup|from datamodel)|\$info_min_time\$`, d.Search+d.Earliest, "what looks far back reads summaries only")
			require.Regexp(t, `^(\$info_min_time\$|\d+d)$`, d.Earliest)
			require.Regexp(t, `^(\$info_max_time\$|0)$`, d.Latest)
			for _, call := range calls(d.Search) {
				_, err := tordetect.ParseOptions(call)
				require.NoError(t, err)
			}
		}
	})
}

func TestStories(t *testing.T) {
	searches, stories := conf(t, savedsearches), conf(t, "default/analyticstories.conf")
	var told, inStories []string
	for _, stanza := range stories.Stanzas() {
		kind, name, _ := strings.Cut(stanza, "://")
		switch kind {
		case "savedsearch":
			require.True(t, searches.Has(name), "[%s]: no such search", stanza)
			told = append(told, name)
			a := decode[annotations](t, value(t, searches, name, "action.correlationsearch.annotations"))
			b := decode[annotations](t, value(t, stories, stanza, "annotations"))
			require.Equal(t, a.MitreAttack, b.MitreAttack)
			require.Equal(t, "null", value(t, stories, stanza, "providing_technologies"), "an empty list breaks the page")
		case "analytic_story":
			inStories = append(inStories, decode[[]string](t, value(t, stories, stanza, "searches"))...)
			decode[[]string](t, value(t, stories, stanza, "references"))
			decode[[]map[string]string](t, value(t, stories, stanza, "maintainers"))
			for _, search := range detections(searches.Stanzas()) {
				a := decode[annotations](t, value(t, searches, search, "action.correlationsearch.annotations"))
				require.Contains(t, a.AnalyticStory, name)
			}
		}
	}
	require.Equal(t, detections(searches.Stanzas()), told)
	require.Equal(t, detections(searches.Stanzas()), inStories)
}

// The search that reads all traffic must not find search 1's rows again, and
// must not leave anything between the two.
func TestNothingTwice(t *testing.T) {
	c := conf(t, savedsearches)
	require.Contains(t, value(t, c, "TOR Traffic", "search"), "All_Traffic.app=tor AND All_Traffic.action=allowed")
	require.Contains(t, value(t, c, "Tor client that the firewall did not name", "search"), `NOT (All_Traffic.app="tor" All_Traffic.action="allowed")`)
}
