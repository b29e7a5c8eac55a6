package main

import (
	"bytes"
	"encoding/pem"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"tordetect/src/relaylist"
	"tordetect/tests/hellos"
	"tordetect/tests/tornet"
)

var update = flag.Bool("update", false, "write what the scripts got as what they want")

// noon is the clock of the scripts.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"torctl": func() {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, func() time.Time { return noon }))
	}})
}

// Each script has the documents of a Tor network of our own: certs, authorities,
// and consensus-0, -1, -2 of 9, 10 and 11 h, consensus-future of 14 h.
func TestScripts(t *testing.T) {
	net := tornet.New(3, 5, tornet.Size(12))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			write := func(name string, doc []byte) {
				require.NoError(t, os.WriteFile(filepath.Join(env.WorkDir, name), doc, 0o600))
			}
			write("tor.pcap", torCapture())
			write("empty.pcap", hellos.Pcap(layers.LinkTypeRaw, hellos.Whole))
			write("unread.pcap", hellos.Pcap(147, hellos.Whole, []byte("a packet"), []byte("another"))) // a link type for private use
			write("long.pcap", hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(hellos.Segment{Payload: []byte{22, 3, 1, 0x40, 0, 1, 1, 0, 1}})...))
			write("short.pcap", append(torCapture(), hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, []byte("a packet"))[24:24+16]...)) // a packet's head
			write("cut.pcap", hellos.Pcap(layers.LinkTypeRaw, 100, hellos.Packets(hellos.Segment{Seq: 1, Payload: hellos.TorBrowser.Records(1 << 14)})...))
			write("certs", net.Certificates())
			write("authorities", net.AuthoritiesFile())
			for i, name := range []string{"consensus-0", "consensus-1", "consensus-2"} {
				at := noon.Add(time.Duration(i-3) * time.Hour)
				write(name, net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)}))
			}
			at := noon.Add(2 * time.Hour)
			write("consensus-future", net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)}))
			at = noon.Add(-time.Hour)
			write("consensus-weak", net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at), Signers: []int{0, 1}}))
			server := httptest.NewServer(cache(net))
			env.Defer(server.Close)
			env.Setenv("CACHE", "dir+"+server.URL)
			page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>Blocked")) }))
			env.Defer(page.Close)
			env.Setenv("PAGE", "dir+"+page.URL)
			mirror := httptest.NewTLSServer(archive(net))
			env.Defer(mirror.Close)
			env.Setenv("MIRROR", mirror.URL+"/")
			write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mirror.Certificate().Raw}))
			env.Setenv("RELAY", net.Relays(noon.Add(-3 * time.Hour))[0].Addr.String())
			return nil
		},
	})
}

// torCapture is a capture of Tor Browser, of a scraper with a borrowed list of ciphers,
// of a build that nobody measured, and of Snowflake's DTLS.
func torCapture() []byte {
	with := func(change func(*hellos.Hello)) hellos.Hello {
		h := hellos.TorBrowser
		change(&h)
		return h
	}
	scraper := with(func(h *hellos.Hello) {
		h.Text, h.Name = strings.Replace(h.Text, "4588-4587-23-29-21", "4588-29-23-30-24-25-256-257", 1), "shop.example.org"
	})
	unknown := with(func(h *hellos.Hello) { h.Text = strings.Replace(h.Text, "156-157-47-53", "156-157-47", 1) })
	browser := with(func(h *hellos.Hello) {
		h.Text, h.Name, h.ALPN = "771,4865-4866-4867,0-10-16-43,29-23-24,", "www.example.com\x1b[2J", "h2"
	})
	var packets [][]byte
	for i, h := range []hellos.Hello{hellos.TorBrowser, scraper, unknown, browser} {
		from := netip.AddrPortFrom(hellos.Client.Addr(), hellos.Client.Port()+uint16(i))
		b := h.Records(1 << 14)
		at := min(1000, len(b))
		packets = append(packets, hellos.Segment{Flags: "S"}.Packet(from, hellos.Server), hellos.Segment{Seq: 1, Payload: b[:at]}.Packet(from, hellos.Server), hellos.Segment{Seq: 1 + uint32(at), Payload: b[at:]}.Packet(from, hellos.Server))
	}
	packets = append(packets, hellos.UDP(hellos.Client6, hellos.Server6, hellos.Snowflake.Datagram()))
	return hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, packets...)
}

// cache is a directory cache that serves the consensus of 11 h.
func cache(net *tornet.Network) http.Handler {
	at := noon.Add(-time.Hour)
	consensus := net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
	certificates := net.Certificates()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc := certificates
		if strings.HasPrefix(r.URL.Path, "/tor/status-vote/") {
			doc = consensus
		}
		_, _ = w.Write(doc)
	})
}

// archive is a mirror of CollecTor with the consensus of 11 h and an exit list that
// is none.
func archive(net *tornet.Network) http.Handler {
	at := noon.Add(-time.Hour)
	consensus := net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/2026-11-20-11-00-00-consensus"):
			_, _ = w.Write(consensus)
		case strings.HasSuffix(r.URL.Path, "/certs.tar.xz"):
			_, _ = w.Write(net.Certificates())
		case strings.HasSuffix(r.URL.Path, "/exit-lists/"):
			_, _ = w.Write([]byte("2026-11-20-11-02-00"))
		case strings.Contains(r.URL.Path, "/exit-lists/"):
			_, _ = w.Write([]byte("ExitNode nonsense\n"))
		default:
			http.NotFound(w, r)
		}
	})
}

// Two at once: the second one says so, and the table stays whole.
func TestLocked(t *testing.T) {
	net := tornet.New(3, 5, tornet.Size(12))
	folder := t.TempDir()
	file := func(name string, doc []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, doc, 0o600))
		return path
	}
	at := noon.Add(-time.Hour)
	args := []string{
		file("consensus", net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})), file("certs", net.Certificates()),
		"--authorities", file("authorities", net.AuthoritiesFile()), "--relays", filepath.Join(folder, "tor_relays.csv"),
	}
	torctl := func(args ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"relays"}, args...), strings.NewReader(""), &stdout, &stderr, func() time.Time { return noon })
		return code, stderr.String()
	}
	unlock, err := relaylist.Lock(filepath.Join(folder, "tor_relays.csv"))
	require.NoError(t, err)
	for _, verb := range []string{"import", "update"} {
		words := append([]string{verb}, args...)
		if verb == "update" {
			words = append([]string{verb, "--source", folder}, args[2:]...)
		}
		code, stderr := torctl(words...)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "is being written by another program")
		require.NoFileExists(t, filepath.Join(folder, "tor_relays.csv"))
	}
	unlock()
	code, stderr := torctl(append([]string{"import"}, args...)...)
	require.Zero(t, code, stderr)
	require.FileExists(t, filepath.Join(folder, "tor_relays.csv"))
}
