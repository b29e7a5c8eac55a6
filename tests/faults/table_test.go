//go:build linux

package faults

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A table that cannot be relied on: rows are answered, nothing is called no Tor, and a
// message says what is wrong.
func TestTable(t *testing.T) {
	s := newSite(t)
	require.Equal(t, "tor none", verdicts(t, s.search(t, "", "")), "the whole table")
	lost := func(t *testing.T, why string) {
		t.Helper()
		spoken := s.search(t, "", "")
		require.Equal(t, "unknown unknown", verdicts(t, spoken))
		require.Contains(t, said(t, spoken), "WARN The relay list tor_relays.csv "+why)
		spoken = s.search(t, "", "require_list=true")
		require.Equal(t, 1, spoken.Code)
		require.Contains(t, said(t, spoken), "ERROR require_list: the relay list tor_relays.csv ")
	}
	promised(t, "table missing", func(t *testing.T) {
		require.NoError(t, os.Remove(s.table()))
		lost(t, "is missing")
	})
	promised(t, "table unreadable", func(t *testing.T) {
		s.put(t, table(200, "a"))
		require.NoError(t, os.Chmod(s.table(), 0))
		defer os.Remove(s.table())
		shell := ""
		if os.Geteuid() == 0 {
			needs(t, "setpriv")
			shell = "exec setpriv --reuid 65534 --regid 65534 --clear-groups" // another user, as permission is nothing to root
		}
		cmd := s.command("tordetect", "")
		if shell != "" {
			cmd = s.command("tordetect", shell+` "$0";`)
		}
		spoken := run(t, cmd, s.conversation("tordetect", "", body))
		require.Equal(t, "unknown unknown", verdicts(t, spoken))
		require.Contains(t, said(t, spoken), "WARN The relay list tor_relays.csv cannot be read: open the relay table: permission denied.")
	})
	promised(t, "table is a folder", func(t *testing.T) {
		require.NoError(t, os.Mkdir(s.table(), 0o755))
		defer os.Remove(s.table())
		lost(t, "cannot be read: it is not a file.")
	})
	promised(t, "table is a pipe", func(t *testing.T) {
		require.NoError(t, syscall.Mkfifo(s.table(), 0o644))
		defer os.Remove(s.table())
		lost(t, "cannot be read: it is not a file.")
	})
	promised(t, "table of 10 GB", func(t *testing.T) {
		s.put(t, table(200, "a"))
		defer os.Remove(s.table())
		require.NoError(t, os.Truncate(s.table(), 10<<30)) // a hole: it takes no room
		began := time.Now()
		lost(t, "cannot be read: it has 10737418240 bytes; the limit is 536870912.")
		require.Less(t, time.Since(began), 10*time.Second)
	})
	promised(t, "table cut at any byte", func(t *testing.T) {
		whole := table(12, "a")
		for _, cut := range sample(len(whole)-1, 40) {
			s.put(t, whole[:cut])
			spoken := s.search(t, "", "")
			got := verdicts(t, spoken)
			require.Regexp(t, `^(tor|likely|unknown) unknown$`, got, "cut at %d", cut)
			require.Regexp(t, `^WARN The relay list tor_relays.csv (cannot be read|was cut or damaged)`, said(t, spoken), "cut at %d", cut)
		}
		s.put(t, whole[:len(whole)-1]) // the last line end alone says nothing
		require.Equal(t, "tor none", verdicts(t, s.search(t, "", "")))
	})
}

// A search opens the table once: it answers by the one or the other, however often the
// table is replaced meanwhile.
func TestTableThatChanges(t *testing.T) {
	s := newSite(t)
	small, large := table(1, "a"), table(20_000, "b")
	whileWriting := func(write func(text string) error, look func()) {
		var stop atomic.Bool
		var writing sync.WaitGroup
		writing.Go(func() {
			for i := 0; !stop.Load(); i++ {
				if err := write([]string{small, large}[i%2]); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for range sample(400, 40) {
			look()
		}
		stop.Store(true)
		writing.Wait()
	}
	promised(t, "table replaced while it is read", func(t *testing.T) {
		beside := s.table() + ".new"
		whileWriting(func(text string) error {
			if err := os.WriteFile(beside, []byte(text), 0o644); err != nil {
				return err
			}
			return os.Rename(beside, s.table())
		}, func() {
			spoken := s.search(t, "", "")
			require.Equal(t, "tor none", verdicts(t, spoken))
			require.Empty(t, said(t, spoken))
		})
	})
	promised(t, "table written in place while it is read", func(t *testing.T) {
		seen := map[string]int{}
		whileWriting(func(text string) error { return os.WriteFile(s.table(), []byte(text), 0o644) }, func() {
			spoken := s.search(t, "", "")
			got := verdicts(t, spoken)
			seen[got]++
			if got == "tor none" {
				require.NotContains(t, said(t, spoken), "cut or damaged")
				return
			}
			require.True(t, strings.HasSuffix(got, " unknown"), got)
			require.NotContains(t, got, "none")
			require.NotEmpty(t, said(t, spoken))
		})
		t.Log("answers:", seen)
	})
}
