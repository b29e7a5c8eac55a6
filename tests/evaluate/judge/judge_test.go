package judge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/evaluate/judge"
)

const table = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795420000,1795430000
198.51.100.1,9001,or,Guard,0123456789ABCDEF0123456789ABCDEF01234561,anna,1795420000,1795430000
,2,end,,,,,
`

// More rows than one chunk takes come back in their order, each with its
// finding, whatever stands in their cells.
func TestRows(t *testing.T) {
	header := []string{"_time", "src_ip", "dest_ip", "dest_port", "note"}
	var rows [][]string
	for i := range 50003 {
		dest := "192.0.2.9"
		if i%1000 == 7 {
			dest = "198.51.100.1"
		}
		rows = append(rows, []string{"1795422600", "10.20.0.5", dest, "9001", fmt.Sprintf("a \"quoted\",\nnote %d", i)})
	}
	found, err := judge.Rows([]byte(table), nil, header, rows)
	require.NoError(t, err)
	require.Len(t, found, len(rows))
	for i, f := range found {
		if i%1000 != 7 {
			require.Equal(t, "none", f.Verdict)
			require.Nil(t, f.Evidence)
			continue
		}
		require.Equal(t, "tor", f.Verdict)
		require.Equal(t, 97, f.Score)
		require.True(t, f.Has("or_port"))
		require.False(t, f.Has("or_port_stale"))
		require.Equal(t, []string{"anna"}, f.Nicknames)
		require.Contains(t, f.Reason, "198.51.100.1:9001")
	}
}

func TestFailures(t *testing.T) {
	_, err := judge.Rows([]byte(table), []string{"nonsense=1"}, []string{"src_ip"}, [][]string{{"10.0.0.1"}})
	require.ErrorContains(t, err, "start tordetect: unknown option")
	_, err = judge.Rows([]byte(table), []string{"min_score=50"}, []string{"src_ip"}, [][]string{{"10.0.0.1"}})
	require.ErrorContains(t, err, "0 rows came back of 1", "a finding must not go to another row")
	_, err = judge.Rows([]byte(table), nil, []string{"src_ip", "dest_ip"}, [][]string{{"10.0.0.1"}})
	require.ErrorContains(t, err, "run tordetect: ")
}
