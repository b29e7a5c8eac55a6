// Package shared finds the real data that lies beside the project and not in it:
// consensuses, a labelled capture, recordings of splunkd.
//
//	path := shared.File(t, "privnet/flows.csv")
//
// A test that needs what is not there is skipped, and build.sh counts those; with
// REQUIRE_SHARED=1 it fails. Nothing of the data is ever copied into the project.
package shared

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// File returns the path of a file or folder below ../shared/data.
func File(t testing.TB, name string) string {
	t.Helper()
	return Beside(t, "data/"+name)
}

// Beside returns the path of a file or folder below ../shared.
func Beside(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(root(t), "..", "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("REQUIRE_SHARED=1, but there is no ../shared/%s", name)
		}
		t.Skipf("skipped: no ../shared/%s", name)
	}
	return path
}

// Bytes returns what is in such a file.
func Bytes(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(File(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Unpacked returns what is in such a file, which is packed by gzip.
func Unpacked(t testing.TB, name string) []byte {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(Bytes(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// root is the folder of the project: the one above a test that has a go.mod.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("find the project: no folder above has a go.mod")
		}
		folder = above
	}
}
