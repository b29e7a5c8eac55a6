package packagetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/doctor"
)

// The doctor has nothing to say of the package, and of a fresh installation only
// that there is no relay list yet: what it says elsewhere is then worth reading.
func TestDoctor(t *testing.T) {
	needsLinux(t)
	complaints := func(r *doctor.Report, err error) (lines []string) {
		require.NoError(t, err)
		for _, f := range r.Findings {
			if f.Severity != doctor.OK {
				lines = append(lines, f.Severity.String()+" "+f.Check+": "+f.Where+": "+f.What)
			}
		}
		return lines
	}
	now := time.Now()
	if headers[0].ModTime.After(now) {
		now = headers[0].ModTime.Add(time.Hour) // the commit's time, on a machine whose clock is behind
	}
	require.Empty(t, complaints(doctor.Package(context.Background(), tgz, doctor.Options{Now: now})))

	app := filepath.Join(t.TempDir(), "splunk", "etc", "apps", "tordetect")
	require.NoError(t, os.CopyFS(app, os.DirFS(folder)))
	require.Equal(t, []string{"warning relay list: lookups/tor_relays.csv: there is no relay list yet: only what the firewall names itself can be found"},
		complaints(doctor.Folder(context.Background(), app, doctor.Options{Now: now})))
}
