package tordir

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/tornet"
)

// statuses sums a verification up: one letter a signature.
func statuses(v Verification) string {
	letters := map[Status]string{StatusGood: "g", StatusBad: "b", StatusDuplicate: "d", StatusUnknownAuthority: "a",
		StatusUnknownCertificate: "c", StatusExpiredCertificate: "e", StatusUnknownAlgorithm: "x"}
	var b strings.Builder
	for _, check := range v.Checks {
		b.WriteString(letters[check.Status])
	}
	return b.String()
}

// sign makes, parses and verifies a consensus.
func signAndVerify(t *testing.T, net *tornet.Network, spec tornet.Spec, certs Certificates, trust Trust) Verification {
	t.Helper()
	spec.Relays = net.Relays(hour)
	if spec.ValidAfter.IsZero() {
		spec.ValidAfter = hour
	}
	c, err := ParseConsensus(net.Consensus(spec))
	require.NoError(t, err)
	v := c.Verify(certs, trust)
	require.Len(t, v.Checks, len(c.Signatures))
	require.NotEmpty(t, v.Reason)
	return v
}

// TestMajority signs with every number of signatures of every number of
// authorities: more than half is enough, half is not.
func TestMajority(t *testing.T) {
	for n := 1; n <= 9; n++ {
		net := tornet.New(7, n, tornet.Size(5))
		certs, trust := trustOf(t, net)
		for signers := 1; signers <= n; signers++ {
			var who []int
			for i := range signers {
				who = append(who, i)
			}
			for _, flavour := range []string{"ns", "microdesc"} {
				v := signAndVerify(t, net, tornet.Spec{Flavour: flavour, Signers: who}, certs, trust)
				require.Equal(t, signers, v.Good)
				require.Equal(t, n, v.Authorities)
				require.Equal(t, signers, v.Present)
				require.Equal(t, n >= MinAuthorities && 2*signers > n, v.OK, "%d of %d", signers, n)
			}
		}
	}
}

func TestSignatures(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	stranger := tornet.New(8, 1).Authorities[0]
	certs, trust := trustOf(t, net)
	more, err := ParseCertificates(tornet.New(8, 1).Certificates())
	require.NoError(t, err)
	certs = append(certs, more...)
	for _, test := range []struct {
		name string
		spec tornet.Spec
		want string
		good int
		ok   bool
	}{
		{"all", tornet.Spec{}, "gggg", 4, true},
		{"three", tornet.Spec{Signers: []int{3, 0, 1}}, "ggg", 3, true},
		{"half", tornet.Spec{Signers: []int{0, 1}}, "gg", 2, false},
		{"one authority twice", tornet.Spec{Signers: []int{0, 1, 1}}, "ggd", 2, false},
		{"one authority often", tornet.Spec{Signers: []int{0, 0, 0, 0, 0, 0}}, "gddddd", 1, false},
		{"one wrong", tornet.Spec{Wrong: []int{2}}, "ggbg", 3, true},
		{"two wrong", tornet.Spec{Wrong: []int{0, 3}}, "bggb", 2, false},
		{"wrong, then right", tornet.Spec{Signers: []int{0, 1, 2, 2}, Wrong: []int{2}}, "ggbg", 3, true},
		{"a stranger", tornet.Spec{Signers: []int{0, 1}, Others: []*tornet.Authority{stranger}}, "gga", 2, false},
		{"a stranger besides", tornet.Spec{Others: []*tornet.Authority{stranger}}, "gggga", 4, true},
		{"one that poses as others", tornet.Spec{Signers: []int{0}, Others: []*tornet.Authority{net.Pose(1, 0), net.Pose(2, 0)}}, "gcc", 1, false},
		{"an unknown algorithm", tornet.Spec{Algorithms: map[int]string{0: "sha3-256"}}, "xggg", 3, true},
		{"two of them", tornet.Spec{Algorithms: map[int]string{0: "sha3-256", 1: "blake2"}}, "xxgg", 2, false},
		{"sha1 under microdesc", tornet.Spec{Algorithms: map[int]string{0: "sha1"}}, "gggg", 4, true},
		{"sha256 under ns", tornet.Spec{Flavour: "ns", Algorithms: map[int]string{0: "sha256"}}, "gggg", 4, true},
		{"the digest of another text", tornet.Spec{Digests: map[int]string{0: "x", 1: "y"}}, "bbgg", 2, false},
	} {
		v := signAndVerify(t, net, test.spec, certs, trust)
		require.Equal(t, test.want, statuses(v), test.name)
		require.Equal(t, test.good, v.Good, test.name)
		require.Equal(t, test.ok, v.OK, test.name)
		require.Equal(t, len(test.want)-strings.Count(test.want, "x"), v.Present, test.name)
	}
}

