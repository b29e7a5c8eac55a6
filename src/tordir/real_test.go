package tordir

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shared is the folder of real documents, for measuring.
const shared = "../../../shared/data"

// sharedFile reads a file of it, unpacked. Without the folder the test is
// skipped, with REQUIRE_SHARED=1 it fails.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared, name))
	if err != nil && os.Getenv("REQUIRE_SHARED") != "1" {
		t.Skip("skipped: no ../shared/data")
	}
	require.NoError(t, err)
	if strings.HasSuffix(name, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(data))
		require.NoError(t, err)
		data, err = io.ReadAll(r)
		require.NoError(t, err)
	}
	return data
}

// realConsensuses are those of the public network with the counts of MANIFEST.md.
var realConsensuses = []struct {
	name, certs                     string
	method, relays, six             int
	good, present, sources, trusted int
}{
	{"2021-08-29-19-00-00-consensus.gz", "2021-08-tunnel", 30, 6727, 2404, 9, 9, 9, 9},
	{"2021-08-29-19-00-00-consensus-microdesc.gz", "2021-08-tunnel", 30, 6727, 2404, 9, 9, 9, 9},
	{"2022-07-14-14-00-00-consensus-microdesc.gz", "2022-07-windows", 32, 6858, 3121, 5, 5, 9, 9},
	{"2024-05-17-17-00-00-consensus-microdesc.gz", "2024-05-torvpn", 33, 7195, 3466, 6, 8, 8, 8},
	{"2025-06-15-05-00-00-consensus-microdesc.gz", "2025-06-offsec", 33, 8599, 4383, 9, 9, 9, 9},
	{"2025-06-15-14-00-00-consensus-microdesc.gz", "2025-06-offsec", 33, 8617, 4395, 9, 9, 9, 9},
	{"2025-06-16-06-00-00-consensus-microdesc.gz", "2025-06-offsec", 33, 8660, 4411, 9, 9, 9, 9},
	{"2026-06-27-04-00-00-consensus-microdesc.gz", "2026-06-rotator", 35, 9609, 4854, 9, 9, 9, 9},
}

// realCertificates reads all certificates of the public network there are, as a
// collector would have them: mixed, with LF and CRLF.
func realCertificates(t testing.TB) Certificates {
	t.Helper()
	sharedFile(t, "consensus/2021-08-tunnel.cached-certs")
	files, err := filepath.Glob(filepath.Join(shared, "consensus", "*.cached-certs"))
	require.NoError(t, err)
	var all Certificates
	for _, file := range files {
		certs, err := ParseCertificates(sharedFile(t, "consensus/"+filepath.Base(file)))
		require.NoError(t, err, file)
		all = append(all, certs...)
	}
	return all
}

func TestRealConsensuses(t *testing.T) {
	all := realCertificates(t)
	for _, want := range realConsensuses {
		t.Run(want.name, func(t *testing.T) {
			c, err := ParseConsensus(sharedFile(t, "consensus/"+want.name))
			require.NoError(t, err)
			six := 0
			for _, r := range c.Relays {
				six += len(r.IPv6)
			}
			require.Equal(t, []int{want.method, want.relays, want.six, want.sources},
				[]int{c.Method, len(c.Relays), six, len(c.Sources)})
			require.Equal(t, c.ValidAfter+3600, c.FreshUntil)
			require.Equal(t, c.ValidAfter+3*3600, c.ValidUntil)

			own, err := ParseCertificates(sharedFile(t, "consensus/"+want.certs+".cached-certs"))
			require.NoError(t, err)
			for _, certs := range []Certificates{own, all} {
				v := c.Verify(certs, PublicAuthorities())
				require.Equal(t, []int{want.good, want.present, want.trusted}, []int{v.Good, v.Present, v.Authorities}, v.Reason)
				require.True(t, v.OK, v.Reason)
				t.Log(v.Reason)
			}
		})
	}
}

func BenchmarkParseConsensus(b *testing.B) {
	doc := sharedFile(b, "consensus/2026-06-27-04-00-00-consensus-microdesc.gz")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseConsensus(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	certs := realCertificates(b)
	trust := PublicAuthorities()
	c, err := ParseConsensus(sharedFile(b, "consensus/2026-06-27-04-00-00-consensus-microdesc.gz"))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Verify(certs, trust).OK {
			b.Fatal("not verified")
		}
	}
}
