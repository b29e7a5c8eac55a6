package chunked

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask sends one getinfo and returns what the command got to see.
func ask(t *testing.T, text string) *Info {
	t.Helper()
	var got *Info
	_, err := serve(text, script{getinfo: func(info *Info) (Declaration, error) {
		got = info
		return Declaration{}, nil
	}})
	require.NoError(t, err)
	require.NotNil(t, got)
	got.raw = nil
	return got
}

func TestGetinfoAsRecorded(t *testing.T) {
	info := ask(t, wire(doubleGetinfo))
	require.Equal(t, strings.Repeat("x", 120), info.SessionKey.Reveal())
	info.SessionKey = Secret{}
	require.Equal(t, &Info{
		SID:           "1629786023.114",
		App:           "CustomSearchCommandExamples",
		Owner:         "admin",
		Username:      "admin",
		DispatchDir:   `C:\Program Files\Splunk\var\run\splunk\dispatch\1629786023.114`,
		SplunkdURI:    "https://127.0.0.1:8089",
		SplunkVersion: "8.2.1",
		Search:        `litsearch index=beetles | doubleage  | fields  keepcolorder=t "age" "name"`,
		Command:       "doubleage",
		MaxResultRows: 50000,
	}, info)
	require.False(t, info.Remote())
}

func TestGetinfoOfAProbe(t *testing.T) {
	info := ask(t, wire(probe))
	require.Equal(t, &Info{
		Args:          []string{"k=v", "src ip"},
		RawArgs:       []string{"k=v", `"src ip"`},
		SID:           "searchparsetmp_1",
		SplunkdURI:    "https://127.0.0.1:8089",
		Search:        "| mycmd",
		MaxResultRows: DefaultMaxResultRows,
		Latest:        1627419600.5,
	}, info)
}

func TestGetinfoIsTolerant(t *testing.T) {
	empty := Info{MaxResultRows: DefaultMaxResultRows}
	for name, test := range map[string]struct {
		metadata string
		want     func(*Info)
	}{
		"nothing":                 {`{"action":"getinfo"}`, func(i *Info) {}},
		"no action":               {`{}`, func(i *Info) {}},
		"searchinfo is null":      {`{"action":"getinfo","searchinfo":null}`, func(i *Info) {}},
		"searchinfo is a string":  {`{"action":"getinfo","searchinfo":"x"}`, func(i *Info) {}},
		"searchinfo is a list":    {`{"action":"getinfo","searchinfo":[{"sid":"1"}]}`, func(i *Info) {}},
		"preview":                 {`{"preview":true}`, func(i *Info) { i.Preview = true }},
		"preview in quotes":       {`{"preview":"True"}`, func(i *Info) { i.Preview = true }},
		"preview as a number":     {`{"preview":1}`, func(i *Info) { i.Preview = true }},
		"preview is zero":         {`{"preview":"0"}`, func(i *Info) {}},
		"keys have a case":        {`{"Preview":true,"searchinfo":{"SID":"1"}}`, func(i *Info) {}},
		"sid is a number":         {`{"searchinfo":{"sid":1629786023.114}}`, func(i *Info) { i.SID = "1629786023.114" }},
		"version is a number":     {`{"searchinfo":{"splunk_version":20150522}}`, func(i *Info) { i.SplunkVersion = "20150522" }},
		"null everywhere":         {`{"preview":null,"searchinfo":{"args":null,"sid":null,"session_key":null,"maxresultrows":null,"earliest_time":null}}`, func(i *Info) {}},
		"objects for texts":       {`{"searchinfo":{"args":{"a":1},"sid":{},"session_key":[],"app":[1],"latest_time":[2]}}`, func(i *Info) {}},
		"args of all types":       {`{"searchinfo":{"args":["a=1",2,true,null,{"b":3}]}}`, func(i *Info) { i.Args = []string{"a=1", "2", "true", "", ""} }},
		"args is one text":        {`{"searchinfo":{"args":"a=1","raw_args":7}}`, func(i *Info) { i.Args, i.RawArgs = []string{"a=1"}, []string{"7"} }},
		"rows":                    {`{"searchinfo":{"maxresultrows":100}}`, func(i *Info) { i.MaxResultRows = 100 }},
		"rows in quotes":          {`{"searchinfo":{"maxresultrows":"100"}}`, func(i *Info) { i.MaxResultRows = 100 }},
		"rows below zero":         {`{"searchinfo":{"maxresultrows":-1}}`, func(i *Info) {}},
		"rows without end":        {`{"searchinfo":{"maxresultrows":1e300}}`, func(i *Info) {}},
		"times":                   {`{"searchinfo":{"earliest_time":"1627333200","latest_time":"1627333200.250"}}`, func(i *Info) { i.Earliest, i.Latest = 1627333200, 1627333200.25 }},
		"times as numbers":        {`{"searchinfo":{"earliest_time":1627333200,"latest_time":1627333200.250}}`, func(i *Info) { i.Earliest, i.Latest = 1627333200, 1627333200.25 }},
		"times of other kinds":    {`{"searchinfo":{"earliest_time":"-24h@h","latest_time":"now"}}`, func(i *Info) {}},
		"times that are none":     {`{"searchinfo":{"earliest_time":"NaN","latest_time":"1e999"}}`, func(i *Info) {}},
		"times without end":       {`{"searchinfo":{"earliest_time":"-Inf","latest_time":"infinity"}}`, func(i *Info) {}},
		"search with plus":        {`{"searchinfo":{"search":"%7C%20c%20a%3D%22%5Cw%2B%22+b"}}`, func(i *Info) { i.Search = `| c a="\w+"+b` }},
		"search badly encoded":    {`{"searchinfo":{"search":"100% wrong"}}`, func(i *Info) { i.Search = "100% wrong" }},
		"grease":                  {`{"not_invented_yet":[{"a":[]}],"searchinfo":{"sid":"remote_1","future":{"x":null}}}`, func(i *Info) { i.SID = "remote_1" }},
		"blanks as the SDK has":   {"{\"action\": \"getinfo\", \"searchinfo\": {\n \"app\" : \"a\" } }\r\n", func(i *Info) { i.App = "a" }},
		"text with invalid UTF-8": {"{\"searchinfo\":{\"app\":\"a\xff\"}}", func(i *Info) { i.App = "a\ufffd" }},
	} {
		t.Run(name, func(t *testing.T) {
			want := empty
			test.want(&want)
			require.Equal(t, &want, ask(t, request(test.metadata, "")))
		})
	}
}

