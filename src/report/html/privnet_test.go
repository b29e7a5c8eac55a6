package html

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
)

// The report is right when compared with the ground truth of
// the private network, whose flows were captured and labelled one by one.
func TestHTMLPrivateNetwork(t *testing.T) {
	log, table := shared.File(t, "privnet/pan.log"), shared.File(t, "privnet/tor_relays.csv")
	text, err := os.ReadFile(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	page, _ := scanPage(t, table, 20, log)
	checkPage(t, page)
	type truth struct {
		flows, sent, received int
		ends                  map[string]bool
	}
	clients, reached, relays, exits := map[string]*truth{}, map[string]*truth{}, map[string]*truth{}, map[string]*truth{}
	add := func(m map[string]*truth, name, other string, f map[string]string) {
		if m[name] == nil {
			m[name] = &truth{ends: map[string]bool{}}
		}
		sent, err := strconv.Atoi(f["bytes_out"])
		require.NoError(t, err)
		received, err := strconv.Atoi(f["bytes_in"])
		require.NoError(t, err)
		m[name].flows++
		m[name].sent += sent
		m[name].received += received
		m[name].ends[other] = true
	}
	missed := 0
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	for _, record := range all[1:] {
		f := map[string]string{}
		for i, name := range all[0] {
			f[name] = record[i]
		}
		dest := net.JoinHostPort(f["dest_ip"], f["dest_port"])
		switch {
		case f["label"] != "tor":
		case strings.Contains(f["kind"], "bridge"):
			missed++ // no list knows them, and the firewall did not name them
		case strings.HasPrefix(f["kind"], "inbound"):
			add(reached, dest, f["src_ip"], f)
			add(exits, f["src_ip"], dest, f)
		default:
			add(clients, f["src_ip"], dest, f)
			add(relays, dest, f["src_ip"], f)
		}
	}
	require.Equal(t, 2, missed)
	check := func(id, name, many, bytes string, want map[string]*truth) {
		rows := page.rows(t, id)
		require.Len(t, rows, len(want), id)
		for _, row := range rows {
			w := want[row[name]]
			require.NotNil(t, w, "%s: %s is not Tor in truth", id, row[name])
			require.Equal(t, strconv.Itoa(w.flows), row["flows"])
			require.Equal(t, strconv.Itoa(len(w.ends)), row[many])
			if bytes != "" {
				require.Equal(t, fmt.Sprintf("%d %d", w.sent, w.received), row[bytes])
			}
			require.True(t, strings.HasPrefix(row["verdict, score"], "tor "))
		}
	}
	check("clients-table", "host", "relays", "sent, received", clients)
	check("reached-table", "address", "exits", "from, to Tor", reached)
	met := map[string]*truth{}
	maps.Copy(met, relays)
	maps.Copy(met, exits)
	require.Len(t, met, len(relays)+len(exits))
	check("relays-table", "address", "hosts", "", met)
	require.Nil(t, page.id("unlisted-table"))
	require.Contains(t, page.all("header")[0].text, fmt.Sprintf("Outbound: %d hosts contacted Tor or show signs of it; %[1]d got an answer.", len(clients)))
	require.Contains(t, page.all("header")[0].text, fmt.Sprintf("Inbound: %d addresses and ports of yours", len(reached)))
}
