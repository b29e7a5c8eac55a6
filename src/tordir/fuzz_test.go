package tordir

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/tests/pace"
	"tordetect/tests/tornet"
)

// FuzzParseConsensus: whatever comes, nothing panics, and what verifies is the
// signed text of the one document that was signed.
func FuzzParseConsensus(f *testing.F) {
	net := tornet.New(7, 2, tornet.Size(5)) // small documents: the fuzzer tries to shorten each
	certs, trust := trustOf(f, net)
	genuine := map[string]bool{}
	for _, spec := range []tornet.Spec{{}, {Flavour: "ns"}, {Grease: true}, {Signers: []int{0, 1, 1}}, {Legacy: true, FlagsFirst: true}} {
		spec.Relays = net.Relays(hour)[:2]
		doc := net.Consensus(spec)
		c, err := ParseConsensus(doc)
		require.NoError(f, err)
		genuine[string(c.signed)] = true
		f.Add(doc)
		f.Add(tornet.CRLF(doc))
		f.Add(doc[:len(doc)/2])
	}
	f.Add([]byte("network-status-version 3\nvote-status vote\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := ParseConsensus(doc)
		pace.Hold(t, doc, func(doc []byte) {
			if c, err := ParseConsensus(doc); err == nil {
				c.Verify(certs, trust)
			}
		})
		if err != nil {
			require.Nil(t, c)
			require.True(t, strings.HasPrefix(err.Error(), "consensus: "), err)
			require.Less(t, len(err.Error()), 700)
			return
		}
		require.NotEmpty(t, c.Relays)
		require.NotEmpty(t, c.Signatures)
		require.True(t, c.ValidAfter < c.FreshUntil && c.FreshUntil < c.ValidUntil)
		for i, r := range c.Relays {
			require.True(t, flow.IsNickname([]byte(r.Nickname)))
			require.True(t, r.Addr.IsValid() && r.Addr.Zone() == "")
			require.True(t, i == 0 || bytes.Compare(c.Relays[i-1].Identity[:], r.Identity[:]) < 0)
		}
		if v := c.Verify(certs, trust); v.OK {
			require.True(t, genuine[string(c.signed)])
			require.Equal(t, 2, v.Good)
		}
	})
}

// FuzzParseCertificates: only the certificates of the authorities' own keys can
// come out under their names.
func FuzzParseCertificates(f *testing.F) {
	net := tornet.New(7, 1)
	f.Add(net.Certificates())
	f.Add(tornet.CRLF(net.Certificates()))
	f.Add(net.Certificate(0, tornet.CertSpec{Grease: true, Break: tornet.NoCrosscert}))
	f.Add(net.Certificate(0, tornet.CertSpec{Break: tornet.CertificateNoEnd}))
	honest, err := ParseCertificates(net.Certificates())
	require.NoError(f, err)
	greased, err := ParseCertificates(net.Certificate(0, tornet.CertSpec{Grease: true}))
	require.NoError(f, err)
	honest = append(honest, greased...)
	f.Fuzz(func(t *testing.T, doc []byte) {
		certs, err := ParseCertificates(doc)
		pace.Hold(t, doc, func(doc []byte) { _, _ = ParseCertificates(doc) })
		require.True(t, err != nil || len(certs) > 0)
		for _, cert := range certs {
			for _, own := range honest {
				if cert.Identity == own.Identity {
					require.Equal(t, own.SigningKeyDigest, cert.SigningKeyDigest)
					require.Equal(t, own.Expires, cert.Expires)
				}
			}
		}
	})
}

func FuzzParseExitList(f *testing.F) {
	net := tornet.New(7, 1, tornet.Size(30))
	doc := net.ExitList(hour, net.ExitNodes(hour)[:3])
	f.Add(doc)
	f.Add(tornet.CRLF(tornet.Annotated("tordnsel 1.0", doc)))
	f.Add(doc[:200])
	f.Fuzz(func(t *testing.T, doc []byte) {
		list, err := ParseExitList(doc)
		pace.Hold(t, doc, func(doc []byte) { _, _ = ParseExitList(doc) })
		if err != nil {
			return
		}
		require.NotEmpty(t, list.Nodes)
		for _, n := range list.Nodes {
			require.NotEmpty(t, n.Addresses)
			for _, a := range n.Addresses {
				require.True(t, a.Addr.IsValid() && a.Addr.Zone() == "" && !a.Addr.Is4In6())
			}
		}
	})
}

