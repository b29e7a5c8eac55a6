package tordir

import (
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
)

// maxCertificates bounds the work of one document: checking a certificate costs
// two RSA verifications. Ten authorities make about ten a year.
const maxCertificates = 2000

// The RSA keys that are accepted, in bits. Identity keys have 3072, signing keys
// 2048 or 3072; test networks may do with less. Verification time grows with the
// square of the size.
const minKey, maxKey = 1024, 4096

// Certificate says that a signing key acts for an authority until a date
// (dir-spec 3.1). It exists only if its signatures are right.
type Certificate struct {
	Identity         [20]byte       // the authority's v3ident: SHA-1 of its identity key
	SigningKeyDigest [20]byte       // SHA-1 of the key it signs with
	Published        int64          // epoch seconds. Not a limit: tor uses keys before it
	Expires          int64          // epoch seconds, against a consensus's valid-after
	Addr             netip.AddrPort // Dir address, where one is given

	signingKey *rsa.PublicKey
}

// Certificates are those of several authorities and times. Two may be of the
// same key with other dates.
type Certificates []*Certificate

// ParseCertificates reads the certificates of a document, one after another, as
// in tor's cached-certs or an answer to /tor/keys/all. It may be a CRLF copy.
//
// A bad certificate does not spoil the others: the good ones are returned beside
// an error that joins what is wrong with the rest, with line numbers.
func ParseCertificates(doc []byte) (Certificates, error) {
	l, err := begin(doc)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	var certs Certificates
	var errs []error
	refuse := func(err error) { errs = append(errs, fmt.Errorf("certificate: %w", err)) }
	for n := 0; ; {
		line, ok, err := l.next()
		if err != nil {
			refuse(err)
		}
		if !ok {
			break
		}
		if _, ok := argument(line, certificateBegin); !ok {
			if n == 0 && !(len(line) == 0 || line[0] == '@') {
				refuse(l.fail("want %s, not %s: this is no certificate", certificateBegin, quote(line)))
				break
			}
			continue // between two, or the rest of a bad one
		}
		if n++; n > maxCertificates {
			refuse(l.fail("more than %d certificates", maxCertificates))
			break
		}
		if len(errs) == maxErrors {
			refuse(errors.New("too many bad ones, the rest is not read"))
			break
		}
		cert, err := readCertificate(&l, line)
		if err != nil {
			refuse(err)
			continue
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 && len(errs) == 0 {
		return nil, errors.New("certificate: the document has none")
	}
	return certs, errors.Join(errs...)
}

// maxErrors bounds how many errors are collected about one document.
const maxErrors = 20

// The first and the last item of a certificate; the signature covers all from
// the one through the line end of the other.
const (
	certificateBegin = "dir-key-certificate-version"
	certificateEnd   = "dir-key-certification"
)

// readCertificate reads one certificate whose first line was just returned, and
// checks it. On an error the walk goes on where the certificate broke.
func readCertificate(l *lines, line []byte) (*Certificate, error) {
	start := l.start
	rest, _ := argument(line, certificateBegin)
	if version, _ := word(rest); string(version) != "3" {
		return nil, l.fail("certificate version %s is not known, only 3", quote(version))
	}
	cert := &Certificate{}
	var fingerprint [20]byte
	var identityKey *rsa.PublicKey
	var crosscert []byte
	seen := map[string]bool{}
	for {
		before := l.at
		line, ok, err := l.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, errors.New("the document ends inside a certificate: it was cut short")
		}
		w, rest := word(line)
		keyword := string(w)
		switch keyword {
		case certificateBegin:
			l.at = before
			return nil, l.fail("the certificate before this line has no end")
		case "dir-address", "fingerprint", "dir-key-published", "dir-key-expires",
			"dir-identity-key", "dir-signing-key", "dir-key-crosscert", certificateEnd:
			if seen[keyword] {
				return nil, l.fail("a second %s in one certificate", keyword)
			}
			seen[keyword] = true
		}
		arg, _ := word(rest)
		ok = true
		switch keyword {
		case "dir-address":
			cert.Addr, ok = parseAddrPort(arg)
		case "fingerprint":
			fingerprint, ok = parseFingerprint(arg)
		case "dir-key-published":
			cert.Published, ok = parseTime(rest)
		case "dir-key-expires":
			cert.Expires, ok = parseTime(rest)
		case "dir-identity-key":
			identityKey, cert.Identity, err = readKey(l)
		case "dir-signing-key":
			cert.signingKey, cert.SigningKeyDigest, err = readKey(l)
		case "dir-key-crosscert":
			crosscert, err = l.object("ID SIGNATURE", "SIGNATURE")
		case certificateEnd:
			for _, k := range []string{"fingerprint", "dir-key-published", "dir-key-expires",
				"dir-identity-key", "dir-signing-key", "dir-key-crosscert"} {
				if !seen[k] {
					return nil, l.fail("the certificate that ends here has no %s", k)
				}
			}
			digest := sha1Of(l.doc[start:l.at])
			at := *l
			signature, err := l.object("SIGNATURE")
			switch {
			case err != nil:
				return nil, err
			case fingerprint != cert.Identity:
				return nil, at.fail("the fingerprint is not that of the identity key")
			case !verify(cert.signingKey, cert.Identity[:], crosscert):
				return nil, at.fail("bad cross-certification: the signing key does not vouch for the identity key")
			case !verify(identityKey, digest[:], signature):
				return nil, at.fail("bad signature of the identity key")
			}
			return cert, nil
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, l.fail("bad %s", quote(line))
		}
	}
}

// readKey reads an RSA key, as PKCS #1 in DER, and its SHA-1.
func readKey(l *lines) (*rsa.PublicKey, [20]byte, error) {
	at := *l
	der, err := l.object("RSA PUBLIC KEY")
	if err != nil {
		return nil, [20]byte{}, err
	}
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, [20]byte{}, at.fail("bad RSA key: %v", err)
	}
	if n := key.N.BitLen(); n < minKey || n > maxKey {
		return nil, [20]byte{}, at.fail("an RSA key of %d bit, want %d to %d", n, minKey, maxKey)
	}
	return key, sha1Of(der), nil
}

// verify checks a signature as Tor makes it: PKCS #1 v1.5 padding over the bare
// digest, without the name of the hash.
func verify(key *rsa.PublicKey, digest, signature []byte) (good bool) {
	fips140.WithoutEnforcement(func() {
		good = rsa.VerifyPKCS1v15(key, 0, digest, signature) == nil
	})
	return good
}

// sha1Of is SHA-1 also where Go's FIPS mode forbids it. The hash is Tor's choice.
func sha1Of(data []byte) (sum [sha1.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(data) })
	return sum
}
