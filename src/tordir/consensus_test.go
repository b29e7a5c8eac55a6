package tordir

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/tests/tornet"
)

var hour = time.Date(2026, 6, 27, 4, 0, 0, 0, time.UTC)

// small is a network whose documents are quick to try a thousand times.
func small() (*tornet.Network, []tornet.Relay) {
	net := tornet.New(7, 4, tornet.Size(5))
	return net, net.Relays(hour)
}

// trustOf returns what a network's files say.
func trustOf(t testing.TB, net *tornet.Network) (Certificates, Trust) {
	t.Helper()
	certs, err := ParseCertificates(net.Certificates())
	require.NoError(t, err)
	trust, err := ParseAuthorities(net.AuthoritiesFile())
	require.NoError(t, err)
	return certs, trust
}

// A file of authorities may come from any editor.
func TestFormsOfAuthorities(t *testing.T) {
	net, _ := small()
	plain := net.AuthoritiesFile()
	want, err := ParseAuthorities(plain)
	require.NoError(t, err)
	for about, text := range map[string][]byte{
		"CRLF":                  tornet.CRLF(plain),
		"commas":                bytes.ReplaceAll(plain, []byte(" "), []byte(", ")),
		"tabs, a mark in front": append([]byte("\ufeff"), bytes.ReplaceAll(plain, []byte(" "), []byte("\t"))...),
		"comments":              bytes.ReplaceAll(plain, []byte("\n"), []byte(" # one of ours\n\n")),
	} {
		trust, err := ParseAuthorities(text)
		require.NoError(t, err, about)
		require.Equal(t, want, trust, about)
	}
}

// relaysOf brings what was asked for into the form of what was read.
func relaysOf(relays []tornet.Relay, six bool) []Relay {
	var out []Relay
	for _, r := range relays {
		want := Relay{Nickname: r.Nickname, Identity: r.Identity, Addr: r.Addr, ORPort: r.ORPort, DirPort: r.DirPort}
		if six {
			want.IPv6 = r.IPv6
		}
		for _, f := range r.Flags {
			want.Flags |= map[string]flow.Flags{"Authority": flow.DirAuthority, "BadExit": flow.BadExit, "Exit": flow.Exit, "Guard": flow.Guard}[f]
		}
		out = append(out, want)
	}
	return out
}

func TestParseConsensus(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(300))
	relays := net.Relays(hour)
	for _, spec := range []tornet.Spec{
		{},
		{Flavour: "ns"},
		{Flavour: "ns", Method: 20},
		{Method: 20}, // microdesc had no a lines before method 27
		{Grease: true},
		{Flavour: "ns", Grease: true, Legacy: true},
		{FlagsFirst: true},
		{Legacy: true, Voters: []int{1, 3}},
	} {
		spec.ValidAfter, spec.Relays = hour, relays
		t.Run(fmt.Sprintf("%s method %d grease %v", spec.Flavour, spec.Method, spec.Grease), func(t *testing.T) {
			doc := net.Consensus(spec)
			for name, doc := range map[string][]byte{
				"as it is":  doc,
				"CRLF":      tornet.CRLF(doc),
				"annotated": tornet.Annotated("network-status-consensus-3 1.0", doc),
				"both":      tornet.CRLF(tornet.Annotated("network-status-consensus-3 1.0", doc)),
			} {
				c, err := ParseConsensus(doc)
				require.NoError(t, err, name)
				require.Equal(t, relaysOf(relays, spec.Method != 20 || spec.Flavour == "ns"), c.Relays, name)
				require.Equal(t, hour.Unix(), c.ValidAfter)
				require.Equal(t, hour.Unix()+3600, c.FreshUntil)
				require.Equal(t, hour.Unix()+3*3600, c.ValidUntil)
				require.Len(t, c.Signatures, 4)
				if spec.Voters != nil {
					require.Len(t, c.Sources, 2)
				} else {
					require.Len(t, c.Sources, 4)
				}
				certs, trust := trustOf(t, net)
				v := c.Verify(certs, trust)
				require.True(t, v.OK, "%s: %s", name, v.Reason)
				require.Equal(t, 4, v.Good)
			}
		})
	}
}

func TestSources(t *testing.T) {
	net, relays := small()
	c, err := ParseConsensus(net.Consensus(tornet.Spec{Relays: relays, Voters: []int{2}}))
	require.NoError(t, err)
	a := net.Authorities[2]
	require.Equal(t, []Source{{a.Nickname, a.V3Ident, a.Addr, a.DirPort, a.ORPort}}, c.Sources)
}

