package relay

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

func smallMerger(t *testing.T) *Merger {
	m := NewMerger()
	require.NoError(t, addTable(m, smallTable))
	return m
}

// only requires that the folder has the named file, with that text, and
// nothing beside it.
func only(t *testing.T, path, text string) {
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "no file is left behind: %v", files)
}

const before = "the table as it was"

// tableFile is a file with a table to be replaced.
func tableFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "tor_relays.csv")
	require.NoError(t, os.WriteFile(path, []byte(before), 0o644))
	return path
}

func TestWriteFileFails(t *testing.T) {
	t.Run("too many rows", func(t *testing.T) {
		path := tableFile(t)
		m := NewMerger()
		m.coverage = make(lists, maxWritten+1)
		_, err := m.WriteFile(path, Options{})
		require.ErrorContains(t, err, "the limit is")
		only(t, path, before)
	})
	t.Run("no such folder", func(t *testing.T) {
		_, err := smallMerger(t).WriteFile(filepath.Join(t.TempDir(), "none", "tor_relays.csv"), Options{})
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("a folder", func(t *testing.T) {
		_, err := smallMerger(t).WriteFile(t.TempDir(), Options{})
		require.ErrorContains(t, err, "is not a file")
	})
	t.Run("a device", func(t *testing.T) {
		_, err := smallMerger(t).WriteFile(os.DevNull, Options{})
		require.ErrorContains(t, err, "is not a file")
	})
}

// failing takes so many bytes and then fails.
type failing struct{ room int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	m := NewMerger()
	require.NoError(t, addTable(m, synthetic(3000)))
	text, _ := written(t, m, Options{})
	for _, room := range []int{0, 1 << 16, len(text) - 1} {
		_, err := m.Write(&failing{room}, Options{})
		require.ErrorIs(t, err, errFull, "room for %d bytes", room)
	}
	_, err := m.Write(&failing{len(text)}, Options{})
	require.NoError(t, err)
}

// TestRows: a reader of rows may stop anywhere, and gets what the file has.
func TestRows(t *testing.T) {
	rows, stats, err := smallMerger(t).Rows(Options{})
	require.NoError(t, err)
	columns := Columns()
	all := []string{strings.Join(columns[:], ",")}
	for row := range rows {
		all = append(all, strings.Join(row[:], ","))
	}
	want, _ := written(t, smallMerger(t), Options{})
	require.Equal(t, want, strings.Join(all, "\n")+"\n")
	for stop := range stats.Rows + 1 {
		n := 0
		for range rows {
			if n++; n > stop {
				break
			}
		}
		require.Equal(t, stop+1, n)
	}
}

// TestLongestRow holds maxRowBytes to the longest row that there can be.
func TestLongestRow(t *testing.T) {
	const ip, nick = "2001:db8:1111:2222:3333:4444:5555:6666", "nineteenCharacters1"
	m := NewMerger()
	require.NoError(t, addTable(m, tableHeader+ip+",65535,dir,Guard Exit BadExit Authority,"+fpA+","+nick+",253402300798,253402300799\n"))
	text, _ := written(t, m, Options{})
	row := strings.SplitAfter(text, "\n")[1]
	require.Equal(t, ip+",65535,dir,Authority BadExit Exit Guard,"+fpA+","+nick+",253402300798,253402300799\n", row)
	require.Equal(t, maxRowBytes, len(row)+len("1")+len("exit")-len("dir"), "and an address with one digit more")
}

// FuzzMerge: whatever was read is written so that it is read the same.
func FuzzMerge(f *testing.F) {
	f.Add(smallTable)
	f.Add(tableHeader + "192.0.2.1,1,or,,,,0,1\n192.0.2.1,1,or,," + hex40("0") + ",,1,2\n::1%a,1,dir,Exit,,x,2,2\n,,coverage,,,,0,0\n,4,end,,,,,")
	f.Fuzz(func(t *testing.T, text string) {
		pace.Hold(t, []byte(text), func(text []byte) {
			if m := NewMerger(); addTable(m, string(text)) == nil {
				_, _ = m.Write(io.Discard, Options{})
			}
		})
		m := NewMerger()
		if addTable(m, text) != nil {
			return
		}
		got, stats := written(t, m, Options{})
		read := readAll(t, got)
		require.True(t, read.Whole)
		require.Zero(t, read.Skipped)
		require.Equal(t, stats.Rows, read.Rows)
		again := NewMerger()
		require.NoError(t, addTable(again, got))
		second, _ := written(t, again, Options{})
		require.Equal(t, got, second)
	})
}