func TestReason(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	certs, trust := trustOf(t, net)
	require.Equal(t, "4 of 4 authorities signed, 3 are needed.", signAndVerify(t, net, tornet.Spec{}, certs, trust).Reason)
	v := signAndVerify(t, net, tornet.Spec{Wrong: []int{1, 2}, Signers: []int{0, 1, 2}}, certs[1:], trust)
	require.Equal(t, "0 of 4 authorities signed, 3 are needed. Bad signature: auth2, auth3. No certificate for its key: auth1.", v.Reason)
	v = signAndVerify(t, net, tornet.Spec{}, certs, nil)
	require.Contains(t, v.Reason, "No authority is trusted at 2026-06-27 04:00:00 UTC")
	v = signAndVerify(t, net, tornet.Spec{Signers: make([]int, 90)}, certs, trust)
	require.Contains(t, v.Reason, "and 79 more")
}

// TestTrustListTooShort: a list that says nothing lets nothing pass.
func TestTrustListTooShort(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	certs, trust := trustOf(t, net)
	past := append(Trust(nil), trust...)
	for i := range past {
		past[i].Until = hour.Unix()
	}
	one := append(Trust(nil), trust[0], trust[0])
	for name, trust := range map[string]Trust{"nil": nil, "empty": {}, "of the past": past, "one": trust[:1], "one twice": one} {
		v := signAndVerify(t, net, tornet.Spec{}, certs, trust)
		require.False(t, v.OK, name)
		require.Regexp(t, "No authority is trusted|Only 1 authority is trusted", v.Reason, name)
	}
	require.True(t, signAndVerify(t, net, tornet.Spec{}, certs, trust[:2]).OK)
}

// TestOldAndNewKey: an authority that changed its identity is one authority, for
// the number needed and for the number there is.
func TestOldAndNewKey(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	renewed := net.Renew(0) // authority 4
	certs, trust := trustOf(t, net)
	require.Equal(t, net.Authorities[0].Nickname, renewed.Nickname)

	v := signAndVerify(t, net, tornet.Spec{Signers: []int{1, 2, 4}}, certs, trust)
	require.Equal(t, []any{4, 3, true}, []any{v.Authorities, v.Good, v.OK})
	v = signAndVerify(t, net, tornet.Spec{Signers: []int{0, 1, 4}}, certs, trust)
	require.Equal(t, []any{4, 2, false, "ggd"}, []any{v.Authorities, v.Good, v.OK, statuses(v)})

	// The same with another spelling of the name, as Faravahar and faravahar.
	for i := range trust {
		if trust[i].V3Ident == renewed.V3Ident {
			trust[i].Nickname = "AUTH1"
		}
	}
	require.Equal(t, 4, trust.Authorities(hour.Unix()))
	v = signAndVerify(t, net, tornet.Spec{Signers: []int{0, 1, 4}}, certs, trust)
	require.Equal(t, "ggd", statuses(v))

	// With dates, only the key of the time counts.
	net.Authorities[0].Until, renewed.From = "2026-06-26", "2026-06-27"
	_, trust = trustOf(t, net)
	v = signAndVerify(t, net, tornet.Spec{Signers: []int{0, 1, 4}}, certs, trust)
	require.Equal(t, []any{4, "agg"}, []any{v.Authorities, statuses(v)})
	require.Contains(t, v.Reason, "Not a trusted authority at that time: auth1.")
	v = signAndVerify(t, net, tornet.Spec{ValidAfter: hour.Add(-5 * time.Hour), Signers: []int{0, 1, 4}}, certs, trust)
	require.Equal(t, []any{4, "gga"}, []any{v.Authorities, statuses(v)})
}

