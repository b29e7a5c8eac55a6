package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/tests/splunkd"
	"tordetect/tests/tornet"
)

// directory is a directory cache on loopback with a Tor network of our own.
type directory struct {
	net       *tornet.Network
	consensus []byte
	options   string // for the macro tordetect_update_options
}

func newDirectory(t *testing.T, h *splunkd.Head) *directory {
	t.Helper()
	d := &directory{net: tornet.New(11, 5, tornet.Size(40))}
	certificates := d.net.Certificates()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/tor/status-vote/"):
			_, _ = w.Write(certificates)
		case d.consensus == nil:
			http.NotFound(w, r)
		default:
			_, _ = w.Write(d.consensus)
		}
	}))
	t.Cleanup(server.Close)
	put(t, h, "authorities.csv", d.net.AuthoritiesFile())
	d.options = "source=dir+" + server.URL + " authorities=authorities.csv"
	macro(t, h, "tordetect_update_options", d.options)
	return d
}

func (d *directory) serve(at time.Time) {
	d.consensus = d.net.Consensus(tornet.Spec{ValidAfter: at, Relays: d.net.Relays(at)})
}

// steady is a relay that has its address alone and is the same in both hours: the
// network is that of the day on which the test runs.
func steady(t *testing.T, net *tornet.Network, before, hour time.Time, fits func(tornet.Relay) bool) tornet.Relay {
	t.Helper()
	later := net.Relays(hour)
	for _, r := range net.Relays(before) {
		alone := func(all []tornet.Relay) bool {
			return !slices.ContainsFunc(all, func(o tornet.Relay) bool { return o.Addr == r.Addr && o.Identity != r.Identity })
		}
		same := slices.ContainsFunc(later, func(o tornet.Relay) bool {
			return o.Identity == r.Identity && o.Addr == r.Addr && o.ORPort == r.ORPort && slices.Equal(o.Flags, r.Flags)
		})
		if fits(r) && same && alone(net.Relays(before)) && alone(later) {
			return r
		}
	}
	require.Fail(t, "no relay of that kind")
	return tornet.Relay{}
}

// The shipped update fills the lookup from nothing, extends it, and leaves it as
// it was when it fails; then the searches answer by the lists of their hours.
// The programs' clock is the machine's, so the network lives now.
func TestUpdateSearch(t *testing.T) {
	hour := time.Now().UTC().Truncate(time.Hour)
	before := hour.Add(-time.Hour)
	probe := head(t, nil, nil)
	d := newDirectory(t, probe)
	guard := steady(t, d.net, before, hour, func(r tornet.Relay) bool { return !slices.Contains(r.Flags, "Exit") })

	exit := steady(t, d.net, before, hour, func(r tornet.Relay) bool {
		return slices.Contains(r.Flags, "Exit") && !slices.Contains(r.Flags, "BadExit")
	})

	// A log of our own, for both hours: a client that talks to a relay, one that the
	// firewall calls Tor, and a visitor from an exit. And the second one two days ago.
	var log strings.Builder
	write := func(at time.Time, src string, dest any, port uint16, app string) {
		stamp := at.Format("2006/01/02 15:04:05")
		fmt.Fprintf(&log, "1,%s,001701000001,TRAFFIC,end,2561,%s,%s,%s,,,Outbound_Allow,,,%s,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,x,%s,1,1,40000,%d,0,0,0x19,tcp,allow,900,300,600,9,%s,60,any,0,1,0x0,,,0,4,5,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A\n",
			stamp, stamp, src, dest, app, stamp, port, stamp)
	}
	for _, at := range []time.Time{before.Add(20 * time.Minute), hour.Add(time.Minute)} {
		write(at, "10.20.0.7", guard.Addr, guard.ORPort, "ssl")
		write(at, "10.20.0.8", guard.Addr, guard.ORPort, "tor")
		write(at, exit.Addr.String(), "10.20.0.80", 443, "ssl")
	}
	write(hour.Add(-48*time.Hour), "10.20.0.9", guard.Addr, guard.ORPort, "tor")
	h := head(t, []byte(log.String()), nil)
	d = newDirectory(t, h)
	update := func() (*splunkd.Result, error) { return h.RunSaved("Update the Tor relay list") }
	table := func() *relay.Table {
		t.Helper()
		loaded, err := relay.Open(h.App.Lookup("tor_relays.csv"))
		require.NoError(t, err)
		return loaded
	}

	_, err := update()
	require.Error(t, err, "no source has a list")
	require.NoFileExists(t, h.App.Lookup("tor_relays.csv"))

	d.serve(before)
	result, err := update()
	require.NoError(t, err)
	require.NotEqual(t, "0", result.Rows[0].Get("rows"))
	require.True(t, table().Complete)
	require.Equal(t, []flow.Interval{{From: before.Unix(), To: before.Add(3 * time.Hour).Unix()}}, table().Lists())

	whole, err := os.ReadFile(h.App.Lookup("tor_relays.csv"))
	require.NoError(t, err)
	d.consensus = d.net.Consensus(tornet.Spec{ValidAfter: hour, Relays: d.net.Relays(hour), Signers: []int{0}})
	_, err = update()
	require.Error(t, err)
	same, err := os.ReadFile(h.App.Lookup("tor_relays.csv"))
	require.NoError(t, err)
	require.Equal(t, string(whole), string(same))

	d.serve(hour)
	_, err = update()
	require.NoError(t, err)
	require.Equal(t, []flow.Interval{{From: before.Unix(), To: hour.Add(3 * time.Hour).Unix()}}, table().Lists())

	found, err := h.RunSavedOver("Tor client that the firewall did not name")
	require.NoError(t, err)
	require.Len(t, found.Rows, 1)
	require.Equal(t, "10.20.0.7", found.Rows[0].Get("src"))
	require.Equal(t, "2", found.Rows[0].Get("count"))
	require.Equal(t, "tor", found.Rows[0].Get("tor_verdict"))
	named, err := h.RunSavedOver("TOR Traffic")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"10.20.0.8 full or_port+app_label 2", "10.20.0.9 before or_port_stale+app_label 1"}, texts(named, "src_ip", "tor_coverage", "tor_evidence", "count"))
	visitors, err := h.RunSavedOver("Traffic from Tor exits")
	require.NoError(t, err)
	require.Equal(t, []string{"10.20.0.80 " + exit.Addr.String() + " exit_flag 2"}, texts(visitors, "dest", "exit", "tor_evidence", "count"))

	// The history learns the same.
	d.serve(hour)
	_, err = h.RunSaved("Keep the Tor relay history")
	require.NoError(t, err)
	history, err := relay.Open(h.App.Lookup("tor_relays_history.csv"))
	require.NoError(t, err)
	require.Equal(t, table().Lists(), history.Lists())

	// What was that address then, and how is the list?
	seen := search(t, h, fmt.Sprintf(`| torrelays seen "%s/32" at="%s"`, guard.Addr, before.Add(20*time.Minute).Format(time.RFC3339)))
	require.Equal(t, "listed", seen.Rows[0].Get("answer"))
	status := search(t, h, "| torrelays")
	require.Equal(t, "true", status.Rows[0].Get("complete"))
	require.Equal(t, hour.Add(3*time.Hour).Format(time.RFC3339), status.Rows[0].Get("valid_until"))
	gone := search(t, h, fmt.Sprintf(`| torrelays seen "%s" at="%s"`, guard.Addr, before.Add(-48*time.Hour).Format(time.RFC3339)))
	require.Equal(t, "no list", gone.Rows[0].Get("answer"))
}
