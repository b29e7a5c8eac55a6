package main

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"tordetect/src/doctor"
	"tordetect/src/terminal"
)

// TestDoctorScripts runs scripts beside a Splunk in the folder splunk, with this
// project's app in it and programs that are nothing but a head. They cannot start,
// so the scripts use --no-run; src/doctor tests the rest.
func TestDoctorScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "doctor"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			app := filepath.Join(env.WorkDir, "splunk", "etc", "apps", "tordetect")
			madeUpApp(t, app)
			for arch, machine := range map[string]byte{"amd64": 62, "arm64": 183} {
				for _, name := range []string{"tordetect", "torrelays"} {
					require.NoError(t, os.WriteFile(filepath.Join(app, "bin", name+"-linux-"+arch), head(machine), 0o755))
				}
			}
			// The clock of the scripts is in the past.
			require.NoError(t, filepath.WalkDir(env.WorkDir, func(at string, _ fs.DirEntry, err error) error {
				require.NoError(t, err)
				return os.Chtimes(at, time.Time{}, noon.Add(-time.Hour))
			}))
			return os.WriteFile(filepath.Join(env.WorkDir, "app.tar"), tarOf(t, filepath.Dir(app)), 0o644)
		},
	})
}

// head is the smallest Linux program that is whole: the header and one segment.
func head(machine byte) []byte {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")           // 64 bits, little endian, version 1
	binary.LittleEndian.PutUint16(b[16:], 2) // ET_EXEC
	binary.LittleEndian.PutUint16(b[18:], uint16(machine))
	binary.LittleEndian.PutUint32(b[20:], 1)        // version
	binary.LittleEndian.PutUint64(b[32:], 64)       // where the segments are described
	binary.LittleEndian.PutUint16(b[52:], 64)       // size of this header
	binary.LittleEndian.PutUint16(b[54:], 56)       // size of a segment's description
	binary.LittleEndian.PutUint16(b[56:], 1)        // how many
	binary.LittleEndian.PutUint16(b[58:], 64)       // size of a section's description
	binary.LittleEndian.PutUint32(b[64:], 1)        // PT_LOAD
	binary.LittleEndian.PutUint64(b[64+32:], 64+56) // its size in the file
	return b
}

// Names and values that somebody put into conf files to play with the terminal.
func TestHealthIsPrintable(t *testing.T) {
	for _, form := range []string{terminal.FormTable, terminal.FormJSON} {
		var b sink
		report := &doctor.Report{App: "a\x1b[31m", Findings: []doctor.Finding{{Severity: doctor.Error, Check: "local", Where: "x\r\n", What: "the search \"\x1b]0;you\x07\" is", Do: "remove\u202e it"}}}
		require.ErrorContains(t, tellHealth(terminal.New(&b, &b), form, report, false, true), "1 error")
		require.NotContains(t, string(b), "\x1b")
		require.NotContains(t, string(b), "\r")
		require.NotContains(t, string(b), "\x07")
		require.NotEmpty(t, string(b))
	}
	require.ErrorContains(t, tellHealth(terminal.New(full{}, full{}), terminal.FormTable, &doctor.Report{}, false, false), "write the output: no space left")
}

type sink []byte

func (s *sink) Write(p []byte) (int, error) { *s = append(*s, p...); return len(p), nil }
