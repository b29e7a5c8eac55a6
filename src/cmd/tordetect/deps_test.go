package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forbidden are packages that the program must not be linked with, and why. It
// starts several times for every search, and on every indexer.
var forbidden = map[string]string{
	"net/http":                              "the search command reads no network, and the package makes the start slower and the program 4 MB larger",
	"net":                                   "an address is parsed with net/netip; the command opens no socket",
	"crypto/tls":                            "no network",
	"os/exec":                               "a program that reads log rows must not start others",
	"html/template":                         "reports are made by torctl",
	"text/template":                         "keeps all methods of all types in the program",
	"regexp":                                "rules on the row path are code",
	"encoding/csv":                          "rows are scanned in place by package rows",
	"plugin":                                "loads code",
	"github.com/spf13/cobra":                "options come in the protocol",
	"github.com/json-iterator/go":           "for log files, in torctl",
	"github.com/splunk/splunk-cloud-sdk-go": "for replay, in torctl",
	"github.com/stretchr/testify":           "for tests",
}

func TestForbiddenImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "tordetect/src/detect", "go list works")
	for _, dep := range deps {
		for path, why := range forbidden {
			if dep == path || strings.HasPrefix(dep, path+"/") && strings.Contains(path, ".") {
				t.Errorf("tordetect imports %s: %s", dep, why)
			}
		}
	}
}
