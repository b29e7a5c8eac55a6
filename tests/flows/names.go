package flows

import (
	"math/rand/v2"
	"strings"
)

// torName is the name that C tor puts into its TLS hello: www., 4 to 25
// characters of base32, .com (tor.md section 11).
func torName(r *rand.Rand) string {
	return "www." + letters(r, "abcdefghijklmnopqrstuvwxyz234567", 4+r.IntN(22)) + ".com"
}

// artiName is the one of Arti, Tor's other implementation.
func artiName(r *rand.Rand) string {
	return "www." + letters(r, "abcdefghijklmnopqrstuvwxyz0123456789-", 8+r.IntN(17)) + [...]string{".com", ".net", ".org"}[r.IntN(3)]
}

// onionName is the name of an onion service, version 3: base32, the last
// letter d.
func onionName(r *rand.Rand) string {
	return letters(r, "abcdefghijklmnopqrstuvwxyz234567", 55) + "d.onion"
}

func letters(r *rand.Rand, of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[r.IntN(len(of))]
	}
	return string(b)
}

var (
	onsets = strings.Fields("b br c ch d f fl g gr h j k l m n p pl r s st t tr v w")
	nuclei = strings.Fields("a e i o u ai ea ou")
	codas  = strings.Fields("_ _ _ n r l s t nd ck rt ng")
	words  = strings.Fields("shop home news mail bank play data cloud media group tech food club store art line zone")
	hosts  = strings.Fields("api cdn static login img app update mail assets edge")
	ends   = strings.Fields("com com com com net org de co.uk io fr")
)

// word is a made-up word that can be spoken, as most names are made of.
func word(r *rand.Rand) string {
	var b strings.Builder
	for range 2 + r.IntN(2) {
		b.WriteString(onsets[r.IntN(len(onsets))])
		b.WriteString(nuclei[r.IntN(len(nuclei))])
		b.WriteString(strings.Trim(codas[r.IntN(len(codas))], "_"))
	}
	return b.String()
}

// ordinaryName is the name of a site or a service. A quarter begins with www.,
// some have digits, a few hold what once fooled others (theonion.com has no
// onion in the sense of Tor).
func ordinaryName(r *rand.Rand) string {
	name := word(r)
	switch r.IntN(12) {
	case 0, 1, 2:
		name += words[r.IntN(len(words))]
	case 3:
		name += letters(r, "24567", 1+r.IntN(2))
	case 4:
		name += "-" + word(r)
	}
	name += "." + ends[r.IntN(len(ends))]
	switch r.IntN(8) {
	case 0, 1:
		name = "www." + name
	case 2, 3, 4:
		name = hosts[r.IntN(len(hosts))] + "." + name
	case 5:
		name = letters(r, "abcdef0123456789", 12) + ".cdn." + name
	}
	if r.IntN(500) == 0 {
		return "www.theonion.com"
	}
	return name
}

// machineName is a name that nobody chose and that begins with www.: of
// content networks, advertisers and malware.
func machineName(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return "www." + letters(r, "abcdefghijklmnopqrstuvwxyz", 10+r.IntN(8)) + ".com"
	case 1:
		return "www." + letters(r, "abcdef234567", 8+r.IntN(8)) + ".com"
	}
	return "www." + letters(r, "abcdefghijklmnopqrstuvwxyz234567", 6+r.IntN(10)) + ".com"
}

// The fingerprints of the one build of tor that was measured: 0.4.9.11 on Debian
// 12 with OpenSSL 3.0 (tor.md section 11). Others have others.
const (
	torJA4 = "t13d181100_796efca44d18_d41ae481755e"
	torJA3 = "5e6627dc19afa982e6b46b97808cb718"
)

// tls is what a sensor writes of a TLS hello.
type tls struct{ name, ja4, ja3 string }

// measuredBuild is the share of C tor's clients that have the build which was
// measured: a guess, as most use Tor Browser, whose builds nobody has.
const measuredBuild = 0.3

// torTLS is a hello of C tor.
func torTLS(r *rand.Rand) tls {
	t := tls{name: torName(r), ja4: torJA4, ja3: torJA3}
	if r.Float64() >= measuredBuild {
		build := r.IntN(4)
		t.ja4, t.ja3 = "t13d171100_"+hexOf("tor build", build, 12)+"_"+hexOf("tor build 2", build, 12), hexOf("tor build 3", build, 32)
	}
	return t
}

func artiTLS(r *rand.Rand) tls {
	return tls{artiName(r), "t13d101000_" + hexOf("arti", 1, 12) + "_" + hexOf("arti", 2, 12), hexOf("arti", 3, 32)}
}

// ordinaryTLS is a hello of a browser or another program.
func ordinaryTLS(r *rand.Rand, name string) tls {
	program := r.IntN(40)
	alpn := [...]string{"h2", "h2", "h1", "00"}[program%4]
	return tls{name, "t13d1516" + alpn + "_" + hexOf("program", program, 12) + "_" + hexOf("program 2", program, 12), hexOf("program 3", program, 32)}
}

// hexOf makes hex digits that stay the same for a word and a number.
func hexOf(what string, i, digits int) string {
	var b strings.Builder
	for n := 0; b.Len() < digits; n++ {
		x := uint64(chance(uint64(i), what, [20]byte{}, n) * (1 << 53))
		for range 12 {
			b.WriteByte("0123456789abcdef"[x>>4&15])
			x >>= 4
		}
	}
	return b.String()[:digits]
}
