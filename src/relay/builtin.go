package relay

// What the program knows without a table: the directory authorities, now and
// formerly, and the bridges that Tor Browser ships.
//
// State of 2026-11-23. To renew it:
//
//   - Authorities: compare with src/app/config/auth_dirs.inc of tor's source
//     and with the dir-source lines of a fresh consensus. For a new line set
//     From to the day of the change. Give the old line an Until; never delete
//     it, old logs are still searched.
//   - Bridges: compare with pt_config.json of tor-browser-build. The obfs4
//     lines have real addresses; the snowflake, meek and conjure lines have
//     dummies that must not be entered. Give a bridge that left an Until.
//
// An Until or From that is known only to lie between two documents is set to
// the wider side: an address of an authority is rarely given to anyone else
// within months.

import (
	"math"
	"net/netip"
	"time"

	"tordetect/src/flow"
)

// DirectoryAuthority is one of those who sign the consensus, or Tor's bridge
// authority, at one address and with one key. From and Until are days in the
// form 2006-01-02, UTC, both included; empty means open.
type DirectoryAuthority struct {
	Nickname    string
	V3Ident     string // the identity that signs; empty for a bridge authority, which does not vote
	Addr        string
	DirPort     uint16
	ORPort      uint16
	Addr6       string // an IPv6 address with an OR port, or empty
	ORPort6     uint16
	Fingerprint string // of the relay; empty where only the v3ident is known
	From, Until string
}

// DirectoryAuthorities returns those of the public network, those of today
// first.
func DirectoryAuthorities() []DirectoryAuthority {
	return []DirectoryAuthority{
		{"moria1", "F533C81CEF0BC0267857C99B2F471ADF249FA232", "128.31.0.39", 9231, 9201, "", 0, "1A25C6358DB91342AA51720A5038B72742732498", "2022-11-19", ""},
		{"tor26", "2F3DF9CA0E5D36F2685A2DA67184EB8DCB8CBA8C", "217.196.147.77", 80, 443, "2a02:16a8:662:2203::1", 443, "FAA4BCA4A6AC0FB4CA2F8AD5A11D9E122BA894F6", "2024-02-20", ""},
		{"dizum", "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58", "45.66.35.11", 80, 443, "2a09:61c0::1337", 443, "7EA6EAD6FD83083C538F44038BBFA077587DD755", "2022-10-18", ""},
		{"gabelmoo", "ED03BB616EB2F60BEC80151114BB25CEF515B226", "131.188.40.189", 80, 443, "2001:638:a000:4140::ffff:189", 443, "F2044413DAC2E02E3D6BCF4735A19BCA1DE97281", "", ""},
		{"dannenberg", "0232AF901C31A04EE9848595AF9BB7620D4C5B2E", "193.23.244.244", 80, 443, "2001:678:558:1000::244", 443, "7BE683E65D48141321C5ED92F075C55364AC7123", "", ""},
		{"maatuska", "49015F787433103580E3B66A1707A00E60F2D15B", "171.25.193.9", 443, 80, "2001:67c:289c::9", 80, "BD6A829255CB08E66FBE7D3748363586E46B3810", "", ""},
		{"longclaw", "23D15D965BC35114467363C165C4F724B64B4F66", "199.58.81.140", 80, 443, "", 0, "74A910646BCEEFBCD2E874FC1DC997430F968145", "2017-03-10", ""},
		{"bastet", "27102BC123E7AF1D4741AE047E160C91ADC76B21", "204.13.164.118", 80, 443, "2620:13:4000:6000::1000:118", 443, "24E2F139121D4394C54B5BCC368B3B411857C413", "2017-03-10", ""},
		{"faravahar", "70849B868D606BAECFB6128C5E3D782029AA394F", "216.218.219.41", 80, 443, "2001:470:164:2::2", 443, "E3E42D35F801C9D5AB23584E0025D56FE2B33396", "2024-05-17", ""},
		{"Serge", "", "66.111.2.131", 9030, 9001, "2610:1c0:0:5::131", 9001, "BA44A889E64B93FAA2B114E02C2A279A8555C533", "2018-07-01", ""},

		// Former identities and addresses.
		{"urras", "80550987E1D626E3EBA5E5E75A458DE0626D088C", "208.83.223.34", 443, 80, "", 0, "", "", "2016-12-05"},
		{"moria1", "D586D18309DED4CD6D57C18FDB97EFA96D330566", "128.31.0.34", 9131, 9101, "", 0, "", "", "2022-11-18"},
		{"moria1", "D586D18309DED4CD6D57C18FDB97EFA96D330566", "128.31.0.39", 9131, 9101, "", 0, "", "", "2023-04-03"},
		{"tor26", "14C131DFC5C6F93646BE72FA1401C02A8DF2E8B4", "86.59.21.38", 80, 443, "", 0, "", "", "2024-04-16"},
		{"Faravahar", "EFCBE720AB3A82B99F9E953CD5BF50F7EEFC7B97", "154.35.175.225", 80, 443, "", 0, "", "", "2023-04-03"},
		{"dizum", "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58", "194.109.206.212", 80, 443, "", 0, "7EA6EAD6FD83083C538F44038BBFA077587DD755", "", "2019-12-14"},
		{"dizum", "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58", "45.66.33.45", 80, 443, "", 0, "7EA6EAD6FD83083C538F44038BBFA077587DD755", "2017-03-10", "2023-09-26"},
		{"longclaw", "23D15D965BC35114467363C165C4F724B64B4F66", "199.254.238.53", 80, 443, "", 0, "74A910646BCEEFBCD2E874FC1DC997430F968145", "", "2019-12-14"},
		{"dannenberg", "585769C78764D58426B8B52B6651A5A71137189A", "193.23.244.244", 80, 443, "", 0, "7BE683E65D48141321C5ED92F075C55364AC7123", "", "2016-06-01"},
		{"Tonga", "", "82.94.251.203", 80, 443, "", 0, "", "", "2016-08-01"},
		{"Bifroest", "", "37.218.247.217", 80, 443, "", 0, "", "2016-06-01", "2018-08-01"},
	}
}

