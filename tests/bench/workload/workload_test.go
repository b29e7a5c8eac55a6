//go:build linux

package workload

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Inputs are the same in every run, and as splunkd writes them.
func TestInputs(t *testing.T) {
	first, relays := Table(300, Noon-Week, Noon)
	again, _ := Table(300, Noon-Week, Noon)
	require.Equal(t, first, again)
	require.Equal(t, 300+2, strings.Count(first, "\n"), "header and end row")
	for _, w := range Workloads()[:4] {
		got := w.Shape.Frame(Flows(50, 10, Noon, relays))
		require.Equal(t, got, w.Shape.Frame(Flows(50, 10, Noon, relays)))
		_, body, _ := bytes.Cut(got, []byte("}"))
		all, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		require.NoError(t, err)
		require.Len(t, all, 51)
		require.Len(t, all[0], 2*len(w.Shape.Columns))
		require.Greater(t, len(all[0]), map[string]int{"tstats": 13, "events": 95, "conn": 59, "ssl": 59}[w.Name])
	}
	for _, n := range []int{12, 96} {
		require.Len(t, Events.Wide(n).Columns, n)
		require.Subset(t, Events.Wide(n).Columns, []string{"_time", "src_ip", "dest_ip", "dest_port"})
	}
}
