package command

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseAddr(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, ok := parseAddr([]byte(text))
		if want == "" {
			require.False(t, ok, "%q gave %s", text, got)
			return
		}
		require.True(t, ok, "%q", text)
		require.Equal(t, netip.MustParseAddr(want), got, "%q", text)
	}
	f("192.0.2.1", "192.0.2.1")
	f(" 192.0.2.1\t", "192.0.2.1")
	f("::ffff:192.0.2.1", "192.0.2.1")
	f("::FFFF:c000:201", "192.0.2.1")
	f("[2001:DB8::1]", "2001:db8::1")
	f("[192.0.2.1]", "192.0.2.1")
	f("fe80::1%eth0", "fe80::1")
	f("2001:db8:0:0:0:0:0:1", "2001:db8::1")
	f("::", "::")
	f("1::", "1::")
	f("2001:db8::192.0.2.1", "2001:db8::c000:201")

	// No addresses.
	f("", "")
	f("null", "")
	f("unknown", "")
	f("-", "")
	f("www.example.com", "")
	f("192.0.2", "")
	f("192.0.2.256", "")
	f("192.0.02.1", "")
	f("192.0.2.1.5", "")
	f("192.0.2.1:443", "")
	f("3232235777", "")
	f("aa:bb:cc:dd:ee:ff", "")
	f("2001:db8::1::2", "")
	f("2001:db8:1:2:3:4:5:6:7", "")
	f("1:2:3:4:5:6:7::8", "") // :: must stand for something
	f(":1", "")
	f("1:", "")
	f("12345::", "")
}

// parseAddr is netip.ParseAddr on what both take.
func FuzzParseAddr(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7", "1::%z", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "0:0:0:0:0:0:0:0:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.TrimSpace(text) != text || strings.ContainsAny(text, "[]%") {
			t.Skip("blanks, brackets and zones are read differently")
		}
		got, ok := parseAddr([]byte(text))
		want, err := netip.ParseAddr(text)
		require.Equal(t, err == nil, ok, "%q: %v", text, err)
		if ok {
			require.Equal(t, want.Unmap(), got)
		}
	})
}

func TestParseTime(t *testing.T) {
	f := func(text string, want int64, kind timeKind) {
		t.Helper()
		got, k := parseTime([]byte(text))
		require.Equal(t, kind, k, "%q", text)
		if kind == aTime {
			require.Equal(t, want, got, "%q", text)
		}
	}
	f("1795422520", 1795422520, aTime)
	f("1795422520.934", 1795422520, aTime)
	f(" 1795422520 ", 1795422520, aTime)
	f("0", 0, aTime)
	f("2014-06-11T08:19:59.000-0700", 1402499999, aTime) // as after inputlookup (protocol.md section 7)
	f("2014-06-11T15:19:59Z", 1402499999, aTime)
	f("2014-06-11 15:19:59+00:00", 1402499999, aTime)
	f("2014-06-11 15:19:59 UTC", 1402499999, aTime)
	f("2014-06-11T20:49:59,5+0530", 1402499999, aTime)
	f("2014-06-11T15:19:59", 0, unreadable) // as the macro security_content_ctime writes it
	f("2014-06-11 15:19:59.123", 0, unreadable)
	f("2014-06-11T15:19:59 CEST", 0, unreadable)

	f("", 0, noTime)
	f("null", 0, noTime)
	f("yesterday", 0, unreadable)
	f("-1", 0, unreadable)
	f("1e9", 0, unreadable)
	f("99999999999999", 0, unreadable)
	f("2014-13-11T15:19:59Z", 0, unreadable)
	f("2014-06-11T25:19:59Z", 0, unreadable)
	f("2014-06-11T15:19:59+1", 0, unreadable)
	f("06/11/2014 15:19:59", 0, unreadable)      // convert's own form, and the ctime macro's until 2020
	f("Wed Jun 11 15:19:59 2014", 0, unreadable) // strftime %c
	f("2014-02-30T15:19:59Z", 0, unreadable)
	f("2014-06-11T15:19:59+99:99", 0, unreadable)
	f("1795422520000", 0, unreadable) // milliseconds
	f("unknown", 0, noTime)
	f("-", 0, noTime)
}

func FuzzParseTime(f *testing.F) {
	f.Add("2014-06-11T08:19:59.000-07:00")
	f.Add("1795422520.934")
	f.Fuzz(func(t *testing.T, text string) {
		got, kind := parseTime([]byte(text))
		if want, err := time.Parse(time.RFC3339, text); err == nil && want.Unix() >= 0 {
			require.Equal(t, aTime, kind, "%q", text)
			require.Equal(t, want.Unix(), got, "%q", text)
		}
	})
}

func TestParsePort(t *testing.T) {
	f := func(text string, want uint16) {
		t.Helper()
		got, ok := parsePort([]byte(text))
		require.Equal(t, want != 0, ok, "%q", text)
		if ok {
			require.Equal(t, want, got)
		}
	}
	f("443", 443)
	f(" 443", 443)
	f("443.0", 443)
	f("65535", 65535)
	f("0", 0)
	f("65536", 0)
	f("null", 0)
	f("https", 0)
	f("", 0)
	f("443.x", 0)
	f("99999999999999999999", 0)
}
