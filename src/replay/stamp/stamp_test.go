package stamp

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// TestFind: the stamps are marked by <>, the event's time by ! behind it.
func TestFind(t *testing.T) {
	f := func(marked, eventTime string) {
		t.Helper()
		plain := strings.NewReplacer("«", "", "»", "", "!", "").Replace(marked)
		found, own := Find([]byte(plain), time.UTC, noon, nil)
		var b strings.Builder
		at := 0
		for i, s := range found {
			b.WriteString(plain[at:s.from] + "«" + plain[s.from:s.to] + "»")
			if i == own {
				b.WriteString("!")
			}
			at = s.to
		}
		require.Equal(t, marked, b.String()+plain[at:])
		if own < 0 {
			require.Empty(t, eventTime)
			return
		}
		require.Equal(t, eventTime, found[own].Time.UTC().Format(time.RFC3339Nano), marked)
	}
	// Palo Alto: field 7 is the event's time, also behind a syslog header.
	f("1,«2026/11/20 10:15:33»,0123,TRAFFIC,end,2561,«2026/11/20 10:15:30»!,10.20.30.40,198.51.100.23", "2026-11-20T10:15:30Z")
	f("<14>«Nov 20 10:15:31» PA-220 1,«2026/11/20 10:15:33»,0123,TRAFFIC,drop,2561,«2026/11/20 10:15:30»!,10.0.0.1", "2026-11-20T10:15:30Z")
	f("<14>1 «2026-11-20T10:15:31»+01:00 PA-220 1,«2026/11/20 10:15:33»,0123,THREAT,url,2561,«2026/11/20 10:15:30»!,10.0.0.1", "2026-11-20T10:15:30Z")
	f("a,«2026/11/20 10:15:33»!,c,mixed,e,f,«2026/11/20 10:15:30»,h", "2026-11-20T10:15:33Z")
	// Zeek
	f("«1763633730»!.123456\tCh1\t10.0.0.1\t50624\t198.51.100.23\t9001\ttcp\t1763633730", "2025-11-20T10:15:30.123456Z")
	f(`{"ts":«1763633730»!.123456,"uid":"C1763633730","duration":1763633730.5}`, "2025-11-20T10:15:30.123456Z")
	f(`{"ts":"«2026-11-20T10:15:30»!.123456Z","uid":"C1"}`, "2026-11-20T10:15:30.123456Z")
	// Suricata: timestamp, and the flow's start moves with it.
	f(`{"flow":{"start":"«2026-11-20T10:14:30».000001+0100"},"timestamp":"«2026-11-20T10:15:30»!.5+0100"}`, "2026-11-20T09:15:30.5Z")
	// epoch _time
	f("«1763633730»!,10.0.0.1,198.51.100.23", "2025-11-20T10:15:30Z")
	f(`"«1763633730»!.250","10.0.0.1"`, "2025-11-20T10:15:30.25Z")
	f(`{"src":"10.0.0.1", "time" : 5, "_time" : "«1763633730»!.250"}`, "2025-11-20T10:15:30.25Z")
	f(`{"@timestamp": «1763633730123»!, "n": 1763633730123}`, "2025-11-20T10:15:30.123Z")
	f("a=1763633730 _time=«1763633730»! b=2", "2025-11-20T10:15:30Z")
	f(`{"timestamp":"«2026-11-20T10:15:31»","_time":"«2026-11-20 10:15:30»!"}`, "2026-11-20T10:15:30Z")
	// ISO
	f("«2026-11-20 10:15:30»!,123 text", "2026-11-20T10:15:30Z")
	f("«2026-11-20T10:15:30»!,123Z text", "2026-11-20T10:15:30.123Z")
	f("«2026-11-20T10:15:30»!-05:30", "2026-11-20T15:45:30Z")
	f("«2026-11-20T10:15:30»!-05", "2026-11-20T15:15:30Z")
	f("at «2024-02-29T23:59:59»!Z", "2024-02-29T23:59:59Z")
	// syslog: the year is the nearest before now, or that of another stamp.
	f("«Nov 20 10:15:30»! host", "2026-11-20T10:15:30Z")
	f("<134>«Dec  5 10:15:30»! host", "2025-12-05T10:15:30Z")
	f("«Dec 31 23:59:59» host at «2021-01-01T00:00:01»!Z", "2021-01-01T00:00:01Z")
	// none
	f("", "")
	f("10.20.30.40 2026-11-20 and 10:15:30", "")
	f("2026-02-30T10:15:30Z 2026-13-01T10:15:30 2026-01-01T24:00:00 2026/01/01T10:15:30", "")
	f("12026-11-20T10:15:30 2026-11-20T10:15:301 1.2026-11-20T10:15:30", "")
	f("17636337301 0763633730, 1763633730x", "")
	f("x 1763633730", "")
	f(`{"bytes":1763633730,"ts":17636337,"xts":1763633730}`, "")
	f("<999999>Nov 20 10:15:30", "")
	f("Nov 31 10:15:30 host", "")
	f("<", "")
}

