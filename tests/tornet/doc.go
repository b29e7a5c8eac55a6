// Package tornet makes the documents of a Tor network that does not exist:
// authorities with keys of their own, key certificates, consensuses, votes and
// exit lists, right or broken in a way that a test asks for.
//
//	net := tornet.New(1, 9)
//	at := time.Date(2026, 6, 27, 4, 0, 0, 0, time.UTC)
//	doc := net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
//	certs := net.Certificates()
//	trust := net.AuthoritiesFile()
//
// The same seed gives the same bytes. All addresses are documentation addresses
// (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32). The keys have
// 1024 bit, as making them is what takes time: see [KeySize]. They are worth
// nothing, as anybody can make them again.
//
// It shares no code with the packages that read such documents: what one side
// gets wrong, the other does not.
package tornet
