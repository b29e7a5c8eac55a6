//go:build unix

package doctor

import (
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
	require.Len(t, got, 1, "%v", got)
	require.Contains(t, got[0], "note bundle: etc/apps/evil/local/distsearch.conf: the pattern x")
}
