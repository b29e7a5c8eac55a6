// Package packaged finds the package that tests install and look into, and builds
// torctl, which is not in it.
//
//	in:   TORDETECT_PACKAGE=dist/tordetect-<version>.tgz, or nothing
//	out:  that file, or one that ./build.sh package makes now, once for a test program;
//	      torctl, built once, too
//
// Programs that are no tests never build one; see splunkd.PackageFile.
package packaged

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// Torctl returns torctl, built as it is shipped: without C. Any user may start it.
var Torctl = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "tordetect-torctl-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "torctl")
	build := exec.Command("go", "build", "-o", file, "tordetect/src/cmd/torctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build torctl: %w\n%s", err, out)
	}
	return file, os.Chmod(folder, 0o755)
})