func TestSeveralIPv6AddressesAndOtherOnes(t *testing.T) {
	net, relays := small()
	a, b := netip.MustParseAddrPort("[2001:db8::1]:443"), netip.MustParseAddrPort("[2001:db8::2]:9001")
	four := netip.MustParseAddrPort("192.0.2.1:443")
	relays[1].IPv6 = []netip.AddrPort{a, four, b}
	c, err := ParseConsensus(net.Consensus(tornet.Spec{Relays: relays}))
	require.NoError(t, err)
	require.Equal(t, []netip.AddrPort{a, b}, c.Relays[1].IPv6)

	// Whoever adds an address to one relay does not write into the next.
	_ = append(c.Relays[1].IPv6, four)
	again, err := ParseConsensus(net.Consensus(tornet.Spec{Relays: relays}))
	require.NoError(t, err)
	require.Equal(t, again.Relays, c.Relays)
}

// TestBrokenConsensus changes one thing of a good document.
func TestBrokenConsensus(t *testing.T) {
	net, relays := small()
	good := string(net.Consensus(tornet.Spec{Relays: relays}))
	first := good[strings.Index(good, "\nr ")+1:]
	first = first[:strings.IndexByte(first, '\n')]
	f := func(name, old, new, want string) {
		t.Helper()
		require.Contains(t, good, old, name)
		_, err := ParseConsensus([]byte(strings.Replace(good, old, new, 1)))
		require.ErrorContains(t, err, want, name)
	}
	words := strings.Fields(first)
	f("version", "network-status-version 3", "network-status-version 4", "line 1: network-status-version \"4\" is not known")
	f("flavour", "version 3 microdesc", "version 3 nanodesc", `flavour "nanodesc" is not known`)
	f("not a consensus", "network-status-version", "router", "line 1: want network-status-version")
	f("vote", "vote-status consensus", "vote-status vote", "line 2: this is the vote of one authority")
	f("no status", "vote-status consensus\n", "", "no vote-status line")
	f("two of a status", "vote-status consensus\n", "vote-status consensus\nvote-status consensus\n", "line 3: bad")
	f("no method", "consensus-method 35\n", "", "no consensus-method line")
	f("method", "consensus-method 35", "consensus-method x", "line 3: bad")
	f("no valid-after", "valid-after", "valid-before", "no valid-after line")
	f("two valid-after", "fresh-until 2026-06-27 05", "valid-after 2026-06-27 04", "line 5: bad")
	f("bad time", "2026-06-27 04", "2026-06-31 04", `bad "valid-after`)
	f("order of times", "fresh-until 2026-06-27 05", "fresh-until 2026-06-27 04", "not in that order")
	f("dir-source", "203.0.113.200 80 443", "203.0.113.200 80", "bad dir-source")
	f("nickname", words[1], words[1]+"-", "bad nickname")
	f("identity", words[2], words[2][:26], "want 27 characters of base64")
	f("loose bits of an identity", words[2], words[2][:26]+"/", "want 27 characters of base64")
	f("address", first, strings.Replace(first, words[5], "192.0.2.256", 1), `bad address and ports "192.0.2.256"`)
	f("port", first, strings.Join(words[:6], " ")+" 65536 0", `"65536"`)
	f("missing port", first, strings.Join(words[:7], " "), "bad address and ports")
	f("no s line", "\ns ", "\nx ", "no s line")
	f("two s lines", "\ns ", "\ns Running\ns ", "an s line without an r line")
	f("a line", "\nm ", "\na 2001:db8::1:443\nm ", "bad \"a 2001:db8::1:443\"")
	f("signature line", "directory-signature sha256", "directory-signature sha256 00", "bad directory-signature")
	f("signature object", "-----BEGIN SIGNATURE", "-----BEGIN SIGNATURES", "want -----BEGIN SIGNATURE-----")
	f("base64", "-----BEGIN SIGNATURE-----\n", "-----BEGIN SIGNATURE-----\n!", "not base64")
	f("relays behind the footer", "directory-footer\n", "directory-footer\n"+first+"\n", "r line behind the footer")
	f("tab behind directory-signature", "directory-signature ", "directory-signature\t", "want one blank")
	f("long nickname", words[1], strings.Repeat("a", 100_000), `bad nickname "`+strings.Repeat("a", maxQuote)+`"...`)
	f("no relays", good[strings.Index(good, "\nr "):strings.Index(good, "\ndirectory-footer")], "", "no relay is listed")
}

func TestRelaysInOrder(t *testing.T) {
	net, relays := small()
	relays[0], relays[1] = relays[1], relays[0]
	_, err := ParseConsensus(net.Consensus(tornet.Spec{Relays: relays, Unsorted: true}))
	require.ErrorContains(t, err, "not in the order")
	relays[0] = relays[1]
	_, err = ParseConsensus(net.Consensus(tornet.Spec{Relays: relays, Unsorted: true}))
	require.ErrorContains(t, err, "not in the order")
}