// What splunkd tells and this package does not know can be read all the same; the
// session key cannot, wherever it stands.
func TestGetinfoRaw(t *testing.T) {
	key := strings.Repeat("k", 20)
	var info *Info
	_, err := serve(request(`{"action":"getinfo","searchinfo":{"sid":"1","session_key":"`+key+`","new":{"a":[1]},"nothing":null,"auth":"Splunk `+key+`"}}`, ""),
		script{getinfo: func(i *Info) (Declaration, error) { info = i; return Declaration{}, nil }})
	require.NoError(t, err)
	for name, want := range map[string]string{"new": `{"a":[1]}`, "nothing": "null", "sid": `"1"`} {
		value, ok := info.Raw(name)
		require.True(t, ok, name)
		require.Equal(t, want, string(value))
	}
	for _, name := range []string{"session_key", "auth", "absent"} {
		_, ok := info.Raw(name)
		require.False(t, ok, name)
	}
	require.Equal(t, key, info.SessionKey.Reveal())
	_, err = serve(request(`{"action":"getinfo","searchinfo":{"session_key":"short"}}`, ""),
		script{getinfo: func(i *Info) (Declaration, error) { info = i; return Declaration{}, nil }})
	require.NoError(t, err)
	_, ok := info.Raw("session_key")
	require.False(t, ok)
	_, ok = (&Info{}).Raw("sid")
	require.False(t, ok, "an Info made by hand")
}

func TestGetinfoWithoutMetadata(t *testing.T) {
	require.Equal(t, &Info{MaxResultRows: DefaultMaxResultRows}, ask(t, request("", "")))
}

func TestRemote(t *testing.T) {
	for sid, want := range map[string]bool{"": false, "1629786023.114": false, "remote_sh1_1629786023.114": true, "x_remote_1": false} {
		require.Equal(t, want, (&Info{SID: sid}).Remote(), sid)
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	const key = "s3cr3t-k3y"
	info := Info{SessionKey: NewSecret(key)}
	type command struct { // fmt does not call methods of what is not exported
		info   Info
		secret Secret
		key    *Secret
	}
	values := []any{info, &info, info.SessionKey, &info.SessionKey, []Secret{info.SessionKey},
		map[Secret]Secret{info.SessionKey: info.SessionKey}, command{info, info.SessionKey, &info.SessionKey}, &command{info: info}}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%10.3s", "%T"} {
			require.NotContains(t, fmt.Sprintf(verb, value), key)
			require.NotContains(t, fmt.Sprintf(verb, value), fmt.Sprintf("%x", key))
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(text), key)

		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		require.NotContains(t, log.String(), key)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "(secret)", fmt.Sprintf(verb, info.SessionKey))
	}
	text, err := json.Marshal(info.SessionKey)
	require.NoError(t, err)
	require.Equal(t, `"(secret)"`, string(text))
	require.Equal(t, "(secret)", info.SessionKey.String())
	require.Equal(t, key, info.SessionKey.Reveal())
	require.Equal(t, Secret{}, NewSecret(""))
	require.Empty(t, Secret{}.Reveal())
}

func TestSessionKeyStaysOutOfReplies(t *testing.T) {
	const key = "s3cr3t-k3y"
	ask := request(`{"action":"getinfo","searchinfo":{"session_key":"`+key+`"}}`, "")
	var info *Info
	leak := script{
		getinfo: func(i *Info) (Declaration, error) { info = i; return Declaration{}, nil },
		execute: func(chunk *Chunk, _ []byte) error {
			chunk.Warn("GET /services with " + info.SessionKey.Reveal())
			chunk.Error(fmt.Sprintf("%v %q", info, info.SessionKey.Reveal()))
			return errors.New("401 for " + info.SessionKey.Reveal())
		},
	}
	out, err := serve(ask+request(askLast, ""), leak)
	require.Error(t, err)
	require.NotContains(t, out, key)
	require.Contains(t, out, `"401 for (secret)"`)

	leak.getinfo = func(i *Info) (Declaration, error) { return Declaration{}, errors.New(i.SessionKey.Reveal()) }
	out, err = serve(ask, leak)
	require.Error(t, err)
	require.NotContains(t, out, key)

	leak.getinfo = func(i *Info) (Declaration, error) { panic(i.SessionKey.Reveal()) }
	out, err = serve(ask, leak)
	require.Error(t, err)
	require.NotContains(t, out+err.Error(), key)
}

// FuzzGetinfo sends any metadata as the first request. Nothing may panic, the
// numbers must be usable, and the session key must not come back.
func FuzzGetinfo(f *testing.F) {
	for _, text := range []string{doubleGetinfo, probe} {
		f.Add([]byte(notation.Replace(text[strings.Index(text, "⏎")+len("⏎"):])))
	}
	f.Add([]byte(``))
	f.Add([]byte(`null`))
	f.Add([]byte(`[1]`))
	f.Add([]byte(`{"action":"getinfo","searchinfo":{"session_key":12345678901,"args":[[]],"maxresultrows":"1e3","earliest_time":"0x1p4"}}`))
	f.Add([]byte(`{"action":"execute","finished":true}`))
	f.Fuzz(func(t *testing.T, metadata []byte) {
		var info *Info
		out, err := serve(request(string(metadata), ""), script{getinfo: func(i *Info) (Declaration, error) {
			info = i
			return Declaration{}, errors.New("key " + i.SessionKey.Reveal())
		}})
		require.Error(t, err)
		list := requireFrames(t, out)
		require.Len(t, list, 1)
		var got struct {
			Finished bool
			Error    string
		}
		require.NoError(t, json.Unmarshal([]byte(list[0].metadata), &got))
		require.True(t, got.Finished)
		require.NotEmpty(t, got.Error)
		if info == nil {
			var typed *Error
			require.True(t, errors.As(err, &typed))
			return
		}
		require.Positive(t, info.MaxResultRows)
		for _, n := range []float64{info.Earliest, info.Latest} {
			require.False(t, math.IsNaN(n) || math.IsInf(n, 0))
		}
		if key := info.SessionKey.Reveal(); len(key) >= minSecret && !strings.Contains("key "+secretText, key) {
			require.NotContains(t, got.Error, key)
		}
	})
}
