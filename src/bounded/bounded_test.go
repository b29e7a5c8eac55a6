package bounded

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "f")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	link := filepath.Join(folder, "l")
	require.NoError(t, os.Symlink(path, link))
	for name, read := range map[string]func(string, int64) ([]byte, error){"File": File, "FileOrPipe": FileOrPipe} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []string{path, link} {
				text, err := read(at, 5)
				require.NoError(t, err)
				require.Equal(t, "12345", string(text))
			}
			_, err := read(path, 4)
			require.EqualError(t, err, "it has 5 bytes; the limit is 4")
			_, err = read(folder, 5)
			require.ErrorIs(t, err, ErrNoFile)
			_, err = read(os.DevNull, 5)
			require.ErrorIs(t, err, ErrNoFile)
			_, err = read(filepath.Join(folder, "none"), 5)
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.NotContains(t, err.Error(), folder)
		})
	}
}

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "f")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	in, err := Open(path, 5)
	require.NoError(t, err)
	require.Equal(t, int64(5), in.Size())
	text, err := io.ReadAll(in)
	require.NoError(t, err)
	require.NoError(t, in.Err())
	require.Equal(t, "12345", string(text))
	require.NoError(t, in.Close())

	in, err = Open(path, 5)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("123456"), 0o600), "it grows")
	_, err = io.ReadAll(in)
	require.EqualError(t, err, "it has more than the 5 bytes that are read")
	require.Equal(t, err, in.Err())
	require.NoError(t, in.Close())

	_, err = Open(path, 4)
	require.EqualError(t, err, "it has 6 bytes; the limit is 4")
	_, err = Open(folder, 5)
	require.ErrorIs(t, err, ErrNoFile)
	_, err = Open(filepath.Join(folder, "none"), 5)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotContains(t, err.Error(), folder)
}

func TestReader(t *testing.T) {
	text, err := Reader(strings.NewReader("12345"), 5, 0)
	require.NoError(t, err)
	require.Equal(t, "12345", string(text))
	_, err = Reader(strings.NewReader("12345"), 4, 0)
	require.EqualError(t, err, "it has more than the 4 bytes that are read")
	var large *TooLarge
	require.ErrorAs(t, err, &large)
	broken := errors.New("broken")
	_, err = Reader(iotest.ErrReader(broken), 4, 0)
	require.ErrorIs(t, err, broken)
}

// A file that says less than it has, as those of /proc do, is read all the same.
func TestSizeUnknown(t *testing.T) {
	text, err := File("/proc/self/status", 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no /proc here")
	}
	require.NoError(t, err)
	require.Contains(t, string(text), "VmHWM")
	_, err = File("/proc/self/status", 100)
	require.EqualError(t, err, "it has more than the 100 bytes that are read")
}

func TestStream(t *testing.T) {
	full := errors.New("full")
	for limit, want := range map[int64]error{4: full, 5: nil} {
		left := limit
		text, err := io.ReadAll(iotest.OneByteReader(&Stream{strings.NewReader("12345"), &left, full}))
		require.Equal(t, want, err)
		require.Equal(t, "12345"[:limit], string(text))
		left = limit
		a, _ := io.ReadAll(&Stream{strings.NewReader("123"), &left, full})
		_, err = io.ReadAll(&Stream{strings.NewReader("45"), &left, full})
		require.Equal(t, "123", string(a))
		require.Equal(t, want, err, "shared")
	}
}

// What archive/tar takes for an archive's end is one, and nothing stands behind it.
func TestArchive(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "a", Size: 2048, Mode: 0o644})) // of zeros, as an end is
	_, err := w.Write(make([]byte, 2048))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	whole, broken := b.String(), errors.New("broken")
	for about, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"whole":               {strings.NewReader(whole), nil},
		"more zeros":          {strings.NewReader(whole + strings.Repeat("\x00", 100_000)), nil},
		"its end and EOF":     {iotest.DataErrReader(strings.NewReader(whole)), nil},
		"cut at its end":      {strings.NewReader(whole[:len(whole)-1024]), io.ErrUnexpectedEOF},
		"that and EOF":        {iotest.DataErrReader(strings.NewReader(whole[:len(whole)-1024])), io.ErrUnexpectedEOF},
		"half an end":         {strings.NewReader(whole[:len(whole)-512]), io.ErrUnexpectedEOF},
		"nothing":             {strings.NewReader(""), io.ErrUnexpectedEOF},
		"something":           {strings.NewReader(whole + strings.Repeat("\x00", 100_000) + "x"), errors.New("something else follows its end")},
		"an error at its end": {io.MultiReader(strings.NewReader(whole), iotest.ErrReader(broken)), broken},
	} {
		a := &Archive{R: c.r}
		members := tar.NewReader(a)
		_, err := members.Next()
		if about != "nothing" {
			require.NoError(t, err, about)
			_, err = members.Next()
		}
		require.Equal(t, io.EOF, err, about)
		require.Equal(t, c.want, a.End(), about)
	}
}

func TestIsPointer(t *testing.T) {
	for head, want := range map[string]bool{
		"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n": true,
		"version https://hawser.github.com/spec/v1\n":                         true,
		"version 2 of https://git-lfs":                                        false, "": false,
	} {
		require.Equal(t, want, IsPointer([]byte(head)), head)
	}
}
