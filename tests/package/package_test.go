// Package packagetest looks at the app as it is installed: the tarball, its
// files and the program in it.
//
//	in:   TORDETECT_PACKAGE=dist/tordetect-<version>.tgz (without it, ./build.sh package)
//	out:  what AppInspect and slim do not see, and what would fail in silence:
//	      modes, a launcher that does not run, a misspelt key, a view that is not
//	      there, a manual that says less than the program does
//
// It does not judge detections; tests/e2e runs those through the stand-in.
package packagetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

const app = "tordetect"

// projectRoot is seen from this folder, in which go test runs.
var projectRoot, _ = filepath.Abs("../..")

// tgz is the package under test, unpacked once into folder with all headers kept.
var (
	tgz     string
	folder  string // .../tordetect
	headers []*tar.Header
)

func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		scratch, err := os.MkdirTemp("", "tordetect-package-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(scratch)
		if tgz = os.Getenv("TORDETECT_PACKAGE"); tgz == "" {
			if tgz, err = buildPackage(projectRoot, scratch); err != nil {
				return 1, err
			}
		}
		if headers, err = unpack(tgz, scratch); err != nil {
			return 1, fmt.Errorf("unpack %s: %w", tgz, err)
		}
		folder = filepath.Join(scratch, app)
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// buildPackage runs ./build.sh package of the project at root, with more environment.
func buildPackage(root, into string, env ...string) (string, error) {
	cmd := exec.Command("./build.sh", "package", into)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("./build.sh package: %w\n%s", err, complaints.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1], nil
}

func unpack(tgz, into string) ([]*tar.Header, error) {
	file, err := os.Open(tgz)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	var all []*tar.Header
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, header)
		if !filepath.IsLocal(header.Name) {
			return nil, fmt.Errorf("%s leads out of the archive", header.Name)
		}
		at := filepath.Join(into, filepath.FromSlash(header.Name))
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(at, 0o755)
		case tar.TypeReg:
			var data []byte
			if data, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(at, data, 0o644)
			}
			if err == nil {
				err = os.Chmod(at, header.FileInfo().Mode())
			}
		default:
			err = fmt.Errorf("%s is neither file nor folder", header.Name)
		}
		if err != nil {
			return nil, err
		}
	}
}

// names lists the package's files, by their paths below the app's folder.
func names() []string {
	var files []string
	for _, header := range headers {
		if header.Typeflag == tar.TypeReg {
			files = append(files, strings.TrimPrefix(header.Name, app+"/"))
		}
	}
	sort.Strings(files)
	return files
}

func has(name string) bool {
	for _, have := range names() {
		if have == name {
			return true
		}
	}
	return false
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(data)
}

// conf reads a conf file as strictly as the stand-in does: junk lines, doubled
// stanzas and keys, and blanks behind a continuation are errors.
func conf(t *testing.T, name string) *splunkd.Conf {
	t.Helper()
	c, err := splunkd.ParseConf(name, read(t, name))
	require.NoError(t, err)
	return c
}

// value is a key that must be there.
func value(t *testing.T, c *splunkd.Conf, stanza, key string) string {
	t.Helper()
	v, ok := c.Get(stanza, key)
	require.True(t, ok, "[%s] has no %s", stanza, key)
	return v
}

func isText(name string) bool {
	return filepath.Ext(name) != ".png" && !strings.Contains(name, "-linux-")
}