// TestCertificateTimes: the expiry is held against valid-after, not against
// today, and the date of publication against nothing.
func TestCertificateTimes(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	_, trust := trustOf(t, net)
	year := 365 * 24 * time.Hour
	for _, test := range []struct {
		name  string
		specs []tornet.CertSpec
		want  string
	}{
		{"valid", []tornet.CertSpec{{}}, "g"},
		{"published later", []tornet.CertSpec{{Published: hour.Add(72 * time.Hour)}}, "g"},
		{"expires at valid-after", []tornet.CertSpec{{Expires: hour}}, "g"},
		{"expired a second before", []tornet.CertSpec{{Expires: hour.Add(-time.Second)}}, "e"},
		{"expired, then valid", []tornet.CertSpec{{Expires: hour.Add(-year)}, {Expires: hour.Add(year)}}, "g"},
		{"valid, then expired", []tornet.CertSpec{{Expires: hour.Add(year)}, {Expires: hour.Add(-year)}}, "g"},
		{"both expired", []tornet.CertSpec{{Expires: hour.Add(-year)}, {Expires: hour.Add(-time.Hour)}}, "e"},
		{"none", nil, "c"},
	} {
		var certs Certificates
		for _, spec := range test.specs {
			cert, err := ParseCertificates(net.Certificate(0, spec))
			require.NoError(t, err)
			certs = append(certs, cert...)
		}
		v := signAndVerify(t, net, tornet.Spec{Signers: []int{0}}, certs, trust)
		require.Equal(t, test.want, statuses(v), test.name)
	}
}

// TestUnknownSigningKey: a certificate of the authority's former key does not
// help, and is not held against it.
func TestUnknownSigningKey(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	certs, trust := trustOf(t, net)
	net.Rekey(0)
	v := signAndVerify(t, net, tornet.Spec{}, certs, trust)
	require.Equal(t, "cggg", statuses(v))
	require.True(t, v.OK)
}

func TestExtraArgumentsOfASignature(t *testing.T) {
	net := tornet.New(7, 4, tornet.Size(5))
	certs, trust := trustOf(t, net)
	for _, flavour := range []string{"ns", "microdesc"} {
		doc := net.Consensus(tornet.Spec{Flavour: flavour, Relays: net.Relays(hour)})
		doc = bytes.ReplaceAll(doc, []byte("\n-----BEGIN SIGNATURE"), []byte(" extra arguments\n-----BEGIN SIGNATURE"))
		c, err := ParseConsensus(doc)
		require.NoError(t, err)
		require.Equal(t, "gggg", statuses(c.Verify(certs, trust)), flavour)
	}
}

func TestTooManySignatures(t *testing.T) {
	net := tornet.New(7, 2, tornet.Size(5))
	_, err := ParseConsensus(net.Consensus(tornet.Spec{Relays: net.Relays(hour), Signers: make([]int, maxSignatures+1)}))
	require.ErrorContains(t, err, "more than 100 signatures")
}

// TestLargerKeys does once what all else does with small keys.
func TestLargerKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("makes keys of 2048 bit")
	}
	net := tornet.New(7, 2, tornet.Size(5), tornet.KeySize(2048))
	certs, trust := trustOf(t, net)
	require.True(t, signAndVerify(t, net, tornet.Spec{}, certs, trust).OK)
}

