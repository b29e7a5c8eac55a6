package dirclient

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder makes a folder with these files, and returns it as a source.
func folder(t testing.TB, files map[string]string) (string, Source) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	source, err := ParseSource(dir)
	require.NoError(t, err)
	return dir, source
}

func TestFolder(t *testing.T) {
	dir, source := folder(t, map[string]string{
		"b": "second", "a": "first", "deep/er/c": "third", ".hidden": "no", ".git/x": "no", "deep/.hidden": "no",
	})
	docs, errs := all(newClient(t, nil).Files(context.Background(), source))
	require.Empty(t, errs)
	require.Equal(t, []string{"first", "second", "third"}, contents(docs), "sorted by path")
	require.Equal(t, filepath.Join(dir, "deep/er/c"), docs[2].URL)

	_, source = folder(t, map[string]string{"1/2/3/4/5/6/7/file": "as deep as may be"})
	docs, errs = all(newClient(t, nil).Files(context.Background(), source))
	require.Empty(t, errs)
	require.Equal(t, []string{"as deep as may be"}, contents(docs))

	for range newClient(t, nil).Files(context.Background(), source) {
		break // the caller may stop
	}
}

// refuses reads a folder with a bad entry m between good ones: that is refused and
// named, and the files after it are read.
func refuses(t *testing.T, name, text string, sort error, prepare func(dir string)) {
	t.Helper()
	dir, source := folder(t, map[string]string{"a": "first", "z": "last"})
	prepare(dir)
	docs, errs := all(newClient(t, func(config *Config) { config.Limits.File = 100 }).Files(context.Background(), source))
	require.Equal(t, []string{"first", "last"}, contents(docs), name)
	require.Len(t, errs, 1, name)
	require.ErrorIs(t, errs[0], sort, name)
	require.ErrorContains(t, errs[0], filepath.Join(dir, "m"), name)
	require.ErrorContains(t, errs[0], text, name)
}

func TestFolderRefuses(t *testing.T) {
	f := func(name, text string, sort error, prepare func(dir string)) {
		t.Helper()
		refuses(t, name, text, sort, prepare)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o644))

	f("a link out", "escapes", errFile, func(dir string) {
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "m")))
	})
	f("a link out, relative", "escapes", errFile, func(dir string) {
		require.NoError(t, os.Symlink("../../../../../../etc/hostname", filepath.Join(dir, "m")))
	})
	f("a link to nothing", "no such file", errFile, func(dir string) {
		require.NoError(t, os.Symlink("nothing", filepath.Join(dir, "m")))
	})
	f("a link to itself", "", errFile, func(dir string) {
		require.NoError(t, os.Symlink("m", filepath.Join(dir, "m")))
	})
	f("a link to a device", "", errFile, func(dir string) {
		require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "m")))
	})
	f("an empty file", "it is empty", errFile, func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "m"), nil, 0o644))
	})
	f("a large file", "it has 101 bytes; the limit is 100", ErrTooLarge, func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "m"), make([]byte, 101), 0o644))
	})
	f("very deep", "more than 7 folders deep", errFolder, func(dir string) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "m"+strings.Repeat("/m", 7)), 0o755))
	})
	if os.Getuid() != 0 { // root reads everything
		f("no permission", "permission denied", errFile, func(dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "m"), []byte("x"), 0o000))
		})
		f("a folder without permission", "permission denied", errFolder, func(dir string) {
			require.NoError(t, os.Mkdir(filepath.Join(dir, "m"), 0o000))
		})
	}
}

func TestFolderFollowsLinksInside(t *testing.T) {
	dir, source := folder(t, map[string]string{"real/file": "content"})
	require.NoError(t, os.Symlink("real/file", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "linked-folder")))
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "loop")))
	docs, errs := all(newClient(t, nil).Files(context.Background(), source))
	require.Empty(t, errs)
	require.Equal(t, []string{"content", "content"}, contents(docs), "by link and by name")
}

func TestFolderTotals(t *testing.T) {
	_, source := folder(t, map[string]string{"a": "12345", "b": "12345", "c": "12345"})
	docs, errs := all(newClient(t, func(config *Config) { config.Limits.FolderBytes = 11 }).Files(context.Background(), source))
	require.Len(t, docs, 2)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrTooLarge)
	require.ErrorContains(t, errs[0], "c: larger than allowed: the files so far are over 11 bytes")

	docs, errs = all(newClient(t, func(config *Config) { config.Limits.Files = 3 }).Files(context.Background(), source))
	require.Len(t, docs, 2, "the folder itself counts")
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], "more than 3 files and folders")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	docs, errs = all(newClient(t, nil).Files(ctx, source))
	require.Empty(t, docs)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
}

func TestFolderThatIsNone(t *testing.T) {
	dir, _ := folder(t, map[string]string{"file": "x"})
	for path, text := range map[string]string{
		filepath.Join(dir, "missing"): "no such file or directory; check its path",
		filepath.Join(dir, "file"):    "not a directory",
	} {
		source, err := ParseSource(path)
		require.NoError(t, err)
		docs, errs := all(newClient(t, nil).Files(context.Background(), source))
		require.Empty(t, docs)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], errFolder)
		require.ErrorContains(t, errs[0], path+": the folder cannot be read: ")
		require.ErrorContains(t, errs[0], text)
	}
	_, source := folder(t, nil)
	docs, errs := all(newClient(t, nil).Files(context.Background(), source))
	require.Empty(t, docs)
	require.Len(t, errs, 1, "never neither a document nor an error")
	require.ErrorIs(t, errs[0], ErrNotFound)
	require.ErrorContains(t, errs[0], "the folder has no files")
}
