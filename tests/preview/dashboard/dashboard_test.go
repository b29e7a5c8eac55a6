package dashboard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

// A form of every part that is played: a search that counts as typed, one over its result, an answer for none.
const form = `<form version="1.1">
  <label>Rows</label>
  <init><set token="hint">Click</set></init>
  <search id="rows">
    <query>| makeresults count=$n$ | eval name=$name|s$, age=5 | table name age</query>
    <earliest>-1m</earliest>
    <latest>now</latest>
    <error><set token="bad">true</set></error>
    <fail> <set token="bad">true</set> </fail>
    <done>
      <condition match="'job.resultCount' == 0"><set token="none">true</set><unset token="bad"/></condition>
      <condition><unset token="none"/><unset token="bad"/><set token="first">$result.name$</set></condition>
    </done>
  </search>
  <fieldset>
    <input type="text" token="n"><label>N</label></input>
    <input type="dropdown" token="name"><choice value="a">A</choice><default>a</default></input>
    <input type="time" token="when"><default><earliest>-1h</earliest><latest>now</latest></default></input>
  </fieldset>
  <row rejects="$n$"><panel><html><p>Type a number.</p></html></panel></row>
  <row depends="$first$,$n$">
    <panel>
      <title>Of $first$</title>
      <input type="checkbox" token="more"><choice value="yes">More</choice></input>
      <table rejects="$none$">
        <title>$hint$</title>
        <search base="rows"><query>stats count by name | eval hidden="a b&amp;c"</query></search>
        <fields>name, count</fields>
        <option name="drilldown">cell</option>
        <drilldown>
          <condition field="count"><set token="form.n">$click.value$</set></condition>
          <condition><link target="_blank">search?q=$row.hidden$&amp;x=$row.hidden|u$</link></condition>
        </drilldown>
      </table>
      <html depends="$none$"><p>None of $name$</p></html>
      <chart depends="$more$"><search><query>| makeresults | eval a=$more|s$ | table a</query><earliest>0</earliest><latest>now</latest></search></chart>
    </panel>
  </row>
</form>`

func head(t *testing.T) *splunkd.Head {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "app")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "default"), 0o755))
	for _, name := range []string{"commands.conf", "macros.conf"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "default", name), nil, 0o600))
	}
	app, err := splunkd.InstallFolder(folder, t.TempDir())
	require.NoError(t, err)
	return &splunkd.Head{App: app, Now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}
}

func opened(t *testing.T, values map[string]string) *Page {
	t.Helper()
	view, err := parse([]byte(form))
	require.NoError(t, err)
	page, err := Open(head(t), view, values)
	require.NoError(t, err)
	return page
}

