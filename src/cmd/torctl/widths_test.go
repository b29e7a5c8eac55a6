package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"tordetect/src/terminal"
)

// widths are terminals as people have them: a split one, the old one, and wide ones.
var widths = []int{60, 80, 100, 140}

// onTerminal runs torctl at a terminal of a width, and returns what it shows, results first.
func onTerminal(width int, colours bool, args ...string) string {
	var out, errs bytes.Buffer
	code := runOn(terminal.Of(&out, &errs, width, colours), args, strings.NewReader(""), func() time.Time { return noon })
	return fmt.Sprintf("%s--\n%s-- %d\n", out.String(), errs.String(), code)
}

// What each command shows by width is kept in a file. Nothing is lost in silence, and no line of
// the results is longer than the terminal's, but for words that are copied whole.
func TestWidths(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "widths"))
	require.NoError(t, err)
	t.Chdir(exampleFolder(t))
	require.NoError(t, os.WriteFile("tor.log", []byte(torLog), 0o600))
	require.NoError(t, os.WriteFile("tor.csv", []byte(torTable), 0o600))
	require.NoError(t, os.WriteFile("cut", []byte("network-status-version 3 microdesc\n"), 0o600))
	for name, args := range map[string][]string{
		"scan":   {"scan", "tor.log", "--relays", "tor.csv"},
		"status": {"relays", "status"},
		"seen":   {"relays", "seen", "198.51.100.56", "--at", "2026-11-20T11:00:00Z", "--relays", "tor.csv"},
		"verify": {"relays", "verify", "cached-microdesc-consensus", "cached-certs", "cut", "--authorities", "authorities"},
	} {
		t.Run(name, func(t *testing.T) {
			var all strings.Builder
			for _, width := range widths {
				shown := onTerminal(width, false, args...)
				require.NotContains(t, shown, "\x1b")
				fmt.Fprintf(&all, "== %d characters: torctl %s\n%s", width, strings.Join(args, " "), shown)
				results, _, _ := strings.Cut(shown, "--\n")
				requireWidth(t, width, results)
				if name == "scan" {
					for _, column := range []string{"verdict", "state", "direction", "ours", "theirs"} {
						require.Contains(t, results, column, width)
					}
				}
			}
			path := filepath.Join(golden, name)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(all.String()), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), all.String())
		})
	}
	require.Contains(t, onTerminal(100, true, "scan", "tor.log", "--relays", "tor.csv"), "\x1b[1;31mtor\x1b[0m")

	// What the doctor finds depends on the machine; how it is set does not.
	for _, width := range widths {
		shown := onTerminal(width, false, "doctor", "--app", "opt/splunk/etc/apps/tordetect", "--all")
		results, _, _ := strings.Cut(shown, "--\n")
		require.NotEmpty(t, results)
		requireWidth(t, width, results)
	}
	require.Contains(t, onTerminal(80, true, "doctor", "--app", "opt/splunk/etc/apps/tordetect", "--all"), "\x1b[")
}

// requireWidth fails for a line that is too long and could have been broken: all that
// stands behind its name or indent is more than one word.
func requireWidth(t *testing.T, width int, lines string) {
	for line := range strings.Lines(lines) {
		line = strings.TrimRight(line, "\n")
		if utf8.RuneCountInString(line) > width {
			require.LessOrEqual(t, len(strings.Fields(line)), 2, "%d: %s", width, line)
		}
	}
}

// A client, a visitor and a blocked try, each in the longest words that there are.
const torLog = `1,2026/11/20 11:30:00,0123,TRAFFIC,end,2561,2026/11/20 11:30:00,10.20.30.186,198.51.100.56,,,Out,,,tor,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd,2026/11/20 11:30:00,1,1,50000,8443,0,0,0x19,tcp,allow,5900,900,5000,16,2026/11/20 11:29:00,60,any,0,1,0x0,,,0,7,9
1,2026/11/20 11:31:00,0123,TRAFFIC,drop,2561,2026/11/20 11:31:00,10.20.30.187,198.51.100.56,,,Out,,,not-applicable,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd,2026/11/20 11:31:00,2,1,50000,8443,0,0,0x19,tcp,deny,60,60,0,1,2026/11/20 11:31:00,0,any,0,1,0x0,,,0,1,0
1,2026/11/20 11:32:00,0123,TRAFFIC,end,2561,2026/11/20 11:32:00,198.51.100.57,10.20.30.80,,,In,,,web-browsing,vsys1,Untrust,Trust,ethernet1/1,ethernet1/2,fwd,2026/11/20 11:32:00,3,1,50000,443,0,0,0x19,tcp,allow,5900,900,5000,16,2026/11/20 11:31:00,60,any,0,1,0x0,,,0,7,9
`

const torTable = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
198.51.100.56,8443,or,Fast Guard Running Valid,0123456789ABCDEF0123456789ABCDEF01234567,relay07,1795161600,1795179600
198.51.100.57,9001,or,Exit Fast Running Valid,1123456789ABCDEF0123456789ABCDEF01234567,relay08,1795161600,1795179600
198.51.100.57,,exit,,1123456789ABCDEF0123456789ABCDEF01234567,relay08,1795161600,1795179600
,,coverage,,,,1795161600,1795179600
,,exit_coverage,,,,1795161600,1795179600
,5,end,,,,,
`

// A file that is missing is the first thing said, and nothing is said of scores.
func TestScanMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("tor.log", []byte(torLog), 0o600))
	require.NoError(t, os.WriteFile("tor.csv", []byte(torTable), 0o600))
	_, said, _ := strings.Cut(onTerminal(80, false, "scan", "none.log", "--relays", "tor.csv"), "--\n")
	require.True(t, strings.HasPrefix(said, "torctl: none.log: no such file or directory\n"), said)
	require.NotContains(t, said, "score")
	clean := strings.NewReplacer("198.51.100.", "203.0.113.", ",tor,", ",ssl,").Replace(torLog)
	require.NoError(t, os.WriteFile("clean.log", []byte(clean), 0o600))
	_, said, _ = strings.Cut(onTerminal(80, false, "scan", "none.log", "clean.log", "--relays", "tor.csv"), "--\n")
	require.Regexp(t, `(?s)^torctl: none\.log: no such file or directory\n.*no flow has a score of 20 or more\n`, said)
}

// Every page of help has lines of 80 characters at most.
func TestHelpWidth(t *testing.T) {
	each(tree(), func(c *cobra.Command) {
		var out bytes.Buffer
		require.Zero(t, run(append(strings.Fields(c.CommandPath())[1:], "--help"), strings.NewReader(""), &out, io.Discard, time.Now))
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), helpWidth, "%s: %s", c.CommandPath(), line)
		}
	})
}
