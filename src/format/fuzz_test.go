package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/tests/pace"
)

// Objects are read as encoding/json reads them, with the names joined as Splunk joins
// them.
func FuzzObjects(f *testing.F) {
	for _, text := range []string{
		eveLine, `{"src_ip":["a",{"b":1},[null,"c"]],"id":{"orig_h":"x"},"\u0073rc":"\ud83d\ude00\n","All_Traffic":{"dest":1e5}}`, `{"id.orig_h":true,"tls":{"ja3":{"hash":""}}}`, `{}`, ` {"dns":{"queries":[{"rrname":"a"},{"rrname":"b"}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || text[0] != '{' || !utf8.Valid(text) || !json.Valid(text) || bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) > maxDepth {
			t.Skip("no object that both read")
		}
		var want event.Event
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		flatten(t, d, &want, "", 0)

		var p Parser
		var got event.Event
		p.walk(text, &got)
		require.False(t, p.json.cut || p.json.broken, "%q", text)
		for r := range event.Roles {
			require.Equal(t, string(want.Text(r, nil)), string(got.Text(r, nil)), "%s of %q", event.Table()[r].Means, text)
		}
	})
}

// flatten puts the values of a JSON value under their names.
func flatten(t *testing.T, d *json.Decoder, e *event.Event, path string, depth int) {
	token, err := d.Token()
	require.NoError(t, err)
	switch v := token.(type) {
	case json.Delim:
		if depth > 0 && v == '{' && (depth == 1 && path == "result" || event.IsDataset(path)) {
			path = ""
		}
		for d.More() {
			inner := path
			if v == '{' {
				key, err := d.Token()
				require.NoError(t, err)
				inner = strings.TrimPrefix(path+"_"+key.(string), "_")
				if path == "" {
					inner = key.(string)
				}
			}
			next := depth + 1
			flatten(t, d, e, inner, next)
		}
		_, err := d.Token()
		require.NoError(t, err)
	case nil:
		put(e, path, "null")
	case bool:
		put(e, path, map[bool]string{true: "true", false: "false"}[v])
	case json.Number:
		put(e, path, v.String())
	case string:
		put(e, path, v)
	}
}

func put(e *event.Event, path, value string) {
	if s, ok := event.Find([]byte(path)); ok && !s.IsRaw() {
		e.Set(s, []byte(value))
	}
}

// Any bytes, line after line: nothing breaks, what is claimed keeps to the rules, and a
// parser that read other lines before says the same but for Zeek's heads.
func FuzzLines(f *testing.F) {
	for _, text := range []string{
		panLine, panLine[2:], strings.Replace(panLine, "TRAFFIC,end", "THREAT,url", 1), zeekLine, zeekHead + "#fields\tts\tid.orig_h\tid.resp_h\n1\t\xff,\"\t\\x", eveLine, `{"message":` + quoted(panLine) + `}`,
		`{"event":{"src_ip":"x"}}`, "#separator \\x2c\n#fields,ts,id.orig_h,id.resp_h\n1,2,\\x0a\"", ",TRAFFIC,,\"", `{"a":[{"b":"\ud800`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Parser
		var e event.Event
		pace.Hold(t, text, func(text []byte) {
			for line := range bytes.Lines(text) {
				p.Read(line, &e)
			}
		})
		p = Parser{}
		for line := range bytes.Lines(text) {
			headless := p.zeek.separator == 0
			claim := p.Read(line, &e)
			require.Equal(t, claim.Kind == Flow, e.Says() && !e.IsOther() && claim.Kind == Flow)
			require.Equal(t, claim.Kind == Other || claim.Kind == Broken, claim.Text != "")
			for r := range event.Roles {
				require.LessOrEqual(t, len(e.Text(r, nil)), len(line)+len(line)/2+16, "no cell is longer than its line")
			}
			if headless && p.zeek.separator == 0 {
				var alone Parser
				var again event.Event
				other := alone.Read(line, &again)
				require.Equal(t, claim.Kind == Flow, other.Kind == Flow, "%q", line)
				for r := range event.Roles {
					if claim.Kind == Flow {
						require.Equal(t, string(e.Text(r, nil)), string(again.Text(r, nil)), "%q", line)
					}
				}
			}
		}
	})
}

// It does not matter which objects were read before: keys are found as those of a
// parser that knows none.
func FuzzKeyring(f *testing.F) {
	for _, text := range []string{
		eveLine, `{"a":{"src_ip":"1","b":[{"c":2},3]},"src_ip":["x"]}`, `{"result":{"src_ip":"1"},"preview":false}`, `{"_source":{"dest":"1"}}`, `{"All_Traffic":{"src":"2"}}`,
		`{"src_ip" : "a"}`, `{"s\u0072c":"b","src":"c"}`, `{"message":"x","event":{"src":"d"},"event":[1]}`, `{"a":`, `{"src":1`,
	} {
		f.Add([]byte(eveLine), []byte(text))
		f.Add([]byte(text), []byte(text))
	}
	f.Fuzz(func(t *testing.T, before, text []byte) {
		var used, fresh Parser
		var got, want event.Event
		used.Read(before, &got)
		for rest := text; len(rest) > 0; {
			used.State, fresh.json.ring = State{}, keyring{}
			fresh.State = State{}
			claim, wanted := used.Read(rest, &got), fresh.Read(rest, &want)
			require.Equal(t, wanted, claim)
			for r := range event.Roles {
				require.Equal(t, string(want.Text(r, nil)), string(got.Text(r, nil)), "%s of %q", event.Table()[r].Means, rest)
			}
			rest = claim.Rest
		}
	})
}

// A ring that is full reads on and soon knows a sensor's keys again; one of a sensor's lines awaits nearly all of them.
func TestKeyring(t *testing.T) {
	var p Parser
	var e event.Event
	for i := range 3 * maxKeys {
		require.Equal(t, Flow, p.Read(fmt.Appendf(nil, `{"k%d":{"a":1},"src_ip":"10.0.0.%d"}`, i, i%256), &e).Kind)
		require.Equal(t, fmt.Sprint("10.0.0.", i%256), string(e.Text(event.Source, nil)))
	}
	require.LessOrEqual(t, len(p.json.ring.keys), maxKeys)
	p = Parser{}
	p.Read([]byte(eveLine), &e)
	known := len(p.json.ring.keys)
	p.Read([]byte(eveLine), &e)
	require.Len(t, p.json.ring.keys, known)

	many := []byte("{")
	for i := range maxKeys + 1 {
		many = fmt.Appendf(many, `"k%d":1,`, i)
	}
	p.Read(many, &e)
	require.True(t, p.json.ring.full)
	p.Read([]byte(eveLine), &e)
	require.Len(t, p.json.ring.keys, known, "all forgotten but this line's")
}
