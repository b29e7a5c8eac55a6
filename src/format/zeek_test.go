package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-11-20-12-00-00\n"

// readAll reads the lines of a file and returns the last claim.
func readAll(t *testing.T, text string) (*event.Event, Claim) {
	t.Helper()
	var p Parser
	var claim Claim
	e := new(event.Event)
	for line := range strings.Lines(text) {
		claim = p.Read([]byte(strings.Clone(line)), e)
	}
	return e, claim
}

// tsv writes a file of one row; blanks are its separators.
func tsv(path, fields, row string) string {
	return strings.Replace(zeekHead, "conn", path, 1) + "#fields\t" + strings.ReplaceAll(fields, " ", "\t") + "\n" + strings.ReplaceAll(row, " ", "\t") + "\n"
}

const (
	zeekEnds = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p"
	zeekOf   = "1795176000.123456 C1 10.0.0.5 50000 198.51.100.7 443"
)

// Rows of files whose head names the fields.
func TestZeekFiles(t *testing.T) {
	for _, c := range []struct {
		about, text string
		want        cells
	}{
		{"conn", tsv("conn", zeekEnds+" proto service duration resp_pkts conn_state", zeekOf+" tcp ssl,http - 0 S0"), cells{
			event.LogTime: "1795176000.123456", event.Source: "10.0.0.5", event.SourcePort: "50000", event.Destination: "198.51.100.7", event.DestinationPort: "443",
			event.Transport: "tcp", event.Service: "ssl,http", event.Duration: "", event.PacketsIn: "0", event.ConnState: "S0"}},
		{"fields in another order", tsv("conn", "id.resp_p id.resp_h id.orig_h ts", "443 198.51.100.7 10.0.0.5 1795176000.1"), cells{event.Destination: "198.51.100.7", event.DestinationPort: "443"}},
		{"names with underscores", tsv("conn", strings.ReplaceAll(zeekEnds, ".", "_"), zeekOf), cells{event.Destination: "198.51.100.7"}},
		{"ssl with packages", tsv("ssl", zeekEnds+" version server_name ja3 ja4", zeekOf+" TLSv13 www.example.com abc t13d"), cells{event.SNI: "www.example.com", event.JA3: "abc", event.JA4: "t13d", event.Version: "TLSv13"}},
		{"escapes", tsv("dns", zeekEnds+" proto query", zeekOf+` udp a\x2cb"c\\x.example.com`), cells{event.Query: `a,b"c\\x.example.com`}},
		{"http", tsv("http", zeekEnds+" method host", zeekOf+" GET x.onion"), cells{event.URL: "x.onion", event.Method: "GET"}},
		{"host of another log", tsv("known_hosts", zeekEnds+" host", zeekOf+" x.onion"), cells{event.URL: ""}},
		{"empty", tsv("conn", zeekEnds+" proto service", zeekOf+" tcp (empty)"), cells{event.Service: ""}},
		{"another separator", "#separator \\x7c\n#path|conn\n#fields|" + strings.ReplaceAll(zeekEnds, " ", "|") + "\n" + strings.ReplaceAll(zeekOf, " ", "|"), cells{event.Destination: "198.51.100.7"}},
		{"one tab too many", tsv("conn", zeekEnds, zeekOf+" "), cells{event.DestinationPort: "443"}},
		{"three", tsv("conn", zeekEnds, zeekOf+"   "), cells{event.DestinationPort: "443"}},
	} {
		e, claim := readAll(t, c.text)
		require.Equal(t, Claim{Kind: Flow, Format: Zeek}, claim, c.about)
		c.want.has(t, e, c.about)
	}

	broken := func(text string) string { return Claim{Kind: Broken, Format: Zeek, Text: text}.Text }
	for _, c := range []struct{ about, text, want string }{
		{"fewer", tsv("conn", zeekEnds, "1795176000.1 C1 10.0.0.5 50000"), broken("the row has fewer fields than the line #fields names")},
		{"more", tsv("conn", zeekEnds, zeekOf+" more"), broken("the row has more fields than the line #fields names")},
		{"no ends", tsv("conn", zeekEnds, "1795176000.1 C1 - - - -"), broken("no id.orig_h or no id.resp_h")},
		{"another log", tsv("files", "ts fuid", "1795176000.1 F1"), "Zeek files"},
	} {
		_, claim := readAll(t, c.text)
		require.Equal(t, c.want, claim.Text, c.about)
	}
	// Cut behind both ends.
	e, claim := readAll(t, tsv("conn", zeekEnds+" proto", zeekOf))
	require.Equal(t, Claim{Kind: Flow, Format: Zeek, Cut: true}, claim)
	cells{event.Destination: "198.51.100.7", event.DestinationPort: ""}.has(t, e, "what may go on does not count")
	// A head behind a head, and one that is forgotten.
	e, _ = readAll(t, tsv("files", "ts fuid", "1795176000.1 F1")+tsv("ssl", zeekEnds+" server_name", zeekOf+" a.example.com"))
	cells{event.SNI: "a.example.com"}.has(t, e, "rotated logs in one file")
	var p Parser
	p.Read([]byte("#fields\tts\tfuid"), e)
	p.Reset()
	require.Equal(t, Flow, p.Read([]byte(zeekLine), e).Kind)
}

