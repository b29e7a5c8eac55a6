package packagetest

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
)

// payloads are values of fields that would become part of a search, or of a link, where
// they stood in it as they are. A user name is what somebody typed at a login.
var payloads = []string{
	`x" OR All_Traffic.src="*`, `x" | outputlookup tor_relays | search y="`, `x" | delete "`, `x\`, `\" | delete | search \"`, `x"] | delete`, "x` | delete `", `$tor_reason$`,
	`x"" | delete`, "x\" \n| delete", `1&form.time=0&form.address=203.0.113.1`, `1#`, `javascript:alert(1)`, `%22%7Cdelete`, `"`, `=cmd|' /C calc'!A0`, `<script>alert(1)</script>`,
}

var anyToken = regexp.MustCompile(`\$([a-z_]+)(\|s)?\$`)

// asSplunk puts a value in the place of every token: with the filter s it is quoted, its
// own quotes and backslashes behind a backslash, and without one as it is.
func asSplunk(text, value string, bare map[string]string) string {
	return anyToken.ReplaceAllStringFunc(text, func(found string) string {
		m := anyToken.FindStringSubmatch(found)
		if number, ok := bare[m[1]]; ok {
			return number
		}
		if m[2] == "|s" {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
		}
		return value
	})
}

// A drilldown is the same commands whatever the finding's fields hold: the value is one
// quoted text.
func TestDrilldownsOfHostileRows(t *testing.T) {
	numbers := map[string]string{"tor_from": "1795168800", "tor_to": "1795172400"} // floor() of times, see below
	eachSearch(t, func(t *testing.T, name string, get func(string) string) {
		drilldowns, makesFindings := conf(t, savedsearches).Get(name, "action.notable.param.drilldown_searches")
		if !makesFindings {
			return
		}
		for _, d := range decode[[]drilldown](t, drilldowns) {
			for _, found := range anyToken.FindAllStringSubmatch(d.Search, -1) {
				if _, isNumber := numbers[found[1]]; isNumber {
					require.Regexp(t, found[1]+`=floor\(`, get("search")+value(t, conf(t, "default/macros.conf"), "tordetect_by_host", "definition"), "a token that is not quoted has to be a number")
					continue
				}
				require.Equal(t, "|s", found[2], "$%s$ of %q is not quoted", found[1], d.Name)
			}
			require.NotRegexp(t, `"[^"]*\$`, regexp.MustCompile(`"[^"$]*"`).ReplaceAllString(d.Search, ""), "a token in quotes of ours")
			want, err := spl.ParsePipeline(asSplunk(d.Search, "192.0.2.1", numbers))
			require.NoError(t, err)
			for _, payload := range payloads {
				got, err := spl.ParsePipeline(asSplunk(d.Search, payload, numbers))
				require.NoError(t, err, "%s: %s", d.Name, payload)
				require.Len(t, got, len(want), "%s: %s", d.Name, payload)
				for i, stage := range got {
					require.Equal(t, want[i].Name, stage.Name)
					require.Equal(t, want[i].Text, strings.ReplaceAll(stage.Text, asSplunk("$x|s$", payload, nil), `"192.0.2.1"`))
				}
			}
		}
	})
}

// A workflow action leads to a page of ours with the value in one parameter, which Splunk
// writes encoded; none puts it into a search.
func TestWorkflowActionsOfHostileRows(t *testing.T) {
	actions := conf(t, "default/workflow_actions.conf")
	require.NotEmpty(t, actions.Stanzas())
	for _, name := range actions.Stanzas() {
		require.Equal(t, "link", value(t, actions, name, "type"))
		link := value(t, actions, name, "link.uri")
		require.True(t, strings.HasPrefix(link, "/app/tordetect/"), "%s leads to %s", name, link)
		for _, payload := range payloads {
			at, err := url.Parse(strings.NewReplacer("$@field_value$", url.QueryEscape(payload), "$_time$", "1795168800").Replace(link))
			require.NoError(t, err)
			plain, err := url.Parse(strings.NewReplacer("$@field_value$", "192.0.2.1", "$_time$", "1795168800").Replace(link))
			require.NoError(t, err)
			require.Equal(t, plain.Path, at.Path)
			require.Empty(t, at.Fragment)
			want, got := plain.Query(), at.Query()
			require.Len(t, got, len(want))
			for key, values := range want {
				if values[0] == "192.0.2.1" {
					values[0] = payload
				}
				require.Equal(t, values, got[key], "%s: %s", name, payload)
			}
		}
	}
}

