package wire

import (
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
	"tordetect/tests/splunkd/spl"
)

// Every expected byte in this file was recorded from a real splunkd, or stands in the named section of protocol.md as
// recorded, unless the test's comment says otherwise.

// Section 4: arguments.
func TestArgumentsAsRecorded(t *testing.T) {
	for _, test := range []struct {
		typed         string
		args, rawArgs []string
	}{
		{"", []string{}, []string{}},
		{`a=one b = "two" "c"="three"`, []string{"a=one", "b", "=", "two", "c=three"}, []string{"a=one", "b", "=", `"two"`, `"c"="three"`}},
		{`r="A \"b\" C" 's'="q\\r"`, []string{`r=A "b" C`, `'s'=q\r`}, []string{`r="A \"b\" C"`, `'s'="q\\r"`}},
		{`fieldname=word_count pattern="\w+" text`, []string{"fieldname=word_count", `pattern=\w+`, "text"}, []string{"fieldname=word_count", `pattern="\w+"`, "text"}},
		// Not recorded, stated by Splunk's own parser: commas outside quotes part words.
		{`a, b "c,d"`, []string{"a", "b", "c,d"}, []string{"a", "b", `"c,d"`}},
	} {
		args, rawArgs := SplitArguments(test.typed)
		require.Equal(t, test.args, args, test.typed)
		require.Equal(t, test.rawArgs, rawArgs, test.typed)
	}
}

// Section 22: the whole getinfo frame of a streaming command in 8.2.1.
func TestGetinfoFrameAsRecorded(t *testing.T) {
	key := strings.Repeat("x", 120)
	want := "chunked 1.0,700,0\n" + `{"action":"getinfo","preview":false,"streaming_command_will_restart":false,"searchinfo":{"args":[],"raw_args":[],"dispatch_dir":"C:\\Program Files\\Splunk\\var\\run\\splunk\\dispatch\\1629786023.114","sid":"1629786023.114","app":"CustomSearchCommandExamples","owner":"admin","username":"admin","session_key":"` + key + `","splunkd_uri":"https://127.0.0.1:8089","splunk_version":"8.2.1","search":"litsearch%20index%3Dbeetles%20%7C%20doubleage%20%20%7C%20fields%20%20keepcolorder%3Dt%20%22age%22%20%22name%22","command":"doubleage","maxresultrows":50000,"earliest_time":"0","latest_time":"0"}}`
	args, rawArgs := SplitArguments("")
	got := AppendFrame(nil, GetinfoMetadata(false, Searchinfo{
		Args: args, RawArgs: rawArgs, DispatchDir: `C:\Program Files\Splunk\var\run\splunk\dispatch\1629786023.114`, SID: "1629786023.114",
		App: "CustomSearchCommandExamples", Owner: "admin", Username: "admin", SessionKey: key, SplunkdURI: "https://127.0.0.1:8089",
		SplunkVersion: "8.2.1", Search: PercentEncode(`litsearch index=beetles | doubleage  | fields  keepcolorder=t "age" "name"`),
		Command: "doubleage", MaxResultRows: 50000, EarliestTime: "0", LatestTime: "0",
	}), nil)
	require.Equal(t, want, string(got))
}

// Section 1 (REC63): more of the percent-encoding: backslash, underscore, plus.
func TestPercentEncodingAsRecorded(t *testing.T) {
	require.Equal(t, `%7C%20inputlookup%20tweets%20%7C%20countmatches%20fieldname%3Dword_count%20pattern%3D%22%5Cw%2B%22%20text%20record%3Dt`,
		PercentEncode(`| inputlookup tweets | countmatches fieldname=word_count pattern="\w+" text record=t`))
}

// Section 6: execute metadata and its lengths.
func TestExecuteMetadataAsRecorded(t *testing.T) {
	require.Equal(t, `{"action":"execute","finished":false}`, string(ExecuteMetadata(false)))
	require.Equal(t, `{"action":"execute","finished":true}`, string(ExecuteMetadata(true)))
	require.Len(t, ExecuteMetadata(false), 37)
	require.Len(t, ExecuteMetadata(true), 36)
}

// Section 7: which cells are quoted.
func TestQuotingAsRecorded(t *testing.T) {
	for text, want := range map[string]string{
		"age": "age", "66": "66", "05": "05", "": "", "_time": `"_time"`, "28.029560": `"28.029560"`, ".934": `".934"`,
		"_json": `"_json"`, "0:24": `"0:24"`, "tag::eventtype": `"tag::eventtype"`, `{"a"}`: `"{""a""}"`,
		"a\nb": "\"a\nb\"", "é": `"é"`, "a b": `"a b"`,
	} {
		require.Equal(t, want, string(AppendCell(nil, text)))
	}
}

