package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
)

// Flags are written as they are read, in the order of a consensus.
func TestFlags(t *testing.T) {
	for text, flags := range map[string]flow.Flags{
		"":                             0,
		"Guard":                        flow.Guard,
		"Exit Guard":                   flow.Guard | flow.Exit,
		"Authority BadExit Exit Guard": flow.DirAuthority | flow.BadExit | flow.Exit | flow.Guard,
	} {
		require.Equal(t, text, flags.String())
	}
	require.Equal(t, flow.BadExit, flow.ParseFlag("BadExit"))
	require.Zero(t, flow.ParseFlag("badexit"))
	require.True(t, flow.Exit.Exits())
	require.False(t, (flow.Exit | flow.BadExit).Exits())
	require.False(t, flow.Guard.Exits())
}
