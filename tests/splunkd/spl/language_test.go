package spl

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPipeline(t *testing.T) {
	for search, want := range map[string][]Stage{
		`index=fw x="a|b" | where y="c\"|d" | head`: {{"search", `index=fw x="a|b"`}, {"where", `y="c\"|d"`}, {"head", ""}},
		"| makeresults\n| EVAL a=1":                 {{"makeresults", ""}, {"eval", "a=1"}},
		"search tor":                                {{"search", "tor"}},
		"tor":                                       {{"search", "tor"}},
		"| stats count(x) as n|sort-n":              {{"stats", "count(x) as n"}, {"sort", "-n"}},
	} {
		got, err := ParsePipeline(search)
		require.NoError(t, err, search)
		require.Equal(t, want, got)
	}
	for search, want := range map[string]string{
		"":                         "Empty search",
		"|":                        "Missing a search command",
		"| a || b":                 "Missing a search command",
		"| a |":                    "Missing a search command",
		`| where x="a`:             "Unbalanced quotes",
		"| a [search b]":           "Subsearches", // they are run before
		"| a `b`":                  "before '`'",
		`| search x="abc\" | head`: "Unbalanced quotes",
	} {
		_, err := ParsePipeline(search)
		require.ErrorContains(t, err, want, search)
	}
}

