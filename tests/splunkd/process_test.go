package splunkd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

func TestCommandInAPipeline(t *testing.T) {
	h := newHead(t)
	result, err := h.Run("| `three` | eval n=7 | echo | eval m=n+1 | table n m")
	require.NoError(t, err)
	require.Equal(t, []string{"n,m", "7,8", "7,8", "7,8"}, texts(result.Table))
	require.Equal(t, len(probes)+1, result.Processes)
}

func TestSelectedFieldsAreMergedByIndex(t *testing.T) {
	for _, size := range []int{0, 1, 2, 100} {
		h := newHead(t)
		h.ChunkRows = size
		result, err := h.Run("| inputlookup numbers.csv | insert | table n word list")
		require.NoError(t, err)
		want := []string{"1,one,a+b", "3,three,a+b"}
		var got []string
		for _, line := range texts(result.Table)[1:] {
			if line != "9,," { // a new row a chunk
				got = append(got, line)
			}
		}
		require.Equal(t, want, got, "chunks of %d rows", size)
	}
}

func TestSelectedFieldCanBeCleared(t *testing.T) {
	result, err := newHead(t).Run("| inputlookup numbers.csv | clear")
	require.NoError(t, err)
	require.Equal(t, []string{"n,word", "1,", "2,", "3,"}, texts(result.Table))
}

// A command sees the part of the search that runs where it runs, and rows of an event search come with an empty last chunk.
func TestPlaceInTheSearch(t *testing.T) {
	for spl, want := range map[string]struct {
		search string
		chunks int
	}{
		"index=main | where bytes>1 | echo":                    {"litsearch index=main | where bytes>1 | echo", 2},
		"index=main | statefulecho":                            {"search index=main | statefulecho", 3},
		"index=main | table src | echo | fields src":           {"search index=main | table src | echo | fields src", 1},
		"index=main | head 1 | where bytes>1 | echo":           {"search index=main | head 1 | where bytes>1 | echo", 1},
		"index=main | statefulecho | echo":                     {"search index=main | statefulecho | echo", 1},
		"| tstats count from datamodel=Network_Traffic | echo": {"| tstats count from datamodel=Network_Traffic | echo", 1},
	} {
		h := sampleHead(t)
		sent := record(t, h)
		_, err := h.Run(spl)
		require.NoError(t, err, spl)
		command := "echo"
		if !strings.Contains(spl, " echo") {
			command = "statefulecho"
		}
		getinfo, execute := sent(command)
		require.Equal(t, want.chunks, strings.Count(execute, `{"action":"execute"`), spl)
		require.Contains(t, getinfo, `"search":"`+wire.PercentEncode(want.search)+`"`, spl)
		require.Contains(t, getinfo, `"session_key":"`+sessionKey+`"`)
	}
}

// A probe has no session key and no usual sid.
func TestProbes(t *testing.T) {
	h := newHead(t)
	sent := record(t, h)
	_, err := h.Run("| makeresults | echo a=1")
	require.NoError(t, err)
	folder := strings.TrimPrefix(h.Env[len(h.Env)-1], "FAKE_RECORD=")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, len(probes)+1)
	_, execute := sent("echo")
	keyless := 0
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		require.NoError(t, err)
		require.Contains(t, string(content), `"args":["a=1"]`)
		if strings.Contains(string(content), `"session_key":""`) {
			keyless++
			require.NotContains(t, string(content), execute)
			require.NotContains(t, string(content), `"sid":"1795600000.1"`)
		}
	}
	require.Equal(t, len(probes), keyless)
}

func TestGeneratingIsAskedUntilFinished(t *testing.T) {
	result, err := newHead(t).Run("| numbers | eval m=n*2")
	require.NoError(t, err)
	require.Equal(t, []string{"n,m", "1,2", "2,4", "3,6"}, texts(result.Table))
}

func TestMessagesOncePerSearch(t *testing.T) {
	result, err := newHead(t).Run("| makeresults | initwarn | initwarn")
	require.NoError(t, err)
	require.Equal(t, []wire.Message{{Level: "WARN", Text: "said while parsing"}}, result.Messages)
	require.Equal(t, 2*(len(probes)+1), result.Processes)
}

func TestErrorKeyFailsTheSearch(t *testing.T) {
	result, err := newHead(t).Run("| makeresults | badinit x=1")
	require.EqualError(t, err, `Error in 'badinit' command: unknown option "x"`)
	require.Equal(t, 1, result.Processes, "the first probe ends the search")

	result, err = newHead(t).Run("| makeresults | badrun")
	require.EqualError(t, err, "Error in 'badrun' command: row 3 is bad")
	require.Equal(t, []wire.Message{{Level: "WARN", Text: "no list"}}, result.Messages)
	var failed *spl.SearchError
	require.ErrorAs(t, err, &failed)
}

func TestDeadCommandFailsTheSearch(t *testing.T) {
	_, err := newHead(t).Run("| makeresults | dies")
	var failed *spl.SearchError
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "External search command exited unexpectedly with non-zero error code 7")
}

