package doctor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// packed writes the app as a package; change may alter or add headers.
func (s *site) packed(change func(h *tar.Header) []*tar.Header) string {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	require.NoError(s.t, err)
	archive := tar.NewWriter(zip)
	require.NoError(s.t, filepath.WalkDir(s.app, func(at string, d fs.DirEntry, err error) error {
		require.NoError(s.t, err)
		info, err := d.Info()
		require.NoError(s.t, err)
		h, err := tar.FileInfoHeader(info, "")
		require.NoError(s.t, err)
		name, err := filepath.Rel(filepath.Dir(s.app), at)
		require.NoError(s.t, err)
		h.Name = filepath.ToSlash(name)
		h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
		headers := []*tar.Header{h}
		if change != nil {
			headers = change(h)
		}
		for _, h := range headers {
			require.NoError(s.t, archive.WriteHeader(h))
			if h.Typeflag == tar.TypeReg && h.Size > 0 {
				text, err := os.ReadFile(at)
				require.NoError(s.t, err)
				_, err = archive.Write(text[:h.Size])
				require.NoError(s.t, err)
			}
		}
		return nil
	}))
	require.NoError(s.t, archive.Close())
	require.NoError(s.t, zip.Close())
	file := filepath.Join(s.t.TempDir(), "tordetect-"+version+".tgz")
	require.NoError(s.t, os.WriteFile(file, out.Bytes(), 0o600))
	return file
}

