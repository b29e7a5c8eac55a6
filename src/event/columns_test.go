package event_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// A data set's name is a word with a capital in front.
func TestIsDataset(t *testing.T) {
	for _, word := range []string{"A", "All_Traffic", "DNS", "Web2", "X_"} {
		require.True(t, event.IsDataset(word), word)
	}
	for _, word := range []string{"", "all_Traffic", "_A", "2A", "All-Traffic", "All Traffic", "All.Traffic", "A{", "A@", "A[", "A`", "Ä", "Aä"} {
		require.False(t, event.IsDataset(word), word)
	}
}

// Of a role whose column is named that one is asked for, and none of the names that it
// would be looked for by.
func TestFields(t *testing.T) {
	var all, named event.Columns
	named.Named[event.Destination] = "peer"
	require.Contains(t, all.Fields(), "dest_ip")
	require.NotContains(t, all.Fields(), "peer")
	require.Contains(t, named.Fields(), "peer")
	require.NotContains(t, named.Fields(), "dest_ip")
	require.Contains(t, named.Fields(), "src_ip")
	for _, name := range all.Fields() {
		require.Equal(t, name == "peer", slices.Contains([]string{"peer", "_raw"}, name), name)
	}
}