// A link sets any token of a page, also one that a search or a menu sets later. So in a
// query each is quoted, whoever sets it.
func TestTokensOfLinks(t *testing.T) {
	for _, name := range views() {
		view := readXML(t, name)
		view.each("query", func(e element) {
			for _, found := range tokenUse.FindAllStringSubmatch(e.Text, -1) {
				require.Equal(t, "|s", found[2], "%s: $%s$ in %s", name, found[1], e.Text)
			}
		})
		// In the search that a click opens stand fields of the row that the query has put in
		// quotes, and numbers that a query has chosen: nothing that a link can have set.
		view.each("link", func(e element) {
			_, search, _ := strings.Cut(strings.TrimSpace(e.Text), "search?q=")
			search, _, _ = strings.Cut(search, "&")
			for _, found := range tokenUse.FindAllStringSubmatch(search, -1) {
				made := map[string]string{
					"row.quoted": `quoted="\"".replace(host,"[\\\\\"]","*")."\""`,
					"row.other":  `other="\"".replace($ip|s$,"[\\\\\"]","*")."\""`,
					"least":      `eval least=if(in($minimum|s$,"80","20"),$minimum|s$,"50")`,
				}[found[1]]
				require.NotEmpty(t, made, "%s: $%s$ in a search of a click", name, found[1])
				require.Contains(t, html.UnescapeString(read(t, name)), made)
			}
		})
	}
}

// What a row, a table or a link says is never a pattern: those of match, mvfind, replace
// and like are texts of ours, and nothing else takes patterns from fields.
func TestPatternsAreOurs(t *testing.T) {
	texts := map[string]string{}
	for _, name := range append(views(), savedsearches, "default/macros.conf") {
		texts[name] = html.UnescapeString(read(t, name))
	}
	found := 0
	patterns := map[string]int{"match": 1, "mvfind": 1, "replace": 1, "like": 1, "cidrmatch": 0, "searchmatch": 0} // which argument it is
	for name, text := range texts {
		for _, at := range regexp.MustCompile(`\b(match|mvfind|replace|like|cidrmatch|searchmatch)\(`).FindAllStringSubmatchIndex(text, -1) {
			function := text[at[2]:at[3]]
			given := arguments(text[at[1]:])
			require.Greater(t, len(given), patterns[function], "%s: %s", name, function)
			require.Regexp(t, `^"([^"\\]|\\.)*"$`, strings.TrimSpace(given[patterns[function]]), "%s: the pattern of %s(%s)", name, function, strings.Join(given, ","))
			found++
		}
		require.NotRegexp(t, `\|\s*(rex|regex|erex|lookup|map|foreach)\b`, text, name)
	}
	require.Greater(t, found, 30)
}

// arguments cuts what stands before the parenthesis that closes a call.
func arguments(text string) (found []string) {
	depth, from, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ',' && depth == 0, c == ')' && depth == 0:
			found = append(found, text[from:i])
			from = i + 1
			if c == ')' {
				return found
			}
		case c == ')':
			depth--
		}
	}
	return nil
}

// A subsearch that hands its rows' values on as text of the search around it lets through
// numbers and addresses alone.
func TestSubsearchesOfHostileRows(t *testing.T) {
	guards := map[string]string{
		"$only":       "| stats count by src \\\n        | where match(src,\"^[0-9A-Fa-f:.]+\\z\")", // behind stats a row has one value
		"$tor_window": `[| makeresults | addinfo`,                                                   // of times of the job, no rows
	}
	found := 0
	for _, file := range []string{savedsearches, "default/macros.conf"} {
		text := read(t, file)
		for _, m := range regexp.MustCompile(`\| return (\$?\w+)`).FindAllStringSubmatchIndex(text, -1) {
			name := text[m[2]:m[3]]
			guard, known := guards[name]
			require.True(t, known, "%s hands on %s", file, name)
			require.Contains(t, text[max(0, m[0]-800):m[0]], guard, "%s hands on %s", file, name)
			found++
		}
		require.NotRegexp(t, `\|\s*(format|map)\b`, text, "rows become a search by other ways")
	}
	require.Equal(t, len(guards), found)
}
