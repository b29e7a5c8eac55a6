// Package house holds the rule of which package may import which: arrows point
// downwards only, so that each can be read, tested and used with what is below it
// alone.
package house

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// storeys are the packages of src, from the roof to the ground. A package may
// import those of the storeys below its own, and none beside it. On the ground
// nothing is imported: chunked and rows are for others to copy, text, bounded
// and whole for all.
var storeys = [][]string{
	{"cmd/tordetect", "cmd/torrelays", "cmd/torctl"},
	{"command/tordetect", "command/torrelays"},
	{"report/html"},
	{"report"},
	{"report/digest"},
	{"scan"},
	{"doctor", "replay", "relaylist", "capture"},
	{"terminal", "replay/recorded"},
	{"judge"},
	{"logfile"},
	{"format"},
	{"event"},
	{"detect", "relay", "tlsname"},
	{"tordir", "dirclient", "splunkhome", "replay/stamp", "replay/attackdata", "relay/sheet"},
	{"flow"},
	{"cell", "web", "chunked/chunkedtest", "chunked/example"},
	{"chunked", "rows", "text", "bounded", "whole"},
}

const ours = "tordetect/src/"

func TestArrowsPointDownwards(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, ours+"...").Output()
	require.NoError(t, err)
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		imports[words[0]] = words[1:]
	}
	require.Contains(t, imports, ours+"relay", "go list works")
	for _, fault := range faults(imports) {
		t.Error(fault)
	}
}

func faults(imports map[string][]string) (found []string) {
	level := map[string]int{}
	for i, storey := range storeys {
		for _, name := range storey {
			level[ours+name] = i
		}
	}
	for from, all := range imports {
		at, known := level[from]
		if !known {
			found = append(found, fmt.Sprintf("%s stands on no storey of the house: say in tests/house on which", from))
			continue
		}
		for _, to := range all {
			below, known := level[to]
			switch {
			case !strings.HasPrefix(to, "tordetect/"):
			case !known && !strings.HasPrefix(to, ours):
				found = append(found, fmt.Sprintf("%s imports %s, which is no part of the product", from, to))
			case known && below <= at:
				found = append(found, fmt.Sprintf("%s imports %s, which is not below it", from, to))
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestFaults(t *testing.T) {
	require.Empty(t, faults(map[string][]string{ours + "relaylist": {ours + "relay", ours + "bounded", "fmt"}, ours + "rows": {"bytes"}}))
	require.Equal(t, []string{
		ours + "attic stands on no storey of the house: say in tests/house on which",
		ours + "dirclient imports " + ours + "tordir, which is not below it",
		ours + "relay imports " + ours + "relaylist, which is not below it",
		ours + "relay imports tordetect/tests/tornet, which is no part of the product",
		ours + "rows imports " + ours + "text, which is not below it",
	}, faults(map[string][]string{
		ours + "relay": {ours + "relaylist", "tordetect/tests/tornet"}, ours + "rows": {ours + "text"},
		ours + "dirclient": {ours + "tordir"}, ours + "attic": nil,
	}))
}
