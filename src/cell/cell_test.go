package cell_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/tests/pace"
)

func TestIsEmpty(t *testing.T) {
	for _, text := range []string{"", " ", "-", "null", "NULL", "unknown", " Unknown ", "(empty)", "\v-", "\f", "\u00a0null"} {
		require.True(t, cell.IsEmpty([]byte(text)), "%q", text)
	}
	for _, text := range []string{"0", "none", "tor", "unknown host", "--"} {
		require.False(t, cell.IsEmpty([]byte(text)), "%q", text)
	}
}

// The kinds of bytes, each byte.
func TestBytes(t *testing.T) {
	for c := range 256 {
		require.Equal(t, strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", byte(c)) >= 0, cell.IsAlphanumeric(byte(c)), "%q", c)
		want, err := strconv.ParseUint(string([]byte{byte(c)}), 16, 8)
		value, ok := cell.HexDigit(byte(c))
		require.Equal(t, err == nil, ok, "%q", c)
		require.EqualValues(t, want, value, "%q", c)
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "4000": 4000, "4000.5": 4000, " 12 ": 12, "999999999999999999": 999999999999999999, "7.": 7} {
		n, ok := cell.Number([]byte(text))
		require.True(t, ok, "%q", text)
		require.Equal(t, want, n, "%q", text)
	}
	for _, text := range []string{"", "-", "-1", "1e3", ".5", "1.x", "1 2", "1000000000000000000", "0x10"} {
		_, ok := cell.Number([]byte(text))
		require.False(t, ok, "%q", text)
	}
}

func TestPort(t *testing.T) {
	for text, want := range map[string]uint16{
		"443": 443, "443.0": 443, "65535": 65535, " 9001 ": 9001, "9001/tcp": 9001, "TCP/9001": 9001, "tcp/https": 443,
		"https": 443, "HTTP": 80, "www": 80, "ms-wbt-server": 3389, "53/udp": 53,
	} {
		p, ok := cell.Port([]byte(text))
		require.True(t, ok, "%q", text)
		require.Equal(t, want, p, "%q", text)
	}
	for _, text := range []string{"", "0", "65536", "-", "any", "tcp", "9001/", "/9001", "9001/9002", "0/tcp", "a very long name of a service"} {
		_, ok := cell.Port([]byte(text))
		require.False(t, ok, "%q", text)
	}
}

func TestAddress(t *testing.T) {
	type want struct {
		addr  string
		port  uint16
		nat64 bool
	}
	for text, w := range map[string]want{
		"198.51.100.7":                    {"198.51.100.7", 0, false},
		" 198.51.100.7 ":                  {"198.51.100.7", 0, false},
		"198.51.100.7:9001":               {"198.51.100.7", 9001, false},
		"198.51.100.7/32":                 {"198.51.100.7", 0, false},
		"[198.51.100.7]":                  {"198.51.100.7", 0, false},
		"[198.51.100.12]:51234":           {"198.51.100.12", 51234, false},
		"2001:db8::1":                     {"2001:db8::1", 0, false},
		"2001:DB8::1/128":                 {"2001:db8::1", 0, false},
		"[2001:db8::1]":                   {"2001:db8::1", 0, false},
		"[2001:db8::1]:443":               {"2001:db8::1", 443, false},
		"fe80::1%eth0":                    {"fe80::1", 0, false},
		"[fe80::1%25eth0]:443":            {"fe80::1", 443, false},
		"::ffff:198.51.100.7":             {"198.51.100.7", 0, false},
		"::ffff:c633:6407":                {"198.51.100.7", 0, false},
		"[::ffff:198.51.100.7]:443":       {"198.51.100.7", 443, false},
		"64:ff9b::198.51.100.23":          {"198.51.100.23", 0, true},
		"64:ff9b::c633:6417":              {"198.51.100.23", 0, true},
		"[64:FF9B::c633:6417]:9001":       {"198.51.100.23", 9001, true},
		"64:ff9b::c633:6417/128":          {"198.51.100.23", 0, true},
		"2001:db8:0:0:0:0:198.51.100.255": {"2001:db8::c633:64ff", 0, false},
	} {
		a, ok := cell.Address([]byte(text))
		require.True(t, ok, "%q", text)
		require.Equal(t, w, want{a.String(), a.Port, a.NAT64}, "%q", text)
	}
	for _, text := range []string{
		"", "-", "null", "0.0.0.0", "::", "0.0.0.0:80", "host.example.com", "host.example.com:443", "1.2.3", "1.2.3.4.5", "01.2.3.4",
		"256.1.1.1", "198.51.100.0/24", "2001:db8::/32", "198.51.100.7:", "198.51.100.7:0", "198.51.100.7:70000", "198.51.100.7:http",
		"[198.51.100.7", "2001:db8::1::2", ":", ":::", "fe80::g", "198.51.100.7/128", "64:ff9b::0.0.0.0", "2001:db8::1 x", "12:34", "a:b",
	} {
		_, ok := cell.Address([]byte(text))
		require.False(t, ok, "%q", text)
	}
}

// Addresses are written as netip writes them.
func TestAppendAddress(t *testing.T) {
	for b := range 256 {
		a := netip.AddrFrom4([4]byte{byte(b), byte(255 - b), byte(b / 3), byte(b)})
		require.Equal(t, "x"+a.String(), string(cell.AppendAddress([]byte("x"), a)))
	}
	require.Equal(t, "2001:db8::1", string(cell.AppendAddress(nil, netip.MustParseAddr("2001:db8::1"))))
	require.Empty(t, cell.AppendAddress(nil, netip.Addr{}))
}

func TestReadTime(t *testing.T) {
	const at = 1795169730 // 2026-11-20T10:15:30Z
	for text, micros := range map[string]int64{
		"1795169730": 0, " 1795169730 ": 0, "1795169730.5": 500000, "1795169730.": 0, "1795169730000": 0, "1795169730500": 500000,
		"1795169730500000": 500000, "1795169730500000000": 500000, "1795169730123.25": 123250,
		"2026-11-20T10:15:30Z": 0, "2026-11-20 10:15:30 UTC": 0, "2026-11-20 10:15:30.500 GMT": 500000, "2026-11-20T10:15:30+00": 0,
		"2026-11-20T11:15:30.5+0100": 500000, "2026-11-20T05:15:30-05:00": 0, "2026-11-20 10:15:30,25 +0000": 250000, "2026-11-20t10:15:30z": 0,
		"2026/11/20 11:15:30 +01:00": 0,
	} {
		got, kind := cell.ReadTime([]byte(text), nil)
		require.Equal(t, cell.ATime, kind, "%q", text)
		require.Equal(t, int64(at)*cell.Million+micros, got, "%q", text)
	}
	berlin := time.FixedZone("", 3600)
	for text, kinds := range map[string][2]cell.TimeKind{ // without a zone given, and with one
		"": {cell.NoTime, cell.NoTime}, "-": {cell.NoTime, cell.NoTime},
		"2026-11-20T10:15:30":            {cell.Zoneless, cell.ATime},
		"2026/11/20 10:15:30":            {cell.Assumed, cell.Assumed},
		"2026-11-20 10:15:30 CET":        {cell.Zoneless, cell.Zoneless},
		"2026-11-20 10:15:30 Europe/Rom": {cell.Zoneless, cell.Zoneless},
		"2026-13-20T10:15:30Z":           {cell.Unreadable, cell.Unreadable}, "2026-02-29T10:15:30Z": {cell.Unreadable, cell.Unreadable},
		"2026-11-20T10:15:30.Z": {cell.Unreadable, cell.Unreadable}, "2026-11-20T10:15:30+1": {cell.Unreadable, cell.Unreadable},
		"2026-11-20T10:15:30+15:00": {cell.Unreadable, cell.Unreadable}, "1969-11-20T10:15:30Z": {cell.Unreadable, cell.Unreadable},
		"1970-01-01T00:30:00+01:00": {cell.Unreadable, cell.Unreadable}, "9999-12-31T23:30:00-01:00": {cell.Unreadable, cell.Unreadable},
		"yesterday": {cell.Unreadable, cell.Unreadable}, "253402300800": {cell.Unreadable, cell.Unreadable},
		"99999999999999999999": {cell.Unreadable, cell.Unreadable}, "17e8": {cell.Unreadable, cell.Unreadable}, "2026-11/20T10:15:30Z": {cell.Unreadable, cell.Unreadable},
	} {
		_, kind := cell.ReadTime([]byte(text), nil)
		require.Equal(t, kinds[0], kind, "%q", text)
		_, kind = cell.ReadTime([]byte(text), berlin)
		require.Equal(t, kinds[1], kind, "%q in a zone", text)
	}
	for _, text := range []string{"2026-11-20T11:15:30", "2026/11/20 11:15:30"} {
		got, _ := cell.ReadTime([]byte(text), berlin)
		require.Equal(t, int64(at)*cell.Million, got)
	}
	got, _ := cell.ReadTime([]byte("2026/11/20 10:15:30"), nil)
	require.Equal(t, int64(at)*cell.Million, got)
}

// The seconds of a date are those of package time.
func TestDates(t *testing.T) {
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2110; at = at.Add(31*time.Hour + 11*time.Minute + 13*time.Second) {
		got, kind := cell.ReadTime(at.AppendFormat(nil, "2006-01-02T15:04:05Z"), nil)
		if kind != cell.ATime || got != at.Unix()*cell.Million {
			t.Fatal(at, got, kind)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "65": 65e6, "0.25": 250000, "1e-06": 1, "1.5e2": 150e6, " 3 ": 3e6} {
		got, ok := cell.Seconds([]byte(text))
		require.True(t, ok, "%q", text)
		require.Equal(t, want, got, "%q", text)
	}
	for _, text := range []string{"", "-", "-1", "NaN", "1e300", "00:01:05"} {
		_, ok := cell.Seconds([]byte(text))
		require.False(t, ok, "%q", text)
	}
}

// Every address that is written plainly is read, and nothing else that netip
// refuses.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"198.51.100.7", "2001:db8::1", "[::1]:80", "64:ff9b::1.2.3.4", "1.2.3.4/32", "::", "::%eth0", "::ffff:0.0.0.0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := cell.Address([]byte(text))
		if len(strings.TrimSpace(text)) > 100 { // no machine's zone is so long, but for netip it may be
			require.False(t, ok)
			return
		}
		want, err := netip.ParseAddr(text)
		if strings.Contains(want.Zone(), "/") { // for netip anything is a zone; in RFC 4007, section 11.7, a slash ends it
			return
		}
		want = want.Unmap().WithZone("") // with a zone, netip takes :: for an address
		if err == nil && !want.IsUnspecified() {
			require.True(t, ok || want.Is6() && want.As16()[1] == 0x64, text)
			if !a.NAT64 && ok {
				require.Equal(t, want, a.Addr)
			}
		}
		if ok {
			require.True(t, a.IsValid() && !a.IsUnspecified() && !a.Is4In6() && a.Zone() == "")
		}
	})
}