// Rows without a head, as they come to a search: told apart by what is in them.
func TestZeekRows(t *testing.T) {
	of := strings.ReplaceAll(zeekOf, " ", "\t")
	for _, c := range []struct {
		about, rest string
		want        cells
	}{
		{"conn", "tcp ssl 60.5 700 4000 SF T F 0 ShADadFf 9 1200 8 4500 -", cells{
			event.Transport: "tcp", event.Service: "ssl", event.Duration: "60.5", event.ConnState: "SF", event.PacketsOut: "9", event.PacketsIn: "8"}},
		{"conn of 2.3", "tcp ssl 60.5 700 4000 SF T 0 ShADadFf 9 1200 8 4500 (empty)", cells{event.PacketsOut: "9", event.PacketsIn: "8"}},
		{"conn without local_orig and local_resp", "tcp ssl 60.5 700 4000 SF 0 ShADadFf 9 1200 8 4500 (empty)", cells{event.PacketsOut: "9", event.PacketsIn: "8"}},
		{"conn of 8", "udp - - - - S0 T F 0 D 1 60 0 0 - 17", cells{event.Transport: "udp", event.PacketsIn: "0", event.ConnState: "S0"}},
		{"ssl", "TLSv13 TLS_AES x25519 www.example.com F - - T", cells{event.SNI: "www.example.com", event.Version: "TLSv13"}},
		{"ssl of 2.2", "TLSv10 TLS_RSA www.example.com 0123 CN=x", cells{event.SNI: "www.example.com"}},
		{"ssl that failed", "- - - www.example.com F - - F", cells{event.SNI: "www.example.com"}},
		{"DTLS", "DTLSv12 - - - F - - T", cells{event.Version: "DTLSv12", event.SNI: ""}},
		{"dns", "udp 4711 0.01 www.example.com 1 C_INTERNET 1 A", cells{event.Query: "www.example.com", event.Transport: "udp"}},
		{"dns of 2.4", "udp 4711 www.example.com 1 C_INTERNET 1 A", cells{event.Query: "www.example.com"}},
		{"http", "1 GET www.example.com /x - 1.1 curl 0 9 200 OK", cells{event.URL: "/x", event.Method: "GET", event.Transport: ""}},
		{"another log", "x y z", cells{event.Destination: "198.51.100.7", event.Transport: "", event.Query: ""}},
	} {
		e := flowOf(t, of+"\t"+strings.ReplaceAll(c.rest, " ", "\t"), Zeek)
		c.want.has(t, e, c.about)
		cells{event.Source: "10.0.0.5", event.DestinationPort: "443", event.LogTime: "1795176000.123456"}.has(t, e, c.about)
	}
	for about, line := range map[string]string{
		"seconds alone": strings.Replace(of, ".123456", "", 1), "no address": strings.Replace(of, "10.0.0.5", "host", 1), "too short": "1795176000.1\tC1\t10.0.0.5",
	} {
		_, claim := read(t, line)
		require.Equal(t, Nobody, claim.Kind, about)
	}
	for _, none := range []string{"0.0.0.0", "::"} { // a host that asks for an address
		_, claim := read(t, strings.Replace(of, "10.0.0.5", none, 1))
		require.Equal(t, Flow, claim.Kind, none)
	}
}
