// Package packaged finds the package that tests install and look into.
//
//	in:   TORDETECT_PACKAGE=dist/tordetect-<version>.tgz, or nothing
//	out:  that file, or one that ./build.sh package makes now, once for a test program
//
// Programs that are no tests never build one; see splunkd.PackageFile.
package packaged

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// File returns the package. The error is that of build.sh, which is two folders above
// those of the tests that call it.
var File = sync.OnceValues(func() (string, error) {
	if file := os.Getenv("TORDETECT_PACKAGE"); file != "" {
		return file, nil
	}
	folder, err := os.MkdirTemp("", "tordetect-package-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("../../build.sh", "package", folder).Output()
	if err != nil {
		return "", fmt.Errorf("build.sh package: %w", err)
	}
	lines := strings.Fields(string(out))
	return lines[len(lines)-1], nil
})
