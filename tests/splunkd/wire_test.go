package splunkd

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
		args, rawArgs := splitArguments(test.typed)
		require.Equal(t, test.args, args, test.typed)
		require.Equal(t, test.rawArgs, rawArgs, test.typed)
	}
}

// Section 22: the whole getinfo frame of a streaming command in 8.2.1.
func TestGetinfoFrameAsRecorded(t *testing.T) {
	key := strings.Repeat("x", 120)
	want := "chunked 1.0,700,0\n" + `{"action":"getinfo","preview":false,"streaming_command_will_restart":false,"searchinfo":{"args":[],"raw_args":[],"dispatch_dir":"C:\\Program Files\\Splunk\\var\\run\\splunk\\dispatch\\1629786023.114","sid":"1629786023.114","app":"CustomSearchCommandExamples","owner":"admin","username":"admin","session_key":"` + key + `","splunkd_uri":"https://127.0.0.1:8089","splunk_version":"8.2.1","search":"litsearch%20index%3Dbeetles%20%7C%20doubleage%20%20%7C%20fields%20%20keepcolorder%3Dt%20%22age%22%20%22name%22","command":"doubleage","maxresultrows":50000,"earliest_time":"0","latest_time":"0"}}`
	args, rawArgs := splitArguments("")
	got := appendFrame(nil, getinfoMetadata(false, searchinfo{
		Args: args, RawArgs: rawArgs, DispatchDir: `C:\Program Files\Splunk\var\run\splunk\dispatch\1629786023.114`, SID: "1629786023.114",
		App: "CustomSearchCommandExamples", Owner: "admin", Username: "admin", SessionKey: key, SplunkdURI: splunkdURI,
		SplunkVersion: splunkVersion, Search: percentEncode(`litsearch index=beetles | doubleage  | fields  keepcolorder=t "age" "name"`),
		Command: "doubleage", MaxResultRows: maxResultRows, EarliestTime: "0", LatestTime: "0",
	}), nil)
	require.Equal(t, want, string(got))
}

// Section 1 (REC63): more of the percent-encoding: backslash, underscore, plus.
func TestPercentEncodingAsRecorded(t *testing.T) {
	require.Equal(t, `%7C%20inputlookup%20tweets%20%7C%20countmatches%20fieldname%3Dword_count%20pattern%3D%22%5Cw%2B%22%20text%20record%3Dt`,
		percentEncode(`| inputlookup tweets | countmatches fieldname=word_count pattern="\w+" text record=t`))
}

// Section 6: execute metadata and its lengths.
func TestExecuteMetadataAsRecorded(t *testing.T) {
	require.Equal(t, `{"action":"execute","finished":false}`, string(executeMetadata(false)))
	require.Equal(t, `{"action":"execute","finished":true}`, string(executeMetadata(true)))
	require.Len(t, executeMetadata(false), 37)
	require.Len(t, executeMetadata(true), 36)
}

// Section 7: which cells are quoted.
func TestQuotingAsRecorded(t *testing.T) {
	for text, want := range map[string]string{
		"age": "age", "66": "66", "05": "05", "": "", "_time": `"_time"`, "28.029560": `"28.029560"`, ".934": `".934"`,
		"_json": `"_json"`, "0:24": `"0:24"`, "tag::eventtype": `"tag::eventtype"`, `{"a"}`: `"{""a""}"`,
		"a\nb": "\"a\nb\"", "é": `"é"`, "a b": `"a b"`,
	} {
		require.Equal(t, want, string(appendCell(nil, text)))
	}
}