func FuzzParseAuthorities(f *testing.F) {
	f.Add(tornet.New(7, 3).AuthoritiesFile())
	f.Add(publicAuthorities)
	f.Add([]byte("B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFB0B1B2B3,beta,[2001:db8::1],80,443,-,2024-11-30 # x\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		trust, err := ParseAuthorities(text)
		pace.Hold(t, text, func(text []byte) { _, _ = ParseAuthorities(text) })
		if err != nil {
			require.Empty(t, trust)
			require.Less(t, len(err.Error()), 400)
			return
		}
		require.NotEmpty(t, trust)
		for _, a := range trust {
			require.True(t, flow.IsNickname([]byte(a.Nickname)) && a.Addr.IsValid() && a.From < a.Until)
		}
	})
}

// FuzzDocuments: no file makes it panic, hand out too much, or say nothing.
func FuzzDocuments(f *testing.F) {
	consensus, vote, certs, exits := samples()
	for _, file := range [][]byte{consensus[:1500], vote[:2000], certs[:800], exits, gzipped(exits), zlibbed(exits), xzed(exits),
		tarred("a", string(exits), "b", string(certs[:300])), xzed(tarred("a", string(gzipped(exits)))), sparse(1<<30, 2)} {
		f.Add(file)
	}
	limits := Limits{Input: 1 << 20, Output: 4 << 20, Document: 1 << 20}
	f.Fuzz(func(t *testing.T, file []byte) {
		pace.Hold(t, file, func(file []byte) {
			for range Documents("f", bytes.NewReader(file), limits) {
			}
		})
		given := 0
		total := 0
		for d, err := range Documents("f", bytes.NewReader(file), limits) {
			given++
			if err != nil {
				continue
			}
			require.NotEmpty(t, d.Kind)
			total += len(d.Bytes)
			require.LessOrEqual(t, len(d.Bytes), int(limits.Document))
		}
		require.Positive(t, given)
		require.LessOrEqual(t, total, int(limits.Output)+int(limits.Input))
	})
}

// FuzzParseAddr holds the address parser against netip's.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "2001:db8::1", "::", "1::", "::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:192.0.2.1",
		"1::2::3", "12345::", "::%eth0", "01.2.3.4", "1.2.3", "1:2:3:4:5:6:7:8:9", ":1", "1:", "::1:", "1:2:3:4::5:6:7:8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseAddr([]byte(s))
		want, err := netip.ParseAddr(s)
		if err != nil || want.Zone() != "" {
			require.False(t, ok, s)
			return
		}
		require.True(t, ok, s)
		require.Equal(t, want.Unmap(), got)
	})
}

// FuzzParseTime holds the time parser against Go's.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-06-27 04:00:00", "2024-02-29 23:59:59", "2023-02-29 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59",
		"2100-02-29 00:00:00", "2000-02-29 00:00:00", "1969-12-31 23:59:59", "2026-6-27 04:00:00", "2026-06-27 24:00:00", "2026-06-27 04:00:60",
		"2000-01-01  0:00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		// Go takes "2000-01-01  0:00:00", too, and anything that it would write otherwise.
		if want, err := time.Parse(time.DateTime, s); err == nil && want.Year() >= 1970 && want.Format(time.DateTime) == s {
			require.True(t, ok, s)
			require.Equal(t, want.Unix(), got)
		} else if ok { // tabs, more blanks, extra arguments
			fields := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
			want, err := time.Parse(time.DateTime, fields[0]+" "+fields[1])
			require.NoError(t, err, s)
			require.Equal(t, want.Unix(), got)
		}
	})
}