// DefaultBridge is a bridge that shipped with Tor Browser.
type DefaultBridge struct {
	Transport   string
	Addr        string
	Port        uint16
	Fingerprint string
	From, Until string // as in DirectoryAuthority
}

// DefaultBridges returns those of 2026-07-29 and those that were in the list of
// 2023-09 only. When each came and went is not known; the former ones are
// given a year after the list that last had them, as an installed Tor Browser
// keeps its list until it is updated.
func DefaultBridges() []DefaultBridge {
	return []DefaultBridge{
		{"obfs4", "37.218.245.14", 38224, "D9A82D2F9C2F65A18407B1D2B764F130847F8B5D", "", ""},
		{"obfs4", "209.148.46.65", 443, "74FAD13168806246602538555B5521A0383A1875", "", ""},
		{"obfs4", "146.57.248.225", 22, "10A6CD36A537FCE513A322361547444B393989F0", "", ""},
		{"obfs4", "45.145.95.6", 27015, "C5B7CD6946FF10C5B3E89691A7D3F2C122D2117C", "", ""},
		{"obfs4", "51.222.13.177", 80, "5EDAC3B810E12B01F6FD8050D2FD3E277B289A08", "", ""},
		{"obfs4", "212.83.43.95", 443, "BFE712113A72899AD685764B211FACD30FF52C31", "", ""},
		{"obfs4", "212.83.43.74", 443, "39562501228A4D5E27FCA4C0C81A01EE23AE3EE4", "", ""},

		{"obfs4", "192.95.36.142", 443, "CDF2E852BF539B82BD10E27E9115A31734E378C2", "", "2024-09-30"},
		{"obfs4", "85.31.186.98", 443, "011F2599C0E9B27EE74B353155E244813763C3E5", "", "2024-09-30"},
		{"obfs4", "85.31.186.26", 443, "91A6354697E6B02A386312F68D82CF86824D3606", "", "2024-09-30"},
		{"obfs4", "193.11.166.194", 27015, "2D82C2E354D531A68469ADF7F878FA6060C6BACA", "", "2024-09-30"},
		{"obfs4", "193.11.166.194", 27020, "86AC7B8D430DAC4117E9F42C9EAED18133863AAF", "", "2024-09-30"},
		{"obfs4", "193.11.166.194", 27025, "1AE2C08904527FEA90C4C4F8C1083EA59FBC6FAF", "", "2024-09-30"},
	}
}

// builtIn turns both lists into entries. A line that cannot be read is left
// out; the tests see to it that there is none.
func builtIn() []Entry {
	var out []Entry
	add := func(e Entry, addr string, port uint16, kind flow.Kind, from, until string) {
		a, err := netip.ParseAddr(addr)
		if err != nil || port == 0 {
			return
		}
		e.Addr, e.Port, e.Kind = a, port, kind
		e.First, e.Last = firstSecond(from), lastSecond(until)
		out = append(out, e)
	}
	for _, d := range DirectoryAuthorities() {
		e := Entry{Flags: flow.DirAuthority, Fingerprint: d.Fingerprint, Nickname: d.Nickname}
		add(e, d.Addr, d.ORPort, flow.Authority, d.From, d.Until)
		add(e, d.Addr, d.DirPort, flow.AuthorityDir, d.From, d.Until)
		add(e, d.Addr6, d.ORPort6, flow.Authority, d.From, d.Until)
	}
	for _, b := range DefaultBridges() {
		e := Entry{Fingerprint: b.Fingerprint, Nickname: b.Transport}
		add(e, b.Addr, b.Port, flow.Bridge, b.From, b.Until)
	}
	return out
}

// firstSecond returns when a day begins; an empty one has always been.
func firstSecond(day string) int64 {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return math.MinInt64
	}
	return t.Unix()
}

// lastSecond returns when a day ends; an empty one has not come.
func lastSecond(day string) int64 {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return math.MaxInt64
	}
	return t.AddDate(0, 0, 1).Unix() - 1
}
