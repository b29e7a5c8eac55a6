package dirclient

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// maxDepth of folders below the source: CollecTor's own layout has five.
const maxDepth = 7

// Files reads a folder: every file in it and below it, sorted by path, whatever
// it holds; names that begin with a dot are passed over. A file that cannot
// be read, is no regular file (a pipe would never end), is larger than allowed,
// or is a symbolic link that leads out of the folder is an *Error that names it,
// and the next files follow. A link to a folder is not followed.
func (c *Client) Files(ctx context.Context, source Source) iter.Seq2[Document, error] {
	if source.kind != kindFolder {
		return refuse(source)
	}
	return func(yield func(Document, error) bool) {
		ctx, cancel := c.bound(ctx)
		defer cancel()
		told := false
		fail := func(path string, err error) bool {
			told = true
			return yield(Document{}, &Error{Source: source.text, URL: path, Err: err})
		}
		root, err := os.OpenRoot(source.folder)
		if err != nil {
			fail("", because(errFolder, "%s", reason(err)))
			return
		}
		defer root.Close()

		seen, found, bytes := 0, false, int64(0)
		_ = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			path := filepath.Join(source.folder, filepath.FromSlash(name))
			more := func(yes bool) error {
				if yes {
					return nil
				}
				return fs.SkipAll
			}
			if seen++; seen > c.limits.Files {
				fail(path, because(ErrTooLarge, "more than %d files and folders", c.limits.Files))
				return fs.SkipAll
			}
			switch {
			case ctx.Err() != nil:
				fail(path, context.Cause(ctx))
				return fs.SkipAll
			case err != nil:
				return more(fail(path, because(errFolder, "%s", reason(err))))
			case name != "." && strings.HasPrefix(entry.Name(), "."):
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			case entry.IsDir():
				if name != "." && strings.Count(name, "/") >= maxDepth {
					if !fail(path, because(errFolder, "more than %d folders deep", maxDepth)) {
						return fs.SkipAll
					}
					return fs.SkipDir
				}
				return nil
			}
			doc, err := c.file(root, name)
			if err == nil && doc.Bytes == nil { // a link to a folder
				return nil
			}
			found = true
			if bytes += int64(len(doc.Bytes)); bytes > c.limits.FolderBytes {
				fail(path, because(ErrTooLarge, "the files so far are over %d bytes", c.limits.FolderBytes))
				return fs.SkipAll
			}
			if err != nil {
				return more(fail(path, err))
			}
			doc.URL = path
			return more(yield(doc, nil))
		})
		if !found && !told {
			fail("", because(ErrNotFound, "the folder has no files"))
		}
	}
}

// file reads one file; a document without bytes is none.
func (c *Client) file(root *os.Root, name string) (Document, error) {
	// Looked at before it is opened, as opening a pipe waits for its other end;
	// and opened without waiting, should it become one in between.
	info, err := root.Stat(name)
	if err == nil && info.IsDir() {
		return Document{}, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return Document{}, because(errFile, "%v", bounded.ErrNoFile)
	}
	var file *os.File
	if err == nil {
		file, err = root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	if err != nil {
		return Document{}, because(errFile, "%s", reason(err))
	}
	defer file.Close()
	content, err := bounded.Opened(file, c.limits.File)
	var large *bounded.TooLarge
	switch {
	case errors.As(err, &large):
		return Document{}, because(ErrTooLarge, "%v", err)
	case err != nil:
		return Document{}, because(errFile, "%s", reason(err))
	case len(content) == 0:
		return Document{}, because(errFile, "it is empty")
	}
	return Document{Bytes: content}, nil
}

// reason is a file error without the path, which is told already.
func reason(err error) string { return text.Foreign(bounded.Cause(err).Error()) }
