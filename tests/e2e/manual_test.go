package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every search that the manual shows runs. A search that begins with "..." is
// put behind a search of our own; field names of another source stay, as they
// are only missing columns here.
func TestManualExamples(t *testing.T) {
	manual, err := os.ReadFile("../../app/README.md")
	require.NoError(t, err)
	h := sampleHead(t)
	ran := 0
	for _, block := range codeBlocks(string(manual)) {
		if !strings.Contains(block, "| ") || strings.Contains(block, "=<") || strings.HasPrefix(block, "[") {
			continue
		}
		spl := strings.Join(strings.Fields(block), " ")
		spl = strings.Replace(spl, "... |", grouped+"|", 1)
		spl = regexp.MustCompile(`earliest=-\S+ `).ReplaceAllString(spl, "") // the window of the test instead
		spl = strings.Replace(spl, "where by", "by", 1)
		if !strings.HasPrefix(spl, "|") {
			spl = "search " + spl
		}
		result, err := h.Run(spl)
		require.NoError(t, err, spl)
		for _, m := range result.Messages {
			require.Equal(t, "WARN", m.Level, m.Text)
		}
		ran++
	}
	require.GreaterOrEqual(t, ran, 6, "the manual's examples are found")
}

// codeBlocks returns the indented blocks of a Markdown text.
func codeBlocks(text string) []string {
	var out []string
	var block []string
	for _, line := range append(strings.Split(text, "\n"), "end") {
		indented := strings.HasPrefix(line, "    ")
		if indented && (len(block) > 0 || strings.TrimSpace(line) != "") {
			block = append(block, strings.TrimSpace(line))
			continue
		}
		if strings.TrimSpace(line) == "" && len(block) > 0 {
			out = append(out, strings.Join(block, "\n"))
			block = nil
			continue
		}
		if len(block) > 0 {
			out = append(out, strings.Join(block, "\n"))
			block = nil
		}
	}
	return out
}

// The README shows a real session: each of its lines stands in what the demo
// prints.
func TestReadmeSession(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var session string
	for _, block := range codeBlocks(string(readme)) {
		if strings.HasPrefix(block, "$ ./build.sh demo") {
			session = block
		}
	}
	require.NotEmpty(t, session)
	h := sampleHead(t)
	var printed strings.Builder
	for _, name := range []string{"TOR Traffic", "Tor client that the firewall did not name", "Traffic from Tor exits"} {
		result, err := h.RunSavedOver(name)
		require.NoError(t, err)
		require.NoError(t, result.Print(&printed, 120))
	}
	all := words(printed.String())
	for _, line := range strings.Split(session, "\n") {
		if strings.Contains(line, "tor_reason") || strings.Contains(line, "src_ip:") || strings.Contains(line, "tor_state:") {
			require.Contains(t, all, words(line))
		}
	}
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }
