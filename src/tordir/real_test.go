package tordir

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
)

// sharedFile reads a file of the real documents, unpacked.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	data := shared.Bytes(t, name)
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
	files, err := filepath.Glob(filepath.Join(shared.File(t, "consensus"), "*.cached-certs"))
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

// TestRealConsensusesWithOneByteChanged samples the signed part of each document:
// evenly, and its first and last bytes.
func TestRealConsensusesWithOneByteChanged(t *testing.T) {
	certs, trust := realCertificates(t), PublicAuthorities()
	for _, real := range realConsensuses {
		doc := sharedFile(t, "consensus/"+real.name)
		signed := bytes.Index(doc, []byte("\ndirectory-signature ")) + len("\ndirectory-signature ")
		samples := 20
		if testing.Short() {
			samples = 4
		}
		for i := range samples {
			refused(t, doc, i*(signed-1)/(samples-1), 1, certs, trust)
		}
		refused(t, doc, signed-len("directory-signature ")-1, 1, certs, trust)

		c, err := ParseConsensus(doc)
		require.NoError(t, err)
		require.True(t, c.Verify(certs, trust).OK, "the bytes were not put back")
	}
}

// TestBareMajority: the consensus of 2022-07-14 has five signatures of nine
// authorities, as few as can be.
func TestBareMajority(t *testing.T) {
	certs := realCertificates(t)
	doc := sharedFile(t, "consensus/2022-07-14-14-00-00-consensus-microdesc.gz")
	last := bytes.LastIndex(doc, []byte("directory-signature"))
	c, err := ParseConsensus(doc[:last])
	require.NoError(t, err)
	v := c.Verify(certs, PublicAuthorities())
	require.Equal(t, []any{4, 9, false}, []any{v.Good, v.Authorities, v.OK}, v.Reason)
}

// TestPublishedLater: the one certificate of tor26's key in the document of
// 2021-08-29 was published three days later.
func TestPublishedLater(t *testing.T) {
	certs, err := ParseCertificates(sharedFile(t, "consensus/2021-08-tunnel.cached-certs"))
	require.NoError(t, err)
	c, err := ParseConsensus(sharedFile(t, "consensus/2021-08-29-19-00-00-consensus.gz"))
	require.NoError(t, err)
	var early Certificates
	for _, cert := range certs {
		if cert.Published <= c.ValidAfter {
			early = append(early, cert)
		}
	}
	require.Equal(t, 8, c.Verify(early, PublicAuthorities()).Good)
	require.Equal(t, 9, c.Verify(certs, PublicAuthorities()).Good)
}

// TestPrivateNetwork reads the documents of a private network of three
// authorities, with the identities of its certificates as the list to trust.
func TestPrivateNetwork(t *testing.T) {
	certs, err := ParseCertificates(sharedFile(t, "privnet/cached-certs"))
	require.NoError(t, err)
	require.Len(t, certs, 3)
	var file strings.Builder
	for i, cert := range certs {
		fmt.Fprintf(&file, "%X auth%d %s %d 9001\n", cert.Identity, i+1, cert.Addr.Addr(), cert.Addr.Port())
	}
	trust, err := ParseAuthorities([]byte(file.String()))
	require.NoError(t, err)

	files, err := filepath.Glob(filepath.Join(shared.File(t, "privnet"), "*-consensus*"))
	require.NoError(t, err)
	require.Len(t, files, 10)
	for _, name := range files {
		c, err := ParseConsensus(sharedFile(t, "privnet/"+filepath.Base(name)))
		require.NoError(t, err)
		v := c.Verify(certs, trust)
		require.Equal(t, []any{3, 3, 3, true}, []any{v.Good, v.Present, v.Authorities, v.OK}, v.Reason)
		require.False(t, c.Verify(certs, PublicAuthorities()).OK)
	}

	votes := sharedFile(t, "privnet/v3-status-votes")
	n := 0
	for d, err := range Documents("v3-status-votes", bytes.NewReader(votes), Limits{}) {
		require.NoError(t, err)
		require.Equal(t, KindVote, d.Kind)
		_, err = ParseConsensus(d.Bytes)
		require.ErrorContains(t, err, "this is the vote of one authority, not a consensus")
		n++
	}
	require.Equal(t, 3, n)
	_, err = ParseConsensus(votes)
	require.ErrorContains(t, err, "vote")
}

// TestRealFolder reads every file of the folder as torctl would, whatever it is.
func TestRealFolder(t *testing.T) {
	kinds := map[string]map[Kind]int{}
	require.NoError(t, filepath.WalkDir(filepath.Dir(shared.File(t, "MANIFEST.md")), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		folder := filepath.Base(filepath.Dir(path))
		if kinds[folder] == nil {
			kinds[folder] = map[Kind]int{}
		}
		for d, err := range Documents(path, f, Limits{}) {
			require.NoError(t, err, path)
			kinds[folder][d.Kind]++
		}
		return nil
	}))
	require.Equal(t, map[Kind]int{KindConsensus: 8, KindCertificates: 5}, kinds["consensus"])
	require.Equal(t, map[Kind]int{KindExitList: 1}, kinds["exit-lists"])
	require.Equal(t, 10, kinds["privnet"][KindConsensus])
	require.Equal(t, 3, kinds["privnet"][KindVote])
	require.Equal(t, 1, kinds["privnet"][KindCertificates])
	for _, folder := range []string{"bridges", "onionoo", "recordings"} {
		require.Len(t, kinds[folder], 1, folder)
		require.Positive(t, kinds[folder][KindUnknown], folder)
	}
}
