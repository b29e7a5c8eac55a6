// Package tordir reads the documents of Tor's directory protocol and says which
// of them can be believed.
//
// In go bytes that anybody may have made:
//
//	network-status-version 3 microdesc
//	vote-status consensus
//	valid-after 2026-06-27 04:00:00
//	...
//	r lisdex AAAErLudKby6FyVrs1ko3b/Iq6k 2038-01-01 00:00:00 192.0.2.50 8443 0
//	a [2001:db8:c1:2aac::1]:8443
//	s Fast Guard Running Stable V2Dir Valid
//	...
//	directory-signature sha256 0232AF90... 8C1D25A3...
//	-----BEGIN SIGNATURE-----
//
// Out come plain structs, and for a consensus a verdict:
//
//	[Documents]         files and archives -> single documents and their kind
//	[ParseConsensus]    either flavour, ns or microdesc -> relays, addresses, ports, flags
//	[ParseCertificates] key certificates, their own signatures checked
//	[ParseAuthorities]  the list of authorities that are trusted, and from when until when
//	[PublicAuthorities] the same for the public network, built in
//	[Consensus.Verify]  consensus + certificates + authorities -> who signed, and is it enough
//	[ParseExitList]     addresses that exits were seen to leave from
//
// # What is believed
//
// A consensus is believed if more than half of the authorities that are trusted
// at its valid-after signed it, with keys whose certificates had not expired
// then. An authority counts once, however many signatures, keys or identities
// it has. Where the bytes came from counts for nothing. Exit lists are not
// signed by anybody: their reader is as strict, but whom to believe is the
// caller's to decide.
//
// Parsing proves nothing. A [Consensus] that was not verified, or whose
// Verification is not OK, must not be used for anything but saying so.
//
// # How it is read
//
// The grammar is that of dir-spec (torspec, sections 1.2, 3.1, 3.4), the rules
// for signatures are those of tor itself. Unknown keywords and extra arguments
// at the end of a line are skipped, as the specification demands. What is known
// must be right: a bad line is an error with its number, never a relay less. A
// document must end with a whole line, a consensus with a whole signature. CRLF
// copies, as tor writes them on Windows, are read as their LF originals. Every
// size and count is bounded before memory is taken, see the constants of this
// package and [Limits].
//
// # What it does not do
//
// It opens no file, asks no clock and no network, and knows nothing of tables.
// Votes are recognised and refused. Consensus diffs, descriptors, microdescriptors
// and bridge documents are not read.
//
// tor refuses ten signing keys of 2014 by name (BAD_SIGNING_KEYS: keys that
// Heartbleed may have leaked). They are not in this package; all had expired by
// 2015-02, and the built-in list trusts nobody before 2015-03-01. An
// authorities file of an admin's own that reaches further back has to do
// without that protection.
//
// SHA-1 is Tor's choice for the ns flavour and for certificates, not ours. Go
// forbids it with GODEBUG=fips140=only; it is used all the same, since nothing
// else can check these documents.
package tordir