// TestUnsignedRelays: what stands behind the first directory-signature is signed
// by nobody, and must not be taken in.
func TestUnsignedRelays(t *testing.T) {
	net, relays := small()
	certs, trust := trustOf(t, net)
	doc := net.Consensus(tornet.Spec{Relays: relays})
	evil := "r evil AAAAAAAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 192.0.2.66 443 0\ns Running Valid\nvalid-after 2020-01-01 00:00:00\n"
	at := bytes.LastIndex(doc, []byte("directory-signature"))
	doc = append(doc[:at:at], append([]byte(evil), doc[at:]...)...)
	c, err := ParseConsensus(doc)
	require.NoError(t, err)
	require.True(t, c.Verify(certs, trust).OK)
	require.Equal(t, relaysOf(relays, true), c.Relays)
	require.Equal(t, hour.Unix(), c.ValidAfter)
}

func TestTwoDocuments(t *testing.T) {
	net, relays := small()
	doc := net.Consensus(tornet.Spec{Relays: relays})
	for _, n := range []int{len(doc), len(doc) - 100, len(doc) / 2, 200} {
		cut := doc[:n]
		cut = cut[:bytes.LastIndexByte(cut, '\n')+1]
		_, err := ParseConsensus(append(bytes.Clone(cut), doc...))
		require.Error(t, err)
		require.Regexp(t, "another document begins here|network-status-version line behind the footer|not base64|is longer", err.Error())
	}
}

// TestTruncatedConsensus cuts a document at every byte. A cut behind a whole
// signature leaves a document that is as good as it was, if enough signatures
// are left; every other one must be refused.
func TestTruncatedConsensus(t *testing.T) {
	net, relays := small()
	certs, trust := trustOf(t, net)
	doc := net.Consensus(tornet.Spec{Relays: relays})
	for n := range len(doc) {
		c, err := ParseConsensus(doc[:n:n])
		if err != nil {
			continue
		}
		require.True(t, bytes.HasSuffix(doc[:n], []byte("\n-----END SIGNATURE-----\n")), "%q", doc[max(0, n-40):n])
		v := c.Verify(certs, trust)
		require.Equal(t, len(c.Signatures), v.Good)
		require.Equal(t, len(c.Signatures) >= 3, v.OK)
		require.Equal(t, relaysOf(relays, true), c.Relays)
	}
	for _, n := range []int{0, 10, 100, len(doc) / 2, len(doc) - 1, len(doc) - 30} {
		_, err := ParseConsensus(doc[:n])
		require.Regexp(t, "cut short|is empty|no .* line before here", err.Error())
	}
}

// TestOneByteChanged changes every byte of the signed part.
func TestOneByteChanged(t *testing.T) {
	net, relays := small()
	certs, trust := trustOf(t, net)
	doc := net.Consensus(tornet.Spec{Relays: relays})
	signed := bytes.Index(doc, []byte("directory-signature ")) + len("directory-signature ")
	for i := range signed {
		for _, bit := range []byte{1, 0x20} {
			refused(t, doc, i, bit, certs, trust)
		}
	}
}

// refused fails unless a document with one bit of byte i changed is refused.
func refused(t *testing.T, doc []byte, i int, bit byte, certs Certificates, trust Trust) {
	t.Helper()
	doc[i] ^= bit
	defer func() { doc[i] ^= bit }()
	c, err := ParseConsensus(doc)
	if err == nil {
		v := c.Verify(certs, trust)
		require.False(t, v.OK, "byte %d changed: %s", i, v.Reason)
		require.Zero(t, v.Good, "byte %d changed: %s", i, v.Reason)
	}
}

func TestJunkIsRefusedQuickly(t *testing.T) {
	for _, fill := range []string{"\x00", "\n", "r ", "r \n", "network-status-version 3\n"} {
		junk := bytes.Repeat([]byte(fill), 100<<20/len(fill))
		_, err := ParseConsensus(junk)
		require.ErrorContains(t, err, "more than the")
		_, err = ParseConsensus(junk[:MaxDocument])
		require.Error(t, err)
		_, err = ParseCertificates(junk[:MaxDocument])
		require.Error(t, err)
		_, err = ParseExitList(junk[:MaxDocument])
		require.Error(t, err)
		require.Less(t, len(err.Error()), 400)
	}
}

// TestParseAllocations: what is allocated does not grow with the relays.
func TestParseAllocations(t *testing.T) {
	allocations := func(size int) float64 {
		net := tornet.New(7, 4, tornet.Size(size))
		doc := net.Consensus(tornet.Spec{Relays: net.Relays(hour)})
		return testing.AllocsPerRun(10, func() {
			if _, err := ParseConsensus(doc); err != nil {
				t.Fatal(err)
			}
		})
	}
	require.InDelta(t, allocations(100), allocations(2000), 8)
}

func TestFlagsString(t *testing.T) {
	require.Equal(t, "", flow.Flags(0).String())
	require.Equal(t, "Exit Guard", (flow.Guard | flow.Exit).String())
	require.Equal(t, "Authority BadExit Exit Guard", flow.Flags(15).String())
}
