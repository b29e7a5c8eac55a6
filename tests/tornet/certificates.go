package tornet

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"time"
)

// Break is a way in which a certificate is wrong.
type Break string

// The ways. In each, all else is right and signed.
const (
	Sound             Break = ""
	WrongFingerprint  Break = "the fingerprint is of another key"
	WrongCrosscert    Break = "the signing key's signature does not fit"
	CrosscertOfOther  Break = "the cross-certification is of another authority's key"
	WrongSignature    Break = "the identity key's signature does not fit"
	SignedByOther     Break = "signed by a key that is not the identity key"
	NoCrosscert       Break = "no cross-certification"
	BrokenIdentityKey Break = "the identity key is not RSA"
	TwoExpiryLines    Break = "two dir-key-expires lines"
	UnknownVersion    Break = "version 4"
	MalformedExpiry   Break = "an expiry that is no date"
	CertificateNoEnd  Break = "the certification line is missing"
	SignatureNoBase64 Break = "the signature is no base64"
)

// CertSpec says what certificate to make.
type CertSpec struct {
	Published time.Time // 2010-01-01 unless set
	Expires   time.Time // 2040-01-01 unless set
	Address   bool      // with a dir-address line
	Grease    bool      // unknown keywords and extra arguments
	Break     Break
}

// Certificates returns a sound certificate of every authority.
func (n *Network) Certificates() []byte {
	var b []byte
	for i := range n.Authorities {
		b = append(b, n.Certificate(i, CertSpec{Address: i%2 == 1})...)
	}
	return b
}

// Certificate makes one certificate of authority i.
func (n *Network) Certificate(i int, spec CertSpec) []byte {
	a := n.Authorities[i]
	other := key(fmt.Sprintf("%d/other", n.seed), n.bits)
	if spec.Published.IsZero() {
		spec.Published = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if spec.Expires.IsZero() {
		spec.Expires = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	b := &writer{grease: spec.Grease}
	if spec.Break == UnknownVersion {
		b.item("dir-key-certificate-version 4")
	} else {
		b.item("dir-key-certificate-version 3")
	}
	if spec.Address {
		b.item(fmt.Sprintf("dir-address %s:%d", a.Addr, a.DirPort))
	}
	id := a.V3Ident
	if spec.Break == WrongFingerprint {
		id = fingerprint(other)
	}
	b.item(fmt.Sprintf("fingerprint %X", id))
	b.item("dir-key-published " + spec.Published.UTC().Format(stamp))
	expires := spec.Expires.UTC().Format(stamp)
	if spec.Break == MalformedExpiry {
		expires = "2040-13-01 00:00:00"
	}
	b.item("dir-key-expires " + expires)
	if spec.Break == TwoExpiryLines {
		b.item("dir-key-expires 2099-01-01 00:00:00")
	}
	// No grease between a keyword and its object.
	b.grease = false
	b.item("dir-identity-key")
	der := publicKey(a.identity)
	if spec.Break == BrokenIdentityKey {
		der = der[:len(der)-3]
	}
	b.object("RSA PUBLIC KEY", der)
	b.item("dir-signing-key")
	b.object("RSA PUBLIC KEY", publicKey(a.signing))
	if spec.Break != NoCrosscert {
		digest := a.V3Ident
		switch spec.Break {
		case WrongCrosscert:
			digest[0] ^= 1
		case CrosscertOfOther:
			digest = fingerprint(other)
		}
		b.item("dir-key-crosscert")
		b.object("ID SIGNATURE", sign(a.signing, digest[:]))
	}
	if spec.Break == CertificateNoEnd {
		return b.Bytes()
	}
	b.item("dir-key-certification")
	digest := sha1.Sum(b.Bytes())
	signer := a.identity
	switch spec.Break {
	case WrongSignature:
		digest[0] ^= 1
	case SignedByOther:
		signer = other
	case SignatureNoBase64:
		b.WriteString("-----BEGIN SIGNATURE-----\n!!!!\n-----END SIGNATURE-----\n")
		return b.Bytes()
	}
	b.object("SIGNATURE", sign(signer, digest[:]))
	return b.Bytes()
}

func publicKey(k *rsa.PrivateKey) []byte { return x509.MarshalPKCS1PublicKey(&k.PublicKey) }

// ExitList makes an exit list. Without a download time it has no Downloaded line,
// as the list that is served.
func (n *Network) ExitList(downloaded time.Time, nodes []ExitNode) []byte {
	var b bytes.Buffer
	if !downloaded.IsZero() {
		fmt.Fprintf(&b, "Downloaded %s\n", downloaded.UTC().Format(stamp))
	}
	for _, node := range nodes {
		fmt.Fprintf(&b, "ExitNode %X\nPublished %s\nLastStatus %s\n", node.Identity,
			node.Published.UTC().Format(stamp), node.LastStatus.UTC().Format(stamp))
		for _, a := range node.Addresses {
			fmt.Fprintf(&b, "ExitAddress %s %s\n", a.Addr, a.Scanned.UTC().Format(stamp))
		}
	}
	return b.Bytes()
}

// CRLF makes the copy that tor writes on Windows.
func CRLF(doc []byte) []byte { return bytes.ReplaceAll(doc, []byte("\n"), []byte("\r\n")) }

// Annotated puts CollecTor's first line before a document, for instance
// "network-status-microdesc-consensus-3 1.0" or "tordnsel 1.0".
func Annotated(kind string, doc []byte) []byte {
	return append([]byte("@type "+kind+"\n"), doc...)
}