func TestExpressions(t *testing.T) {
	context := &Context{Now: time.Unix(1795600000, 0).UTC(), Zone: time.UTC}
	row := Row{"n": {"7"}, "big": {"10"}, "s": {"Abc"}, "dest_ip": {"192.0.2.1"}, "dest_port": {"443"}, "list": {"a", "b", "c"}, "All_Traffic.src": {"x"}, "empty": nil, "t": {"1795600000"}}
	for text, want := range map[string]string{
		`1+2*3`:                        "7",
		`(1+2)*3`:                      "9",
		`-n+1`:                         "-6",
		`10/4`:                         "2.5",
		`n%4`:                          "3",
		`n/0`:                          "",
		`dest_ip.":".dest_port`:        "192.0.2.1:443",
		`"a"+"b"`:                      "ab",
		`n+1 . "x"`:                    "8x",
		`missing."x"`:                  "",
		`'All_Traffic.src'`:            "x",
		`if(n<big,"yes","no")`:         "yes", // numbers, not texts
		`if(s="abc","yes","no")`:       "no",  // eval keeps case
		`if(NOT missing=1,"yes","no")`: "no",  // null stays null
		`if(isnull(missing) AND isnotnull(n),1,2)`:      "1",
		`if(1=1 OR 1=2 AND 1=3,"and first","or first")`: "and first",
		`if(in(s,"x","Abc"),1,2)`:                       "1",
		`if(s IN ("x","Abc"),1,2)`:                      "1",
		`if(in(missing,"x"),1,2)`:                       "2",
		`if(list="b",1,2)`:                              "1",
		`case(n>8,"a",n>6,"b",true(),"c")`:              "b",
		`case(n>8,"a")`:                                 "",
		`coalesce(missing,empty,s)`:                     "Abc",
		`nullif(s,"Abc")`:                               "",
		`nullif(n,8)`:                                   "7",
		`len(s)`:                                        "3",
		`lower(s).upper(s)`:                             "abcABC",
		`if(match(s,"^A.c$"),1,2)`:                      "1",
		`if(like(s,"A%"),1,2)`:                          "1",
		`replace(s,"(b)c","\1-")`:                       "Ab-",
		`substr(s,2,1)`:                                 "b",
		`substr(s,-2)`:                                  "bc",
		`mvcount(list)`:                                 "3",
		`mvcount(missing)`:                              "",
		`mvindex(list,0)`:                               "a",
		`mvindex(list,-1)`:                              "c",
		`mvindex(list,5)`:                               "",
		`mvindex(list,1,2)`:                             "b\nc",
		`mvjoin(list,"; ")`:                             "a; b; c",
		`mvrange(1,n,2)`:                                "1\n3\n5",
		`mvrange(n,1)`:                                  "",
		`mvfind(list,"^b$")`:                            "1",
		`mvdedup(mvappend(list,"a","d"))`:               "a\nb\nc\nd",
		`tonumber("12x")`:                               "",
		`tonumber("12")+1`:                              "13",
		`tostring(n)."x"`:                               "7x",
		`round(2.456,1)`:                                "2.5",
		`round(2.5)`:                                    "3",
		`round(2,2)`:                                    "2.00",
		`max(n,big)`:                                    "10",
		`now()-t`:                                       "0",
		`strftime(t,"%Y-%m-%dT%H:%M:%S%z")`:             "2026-11-25T09:46:40+0000",
		`strftime(relative_time(t,"-1d@d"),"%F")`:       "2026-11-24",
		`strftime(t,"%H:%M%:z")`:                        "09:46+00:00",
		`strptime("2026-11-25T10:46:40+0100","%Y-%m-%dT%H:%M:%S%z")-t`: "0",
		`strptime("1970-01-02","%F")`:                                  "86400.000000",
		`strptime("tomorrow","%F")`:                                    "",
		`if(cidrmatch("192.0.2.0/24",dest_ip),1,2)`:                    "1",
		`mvcount(split("a,b,c",","))`:                                  "3",
		`"with \"quotes\" and \\d"`:                                    `with "quotes" and \d`,
	} {
		p := &exprParser{command: "eval", text: text}
		e, err := p.or()
		require.NoError(t, err, text)
		require.True(t, p.end(), text)
		require.Equal(t, want, e(context, row).String(), text)
	}
	for text, want := range map[string]string{
		`a=nosuch(1)`: "The 'nosuch' function is unsupported or undefined",
		`a=if(1=1,2)`: "arguments to the 'if' function are invalid",
		`a=`:          "operand is missing",
		`a`:           "field = expression",
		`a=(1`:        "closing parenthesis",
		`a="x`:        "closing quote",
		`a='x`:        "closing single quote",
		`a=1 b=2`:     "Unexpected text",
		`a=1,`:        "field name is missing",
		`a=1..2`:      "Not a number",
		`a=x[1]`:      "Unexpected text",
	} {
		_, err := parseEval(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestPredicates(t *testing.T) {
	row := Row{"app": {"tor"}, "action": {"allowed"}, "src": {"10.1.2.3"}, "dest": {"2001:db8::7"}, "port": {"9001"}, "user": {"unknown", "alice"}, "_raw": {"one Two three"}}
	for text, want := range map[string]bool{
		`app=tor`:                           true,
		`app=TOR`:                           true,
		`app="To*"`:                         true,
		`app=tor action=blocked`:            false,
		`app=tor AND action=allowed`:        true,
		`app=x OR action=allowed`:           true,
		`NOT app=tor`:                       false,
		`NOT missing=1`:                     true,
		`missing!=1`:                        false, // the field has to exist
		`app!=x`:                            true,
		`missing=*`:                         false,
		`app=*`:                             true,
		`app=x app=tor OR action=allowed`:   false, // OR binds tighter than the implied AND
		`(app=x app=tor) OR action=allowed`: true,
		`app IN ("x", "tor")`:               true,
		`NOT app IN (x,y)`:                  true,
		`NOT missing IN (x)`:                true,
		`src IN ("10.0.0.0/8","fc00::/7")`:  true,
		`dest IN ("10.0.0.0/8","fc00::/7")`: false,
		`dest=2001:db8::/32`:                true,
		`NOT (src IN ("10.0.0.0/8") dest IN ("10.0.0.0/8"))`: true,
		`port>1024`:             true,
		`port<10000`:            true, // as numbers
		`port>=9001 port<=9001`: true,
		`user=alice`:            true,
		`two`:                   true,
		`"two three"`:           true,
		`four`:                  false,
		`*`:                     true,
		`app = "tor"`:           true,
	} {
		tokens, err := Tokenize(text)
		require.NoError(t, err, text)
		keep, rest, err := ParsePredicate(tokens, nil)
		require.NoError(t, err, text)
		require.Empty(t, rest)
		require.Equal(t, want, keep(row), text)
	}
	for _, text := range []string{"", "app=", "(app=tor", "app=tor)", "app IN ()", "app IN (a", "OR a=b", "NOT", "a ! b"} {
		tokens, err := Tokenize(text)
		if err == nil {
			_, _, err = ParsePredicate(tokens, nil)
		}
		require.Error(t, err, text)
	}
}

func TestTimeModifiers(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 26, 40, 0, time.UTC)
	for modifier, want := range map[string]string{
		"now": "2026-11-25T10:26:40Z", "-70m@m": "2026-11-25T09:16:00Z", "-10m@m": "2026-11-25T10:16:00Z", "-85m@m": "2026-11-25T09:01:00Z",
		"-1h": "2026-11-25T09:26:40Z", "@d": "2026-11-25T00:00:00Z", "-7d@d": "2026-11-18T00:00:00Z", "-1d@d+2h": "2026-11-24T02:00:00Z",
		"-mon": "2026-10-25T10:26:40Z", "@w0": "2026-11-22T00:00:00Z", "0": "1970-01-01T00:00:00Z", "1795600000": "2026-11-25T09:46:40Z",
		"-": "2026-11-25T10:26:39Z",
	} {
		got, err := RelativeTime(modifier, now)
		require.NoError(t, err, modifier)
		require.Equal(t, want, got.Format(time.RFC3339), modifier)
	}
	for _, modifier := range []string{"yesterday", "-1fortnight", "@5m", "rt-5m"} {
		_, err := RelativeTime(modifier, now)
		require.ErrorContains(t, err, "Invalid value", modifier)
	}
}
