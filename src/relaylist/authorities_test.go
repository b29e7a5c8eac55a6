package relaylist

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/relay"
	"tordetect/src/tordir"
)

// The authorities stand in two lists with different dates: those whose keys are
// believed (tordir, narrow) and those whose addresses are told (relay, wide).
// Whoever renews one has to renew the other: of today's, both say the same.
func TestBothListsOfAuthorities(t *testing.T) {
	var keys, addresses []string
	today := time.Now().Unix()
	for _, a := range tordir.PublicAuthorities() {
		if a.From <= today && a.Until >= today {
			keys = append(keys, fmt.Sprintf("%s %s %s %d %d", strings.ToUpper(hex.EncodeToString(a.V3Ident[:])), a.Nickname, a.Addr, a.DirPort, a.ORPort))
		}
	}
	for _, d := range relay.DirectoryAuthorities() {
		if d.V3Ident != "" && d.Until == "" {
			addresses = append(addresses, fmt.Sprintf("%s %s %s %d %d", d.V3Ident, d.Nickname, d.Addr, d.DirPort, d.ORPort))
		}
	}
	slices.Sort(keys)
	slices.Sort(addresses)
	require.Len(t, keys, 9)
	require.Equal(t, keys, addresses)
}
