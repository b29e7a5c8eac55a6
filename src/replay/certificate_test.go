package replay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/web"
)

// TestOwnCertificate: a certificate like that of Splunk's first start, for no host
// and signed by an authority that everybody has; and others that are not believed.
func TestOwnCertificate(t *testing.T) {
	folder := t.TempDir()
	serve := func(change func(*x509.Certificate)) (c *collector, ca, pin string) {
		t.Helper()
		authority, certificate := certificatesOf(t, change)
		c = newCollector(t, true)
		c.Server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		c.Server.StartTLS()
		ca = filepath.Join(folder, newID())
		require.NoError(t, os.WriteFile(ca, authority, 0o600))
		leaf, err := x509.ParseCertificate(certificate.Certificate[0])
		require.NoError(t, err)
		return c, ca, web.Fingerprint(leaf)
	}
	f := func(c *collector, server web.Server, want string) {
		t.Helper()
		c.arrived = map[string]int{}
		summary, err := Run(context.Background(), newHEC(t, c, func(config *HECConfig) { config.Server = server }), panFile(t, 3), quick(nil))
		if want == "" {
			require.NoError(t, err)
			require.EqualValues(t, 3, summary.Accepted)
			return
		}
		require.ErrorContains(t, err, want)
		require.EqualValues(t, 1, summary.Requests)
		require.Zero(t, summary.Unconfirmed)
		require.Empty(t, c.headers, "nobody got the token")
	}
	const own = "SplunkServerDefaultCert"
	named := func(name string) func(*x509.Certificate) {
		return func(server *x509.Certificate) { server.Subject = pkix.Name{CommonName: name} }
	}
	splunk, ca, pin := serve(named(own))
	_, otherCA, otherPin := serve(named(own))
	nameless := "the server's certificate is for no host: it has no subjectAltName, and as its subject " + own + ", as Splunk's own of the first start; " +
		"compare its fingerprint on the server (openssl x509 -noout -fingerprint -sha256 -in $SPLUNK_HOME/etc/auth/server.pem) and give --pin " + pin
	f(splunk, web.Server{}, nameless)
	f(splunk, web.Server{CAFile: ca}, nameless)
	f(splunk, web.Server{CAFile: ca, Name: "another"}, nameless)
	f(splunk, web.Server{Name: own}, nameless) // all of the world's authorities do not make a name of it
	f(splunk, web.Server{CAFile: otherCA, Name: own}, "the server's certificate is not trusted")
	f(splunk, web.Server{Pin: otherPin}, "the server's certificate is not the pinned one, but "+pin+"; if the server has a new one")
	f(splunk, web.Server{CAFile: ca, Name: strings.ToUpper(own)}, "")
	f(splunk, web.Server{Pin: pin}, "")
	f(splunk, web.Server{Pin: "SHA256 Fingerprint=" + strings.ToUpper(strings.TrimPrefix(pin, "sha256:"))}, "")

	// With a subjectAltName the subject counts for nothing.
	hosts, ca, _ := serve(func(server *x509.Certificate) {
		server.Subject = pkix.Name{CommonName: own}
		server.DNSNames = []string{"splunk.example", "hec.splunk.example"}
	})
	f(hosts, web.Server{CAFile: ca}, "the server's certificate is for splunk.example, hec.splunk.example, and not for 127.0.0.1; give one of its names in the URL, or by --server-name")
	f(hosts, web.Server{CAFile: ca, Name: own}, "and not for "+own)
	f(hosts, web.Server{CAFile: ca, Name: "hec.splunk.example"}, "")

	old, ca, _ := serve(func(server *x509.Certificate) {
		server.DNSNames = []string{"splunk.example"}
		server.NotBefore, server.NotAfter = noon.AddDate(-2, 0, 0), noon.AddDate(-1, 0, 0)
	})
	f(old, web.Server{CAFile: ca, Name: "splunk.example"}, "the server's certificate is out of its time: 2024-11-20T12:00:00Z to 2025-11-20T12:00:00Z; renew it, or check this machine's clock")

	// What stands in a certificate is not for a shell or a terminal.
	evil, _, _ := serve(named("x; rm -rf \x1b[31m"))
	f(evil, web.Server{}, "and as its subject x; rm -rf ?[31m, as Splunk's")
	f(evil, web.Server{}, "--server-name NAME")

	refused := func(url string, server web.Server, want string) {
		t.Helper()
		_, err := NewHEC(HECConfig{URL: url, Token: token(t), Server: server})
		require.ErrorContains(t, err, want)
	}
	refused("https://splunk:8088", web.Server{Pin: pin, CAFile: ca}, "a pin stands alone")
	refused("https://splunk:8088", web.Server{Pin: pin, Name: own}, "a pin stands alone")
	refused("https://splunk:8088", web.Server{Pin: "sha256:12"}, `bad pin "sha256:12": want sha256: and the 64 digits`)
	refused("http://splunk:8088", web.Server{Pin: pin}, "where no certificate is shown")
	refused("http://splunk:8088", web.Server{Name: own}, "where no certificate is shown")
}

// certificates are an authority's, as PEM, and a server's for 127.0.0.1 that it
// signed.
func certificates(t *testing.T) ([]byte, tls.Certificate) {
	return certificatesOf(t, func(server *x509.Certificate) { server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
}

func certificatesOf(t *testing.T, change func(server *x509.Certificate)) ([]byte, tls.Certificate) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		return key
	}
	authorityKey, serverKey := key(), key()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "our own"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "collector"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter}
	change(server)
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	require.NoError(t, err)
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, &serverKey.PublicKey, authorityKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER}), tls.Certificate{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}
}