// TestFIPSOnly runs a verification in a process where Go forbids SHA-1.
func TestFIPSOnly(t *testing.T) {
	if os.Getenv("TORDIR_FIPS") == "1" {
		// The certificates and the consensus were made by the process without the
		// restriction.
		read := func(name string) []byte {
			data, err := os.ReadFile(os.Getenv("TORDIR_DIR") + "/" + name)
			require.NoError(t, err)
			return data
		}
		certs, err := ParseCertificates(read("certs"))
		require.NoError(t, err)
		trust, err := ParseAuthorities(read("authorities"))
		require.NoError(t, err)
		for _, flavour := range []string{"ns", "microdesc"} {
			c, err := ParseConsensus(read(flavour))
			require.NoError(t, err)
			v := c.Verify(certs, trust)
			require.True(t, v.OK, v.Reason)
		}
		return
	}
	net := tornet.New(7, 4, tornet.Size(5))
	dir := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(dir+"/"+name, data, 0o600))
	}
	write("certs", net.Certificates())
	write("authorities", net.AuthoritiesFile())
	for _, flavour := range []string{"ns", "microdesc"} {
		write(flavour, net.Consensus(tornet.Spec{Flavour: flavour, Relays: net.Relays(hour)}))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSOnly$", "-test.v")
	cmd.Env = append(os.Environ(), "TORDIR_FIPS=1", "TORDIR_DIR="+dir, "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "PASS: TestFIPSOnly")
}

func TestPublicAuthorities(t *testing.T) {
	trust := PublicAuthorities()
	require.Len(t, trust, 14)
	require.Equal(t, 0, trust.Authorities(time.Date(2015, 2, 28, 23, 59, 59, 0, time.UTC).Unix()))
	// Never fewer than eight, never more than nine: five signatures are needed.
	for day := time.Date(2015, 3, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
		n := trust.Authorities(day.Unix())
		require.True(t, n == 8 || n == 9, "%d on %s", n, day)
	}
	require.Equal(t, 9, trust.Authorities(math.MaxInt64-1))
	parsed, err := ParseAuthorities(publicAuthorities)
	require.NoError(t, err)
	require.Equal(t, trust, parsed)
}

func TestParseAuthorities(t *testing.T) {
	text := "\ufeff# a list\r\n" +
		"\n" +
		"A0A1A2A3A4A5A6A7A8A9AAABACADAEAFA0A1A2A3 alpha 192.0.2.1 80 443 # no dates\r\n" +
		"  b0b1b2b3b4b5b6b7b8b9babbbcbdbebfb0b1b2b3 , beta,[2001:db8::1],0 , 443,-,2024-02-29\n" +
		"C0C1C2C3C4C5C6C7C8C9CACBCCCDCECFC0C1C2C3\tgamma\t192.0.2.3\t80\t443\t2024-03-01\t-\n" +
		"D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFD0D1D2D3 alpha 192.0.2.4 80 443 2024-03-01 2024-03-01"
	trust, err := ParseAuthorities([]byte(text))
	require.NoError(t, err)
	var got []string
	for _, a := range trust {
		got = append(got, fmt.Sprintf("%X %s %s %d %d", a.V3Ident[:2], a.Nickname, a.Addr, a.DirPort, a.ORPort))
	}
	require.Equal(t, []string{"A0A1 alpha 192.0.2.1 80 443", "B0B1 beta 2001:db8::1 0 443",
		"C0C1 gamma 192.0.2.3 80 443", "D0D1 alpha 192.0.2.4 80 443"}, got)

	day := func(y int, m time.Month, d int) int64 { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() }
	require.Equal(t, int64(math.MinInt64), trust[1].From)
	require.Equal(t, day(2024, 3, 1), trust[1].Until) // the whole of the 29th
	require.Equal(t, int64(math.MaxInt64), trust[2].Until)
	require.Equal(t, []int64{day(2024, 3, 1), day(2024, 3, 2)}, []int64{trust[3].From, trust[3].Until})

	require.Equal(t, 2, trust.Authorities(day(2024, 2, 29)))
	require.Equal(t, 2, trust.Authorities(day(2024, 3, 1))) // alpha by two keys, and gamma
	require.Len(t, trust.At(day(2024, 3, 1)), 3)
}

func TestBadAuthorities(t *testing.T) {
	const id, line = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAFA0A1A2A3", " alpha 192.0.2.1 80 443"
	f := func(text, want string) {
		t.Helper()
		_, err := ParseAuthorities([]byte(text))
		require.ErrorContains(t, err, want)
	}
	f("", "names none")
	f("# nothing\n\n ,\n", "names none")
	f("\n"+id+" alpha 192.0.2.1 80", "line 2: 4 fields")
	f(id+line+" - - -", "line 1: 8 fields")
	f(id[1:]+line, "line 1: bad v3ident")
	f(id[1:]+"x"+line, "bad v3ident")
	f(id+" al-pha 192.0.2.1 80 443", "bad nickname")
	f(id+" alpha 2001:db8::1 80 443", "bad address")
	f(id+" alpha [192.0.2.1] 80 443", "bad address")
	f(id+" alpha [2001:db8::1%eth0] 80 443", "bad address")
	f(id+" alpha example.com 80 443", "bad address")
	f(id+" alpha 192.0.2.1 65536 443", "bad Dir port")
	f(id+" alpha 192.0.2.1 80 -1", "bad OR port")
	f(id+line+" 2023-02-29", "bad date")
	f(id+line+" today", "bad date")
	f(id+line+" 2024-01-02 2024-01-01", "ends before it begins")
	f(id+line+"\n"+id+" beta 192.0.2.1 80 443", "line 2: A0A1A2A3A4A5A6A7A8A9AAABACADAEAFA0A1A2A3 is the key of both alpha and beta")
	f(strings.Repeat(id+line+"\n", maxAuthorities+1), "more than 200 authorities")
	f(strings.Repeat("#", MaxAuthoritiesFile+1), "more than the 1048576 that are read")
}
