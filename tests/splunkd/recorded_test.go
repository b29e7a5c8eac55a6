package splunkd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
)

// Every expected byte in this file was recorded from a real splunkd, or stands in the named section of protocol.md as
// recorded, unless the test's comment says otherwise.

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