// Times never panic, and what is a moment lies within the years 1970 to 9999.
func FuzzReadTime(f *testing.F) {
	for _, text := range []string{"1795169730.5", "2026-11-20T10:15:30.5+01:00", "2026/11/20 10:15:30", "1795169730000", "2026-11-20 10:15:30 CET"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, kind := cell.ReadTime([]byte(text), nil)
		pace.Hold(t, []byte(text), func(text []byte) {
			cell.ReadTime(text, nil)
			cell.Address(text)
		})
		require.True(t, kind.IsMoment() == (kind == cell.ATime || kind == cell.Assumed))
		require.True(t, at >= 0 && at <= (cell.MaxTime+1)*cell.Million)
		require.True(t, kind.IsMoment() || at == 0)
	})
}

func TestAllocations(t *testing.T) {
	texts := [][]byte{
		[]byte("198.51.100.7"), []byte("2001:db8::1"), []byte("[2001:db8::1]:443"), []byte("host.example.com"), []byte("64:ff9b::c633:6417"),
		[]byte("1795169730.5"), []byte("2026-11-20T10:15:30.5+01:00"), []byte("https"), []byte("unknown"), []byte("1e-06"),
	}
	room, address := make([]byte, 0, 40), netip.MustParseAddr("198.51.100.7")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, text := range texts {
			cell.Address(text)
			cell.Port(text)
			cell.ReadTime(text, nil)
			cell.Seconds(text)
			cell.IsEmpty(text)
			cell.AppendAddress(room[:0], address)
		}
	}))
}

func BenchmarkV4(b *testing.B) {
	text := []byte("198.51.100.123")
	for b.Loop() {
		cell.V4(text)
	}
}