// Section 9: the recorded list, and the round trips of the section (tested there, not recorded).
func TestListsAsRecorded(t *testing.T) {
	body := appendBody(nil, []string{"_si"}, []spl.Row{{"_si": {"FIREFLY-WIN", "beatles"}}})
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

// beetles are the five events of the recordings, in the order in which splunkd sent them.
func beetles() *spl.Table {
	return rowsOf("name,age", "Noah,66", "Ringo,18", "George,25", "Paul,96", "John,52")
}

// runCustom runs one fake command over rows as if they came from there.
func runCustom(t *testing.T, name string, in *spl.Table, fromEvents bool) (sent string, out *spl.Table) {
	t.Helper()
	h := newHead(t)
	sentBytes := record(t, h)
	s := &search{head: h, sid: "1629786023.114", context: &spl.Context{}}
	c, err := newCustom(s, spl.Stage{Name: name}, name)
	require.NoError(t, err)
	c.fromEvents = fromEvents
	out, err = c.run(place{app: h.App, sid: s.sid}, in)
	require.NoError(t, err)
	_, sent = sentBytes(name)
	return sent, out
}

// Section 22, streaming, index=beetles | doubleage.
func TestStreamingAsRecorded(t *testing.T) {
	sent, out := runCustom(t, "doubleage", beetles(), true)
	require.Equal(t, "chunked 1.0,37,85\n"+`{"action":"execute","finished":false}`+
		"age,\"_chunked_idx\",\"__mv_age\",\"__mv__chunked_idx\"\n66,0,,\n18,1,,\n25,2,,\n96,3,,\n52,4,,\n"+
		"chunked 1.0,36,50\n"+`{"action":"execute","finished":true}`+"age,\"_chunked_idx\",\"__mv_age\",\"__mv__chunked_idx\"\n", sent)
	require.Equal(t, []string{"name,age", "Noah,132", "Ringo,36", "George,50", "Paul,192", "John,104"}, texts(*out))
}

// Section 22, stateful, index=beetles | accumages.
func TestStatefulAsRecorded(t *testing.T) {
	sent, out := runCustom(t, "accumages", beetles(), true)
	header := "age,\"accum_age\",\"_chunked_idx\",\"__mv_age\",\"__mv_accum_age\",\"__mv__chunked_idx\"\n"
	require.Equal(t, "chunked 1.0,37,124\n"+`{"action":"execute","finished":false}`+header+"66,,0,,,\n18,,1,,,\n25,,2,,,\n96,,3,,,\n52,,4,,,\n"+
		"chunked 1.0,37,79\n"+`{"action":"execute","finished":false}`+header+
		"chunked 1.0,36,79\n"+`{"action":"execute","finished":true}`+header, sent)
	require.Equal(t, []string{"name,age,accum_age", "Noah,66,66", "Ringo,18,84", "George,25,109", "Paul,96,205", "John,52,257"}, texts(*out))
}

// Section 22, events: all columns, no _chunked_idx, one last chunk.
func TestEventsAsRecorded(t *testing.T) {
	in := &spl.Table{Columns: []string{"index", "_time", "_raw", "_sourcetype", "_indextime", "_subsecond", "name", "age"}}
	for _, line := range [][]string{
		{"1627354345.934", "Noah", "66", "05", ".934"}, {"1627354339.384", "Ringo", "18", "04", ".384"}, {"1627354223.584", "George", "25", "03", ".584"},
		{"1627354180.246", "Paul", "96", "02", ".246"}, {"1627354100.265", "John", "52", "01", ".265"},
	} {
		in.Rows = append(in.Rows, spl.Row{"index": {"beetles"}, "_time": {line[0]}, "_sourcetype": {"_json"}, "_indextime": {"1627355502"},
			"_raw": {`{"date":"` + line[0] + `","name":"` + line[1] + `","age":"` + line[2] + `","uid":"` + line[3] + `"}`}, "_subsecond": {line[4]}, "name": {line[1]}, "age": {line[2]}})
	}
	sent, out := runCustom(t, "eventsecho", in, true)
	want := "chunked 1.0,36,927\n" + `{"action":"execute","finished":true}` + `index,"_time","_raw","_sourcetype","_indextime","_subsecond",name,age,"__mv_index","__mv__time","__mv__raw","__mv__sourcetype","__mv__indextime","__mv__subsecond","__mv_name","__mv_age"` + "\n" +
		`beetles,"1627354345.934","{""date"":""1627354345.934"",""name"":""Noah"",""age"":""66"",""uid"":""05""}","_json",1627355502,".934",Noah,66,,,,,,,,` + "\n"
	require.True(t, strings.HasPrefix(sent, want), sent)
	require.Equal(t, texts(*in), texts(*out))
}

// Section 22, reporting: only the required field, one last chunk.
func TestReportingAsRecorded(t *testing.T) {
	sent, out := runCustom(t, "average", beetles(), true)
	require.Equal(t, "chunked 1.0,36,35\n"+`{"action":"execute","finished":true}`+"age,\"__mv_age\"\n66,\n18,\n25,\n96,\n52,\n", sent)
	require.Equal(t, []string{"average", "51.4"}, texts(*out))
}

// Section 22, streaming after makeresults: all rows in one last chunk.
func TestStreamingAfterMakeresultsAsRecorded(t *testing.T) {
	sent, _ := runCustom(t, "countdouble", rowsOf("count", "1", "2", "3", "4", "5"), false)
	require.Equal(t, "chunked 1.0,36,84\n"+`{"action":"execute","finished":true}`+"count,\"_chunked_idx\",\"__mv_count\",\"__mv__chunked_idx\"\n1,0,,\n2,1,,\n3,2,,\n4,3,,\n5,4,,\n", sent)
}

// Section 22, generating with required fields: a header row, finished from the first request on.
func TestGeneratingAsRecorded(t *testing.T) {
	sent, out := runCustom(t, "generate", nil, false)
	require.Equal(t, "chunked 1.0,36,151\n"+`{"action":"execute","finished":true}`+`"_time",data,"generated_index","random_number","_chunked_idx","__mv__time","__mv_data","__mv_generated_index","__mv_random_number","__mv__chunked_idx"`+"\n", sent)
	require.Equal(t, []string{"_time,data", "1,x"}, texts(*out))
}

// Section 22, the reduce phase of 6.3.
func TestReduceBodyAsRecorded(t *testing.T) {
	body := appendBody(nil, []string{"total"}, []spl.Row{{"total": {"2147943.07811"}}})
	require.Equal(t, "chunked 1.0,36,36\n"+`{"action":"execute","finished":true}`+"total,\"__mv_total\"\n\"2147943.07811\",\n", string(appendFrame(nil, executeMetadata(true), body)))
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
	metadata, body, err := readFrame(strings.NewReader(string(all[at:])), func(b []byte) error { copy(b, all[at+21+36:]); return nil })
	require.NoError(t, err)
	require.Len(t, metadata, 36)
	table, err := decodeBody(body)
	require.NoError(t, err)
	require.Len(t, table.Rows, 500)
	require.Equal(t, string(all[at:]), string(appendFrame(nil, executeMetadata(true), appendBody(nil, table.Columns, table.Rows))))
}

// Section 23's test frames, and what is no CSV.
func TestBodiesAreReadStrictly(t *testing.T) {
	table, err := decodeBody([]byte("host,\"tag::x\"\r\nweb01,\"a\r\nb\"\r\n"))
	require.NoError(t, err)
	require.Equal(t, spl.Row{"host": {"web01"}, "tag::x": {"a\r\nb"}}, table.Rows[0])
	table, err = decodeBody([]byte("text,\"__mv_text\"\n\"é日本\",\n\"bad \xff nul \x00 end\",\n"))
	require.NoError(t, err)
	require.Equal(t, "bad \xff nul \x00 end", table.Rows[1].Get("text"))
	table, err = decodeBody([]byte("a\n\n1\n"))
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
		_, err := decodeBody([]byte(body))
		require.ErrorContains(t, err, want, body)
	}
}

