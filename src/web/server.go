package web

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tordetect/src/text"
)

// A Server is whom a client takes for the server it wants. The zero value is the
// usual: a certificate for the URL's host by an authority of the system.
type Server struct {
	CAFile string // PEM of the authorities to trust in the place of the system's
	Name   string // that the certificate must have, instead of the URL's host
	Pin    string // the one certificate to believe, as sha256:<hex>, whoever signed it
}

// TLS is the configuration that believes no other server.
func (s Server) TLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Pin != "" {
		if s.CAFile != "" || s.Name != "" {
			return nil, errors.New("a pin stands alone: it names one certificate, whoever signed it and whatever name is in it")
		}
		pin, err := parsePin(s.Pin)
		if err != nil {
			return nil, err
		}
		config.InsecureSkipVerify = true // the pin decides
		config.VerifyConnection = func(state tls.ConnectionState) error {
			if got := state.PeerCertificates[0]; Fingerprint(got) != pin {
				return &OtherCertificate{got}
			}
			return nil
		}
		return config, nil
	}
	if s.CAFile != "" {
		var err error
		if config.RootCAs, err = Authorities(s.CAFile, false); err != nil {
			return nil, err
		}
	}
	if s.Name != "" {
		config.ServerName = s.Name
		config.InsecureSkipVerify = true // verified does all of it
		config.VerifyConnection = func(state tls.ConnectionState) error {
			if err := verified(state.PeerCertificates, s.Name, config.RootCAs); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
			}
			return nil
		}
	}
	return config, nil
}

// verified is crypto/tls's own check, but that a certificate without a
// subjectAltName may have the name as its subject's common name, where the
// authorities were named and so are not all of the world's. Such is the certificate
// that Splunk makes for itself when it starts first.
func verified(chain []*x509.Certificate, name string, roots *x509.CertPool) error {
	leaf := chain[0]
	options := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	byCommonName := roots != nil && !HasNames(leaf)
	if byCommonName {
		if !strings.EqualFold(leaf.Subject.CommonName, name) {
			return x509.HostnameError{Certificate: leaf, Host: name}
		}
		options.DNSName = ""
	}
	_, err := leaf.Verify(options)
	return err
}

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// HasNames says whether a certificate has a subjectAltName, in which its names
// stand (RFC 6125, section 6.4.4): then the common name counts for nothing.
func HasNames(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(subjectAltName) {
			return true
		}
	}
	return false
}

// Names are what a certificate is for, at most five, fit to be shown.
func Names(c *x509.Certificate) string {
	const most = 5
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if !HasNames(c) {
		names = []string{c.Subject.CommonName}
	}
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) == 0 || names[0] == "" {
		return "nobody"
	}
	return text.Short(strings.Join(names, ", "), 200) + more
}

// Fingerprint is the SHA-256 of a certificate, as a pin is written.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return pinPrefix + hex.EncodeToString(sum[:])
}

const pinPrefix = "sha256:"

// parsePin reads a fingerprint with or without colons between its bytes, also as
// openssl prints it ("sha256 Fingerprint=AB:CD...").
func parsePin(typed string) (string, error) {
	digits := strings.ToLower(strings.TrimSpace(typed))
	if _, printed, found := strings.Cut(digits, "fingerprint="); found {
		digits = printed
	}
	digits = strings.ReplaceAll(strings.TrimPrefix(digits, pinPrefix), ":", "")
	if sum, err := hex.DecodeString(digits); err != nil || len(sum) != sha256.Size {
		return "", fmt.Errorf("bad pin %q: want sha256: and the 64 digits of the certificate's fingerprint, as openssl x509 -noout -fingerprint -sha256 prints it", text.Short(typed, 100))
	}
	return pinPrefix + digits, nil
}

// OtherCertificate is the error of a server that shows another certificate than the
// pinned one.
type OtherCertificate struct{ Got *x509.Certificate }

func (e *OtherCertificate) Error() string {
	return "the server's certificate is not the pinned one, but " + Fingerprint(e.Got)
}
