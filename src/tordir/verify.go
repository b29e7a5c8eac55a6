package tordir

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// MinAuthorities is the smallest number of trusted authorities with which
// anything passes. With two, more than half is two: no single key decides what
// the network looks like. Tor's own test networks have three or more.
const MinAuthorities = 2

// Status is what came of one signature.
type Status string

// Only StatusGood counts.
const (
	StatusGood               Status = "good"
	StatusBad                Status = "bad signature"
	StatusDuplicate          Status = "another good signature of the same authority counts already"
	StatusUnknownAuthority   Status = "not a trusted authority at that time"
	StatusUnknownCertificate Status = "no certificate for its key"
	StatusExpiredCertificate Status = "its certificate had expired"
	StatusUnknownAlgorithm   Status = "unknown algorithm" // ignored, as tor does
)

// Check is one signature and what came of it.
type Check struct {
	Signature
	Nickname string // from the list of authorities, also of one trusted at another time; empty for an unknown one
	Status   Status
}

// Verification says whether a consensus can be believed.
type Verification struct {
	Checks      []Check // one per signature, in the document's order
	Good        int     // authorities with a good signature
	Present     int     // signatures of a known algorithm
	Authorities int     // authorities trusted at valid-after
	OK          bool    // Good is more than half of Authorities
	Reason      string  // a sentence: how many, and what is wrong with the others
}

// Verify checks the signatures of a consensus: each against the certificates of
// its key that had not expired at valid-after, and its authority against those
// trusted at valid-after. An authority counts once.
//
// A certificate that was published after valid-after is fine: real ones are, and
// tor looks at the expiry only.
func (c *Consensus) Verify(certs Certificates, trust Trust) Verification {
	v := Verification{Authorities: trust.Authorities(c.ValidAfter)}
	counted := map[string]bool{}
	var digests digests
	for _, s := range c.Signatures {
		check := Check{Signature: s}
		authority := trust.find(s.V3Ident, c.ValidAfter)
		digest := digests.of(c.signed, s.Algorithm)
		if digest != nil {
			v.Present++
		}
		check.Nickname = trust.nickname(s.V3Ident)
		switch {
		case digest == nil:
			check.Status = StatusUnknownAlgorithm
		case authority == nil:
			check.Status = StatusUnknownAuthority
		default:
			check.Status = certs.check(s, digest, c.ValidAfter)
		}
		if check.Status == StatusGood {
			if name := authority.operator(); counted[name] {
				check.Status = StatusDuplicate
			} else {
				counted[name] = true
				v.Good++
			}
		}
		v.Checks = append(v.Checks, check)
	}
	v.OK = v.Authorities >= MinAuthorities && v.Good > v.Authorities/2
	v.Reason = v.reason(c.ValidAfter)
	return v
}

// check tries the certificates of a signature's key.
func (certs Certificates) check(s Signature, digest []byte, when int64) Status {
	status := StatusUnknownCertificate
	for _, cert := range certs {
		if cert.Identity != s.V3Ident || cert.SigningKeyDigest != s.SigningKeyDigest {
			continue
		}
		if when > cert.Expires {
			if status == StatusUnknownCertificate {
				status = StatusExpiredCertificate
			}
			continue
		}
		if verify(cert.signingKey, digest, s.signature) {
			return StatusGood
		}
		return StatusBad // another certificate is of the same key
	}
	return status
}

// digests are the hashes of the signed part, each made when first needed.
type digests struct{ sha1, sha256 []byte }

func (d *digests) of(signed []byte, algorithm string) []byte {
	switch algorithm {
	case "sha1":
		if d.sha1 == nil {
			sum := sha1Of(signed)
			d.sha1 = sum[:]
		}
		return d.sha1
	case "sha256":
		if d.sha256 == nil {
			sum := sha256.Sum256(signed)
			d.sha256 = sum[:]
		}
		return d.sha256
	}
	return nil
}

// reason sums up a verification for a person.
func (v *Verification) reason(when int64) string {
	at := time.Unix(when, 0).UTC().Format(time.DateTime)
	var b strings.Builder
	switch {
	case v.Authorities == 0:
		fmt.Fprintf(&b, "No authority is trusted at %s UTC, so nothing can be verified.", at)
	case v.Authorities < MinAuthorities:
		fmt.Fprintf(&b, "Only %d authority is trusted at %s UTC, at least %d are needed.", v.Authorities, at, MinAuthorities)
	default:
		fmt.Fprintf(&b, "%d of %d authorities signed, %d are needed.", v.Good, v.Authorities, v.Authorities/2+1)
	}
	for _, status := range []Status{StatusBad, StatusUnknownCertificate, StatusExpiredCertificate,
		StatusUnknownAuthority, StatusDuplicate, StatusUnknownAlgorithm} {
		var names []string
		for _, check := range v.Checks {
			if check.Status != status {
				continue
			}
			name := check.Nickname
			if name == "" {
				name = fmt.Sprintf("%X", check.V3Ident)
			}
			names = append(names, name)
		}
		if more := len(names) - maxNames; more > 0 {
			names = append(names[:maxNames], fmt.Sprintf("and %d more", more))
		}
		if len(names) > 0 {
			fmt.Fprintf(&b, " %s: %s.", upperFirst(string(status)), strings.Join(names, ", "))
		}
	}
	return b.String()
}

// maxNames is how many signers a reason names for each kind of failure.
const maxNames = 10

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