func TestPage(t *testing.T) {
	page := opened(t, nil)
	require.Len(t, page.Rows(), 1, "the search waits for n")
	require.Contains(t, page.Rows()[0].Panels[0].Elements[0].HTML, "Type a number")
	require.Equal(t, "-1h", page.Tokens["when.earliest"])

	require.NoError(t, page.Type("n", "3"))
	shown := page.Rows()
	require.Len(t, shown, 1)
	require.Equal(t, "Of a", page.Fill(shown[0].Panels[0].Title, false))
	table := shown[0].Panels[0].Elements[0]
	require.Len(t, shown[0].Panels[0].Elements, 1)
	require.Equal(t, "Click", page.Fill(table.Title, false))
	require.Equal(t, []string{"name", "count"}, table.Fields)
	row := page.Outcome(table.Search).Result.Rows[0]
	require.Equal(t, "3", row.Get("count"))

	link, err := page.Click(table, "name", row, nil)
	require.NoError(t, err)
	require.Equal(t, "search?q=a%20b%26c&x=a%20b%26c", link)
	require.True(t, table.Clickable("name"))

	// What is typed is one value of the search, whatever is in it.
	const hostile = `x" | eval age="\`
	require.NoError(t, page.Type("name", hostile))
	require.Equal(t, hostile, page.Outcome(table.Search).Result.Rows[0].Get("name"))
	require.Equal(t, "Of "+hostile, page.Fill(shown[0].Panels[0].Title, false))
	require.Equal(t, "Of x&#34; | eval age=&#34;\\", page.Fill("Of $first$", true))

	require.NoError(t, page.Type("n", "0"))
	elements := page.Rows()[0].Panels[0].Elements
	require.Len(t, elements, 1)
	require.Equal(t, "html", elements[0].Kind)

	require.NoError(t, page.Type("more", "yes"))
	require.Len(t, page.Rows()[0].Panels[0].Elements, 2)
	require.NoError(t, page.Clear("more"))
	require.Len(t, page.Rows()[0].Panels[0].Elements, 1)

	require.NoError(t, page.Type("n", "many"))
	require.Equal(t, "true", page.Tokens["bad"])
	require.Error(t, page.Outcome(page.View.Searches[0]).Err)
	require.Nil(t, page.Outcome(table.Search).Result, "a search over a failed one has nothing")
	require.NoError(t, page.Type("n", "2"))
	require.NotContains(t, page.Tokens, "bad")

	link, err = page.Click(table, "count", splunkd.Row{"count": {"7"}}, nil)
	require.NoError(t, err)
	require.Empty(t, link)
	require.Equal(t, "7", page.Outcome(table.Search).Result.Rows[0].Get("count"), "the page has changed")
	_, err = page.Click(elements[0], "name", nil, nil)
	require.ErrorContains(t, err, "does nothing")
	_, err = page.Click(table, "name", splunkd.Row{}, nil)
	require.ErrorContains(t, err, "no value for $row.hidden$")

	_, err = Open(page.head, page.View, map[string]string{"nosuch": "1"})
	require.ErrorContains(t, err, `no field "nosuch"`)
}

func TestFilters(t *testing.T) {
	tokens := Tokens{"a": `<b> "c\" & +/é`}
	for text, want := range map[string]string{
		"$a|s$": `"<b> \"c\\\" & +/é"`,
		"$a|h$": "&lt;b&gt; &#34;c\\&#34; &amp; +/é",
		"$a|u$": "%3Cb%3E%20%22c%5C%22%20%26%20%2B%2F%C3%A9",
		"$a$":   `<b> "c\" & +/é`,
		"5$ $":  "5$ $",
	} {
		got, missing, err := tokens.fill(text, "n")
		require.NoError(t, err)
		require.Empty(t, missing)
		require.Equal(t, want, got)
	}
	_, missing, err := tokens.fill("$a$ $b$ $c$", "n")
	require.NoError(t, err)
	require.Equal(t, "b", missing)
	_, _, err = tokens.fill("$a|z$", "n")
	require.ErrorContains(t, err, "filter")
}

// What is not played is refused, not passed over.
func TestRefused(t *testing.T) {
	for _, change := range [][3]string{
		{"</form>", "</forms>", "form"},
		{"<label>Rows</label>", "<map/>", "<map> at the top"},
		{"<fail> <set token=\"bad\">true</set> </fail>", "<fail/>", "differ"},
		{"<done>", "<progress/><done>", "<progress> in a search"},
		{"<panel><html>", "<html/><panel><html>", "<html> in a row"},
		{"<table rejects", "<map/><table rejects", "<map> in a panel"},
		{"<title>$hint$</title>", "<format/>", "<format> in a table"},
		{"<default>a</default>", "<search/>", "<search> in an input"},
		{"<search base=\"rows\"><query>stats count by name | eval hidden=\"a b&amp;c\"</query></search>", "", "without a search"},
	} {
		require.Contains(t, form, change[0])
		_, err := parse([]byte(strings.Replace(form, change[0], change[1], 1)))
		require.ErrorContains(t, err, change[2])
	}
	_, err := parse([]byte("<view></view>"))
	require.ErrorContains(t, err, "is wanted")
	_, err = Read(filepath.Join(t.TempDir(), "none.xml"))
	require.Error(t, err)

	loop := strings.Replace(form, `<set token="first">$result.name$</set>`, `<set token="first">$result.name$</set><set token="name">$result.name$x</set>`, 1)
	view, err := parse([]byte(loop))
	require.NoError(t, err)
	_, err = Open(head(t), view, map[string]string{"n": "1"})
	require.ErrorContains(t, err, "set each other off")
	view, err = parse([]byte(strings.Replace(form, `base="rows"`, `base="lines"`, 1)))
	require.NoError(t, err)
	_, err = Open(head(t), view, map[string]string{"n": "1"})
	require.ErrorContains(t, err, "no search with the id lines")
}
