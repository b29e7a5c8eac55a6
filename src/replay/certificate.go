package replay

// This file says of a certificate that is not believed what is the matter with it,
// and what works: Splunk's own of the first start is for no host name at all, and
// the authority that signed it is known to everybody.

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"

	"tordetect/src/text"
	"tordetect/src/web"
)

// printed is how to see a fingerprint on the server itself.
const printed = "openssl x509 -noout -fingerprint -sha256 -in $SPLUNK_HOME/etc/auth/server.pem"

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// untrusted fills in a failure where more is known than that a certificate is not
// trusted.
func untrusted(f *Failure, err error) bool {
	var (
		other   *web.OtherCertificate
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &other):
		f.Err = other
		f.Advice = fmt.Sprintf("if the server has a new one, compare it there (%s) and give that by --pin; else somebody is in between", printed)
	case errors.As(err, &name) && web.HasNames(name.Certificate):
		f.Err = fmt.Errorf("the server's certificate is for %s, and not for %s", web.Names(name.Certificate), text.Foreign(name.Host))
		f.Advice = "give one of its names in the URL, or by --server-name"
	case errors.As(err, &name):
		own := web.Names(name.Certificate)
		typed := own
		if !plain.MatchString(own) {
			typed = "NAME" // the advice is for a shell
		}
		f.Err = fmt.Errorf("the server's certificate is for no host: it has no subjectAltName, and as its subject %s, as Splunk's own of the first start", own)
		f.Advice = fmt.Sprintf("compare its fingerprint on the server (%s) and give --pin %s; or, where nobody can be in between, --ca cacert.pem --server-name %s", printed, web.Fingerprint(name.Certificate), typed)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Err = fmt.Errorf("the server's certificate is out of its time: %s to %s", text.Time(invalid.Cert.NotBefore.Unix()), text.Time(invalid.Cert.NotAfter.Unix()))
		f.Advice = "renew it, or check this machine's clock"
	default:
		return false
	}
	f.Outcome = Refused
	return true
}