func TestFrameHeaderIsReadStrictly(t *testing.T) {
	for _, header := range []string{"chunked 1.0, 2,0\n{}", "chunked 1.0,2,0\r\n{}", "chunked 1.0,02,0\n{}", "Chunked 1.0,2,0\n{}", "\nchunked 1.0,2,0\n{}", "chunked 1.0,-1,0\n"} {
		_, _, err := readFrame(strings.NewReader(header), func([]byte) error { return nil })
		require.Error(t, err, header)
		require.NotEqual(t, io.EOF, err)
	}
}

// Not recorded, but the way that tests ask for: many chunks, an empty one among them, an empty last one.
func TestManyChunks(t *testing.T) {
	c := &custom{s: &search{head: &Head{ChunkRows: 2}}}
	require.Equal(t, []request{{0, 2, false}, {2, 2, false}, {2, 4, false}, {4, 5, false}, {5, 5, true}}, c.requests(5))
	require.Equal(t, []request{{0, 0, true}}, c.requests(0))
}

func TestVaryColumns(t *testing.T) {
	h := newHead(t)
	h.VaryColumns, h.ChunkRows = true, 1
	sent := record(t, h)
	_, err := h.Run(`| inputlookup numbers.csv | eval n=if(n=2,null(),n), word=if(n=3,null(),word) | echo`)
	require.NoError(t, err)
	_, execute := sent("echo")
	require.Contains(t, execute, "n,word,\"__mv_n\",\"__mv_word\"\n1,one,,\n")
	require.Contains(t, execute, "}word,\"__mv_word\"\ntwo,\n")
	require.Contains(t, execute, "}n,\"__mv_n\"\n3,\n")
}
