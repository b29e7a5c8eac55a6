package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// A soak of few rows ends well and draws its picture; what is left is told.
func TestSoak(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getenv("TORDETECT_PACKAGE") == "" {
		t.Skip("skipped: needs Linux and a package in TORDETECT_PACKAGE")
	}
	out := t.TempDir()
	var said, failed bytes.Buffer
	require.Zero(t, run([]string{"-rows", "300000", "-searches", "6", "-probes", "6", "-out", out}, &said, &failed), failed.String())
	require.Regexp(t, `one search: 300000 rows in \d+ chunks`, said.String())
	drawn, err := os.ReadFile(filepath.Join(out, "soak.svg"))
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(drawn, new(struct{ XMLName xml.Name })))

	s, err := newSite()
	require.NoError(t, err)
	defer s.remove()
	before, err := s.state()
	require.NoError(t, err)
	f, err := os.Create(filepath.Join(s.temporary, "left"))
	require.NoError(t, err)
	after, err := s.state()
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	f.Close()
	require.NoError(t, os.Remove(f.Name()))
	after, err = s.state()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestWrongUsage(t *testing.T) {
	var said bytes.Buffer
	require.Equal(t, 2, run([]string{"-rows", "0"}, &said, &said))
	require.Equal(t, 2, run([]string{"more"}, &said, &said))
}
