package tornet

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"sort"
	"sync"
)

// Network is a Tor network of a seed.
type Network struct {
	Authorities []*Authority // in the order they were made; documents sort them by v3ident

	seed   uint64
	bits   int
	relays int
}

// Authority is a directory authority: an identity, and a key that signs for it.
type Authority struct {
	Nickname string
	V3Ident  [20]byte // SHA-1 of the identity key
	Addr     netip.Addr
	DirPort  uint16
	ORPort   uint16
	From     string // of its line in the authorities file, YYYY-MM-DD or empty
	Until    string

	identity *rsa.PrivateKey
	signing  *rsa.PrivateKey
}

// Option changes what New makes.
type Option func(*Network)

// KeySize sets the size of the keys in bits, 1024 unless set. Keys of 2048 take
// about a second each.
func KeySize(bits int) Option { return func(n *Network) { n.bits = bits } }

// Size sets how many relays the network has at a time, about. 40 unless set.
func Size(relays int) Option { return func(n *Network) { n.relays = relays } }

// New makes a network with so many authorities.
func New(seed uint64, authorities int, options ...Option) *Network {
	n := &Network{seed: seed, bits: 1024, relays: 40}
	for _, option := range options {
		option(n)
	}
	for i := range authorities {
		n.Authorities = append(n.Authorities, n.authority(i, 0))
	}
	return n
}

// Renew gives authority i a second identity, as when its key was lost, and
// returns it. It is the last of Authorities then; the old one stays.
func (n *Network) Renew(i int) *Authority {
	a := n.authority(i, 1)
	n.Authorities = append(n.Authorities, a)
	return a
}

// Rekey gives authority i another signing key, which no certificate made before
// knows of.
func (n *Network) Rekey(i int) {
	a := n.Authorities[i]
	a.signing = key(fmt.Sprintf("%d/%X/rekeyed", n.seed, a.V3Ident), n.bits)
}

// Pose returns an authority that says it is the one, and signs with the key of
// the other.
func (n *Network) Pose(as, with int) *Authority {
	a := *n.Authorities[as]
	a.signing = n.Authorities[with].signing
	return &a
}

func (n *Network) authority(i, generation int) *Authority {
	a := &Authority{
		Nickname: fmt.Sprintf("auth%d", i+1),
		Addr:     netip.AddrFrom4([4]byte{203, 0, 113, byte(200 + i%50)}),
		DirPort:  80,
		ORPort:   443,
		identity: key(fmt.Sprintf("%d/%d/%d/identity", n.seed, i, generation), n.bits),
		signing:  key(fmt.Sprintf("%d/%d/%d/signing", n.seed, i, generation), n.bits),
	}
	a.V3Ident = fingerprint(a.identity)
	return a
}

// AuthoritiesFile returns the list of authorities to trust, a line each.
func (n *Network) AuthoritiesFile() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Authorities of test network %d\n", n.seed)
	for _, a := range n.Authorities {
		addr := a.Addr.String()
		if a.Addr.Is6() {
			addr = "[" + addr + "]"
		}
		fmt.Fprintf(&b, "%X %s %s %d %d", a.V3Ident, a.Nickname, addr, a.DirPort, a.ORPort)
		switch {
		case a.Until != "" && a.From == "":
			fmt.Fprintf(&b, " - %s", a.Until)
		case a.Until != "":
			fmt.Fprintf(&b, " %s %s", a.From, a.Until)
		case a.From != "":
			fmt.Fprintf(&b, " %s", a.From)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// sorted returns authorities as documents list them.
func sorted(authorities []*Authority) []*Authority {
	out := append([]*Authority(nil), authorities...)
	sort.Slice(out, func(i, j int) bool { return bytes.Compare(out[i].V3Ident[:], out[j].V3Ident[:]) < 0 })
	return out
}

// fingerprint is Tor's name for a key: SHA-1 of its PKCS #1 DER.
func fingerprint(k *rsa.PrivateKey) [20]byte {
	return sha1.Sum(x509.MarshalPKCS1PublicKey(&k.PublicKey))
}

// sign signs a bare digest, as Tor does.
func sign(k *rsa.PrivateKey, digest []byte) []byte {
	signature, err := rsa.SignPKCS1v15(nil, k, 0, digest)
	if err != nil {
		panic(err) // a key of our own making that cannot sign
	}
	return signature
}

// keys are kept for the life of the process, as tests ask for the same ones.
var keys sync.Map // string -> *rsa.PrivateKey

// key makes the RSA key of a label. crypto/rsa makes keys from the system's
// randomness only, so the two primes are found here.
func key(label string, bits int) *rsa.PrivateKey {
	label = fmt.Sprintf("%s/%d", label, bits)
	if k, ok := keys.Load(label); ok {
		return k.(*rsa.PrivateKey)
	}
	r := random(label)
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, q := prime(r, bits/2), prime(r, bits-bits/2)
		n := new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || n.BitLen() != bits || p.Cmp(q) == 0 {
			continue
		}
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
		k.Precompute()
		if k.Validate() != nil {
			continue
		}
		keys.Store(label, k)
		return k
	}
}

// prime finds a prime whose two highest bits are set.
func prime(r *rand.ChaCha8, bits int) *big.Int {
	buf := make([]byte, (bits+7)/8)
	for {
		r.Read(buf) // never fails
		p := new(big.Int).SetBytes(buf)
		for i := p.BitLen() - 1; i >= bits; i-- {
			p.SetBit(p, i, 0)
		}
		p.SetBit(p, bits-1, 1)
		p.SetBit(p, bits-2, 1)
		p.SetBit(p, 0, 1)
		if p.ProbablyPrime(20) {
			return p
		}
	}
}

// random returns the generator of a label.
func random(label string) *rand.ChaCha8 {
	var seed [32]byte
	sum := sha1.Sum([]byte(label))
	copy(seed[:], sum[:])
	return rand.NewChaCha8(seed)
}
