package splunkd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
)

func TestConfIsReadStrictly(t *testing.T) {
	conf, err := ParseConf("x.conf", "# comment\n[default]\na = 1\n\n[one]\nsearch = | tstats \\\n    count \\\n  by x\nb=2\n[two]\na = 3\n")
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, conf.Stanzas())
	for _, test := range [][3]string{{"one", "search", "| tstats\n    count\n  by x"}, {"one", "a", "1"}, {"two", "a", "3"}, {"one", "b", "2"}} {
		value, ok := conf.Get(test[0], test[1])
		require.True(t, ok)
		require.Equal(t, test[2], value)
	}
	_, ok := conf.Get("one", "c")
	require.False(t, ok)
	for text, want := range map[string]string{
		"[a]\njunk\n":               "x.conf:2: neither stanza",
		"[a]\n[a]\n":                "x.conf:2: stanza comes twice",
		"[a]\nk = 1\nk = 2\n":       "x.conf:3: key comes twice",
		"k = 1\n":                   "x.conf:1: key before the first stanza",
		"[a\n":                      "without closing bracket",
		"[a]\nk = 1 \\ \nmore\n":    "blank behind a continuation",
		"[a]\nk = 1 \\\nb \\ \nc\n": "blank behind a continuation",
		"[a]\r\nk = 1\r\n":          "carriage return",
		"[a]\nk = 1 \\":             "end of the file",
	} {
		_, err := ParseConf("x.conf", text)
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func TestMacros(t *testing.T) {
	conf, err := ParseConf("macros.conf", `[summaries]
definition = summariesonly=`+"`only`"+` fillnull_value=null
[only]
definition = false
[ctime(1)]
args = field
definition = convert timeformat="%Y-%m" ctime($field$)
[drop(1)]
args = object
definition = rename "$object$.*" as *
[pair(2)]
args = a, b
definition = $b$-$a$
[loop]
definition = `+"`loop`"+`
[evaluated]
definition = now()
iseval = 1
[spread(1)]
args = hours
definition = "earliest=".(now()-$hours$*3600)." latest=".now()
iseval = true
[checked]
definition = x
validation = isnum(x)
`)
	require.NoError(t, err)
	at := &spl.Context{Now: time.Unix(1795600000, 0).UTC(), Zone: time.UTC}
	for search, want := range map[string]string{
		"where `spread(2)`":                         "where earliest=1795592800 latest=1795600000",
		"| tstats `summaries` count":                "| tstats summariesonly=false fillnull_value=null count",
		"x | `ctime(firstTime)`":                    `x | convert timeformat="%Y-%m" ctime(firstTime)`,
		"`drop(\"All_Traffic\")`":                   `rename "All_Traffic.*" as *`,
		"`drop(All_Traffic)`":                       `rename "All_Traffic.*" as *`,
		"`pair(\"x, y\", z)`":                       "z-x, y",
		"`only()`":                                  "false",
		"eval a=\"`only`\" | search `only`":         "eval a=\"`only`\" | search false",
		"a ```a comment with `only` in it``` | b":   "a  | b",
		`eval a="say \"hi\" ` + "`only`\" . `only`": `eval a="say \"hi\" ` + "`only`\" . false",
	} {
		got, err := expandMacros(conf, at, search)
		require.NoError(t, err, search)
		require.Equal(t, want, got)
	}
	for search, want := range map[string]string{
		"`nothing`":    "The search specifies a macro 'nothing' that cannot be found",
		"`ctime`":      "macro 'ctime' that cannot be found",
		"`ctime(a,b)`": "macro 'ctime' that cannot be found. It takes 2",
		"`only":        "Mismatched backticks",
		"`pair(a`":     "Mismatched parenthesis",
		"`loop`":       "nested deeper",
		"`evaluated`":  "expected to be an eval expression that returns a string",
		"`checked`":    "validation is not played",
	} {
		_, err := expandMacros(conf, at, search)
		require.ErrorContains(t, err, want, search)
	}
}
