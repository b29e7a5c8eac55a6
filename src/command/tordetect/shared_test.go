package tordetect

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/tests/shared"
)

// recordedBody is the body of the execute chunk that splunkd sent to
// countmatches (6.3, 2015): 500 rows, 48 of them with newlines in quotes.
func recordedBody(t *testing.T) string {
	t.Helper()
	frames := chunked.NewReader(bytes.NewReader(shared.Unpacked(t, "recordings/countmatches.input.gz")))
	_, _, err := frames.Next()
	require.NoError(t, err)
	_, body, err := frames.Next()
	require.NoError(t, err)
	require.Len(t, body, 48108)
	return string(body)
}

// The labelled flows of a private network: with their TLS names and fingerprints
// 63 of the 64 Tor flows are found, likely or more, and none of the 37 others.
// The one that is missed goes to an obfs4 bridge, which shows nothing.
func TestPrivateFlows(t *testing.T) {
	flows, err := os.ReadFile(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	table, err := os.ReadFile(shared.File(t, "privnet/tor_relays.csv"))
	require.NoError(t, err)
	rows := run{args: []string{"first=start", "last=end"}, table: string(table), chunks: []string{string(flows)}}.do(t).rows()
	require.Len(t, rows, 101)
	tor, others := 0, 0
	var missed []string
	for _, row := range rows {
		likely := row["tor_verdict"] == "likely" || row["tor_verdict"] == "tor"
		switch isTor := row["label"] == "tor"; {
		case likely && isTor:
			tor++
		case likely:
			others++
		case isTor:
			missed = append(missed, row["kind"])
		}
		if row["ja3"] == torJA3 {
			require.Contains(t, row["tor_evidence"], "ja3_tor")
			require.Contains(t, row["tor_reason"], row["ssl_sni"])
		} else {
			require.NotContains(t, row["tor_evidence"], "ja3_tor")
			require.NotContains(t, row["tor_evidence"], "sni_pattern")
		}
	}
	require.Equal(t, 63, tor)
	require.Zero(t, others)
	require.Equal(t, []string{"obfs4 bridge"}, missed)
}