func TestShifted(t *testing.T) {
	f := func(text, want string, by time.Duration) {
		t.Helper()
		found, _ := Find([]byte(text), time.UTC, noon, nil)
		require.Equal(t, want, string(Shifted([]byte(text), found, by)))
	}
	const day = 24 * time.Hour
	f("1,2026/11/20 10:15:33,0,TRAFFIC,end,1,2026/11/20 23:15:30,a", "1,2026/11/20 11:15:33,0,TRAFFIC,end,1,2026/11/21 00:15:30,a", time.Hour)
	f(`{"timestamp":"2024-02-28T23:15:30.123456-0700","ts":1763633730.000001}`, `{"timestamp":"2024-02-29T23:15:30.123456-0700","ts":1763720130.000001}`, day)
	f("Nov  9 10:15:30 h", "Nov 10 10:15:30 h", day)
	f("Nov 10 10:15:30 h", "Nov  9 10:15:30 h", -day)
	f("Nov 09 10:15:30 h", "Nov 08 10:15:30 h", -day)
	f("1763633730123", "1763637330123", time.Hour)
	f("2026-11-20 10:15:30", "2027-11-20 10:15:30", 365*day)
	f("nothing", "nothing", day)
	// The header has the year of the stamp behind it, which is a leap year.
	f("Feb 28 10:00:00 h 2024-02-28T10:00:00Z", "Feb 29 10:00:00 h 2024-02-29T10:00:00Z", day)

	// A zone that changes its clock in between: two hours of distance stay two.
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	text := []byte("2026/10/24 23:30:00")
	found, _ := Find(text, berlin, noon, nil)
	require.Equal(t, "2026/10/25 02:30:00", string(Shifted(text, found, 4*time.Hour)))
}

// FuzzFind: what is found lies in the text, in order; shifted there and back is
// the same text, and a shift moves the event's time by as much.
func FuzzFind(f *testing.F) {
	f.Add([]byte("<14>Nov 20 10:15:31 h 1,2026/11/20 10:15:33,0,TRAFFIC,end,1,2026/11/20 10:15:30,a"), int64(86400))
	f.Add([]byte(`{"timestamp":"2026-11-20T10:15:30.5+0100","ts":1763633730.1}`), int64(-5))
	f.Add([]byte("1763633730.5\tC1"), int64(1))
	f.Fuzz(func(t *testing.T, text []byte, by int64) {
		pace.Hold(t, text, func(text []byte) { Find(text, time.UTC, noon, nil) })
		by %= 20 * 365 * 86400
		shift := time.Duration(by) * time.Second
		found, own := Find(text, time.UTC, noon, nil)
		at := 0
		for _, s := range found {
			require.GreaterOrEqual(t, s.from, at)
			require.Greater(t, s.to, s.from)
			require.LessOrEqual(t, s.to, len(text))
			at = s.to
			if year := s.Time.Year(); year < 2022 || year > 2075 || s.form == syslog {
				return // a year of four digits, an epoch of ten, and a header without a year do not go there and back
			}
		}
		require.Equal(t, len(found) > 0, own >= 0)
		moved := Shifted(text, found, shift)
		require.Len(t, moved, len(text))
		again, own2 := Find(moved, time.UTC, noon, nil)
		require.Equal(t, len(found), len(again), "%q", moved)
		require.Equal(t, own, own2)
		if own >= 0 {
			require.Equal(t, shift, again[own].Time.Sub(found[own].Time))
		}
		require.Equal(t, string(text), string(Shifted(moved, again, -shift)))
	})
}

func BenchmarkFind(b *testing.B) {
	text := []byte("1,2026/11/20 12:00:14,012345678901,TRAFFIC,end,2561,2026/11/20 12:00:14,10.20.0.7,198.51.100.23,,,Outbound_Allow,,,ssl,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd_splunk,2026/11/20 12:00:14,7,1,50624,9001,0,0,0x19,tcp,allow,7419,6609,810,25,2026/11/20 12:00:14,65,any,0")
	b.SetBytes(int64(len(text)))
	var found []Stamp
	for b.Loop() {
		found, _ = Find(text, time.UTC, noon, found)
		_ = Shifted(text, found, time.Hour)
	}
}
