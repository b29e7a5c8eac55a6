package tordir

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/tornet"
)

func TestParseCertificates(t *testing.T) {
	net := tornet.New(7, 4)
	published, expires := hour.Add(-time.Hour), hour.Add(time.Hour)
	one := net.Certificate(1, tornet.CertSpec{Published: published, Expires: expires, Address: true})
	parsed, err := ParseCertificates(one)
	require.NoError(t, err)
	require.Len(t, parsed, 1)
	cert := parsed[0]
	a := net.Authorities[1]
	require.Equal(t, a.V3Ident, cert.Identity)
	require.Equal(t, published.Unix(), cert.Published)
	require.Equal(t, expires.Unix(), cert.Expires)
	require.Equal(t, a.Addr, cert.Addr.Addr())
	require.Equal(t, a.DirPort, cert.Addr.Port())

	all := net.Certificates()
	for name, doc := range map[string][]byte{
		"as they are": all,
		"CRLF":        tornet.CRLF(all),
		"annotated":   tornet.Annotated("dir-key-certificate-3 1.0", all),
		"all at once": tornet.CRLF(tornet.Annotated("dir-key-certificate-3 1.0", all)),
		"annotated each": bytes.ReplaceAll(all, []byte("dir-key-certificate-version"),
			[]byte("@type dir-key-certificate-3 1.0\ndir-key-certificate-version")),
		"greased": append(net.Certificate(0, tornet.CertSpec{Grease: true}), all[len(net.Certificate(0, tornet.CertSpec{})):]...),
	} {
		certs, err := ParseCertificates(doc)
		require.NoError(t, err, name)
		require.Len(t, certs, 4, name)
		for i, cert := range certs {
			require.Equal(t, net.Authorities[i].V3Ident, cert.Identity, name)
		}
	}
}

// TestBrokenCertificates: each is refused, and the good ones around it are not.
func TestBrokenCertificates(t *testing.T) {
	net := tornet.New(7, 3)
	for way, want := range map[tornet.Break]string{
		tornet.WrongFingerprint:  "the fingerprint is not that of the identity key",
		tornet.WrongCrosscert:    "bad cross-certification",
		tornet.CrosscertOfOther:  "bad cross-certification",
		tornet.WrongSignature:    "bad signature of the identity key",
		tornet.SignedByOther:     "bad signature of the identity key",
		tornet.NoCrosscert:       "has no dir-key-crosscert",
		tornet.BrokenIdentityKey: "bad RSA key",
		tornet.TwoExpiryLines:    "a second dir-key-expires",
		tornet.UnknownVersion:    `version "4" is not known`,
		tornet.MalformedExpiry:   `bad "dir-key-expires 2040-13-01`,
		tornet.CertificateNoEnd:  "has no end",
		tornet.SignatureNoBase64: "not base64",
	} {
		doc := net.Certificate(0, tornet.CertSpec{})
		doc = append(doc, net.Certificate(1, tornet.CertSpec{Break: way})...)
		doc = append(doc, net.Certificate(2, tornet.CertSpec{})...)
		certs, err := ParseCertificates(doc)
		require.ErrorContains(t, err, want, way)
		require.Regexp(t, `^certificate: line \d+: `, err.Error(), way)
		require.NotContains(t, err.Error(), "\n", way)
		require.Len(t, certs, 2, way)
		require.Equal(t, net.Authorities[2].V3Ident, certs[1].Identity)

		certs, err = ParseCertificates(net.Certificate(1, tornet.CertSpec{Break: way}))
		require.Error(t, err, way)
		require.Empty(t, certs, way)
	}
}

func TestTruncatedCertificates(t *testing.T) {
	net := tornet.New(7, 2)
	one := len(net.Certificate(0, tornet.CertSpec{}))
	doc := net.Certificates()
	for n := range len(doc) {
		certs, err := ParseCertificates(doc[:n:n])
		if n == one {
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, n)
		require.Len(t, certs, min(n/one, 1), n)
	}
}

// TestCertificateByteChanged: no byte of a certificate can be changed without
// notice, but for how its last signature is written.
func TestCertificateByteChanged(t *testing.T) {
	net := tornet.New(7, 1)
	doc := net.Certificate(0, tornet.CertSpec{Address: true})
	end := bytes.Index(doc, []byte("dir-key-certification\n")) + len("dir-key-certification\n-----BEGIN SIGNATURE-----\n")
	for i := range doc {
		doc[i] ^= 1
		certs, err := ParseCertificates(doc)
		if err == nil {
			require.GreaterOrEqual(t, i, end, "%q", doc[:i])
			require.Len(t, certs, 1)
		}
		doc[i] ^= 1
	}
}

func TestCertificateLimits(t *testing.T) {
	_, err := ParseCertificates([]byte(strings.Repeat("dir-key-certificate-version 3\n", 5000)))
	require.ErrorContains(t, err, "too many bad ones")
	_, err = ParseCertificates([]byte("dir-key-certificate-version 3\ndir-identity-key\n-----BEGIN RSA PUBLIC KEY-----\n" + strings.Repeat("AAAA\n", 5000)))
	require.ErrorContains(t, err, "longer than 4096 characters")
	_, err = ParseCertificates([]byte("router x\n"))
	require.ErrorContains(t, err, "this is no certificate")
	_, err = ParseCertificates(nil)
	require.ErrorContains(t, err, "is empty")
	_, err = ParseCertificates([]byte("\n\n"))
	require.ErrorContains(t, err, "has none")
}