// Section 9: the recorded list, and the round trips of the section (tested there, not recorded).
func TestListsAsRecorded(t *testing.T) {
	body := AppendBody(nil, []string{"_si"}, []spl.Row{{"_si": {"FIREFLY-WIN", "beatles"}}})
	require.Equal(t, "\"_si\",\"__mv__si\"\n\"FIREFLY-WIN\nbeatles\",\"$FIREFLY-WIN$;$beatles$\"\n", string(body))
	for cell, value := range map[string]spl.Value{
		"$$$$;$a$": {"$", "a"}, "$a$$$;$$$b$": {"a$", "$b"}, "$$;$$": {"", ""}, "$a$;$b$$c$": {"a", "b$c"}, "$$$$;$a$;$$;$c;d$": {"$", "a", "", "c;d"},
	} {
		require.Equal(t, cell, encodeMulti(value))
		back, err := decodeMulti(cell)
		require.NoError(t, err)
		require.Equal(t, value, back)
	}
	require.Empty(t, encodeMulti(spl.Value{"a"}))
	for _, cell := range []string{"", "a", "$a", "$a$;", "$a$b$", "$a$;b", "$a$$"} {
		_, err := decodeMulti(cell)
		require.Error(t, err, cell)
	}
}

// Section 22, the reduce phase of 6.3.
func TestReduceBodyAsRecorded(t *testing.T) {
	body := AppendBody(nil, []string{"total"}, []spl.Row{{"total": {"2147943.07811"}}})
	require.Equal(t, "chunked 1.0,36,36\n"+`{"action":"execute","finished":true}`+"total,\"__mv_total\"\n\"2147943.07811\",\n", string(AppendFrame(nil, ExecuteMetadata(true), body)))
}

// REC63: 500 rows with newlines, quotes and many scripts; read and written again they are splunkd's own bytes.
func TestRecordedChunkAsRecorded(t *testing.T) {
	file, err := os.Open(shared.File(t, "recordings/countmatches.input.gz"))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	all, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	at := strings.Index(string(all), "chunked 1.0,36,48108\n")
	require.Positive(t, at)
	metadata, body, err := ReadFrame(strings.NewReader(string(all[at:])), func(b []byte) error { copy(b, all[at+21+36:]); return nil })
	require.NoError(t, err)
	require.Len(t, metadata, 36)
	table, err := DecodeBody(body)
	require.NoError(t, err)
	require.Len(t, table.Rows, 500)
	require.Equal(t, string(all[at:]), string(AppendFrame(nil, ExecuteMetadata(true), AppendBody(nil, table.Columns, table.Rows))))
}

// Section 23's test frames, and what is no CSV.
func TestBodiesAreReadStrictly(t *testing.T) {
	table, err := DecodeBody([]byte("host,\"tag::x\"\r\nweb01,\"a\r\nb\"\r\n"))
	require.NoError(t, err)
	require.Equal(t, spl.Row{"host": {"web01"}, "tag::x": {"a\r\nb"}}, table.Rows[0])
	table, err = DecodeBody([]byte("text,\"__mv_text\"\n\"é日本\",\n\"bad \xff nul \x00 end\",\n"))
	require.NoError(t, err)
	require.Equal(t, "bad \xff nul \x00 end", table.Rows[1].Get("text"))
	table, err = DecodeBody([]byte("a\n\n1\n"))
	require.NoError(t, err)
	require.Len(t, table.Rows, 2, "an empty line is a row of one empty cell")
	for body, want := range map[string]string{
		"a,b\n1,2":        "no row end",
		"a,b\n1,":         "no row end",
		"a,b\n1,2,3\n":    "3 cells",
		"a\n\"x\n":        "unclosed quote",
		"a\n\"x\"y\n":     "behind a closing quote",
		"a\nx\"y\n":       "inside a bare cell",
		"a,\n1,2\n":       "without name",
		"a,a\n":           "twice",
		"__mv_a\n":        "without column",
		"a,__mv_a\nx,y\n": "malformed list",
	} {
		_, err := DecodeBody([]byte(body))
		require.ErrorContains(t, err, want, body)
	}
}

func TestFrameHeaderIsReadStrictly(t *testing.T) {
	for _, header := range []string{"chunked 1.0, 2,0\n{}", "chunked 1.0,2,0\r\n{}", "chunked 1.0,02,0\n{}", "Chunked 1.0,2,0\n{}", "\nchunked 1.0,2,0\n{}", "chunked 1.0,-1,0\n"} {
		_, _, err := ReadFrame(strings.NewReader(header), func([]byte) error { return nil })
		require.Error(t, err, header)
		require.NotEqual(t, io.EOF, err)
	}
}
