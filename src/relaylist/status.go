package relaylist

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tordetect/src/cell"
	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/src/text"
)

// Status describes a table in one row: its columns and values. Ages are in
// seconds from the end of the newest list to now; below zero the list still
// holds. The column listed counts the relays of the newest list, listed_before
// the most that a list held at that hour on one of the days before: a newest list
// with half of them is a broken one, however well it is signed.
func Status(t *relay.Table, file, version string, now time.Time) (columns []string, row []any) {
	validUntil, age, listed, before := any(""), any(""), any(""), any("")
	if newest, ok := t.Newest(); ok {
		validUntil, age, listed = text.Time(newest), now.Unix()-newest, t.ListedAt(newest)
		if most := t.ListedBefore(newest); most > 0 {
			before = most
		}
	}
	exitAge := any("")
	if exits := t.ExitLists(); len(exits) > 0 {
		exitAge = now.Unix() - exits[len(exits)-1].To
	}
	return []string{"file", "rows", "skipped", "relays", "exits", "valid_until", "age", "listed", "listed_before", "coverage", "exit_coverage", "exit_age", "complete", "version"},
		[]any{file, t.Rows, t.Skipped, t.Fingerprints(flow.ORPort), t.Fingerprints(flow.ExitAddress), validUntil, age, listed, before,
			spans(t.Lists()), spans(t.ExitLists()), exitAge, t.Complete, version}
}

// maxSpans bounds the intervals that are written out.
const maxSpans = 20

// spans writes intervals as "from/to from/to".
func spans(all []flow.Interval) string {
	var words []string
	for i, iv := range all {
		if i == maxSpans {
			words = append(words, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		words = append(words, text.Time(iv.From)+"/"+text.Time(iv.To))
	}
	return strings.Join(words, " ")
}

// SeenRows writes the lines of Lookup as columns and values.
func SeenRows(lines []Seen) (columns []string, rows [][]any) {
	columns = []string{"ip", "at", "answer", "coverage", "role", "port", "flags", "fingerprint", "nickname", "first_seen", "last_seen", "away"}
	for _, s := range lines {
		port, first, last := any(""), any(""), any("")
		if s.Port != 0 {
			port = s.Port
		}
		if s.First != 0 || s.Last != 0 {
			first, last = text.Time(s.First), text.Time(s.Last)
		}
		rows = append(rows, []any{s.Addr.String(), text.Time(s.At), s.Answer, s.Coverage, s.Role, port, s.Flags, s.Fingerprint, s.Nickname, first, last, s.Away})
	}
	return columns, rows
}

// ParseAddr reads an address as a person writes it, and as we print it: also in
// brackets, with a port, or as the network of one address (/32, /128).
func ParseAddr(text string) (netip.Addr, error) {
	addr, _, err := ParseEnd(text)
	return addr, err
}

// ParseEnd is ParseAddr, with the port where there is one, else 0.
func ParseEnd(text string) (netip.Addr, uint16, error) {
	a, ok := cell.Address([]byte(text))
	if !ok {
		return netip.Addr{}, 0, fmt.Errorf("bad address %q: want IPv4 or IPv6", text)
	}
	return a.Addr, a.Port, nil
}

// ParseTime reads a time as a person writes it: as in a log (cell.ReadTime), UTC where
// it names no zone, and without seconds or a day alone.
func ParseTime(text string) (int64, error) {
	text = strings.TrimSpace(text)
	for _, rest := range []string{"", ":00", "T00:00:00"} {
		if micros, kind := cell.ReadTime([]byte(text+rest), time.UTC); kind.IsMoment() {
			return micros / cell.Million, nil
		}
	}
	return 0, fmt.Errorf("bad time %q: want epoch seconds or a time such as 2026-10-01T12:00:00Z", text)
}
