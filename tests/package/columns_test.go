package packagetest

import (
	"flag"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/src/command/tordetect"
	"tordetect/src/event"
	"tordetect/tests/manual"
)

// manualFolder has the manual's pages as they are written. TestManualPages sees to it
// that the package has the same.
var manualFolder = filepath.Join(projectRoot, "app")

var update = flag.Bool("update", false, "write the manual's tables anew")

// The table of columns in the manual stands between these marks.
const columnsBegin, columnsEnd = "<!-- columns -->\n", "<!-- end of columns -->\n"

// The manual's table of columns is made from the table of names: each role with its
// option and all of its names in their order, each general word with its condition.
func TestManualColumns(t *testing.T) {
	manual.Hold(t, manualFolder, columnsBegin, columnsEnd, columnsTable(), *update)
}

func columnsTable() string {
	var trusted []event.Vocabulary
	var rows strings.Builder
	names := event.Table()
	for i, c := range tordetect.Columns() {
		option := ""
		if c.Option != "" {
			option = "`" + c.Option + "`"
		}
		var texts []string
		for _, n := range names[i].Names {
			texts = append(texts, "`"+n.Text+"`"+condition(n))
			if !slices.Contains(trusted, n.Of) {
				trusted = append(trusted, n.Of)
			}
		}
		rows.WriteString("| " + c.Means + " | " + option + " | " + strings.Join(texts, ", ") + " |\n")
	}
	slices.Sort(trusted)
	var whose []string
	for _, v := range trusted {
		whose = append(whose, v.String())
	}
	return "In the order of trust: " + strings.Join(whose, ", ") + ".\n\n| column | option | names |\n|---|---|---|\n" + rows.String()
}

// condition says beside what a general word counts.
func condition(n event.Name) string {
	switch {
	case n.Beside == event.SignIn:
		return " (only beside a user)"
	case n.Beside == event.Request:
		return " (only beside `uri` or `method`)"
	case n.Beside == event.OwnEnds:
		var beside []string
		for _, role := range []event.Role{event.Source, event.Destination} {
			for _, end := range event.Table()[role].Names {
				if end.Of == n.Of && end.Beside == event.Always {
					beside = append(beside, "`"+end.Text+"`")
				}
			}
		}
		switch {
		case len(beside) == 0:
			return " (only in the object around an event)"
		case len(beside) > 2:
			return " (only beside an address of " + n.Of.String() + ")"
		}
		return " (only beside " + strings.Join(beside, " or ") + ")"
	case n.Nano:
		return " (nanoseconds)"
	}
	return ""
}

// What the manual says that a cell may be is read so.
func TestManualCells(t *testing.T) {
	_, rest, found := strings.Cut(manual.Text(t, folder), "\n| a cell | may be | read as |\n")
	require.True(t, found)
	readers := map[string]func(text string) bool{
		"an address":                func(text string) bool { a, ok := cell.Address([]byte(text)); return ok && !a.NAT64 },
		"an IPv4 address as NAT64":  func(text string) bool { a, ok := cell.Address([]byte(text)); return ok && a.NAT64 },
		"no address":                func(text string) bool { _, ok := cell.Address([]byte(text)); return !ok },
		"a port":                    func(text string) bool { _, ok := cell.Port([]byte(text)); return ok },
		"no port":                   func(text string) bool { _, ok := cell.Port([]byte(text)); return !ok },
		"a transport":               func(text string) bool { return event.ReadTransport([]byte(text)) != 0 },
		"a time":                    func(text string) bool { return kindOf(text) == cell.ATime },
		"a time in Palo Alto's way": func(text string) bool { return kindOf(text) == cell.Assumed },
		"no time":                   func(text string) bool { return !kindOf(text).IsMoment() },
		"no value":                  func(text string) bool { return cell.IsEmpty([]byte(text)) },
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]*) \| ([^|]*) \|`).FindAllStringSubmatch(table, -1) {
		if row[1] == "several values" {
			continue
		}
		reads := readers[row[1]]
		require.NotNil(t, reads, row[1])
		words := regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[2], -1)
		require.NotEmpty(t, words, row[1])
		for _, word := range words {
			require.True(t, reads(word[1]), "%s: %s", row[1], word[1])
		}
		delete(readers, row[1])
	}
	require.Empty(t, readers)
}

func kindOf(text string) cell.TimeKind {
	_, kind := cell.ReadTime([]byte(text), nil)
	return kind
}
