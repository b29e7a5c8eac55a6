package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/src/dirclient"
	"tordetect/src/logfile"
	"tordetect/src/relay"
	"tordetect/src/relay/sheet"
	"tordetect/src/web"
	"tordetect/tests/splunkd"
)

func conf(t *testing.T, name string) *splunkd.Conf {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	c, err := splunkd.ParseConf(name, string(text))
	require.NoError(t, err)
	return c
}

func get(t *testing.T, c *splunkd.Conf, stanza, key string) string {
	t.Helper()
	value, _ := c.Get(stanza, key)
	return value
}

// Everybody reads, administrators write, and torupdate is for them alone.
func TestRights(t *testing.T) {
	meta := conf(t, "metadata/default.meta")
	for _, stanza := range meta.Stanzas() {
		want := map[string]string{
			"":                   "read : [ * ], write : [ admin, sc_admin ]",
			"commands/torupdate": "read : [ admin, sc_admin ], write : [ admin, sc_admin ]",
		}[stanza]
		require.Equal(t, want, get(t, meta, stanza, "access"), "[%s]", stanza)
	}
	commands := conf(t, "default/commands.conf")
	for command, risky := range map[string]string{"tordetect": "false", "torrelays": "false", "torupdate": "true"} {
		require.Equal(t, risky, get(t, commands, command, "is_risky"), command)
	}
	require.Len(t, commands.Stanzas(), 3)
}

// The page has the limits of the programs.
func TestFigures(t *testing.T) {
	l := dirclient.DefaultLimits()
	all := sentences(page(t))
	for _, want := range []string{
		fmt.Sprintf("a request of Splunk: %d,%03d MiB of rows and %d MiB of words about them.", chunked.MaxBody>>20/1000, chunked.MaxBody>>20%1000, chunked.MaxMetadata>>20),
		fmt.Sprintf("a relay table: %d MiB, %d,000,000 rows", relay.MaxTableBytes>>20, sheet.MaxRows/1_000_000),
		fmt.Sprintf("a document of a source: %d MiB as it is sent, %d MiB unpacked", l.Body>>20, l.Decoded>>20),
		fmt.Sprintf("an update: %d requests, %.0f minutes, %d redirects in a row, a minute of waiting where a server asks for it.", l.Requests, l.Total.Minutes(), l.Redirects),
		fmt.Sprintf("a line of a log in torctl scan: %d MiB", logfile.MaxLine>>20),
		fmt.Sprintf("a file of authorities given by ca: %d MiB", web.MaxAuthorities>>20),
	} {
		require.Contains(t, all, want)
	}
	require.EqualValues(t, 60, l.RetryAfter.Seconds())
	require.Equal(t, "1800", get(t, conf(t, "default/commands.conf"), "torupdate", "maxwait"))
	require.Contains(t, all, "an update: Splunk ends it after 30 minutes")
}

// No release key of ours is published: where there is one, the manual and the page have
// to say so, and where it is to be had.
func TestReleaseKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "app", "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(text), "no key of ours is published yet")
	for _, folder := range []string{".", ".github", "app"} {
		found, err := filepath.Glob(filepath.Join(root, folder, "*.pub"))
		require.NoError(t, err)
		require.Empty(t, found)
	}
}
