package doctor

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// In a full report what is worse has the place of what is less bad, and nothing is
// left out without a word.
func TestManyFindings(t *testing.T) {
	s := healthy(t)
	s.noRun = true
	var macros strings.Builder
	for i := range maxFindings + 100 {
		fmt.Fprintf(&macros, "[tordetect_old%d]\ndefinition = x\n", i)
	}
	s.write("local/macros.conf", macros.String())
	s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = 0\nconf_replication_include.lookups = false\n")
	r := s.examine()
	require.Equal(t, 1, r.Count(Error))
	require.Equal(t, maxFindings-1+1, r.Count(Note))
	said := complaints(r)
	require.Contains(t, said, "error cluster: etc/system/local/server.conf: the members do not replicate lookups: each would have a relay list of its own")
	require.Equal(t, "note findings: : 101 findings left out, as the report has room for 1000; the worst of them is of the kind note", said[len(said)-1])
	for _, f := range r.Findings {
		require.False(t, f.Check == "cluster" && f.Severity == OK, "a report that got no longer is no sign that all is well")
	}

	// Errors that are left out are errors.
	s.remove("local/macros.conf")
	for i := range maxFindings + 100 {
		s.write(fmt.Sprintf("lookups/%d.csv", i), "")
		s.chmod(fmt.Sprintf("lookups/%d.csv", i), 0o666)
	}
	said = complaints(s.examine())
	require.Len(t, said, maxFindings+1)
	require.Equal(t, "error findings: : 101 findings left out, as the report has room for 1000; the worst of them is of the kind error", said[maxFindings])
}

// Whose place is taken: that of the last of the least bad ones.
func TestRoom(t *testing.T) {
	e := newExam(context.Background(), t.TempDir(), Options{})
	for i := range maxFindings {
		severity := Note
		if i < 2 {
			severity = Warning
		}
		e.add(severity, fmt.Sprint(i), "", "x")
	}
	e.keep(OK, "", "", "x")
	e.add(Note, "more", "", "x")
	require.Equal(t, 1, e.leftOut)
	for i := range maxFindings {
		e.add(Error, fmt.Sprint("error ", i), "", "x")
		if i == 0 {
			require.Equal(t, Note, e.worst)
			require.Equal(t, fmt.Sprint(maxFindings-2), e.findings[maxFindings-2].Where)
		}
	}
	require.Equal(t, maxFindings, count(e.findings, Error))
	require.Equal(t, 1, count(e.findings, OK))
	require.Len(t, e.findings, maxFindings+1)
	require.Equal(t, 1+maxFindings, e.leftOut)
	require.Equal(t, Warning, e.worst)
	require.Equal(t, 2*maxFindings+1, e.said)
	e.add(Error, "more", "", "x")
	require.Equal(t, Error, e.worst)
}
