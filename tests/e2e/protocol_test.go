package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/sample"
	"tordetect/tests/shared"
	"tordetect/tests/splunkd"
)

const body = "src_ip,dest_ip\n\"10.0.0.1\",\"192.0.2.1\"\n"

// A probe is answered the same every time, whatever it lacks, and opens nothing.
func TestProbes(t *testing.T) {
	h := head(t, sample.Log(), []byte("not a table"))
	var first string
	for _, request := range []string{
		`{"action":"getinfo"}`,
		`{"action":"getinfo","searchinfo":{"args":[],"sid":"","dispatch_dir":"","session_key":""}}`,
		`{"action":"getinfo","preview":true,"streaming_command_will_restart":true,"searchinfo":{"args":null,"maxresultrows":"0","earliest_time":0,"latest_time":"1627419600.500","new_key":{"a":[1]}}}`,
		string(frames(t, h.GetinfoFrame("tordetect", ""))[0].Metadata),
	} {
		spoken, err := h.Talk("tordetect", frame(request, ""))
		require.NoError(t, err)
		require.Zero(t, spoken.Code)
		require.Empty(t, spoken.Stderr)
		if first == "" {
			first = string(spoken.Stdout)
		}
		require.Equal(t, first, string(spoken.Stdout))
	}
	require.Equal(t, "chunked 1.0,20,0\n{\"type\":\"streaming\"}", first)
}

// What is broken is said once, by the error key, with status 1 and nothing half
// sent. Nothing goes to stderr.
func TestBrokenConversations(t *testing.T) {
	h := sampleHead(t)
	getinfo := string(h.GetinfoFrame("tordetect", ""))
	for name, c := range map[string]struct{ input, want string }{
		"no protocol":           {"GET / HTTP/1.0\r\n\r\n", "chunked 1.0"},
		"another version":       {"chunked 2.0,10,0\n{}", "chunked 1.0"},
		"length over the limit": {"chunked 1.0,20,99999999999\n", "body"},
		"metadata is no JSON":   {"chunked 1.0,5,0\nhello", "JSON"},
		"unknown action":        {string(frame(`{"action":"dance"}`, "")), "dance"},
		"ragged row":            {getinfo + string(frame(`{"action":"execute","finished":true}`, "a,b\n1,2\n3\n")), "row 2"},
		"unclosed quote":        {getinfo + string(frame(`{"action":"execute","finished":true}`, "a,b\n1,\"2\n")), "never closed"},
	} {
		t.Run(name, func(t *testing.T) {
			spoken, err := h.Talk("tordetect", []byte(c.input))
			require.NoError(t, err)
			require.Equal(t, 1, spoken.Code)
			require.Empty(t, spoken.Stderr)
			replies, err := spoken.Frames()
			require.NoError(t, err, "%q", spoken.Stdout)
			last := string(replies[len(replies)-1].Metadata)
			require.Contains(t, last, `"error":"`)
			require.Contains(t, last, c.want)
			require.Empty(t, replies[len(replies)-1].Body)
		})
	}
}

// The stream may end anywhere: that is a cancelled search, not an error.
func TestEndAnywhere(t *testing.T) {
	h := sampleHead(t)
	input := append(h.GetinfoFrame("tordetect", ""), splunkd.ExecuteFrame([]byte(body), true)...)
	for _, cut := range []int{0, 1, 10, 20, 200, len(input) - len(body) - 40, len(input) - len(body), len(input) - 1, len(input)} {
		spoken, err := h.Talk("tordetect", input[:cut])
		require.NoError(t, err)
		require.Zero(t, spoken.Code, "cut at %d", cut)
		require.Empty(t, spoken.Stderr)
		_, err = spoken.Frames()
		require.NoError(t, err)
	}
}

// splunkd's own bytes of 2015 pass through the package, every cell unchanged.
func TestRecordedChunk(t *testing.T) {
	recorded := shared.Unpacked(t, "recordings/countmatches.input.gz")
	execute := recorded[strings.LastIndex(string(recorded[:2000]), "chunked 1.0,36,"):]

	h := sampleHead(t)
	spoken, err := h.Talk("tordetect", append(h.GetinfoFrame("tordetect", ""), execute...))
	require.NoError(t, err)
	replies, err := spoken.Frames()
	require.NoError(t, err)
	require.Len(t, replies, 2)
	in, err := splunkd.ReadBody(frames(t, execute)[0].Body)
	require.NoError(t, err)
	out, err := splunkd.ReadBody(replies[1].Body)
	require.NoError(t, err)
	require.Len(t, in.Rows, 500)
	require.Len(t, out.Rows, 500)
	require.Equal(t, in.Columns, out.Columns[:len(in.Columns)])
	for i, row := range in.Rows {
		for column, value := range row {
			require.Equal(t, value, out.Rows[i][column])
		}
	}
}

// frame is a request with its metadata spelled out.
func frame(metadata, body string) []byte {
	return []byte("chunked 1.0," + strconv.Itoa(len(metadata)) + "," + strconv.Itoa(len(body)) + "\n" + metadata + body)
}

func frames(t *testing.T, stream []byte) []splunkd.Frame {
	t.Helper()
	all, err := splunkd.Spoken{Stdout: stream}.Frames()
	require.NoError(t, err)
	return all
}
