//go:build unix

package doctor

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Hostile things in the way: pipes, links in a circle, huge and senseless files.
func TestHostile(t *testing.T) {
	needsLinux(t)
	s := healthy(t)
	require.NoError(t, os.Symlink(".", s.at("loop")))
	require.NoError(t, os.Symlink("/dev/zero", s.at("etc/apps/zero")))
	require.NoError(t, os.MkdirAll(s.at("etc/apps/evil/default"), 0o755))
	require.NoError(t, os.Symlink("/dev/zero", s.at("etc/apps/evil/default/macros.conf")))
	require.NoError(t, os.Symlink("savedsearches.conf", s.at("etc/apps/evil/default/savedsearches.conf")))
	require.NoError(t, syscall.Mkfifo(s.at("etc/apps/evil/default/commands.conf"), 0o644))
	require.NoError(t, syscall.Mkfifo(s.at("etc/apps/evil/default/transforms.conf"), 0o644))
	s.write("etc/apps/evil/local/macros.conf", strings.Repeat("[", 1<<20)+"\x00\xff\n=\n\\\n")
	s.write("etc/apps/evil/local/distsearch.conf", "[replicationDenylist]\nx = "+strings.Repeat("(a*)*", 1000)+"\n[replicationSettings]\nmaxBundleSize = 99999999999999999999\nexcludeReplicatedLookupSize = -1\n")
	got := complaints(s.examine())
	require.Len(t, got, 2, "%v", got)
	require.Contains(t, got[0], "note bundle: etc/apps/evil/local/distsearch.conf: the pattern x")
	require.Contains(t, got[1], "warning files: etc/apps/evil/default/commands.conf, etc/apps/evil/default/macros.conf, etc/apps/evil/default/savedsearches.conf, etc/apps/evil/default/transforms.conf: what 4 files may say was not checked")
}

// What was not read is not called fine without a word.
func TestUnreadConf(t *testing.T) {
	needsLinux(t)
	s := healthy(t)
	require.NoError(t, os.MkdirAll(s.at("etc/apps/tordetect/local"), 0o755))
	require.NoError(t, syscall.Mkfifo(s.at("etc/apps/tordetect/local/macros.conf"), 0o644))
	var many strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&many, "[%d]\na=b\n", i)
	}
	s.write("etc/apps/tordetect/local/savedsearches.conf", many.String())
	said := strings.Contains(strings.Join(complaints(s.examine()), " "),
		"warning files: etc/apps/tordetect/local/macros.conf, etc/apps/tordetect/local/savedsearches.conf: what 2 files may say was not checked")
	require.True(t, said)
}
