package flows

import (
	"cmp"
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

// tls is what a sensor writes of a TLS hello, and in TLS 1.2 of the certificate.
type tls struct {
	name, ja4, ja3  string
	ja3Text         string // what the JA3 is the hash of; here only its groups are the true ones
	subject, issuer string
}

// A build of tor: its share of C tor's clients, and its hello, as it was measured.
type build struct {
	share    float64
	ja4, ja3 string
	groups   string
}

// torBuilds are most of what clients run, by the share of them: guesses, most of
// which is Tor Browser. The rest has builds that nobody measured.
var torBuilds = []build{
	{0.40, "t13d171100_5b57614c22b0_8e6e362c5eac", "9037f3da26d21e802a6c324394599f83", "4588-4587-23-29-21"}, // 0.4.9, OpenSSL 3.5: Tor Browser 15
	{0.10, "t13d171100_95e1cefdbe28_8e6e362c5eac", "54c5aa41b16c6e19c61eee1db8eb8a29", "4588-4587-23-29-21"}, // 0.4.8.19 on, 3.5
	{0.10, "t13d181100_6c2ba73853a4_d41ae481755e", "140e0f0cad708278ade0984528fe8493", "23-21"},              // 0.4.7 on, 3.0: Tor Browser 13 to 14.5
	{0.08, "t13d181100_796efca44d18_d41ae481755e", "5e6627dc19afa982e6b46b97808cb718", "23-29-21"},           // 0.4.9, 3.0: Debian 12
	{0.08, "t13d171200_5b57614c22b0_ecd0401ec68b", "f3ae171a88498b1a7029361795b23f76", "4588-4587-23-29-21"}, // 0.4.9, 3.5: Debian 13
	{0.02, "t13d181000_6c2ba73853a4_5ac7197df9d2", "711528629b81edc0307f28392d2a96c0", "23-21"},              // to 0.4.5, 1.1.1: Debian 11
	{0.01, "t13d171100_5b57614c22b0_0d46a1bf4a7c", "48d90a8fbe5eb1f806b1739d10ec0206", ""},                   // 0.4.9, 4.0, with the library's groups
	// 0.4.8.17 and .18 by their source: the JA4 of .19, another JA3.
	{0.01, "t13d171100_95e1cefdbe28_8e6e362c5eac", "0481700000000000000000000000a001", "4588-4587-29-23-21"},
}

const libraryGroups = "29-23-30-25-24-256-257-258-259-260"

// torTLS is a hello of C tor.
func torTLS(r *rand.Rand) tls {
	t := tls{name: torName(r)}
	x := r.Float64()
	for _, b := range torBuilds {
		if x -= b.share; x < 0 {
			t.ja4, t.ja3, t.ja3Text = b.ja4, b.ja3, text(cmp.Or(b.groups, libraryGroups))
			return t
		}
	}
	build := r.IntN(8)
	t.ja4 = "t13d171100_" + hexOf("tor build", build, 12) + "_" + hexOf("tor build 2", build, 12)
	if build < 3 { // with an older OpenSSL, whose lists of ciphers are known
		t.ja4 = "t13d181100_796efca44d18_" + hexOf("tor build 2", build, 12)
	}
	t.ja3, t.ja3Text = hexOf("tor build 3", build, 32), text("23-29-21")
	return t
}

// text is what a JA3 is made of, with these groups.
func text(groups string) string {
	return "771,4865-4867-4866-49195,0-11-10-35-22-23-13-43-45-51," + groups + ",0-1-2"
}

// artiRustls is the share of Arti's clients that were built with rustls: a guess.
// The others are what Python's ssl is.
const artiRustls = 0.4

func artiTLS(r *rand.Rand) tls {
	t := pythonTLS(r, artiName(r))
	if r.Float64() < artiRustls {
		t = rustlsTLS(r, t.name)
	}
	return t
}

// rustlsTLS is a hello of rustls without resumption, with a JA3 of its own.
func rustlsTLS(r *rand.Rand, name string) tls {
	return tls{name: name, ja4: "t13d100900_61a7ad8aa9b6_76ad8fd2bde2", ja3: hexOf("rustls", r.IntN(1000), 32), ja3Text: text("29-23-24-4588")}
}

func pythonTLS(_ *rand.Rand, name string) tls {
	return tls{name: name, ja4: "t13d311100_e8f1e7e78f70_d41ae481755e", ja3: "d39e1be3241d516b1f714bd47c2bc968", ja3Text: text(libraryGroups)}
}

// borrowedTLS is a hello of Python's ssl with a browser's list of ciphers: the JA4 of
// a build of tor, another JA3.
func borrowedTLS(r *rand.Rand, name string) tls {
	return [...]tls{
		{name: name, ja4: "t13d181100_796efca44d18_d41ae481755e", ja3: "69db57014c5ec716a9d7e3722bcc0d15", ja3Text: text(libraryGroups)},
		{name: name, ja4: "t13d171200_5b57614c22b0_ecd0401ec68b", ja3: "2f52e95a1eb8538a05803113d63d0263", ja3Text: text("4588-29-23-30-24-25-256-257")},
		{name: name, ja4: "t13d171100_5b57614c22b0_8e6e362c5eac", ja3: "c2b1a4b46249bf38bf573a3d7f0e152b", ja3Text: text("4588-29-23-30-24-25-256-257")},
		{name: name, ja4: "t13d181100_796efca44d18_" + hexOf("older OpenSSL", 1, 12), ja3: hexOf("older OpenSSL", 2, 32), ja3Text: text("29-23-30-25-24")},
	}[r.IntN(4)]
}

// lookAlikeTLS is a hello of a program that has a part in common with tor's: the list
// of ciphers, no ALPN, the library's signatures.
func lookAlikeTLS(r *rand.Rand, name string) tls {
	return [...]tls{
		{name: name, ja4: "t13d161600_86a278354501_3cbfd9057e0d", ja3: "321945736646c67cddeeb36e11745982", ja3Text: text("4588-29-23-24-25-256-257")}, // Thunderbird
		{name: name, ja4: "t13d171100_5b57614c22b0_2e6c25d3f76f", ja3: hexOf("okhttp", 1, 32), ja3Text: text("29-23-24")},
		{name: name, ja4: "t13d1715h2_5b57614c22b0_3d5424432f57", ja3: hexOf("firefox", 1, 32), ja3Text: text("29-23-24-25-256-257")},
		pythonTLS(r, name),
		{name: name, ja4: "t13d521100_b262b3658495_8e6e362c5eac", ja3: "0bfaf0ce57f1e5476668c0bcff35e70e", ja3Text: text("4588-29-23-30-24-25-256-257")}, // Node
		{name: name, ja4: "t13d191100_9dc949149365_e5728521abd4", ja3: "27d8c260ed098a8ad17fa38232a7e7ae", ja3Text: text("29-23-24-25")},                 // Go
	}[r.IntN(6)]
}

// ordinaryTLS is a hello of a browser or another program.
func ordinaryTLS(r *rand.Rand, name string) tls {
	program := r.IntN(40)
	alpn := [...]string{"h2", "h2", "h1", "00"}[program%4]
	return tls{
		name: name, ja4: "t13d1516" + alpn + "_" + hexOf("program", program, 12) + "_" + hexOf("program 2", program, 12),
		ja3: hexOf("program 3", program, 32), ja3Text: text("29-23-24"),
	}
}

// certified adds what TLS 1.2 shows of a relay's certificate.
func certified(r *rand.Rand, t tls) tls {
	t.subject = "CN=www." + letters(r, "abcdefghijklmnopqrstuvwxyz234567", 8+r.IntN(13)) + ".net"
	t.issuer = "CN=www." + letters(r, "abcdefghijklmnopqrstuvwxyz234567", 8+r.IntN(13)) + ".com"
	return t
}

// certificate adds that of an ordinary server: of a company, of the server itself, or
// of a company's own authority, which may be named as a machine is.
func certificate(r *rand.Rand, t tls) tls {
	host := "www." + word(r) + ".net"
	switch r.IntN(4) {
	case 0:
		t.subject, t.issuer = "CN="+host, "CN=R11,O=Let's Encrypt,C=US"
	case 1:
		t.subject, t.issuer = "CN="+host, "CN="+host
	case 2:
		t.subject, t.issuer = "CN=*."+word(r)+".com,O=Example,C=DE", "CN=Example TLS CA,O=Example,C=DE"
	case 3:
		t.subject, t.issuer = "CN="+host, "CN=www."+word(r)+".com"
	}
	return t
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