// A package as it should be, and what may be wrong with one.
func TestPackage(t *testing.T) {
	needsLinux(t)
	scratch := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(scratch), 0o755)) // root starts the programs as nobody
	t.Setenv("TMPDIR", scratch)
	with := func(extra tar.Header) func(h *tar.Header) []*tar.Header {
		return func(h *tar.Header) []*tar.Header {
			if h.Name != "tordetect/README.md" {
				return []*tar.Header{h}
			}
			return []*tar.Header{h, &extra}
		}
	}
	before := func(extra tar.Header) func(h *tar.Header) []*tar.Header {
		done := false
		return func(h *tar.Header) []*tar.Header {
			if done {
				return []*tar.Header{h}
			}
			done = true
			return []*tar.Header{&extra, h}
		}
	}
	for _, c := range []struct {
		name   string
		change func(h *tar.Header) []*tar.Header
		want   []string
	}{
		{"as it should be", nil, nil},
		{"modes lost", func(h *tar.Header) []*tar.Header {
			if h.Name == "tordetect/bin/tordetect.sh" {
				h.Mode = 0o644
			}
			return []*tar.Header{h}
		}, []string{"error launchers: bin/tordetect.sh: it is not executable (mode 644)"}},
		{"execute bits everywhere", func(h *tar.Header) []*tar.Header { h.Mode |= 0o755; return []*tar.Header{h} },
			[]string{"warning files: LICENSE, NOTICE, README/analyticstories.conf.spec, README.md and "}},
		{"a link", with(tar.Header{Name: "tordetect/etc", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), []string{"error package: etc: this is a link or device"}},
		{"a way out", with(tar.Header{Name: "tordetect/../../x", Typeflag: tar.TypeReg, Mode: 0o644}), []string{"error package: tordetect/../../x: the file leads out"}},
		{"an absolute name", with(tar.Header{Name: "/tmp/x", Typeflag: tar.TypeReg, Mode: 0o644}), []string{"error package: /tmp/x: the file leads out"}},
		{"a file beside", with(tar.Header{Name: "README.txt", Typeflag: tar.TypeReg, Mode: 0o644}), []string{"error package: README.txt: the file is beside"}},
		{"a hidden file", with(tar.Header{Name: "tordetect/.gitignore", Typeflag: tar.TypeReg, Mode: 0o644}), []string{"error package: .gitignore: a hidden file"}},
		{"a lookup", with(tar.Header{Name: "tordetect/lookups/tor_relays.csv", Typeflag: tar.TypeReg, Mode: 0o644}), nil},
		{"a folder of lookups", with(tar.Header{Name: "tordetect/lookups", Typeflag: tar.TypeDir, Mode: 0o755}), []string{"error files: lookups: a package must not hold it"}},
		{"the same before all else", before(tar.Header{Name: "tordetect/lookups", Typeflag: tar.TypeDir, Mode: 0o755}), []string{"error files: lookups: a package must not hold it"}},
		{"settings of a site", with(tar.Header{Name: "tordetect/local", Typeflag: tar.TypeDir, Mode: 0o755}), []string{"error files: local: a package must not hold it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Package(context.Background(), install(t).packed(c.change), Options{Now: time.Now(), OS: "linux", Arch: goarch})
			require.NoError(t, err)
			got := complaints(r)
			if c.name == "a lookup" {
				require.Len(t, got, 1)
				require.Contains(t, got[0], "error files: lookups/tor_relays.csv: a package must not hold it")
				return
			}
			require.Len(t, got, len(c.want), "%v", got)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(got[i], want), got[i])
			}
			for _, f := range r.Findings {
				require.NotContains(t, f.What+f.Do, os.TempDir(), "where it was unpacked is nobody's business")
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(scratch, "torctl-doctor-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the unpacked package was left behind")

	// Root starts its programs as nobody, and where nobody cannot reach them not at all.
	if os.Geteuid() == 0 {
		look := func() string {
			t.Helper()
			s := install(t)
			s.fake("id -u >&2; exit 1")
			r, err := Package(context.Background(), s.packed(nil), Options{Now: time.Now(), OS: "linux", Arch: goarch})
			require.NoError(t, err)
			return strings.Join(complaints(r), "\n")
		}
		require.Contains(t, look(), "does not answer as it should: 65534")
		require.NoError(t, os.Chmod(scratch, 0o700))
		got := look()
		require.Contains(t, got, "note package: bin: the programs were not started, as they would be root here: ")
		require.NotContains(t, got, "does not answer")
	}
}

// What is no package is said so, and nothing is left on disk.
func TestNoPackage(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		at := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
		return at
	}
	gzipped := func(text []byte) string {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		_, err := zip.Write(text)
		require.NoError(t, err)
		require.NoError(t, zip.Close())
		return out.String()
	}
	whole, err := os.ReadFile(install(t).packed(nil))
	require.NoError(t, err)
	twice := install(t).packed(func(h *tar.Header) []*tar.Header {
		if h.Name == "tordetect/README.md" {
			return []*tar.Header{h, h}
		}
		return []*tar.Header{h}
	})
	flipped := func(at int) string {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return string(b)
	}
	plain, err := gzip.NewReader(bytes.NewReader(whole))
	require.NoError(t, err)
	members, err := io.ReadAll(plain)
	require.NoError(t, err)
	conf := bytes.Index(whole, []byte("\n[launcher]\n"))
	require.Positive(t, conf)
	for at, want := range map[string]string{
		folder:                                            "it is not a file",
		filepath.Join(folder, "none"):                     "no such file",
		file("text", "hello"):                             "it is no gzip archive",
		file("gz", gzipped(nil)):                          "read the archive: unexpected EOF",
		file("tar", gzipped(make([]byte, 1024))):          "it has no tordetect/default/app.conf",
		file("checksum", flipped(len(whole)-8)):           "read the archive: gzip: invalid checksum",
		file("changed", flipped(conf+1)):                  "read the archive: gzip: invalid checksum",
		file("trailer", string(whole[:len(whole)-8])):     "read the archive: unexpected EOF",
		file("end", gzipped(members[:len(members)-1024])): "read the archive: unexpected EOF",
		file("two", string(whole)+string(whole)):          "read the archive: something else follows its end",
		file("cut", string(whole[:len(whole)/2])):         "read the archive: unexpected EOF",
		twice: "tordetect/README.md is in it twice",
	} {
		_, err := Package(context.Background(), at, Options{Now: time.Now()})
		require.ErrorContains(t, err, want)
	}
}

// What a package unpacks to is bounded, and so is what stands around it.
func TestUnpackBounds(t *testing.T) {
	const most = 1 << 20
	for about, c := range map[string]struct {
		sizes   []int
		folders int
		want    string
	}{
		"as much as may be":      {[]int{most / 2, most / 2}, 0, ""},
		"one byte more":          {[]int{most / 2, most/2 + 1}, 0, "it unpacks to more than 1 MB"},
		"names and nothing else": {nil, 3000, "read the archive: it has more than the 1179648 bytes that are read"}, // 512 bytes each
	} {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		archive := tar.NewWriter(zip)
		for i, size := range c.sizes {
			require.NoError(t, archive.WriteHeader(&tar.Header{Name: fmt.Sprint("tordetect/", i), Typeflag: tar.TypeReg, Size: int64(size), Mode: 0o644}))
			_, err := archive.Write(make([]byte, size))
			require.NoError(t, err)
		}
		for range c.folders {
			require.NoError(t, archive.WriteHeader(&tar.Header{Name: "tordetect/d", Typeflag: tar.TypeDir, Mode: 0o755}))
		}
		require.NoError(t, archive.Close())
		require.NoError(t, zip.Close())
		file := filepath.Join(t.TempDir(), "p.tgz")
		require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
		into := t.TempDir()
		err := newExam(context.Background(), into, Options{}).unpack(file, into, most)
		if c.want == "" {
			require.NoError(t, err, about)
			continue
		}
		require.EqualError(t, err, c.want, about)
	}
}