func TestHeadClosesThePipes(t *testing.T) {
	h := newHead(t)
	h.ChunkRows = 1
	result, err := h.Run("| makeresults count=5 | echo | head 2")
	require.NoError(t, err)
	require.Len(t, result.Rows, 2)

	_, err = h.Run("| makeresults count=5 | stderr | head 1")
	require.ErrorContains(t, err, "wrote to stderr")
}

// Each command here breaks the protocol in one way, and the stand-in says which.
func TestBrokenCommandsAreFound(t *testing.T) {
	for name, want := range map[string]string{
		"stderr":       "wrote to stderr",
		"tworeplies":   "frame|mirror", // whatever is noticed first
		"noreply":      "ended without a reply",
		"exitcode":     "exit code 4, want 0",
		"nomirror":     "does not mirror",
		"hang":         "no reply within",
		"early":        "frame|mirror",
		"stray":        "no frame header",
		"leak":         "session key is in a reply",
		"leakstderr":   "session key is on stderr",
		"saytwice":     "same message twice",
		"ragged":       "row 2 has 1 cells, the header has 2",
		"twocolumns":   `column "a" comes twice`,
		"halflist":     "the plain cell is",
		"lonelist":     `without column "a"`,
		"afterend":     "after its final reply",
		"lingers":      "did not end",
		"unknownkey":   `reply key "partial"`,
		"errorfirst":   "error has to come last",
		"errorexit0":   "exit code 0, want 1",
		"badtype":      "Invalid custom search command type: eventing",
		"distributed":  `reply key "distributed"`,
		"noindex":      "the reply has no column _chunked_idx",
		"foreignindex": `_chunked_idx "77"`,
		"changing":     "in a probe",
		"unsure":       "getinfo answers differ: .*, then ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHead(t)
			h.ChunkRows = 2
			h.Timeout = 2 * time.Second
			_, err := h.Run("| inputlookup numbers.csv | " + name)
			var broken *wire.ProtocolError
			require.ErrorAs(t, err, &broken)
			require.Regexp(t, want, err.Error())
			require.Equal(t, name, broken.Command)
		})
	}
}

func TestHeldRequestFindsEarlyReply(t *testing.T) {
	h := newHead(t)
	h.Hold = 50 * time.Millisecond
	_, err := h.Run("| makeresults | echo")
	require.NoError(t, err)
	h.ChunkRows = 1
	_, err = h.Run("| makeresults | early")
	require.ErrorContains(t, err, "replied before the request was complete")
}

func TestLargeBodyDoesNotDeadlock(t *testing.T) {
	h := newHead(t)
	result, err := h.Run(`| makeresults count=20000 | eval text="` + strings.Repeat("0123456789", 20) + `" | echo | stats count`)
	require.NoError(t, err)
	require.Equal(t, "20000", result.Rows[0].Get("count"))
}

func TestMissingProgramAndCommand(t *testing.T) {
	h := newHead(t)
	_, err := h.Run("| makeresults | nosuchcommand x=1")
	require.EqualError(t, err, "Unknown search command 'nosuchcommand'.")
	require.NoError(t, writeLookup(filepath.Join(h.App.Dir, "local", "commands.conf"), &spl.Table{Columns: []string{"x"}}))
	_, err = h.Run("| makeresults | echo")
	require.ErrorContains(t, err, filepath.Join("local", "commands.conf")+":1")
}

func TestTalk(t *testing.T) {
	h := newHead(t)
	body := WriteBody(rowsOf("n", "1"))
	spoken, err := h.Talk("echo", append(h.GetinfoFrame("echo", "a=1"), ExecuteFrame(body, true)...))
	require.NoError(t, err)
	require.Zero(t, spoken.Code)
	require.Empty(t, spoken.Stderr)
	frames, err := spoken.Frames()
	require.NoError(t, err)
	require.Equal(t, []Frame{{[]byte(fakes["echo"]), []byte{}}, {[]byte(`{"finished":true}`), body}}, frames)
	table, err := ReadBody(frames[1].Body)
	require.NoError(t, err)
	require.Equal(t, []string{"n", "1"}, texts(*table))

	spoken, err = h.Talk("dies", append(h.GetinfoFrame("dies", ""), ExecuteFrame(body, true)...))
	require.NoError(t, err)
	require.Equal(t, 7, spoken.Code)
	require.Equal(t, "oh no\n", string(spoken.Stderr))

	spoken, err = h.Talk("stray", append(h.GetinfoFrame("stray", ""), ExecuteFrame(body, true)...))
	require.NoError(t, err)
	_, err = spoken.Frames()
	require.ErrorContains(t, err, "no frame header")

	h.Timeout = 500 * time.Millisecond
	_, err = h.Talk("hang", append(h.GetinfoFrame("hang", ""), ExecuteFrame(body, true)...))
	require.ErrorContains(t, err, "did not end within")
}
