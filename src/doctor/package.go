package doctor

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"tordetect/src/bounded"
	"tordetect/src/splunkhome"
)

// Package examines a package, tordetect-<version>.tgz. It is unpacked into a folder
// of its own, which is removed at the end. It fails only if the file is no package
// at all. With Options.Key it is not opened before its signature was found good.
func Package(ctx context.Context, file string, o Options) (*Report, error) {
	scratch, err := os.MkdirTemp("", "torctl-doctor-")
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	defer os.RemoveAll(scratch)
	e := newExam(ctx, filepath.Join(scratch, splunkhome.App), o)
	if e.place = placePackage; !e.checkSignature(file, o.Key) {
		return e.report(file), nil
	}
	e.check = "package"
	if err := e.unpack(file, scratch, maxPackage); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	if !regular(e.path("default/app.conf")) {
		return nil, fmt.Errorf("%s is no package of Tor Detect: it has no %s/default/app.conf", file, splunkhome.App)
	}
	if os.Geteuid() == 0 && !e.NoRun {
		if err := giveAway(scratch); err != nil {
			e.NoRun = true
			e.add(Note, "bin", "run this as another user than root", "the programs were not started, as they would be root here: %v", bounded.Cause(err))
		}
	}
	e.run()
	for i := range e.findings {
		f := &e.findings[i]
		f.What, f.Do = strings.ReplaceAll(f.What, scratch+string(filepath.Separator), ""), strings.ReplaceAll(f.Do, scratch+string(filepath.Separator), "")
	}
	return e.report(file), nil
}

// errUnreachable is why nobody cannot start what root unpacked.
var errUnreachable = errors.New("the folder of temporary files is not for others to enter")

// nobody is the user that may do nothing, on every Linux.
const nobody = 65534

// giveAway has a package's programs started by nobody, where root asks: whoever
// looks at a package wants to know what it does before he trusts it.
func giveAway(folder string) error {
	for above := filepath.Dir(folder); above != filepath.Dir(above); above = filepath.Dir(above) {
		if info, err := os.Stat(above); err != nil || info.Mode()&0o001 == 0 {
			return errUnreachable
		}
	}
	return filepath.WalkDir(folder, func(at string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(at, nobody, nobody)
	})
}

// unpack writes the package's files, with modes that let us read them, and keeps
// what the archive says of them as the entries. They may have so many bytes in all; an
// eighth of that is left for what tar writes around them.
func (e *exam) unpack(file, into string, most int64) error {
	packed, err := os.Open(file)
	if err != nil {
		return bounded.Cause(err)
	}
	defer packed.Close()
	if info, err := packed.Stat(); err != nil || !info.Mode().IsRegular() {
		return bounded.ErrNoFile
	}
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("it is no gzip archive: %w", err)
	}
	left, all := most, most+most/8
	stream := &bounded.Archive{R: &bounded.Stream{R: plain, Left: &all, Err: &bounded.TooLarge{Limit: all}}}
	archive := tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			if err = stream.End(); err == nil {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if len(e.entries) >= maxEntries {
			return fmt.Errorf("it has more than %d files", maxEntries)
		}
		name := path.Clean(header.Name)
		below, inside := strings.CutPrefix(name, splunkhome.App+"/")
		regularFile, folder := header.Typeflag == tar.TypeReg, header.Typeflag == tar.TypeDir
		switch {
		case !filepath.IsLocal(filepath.FromSlash(name)):
			e.add(Error, header.Name, "do not install this package", "the file leads out of the app's folder")
			continue
		case name == splunkhome.App && folder:
			below = "."
		case !inside:
			e.add(Error, header.Name, "pack the folder "+splunkhome.App+" alone", "the file is beside the app's folder, so Splunk refuses the package")
			continue
		case !regularFile && !folder:
			e.add(Error, below, "pack the file itself", "this is a link or device, which Splunk Cloud refuses")
			continue
		case regularFile && header.Size > left:
			return fmt.Errorf("it unpacks to more than %d MB", most>>20)
		}
		if strings.HasPrefix(path.Base(below), ".") && below != "." {
			e.add(Error, below, "leave it out", "a hidden file: Splunk Cloud refuses the package")
		}
		at := filepath.Join(into, filepath.FromSlash(name))
		if err := e.put(at, folder, header, archive); err != nil {
			return err
		}
		left -= header.Size
		e.entries = append(e.entries, entry{below, header.FileInfo().Mode(), header.Size, header.ModTime, -1})
	}
}

// put writes one file or folder. Nothing of it is executable by anyone who could
// not do so before: the folder around it is ours alone.
func (e *exam) put(at string, folder bool, header *tar.Header, from io.Reader) error {
	if folder {
		return bounded.Cause(os.MkdirAll(at, 0o755))
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return bounded.Cause(err)
	}
	f, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is in it twice", header.Name)
	}
	if err != nil {
		return bounded.Cause(err)
	}
	_, err = io.CopyN(f, from, header.Size)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("read the archive: %w", bounded.Cause(err))
	}
	_ = os.Chtimes(at, time.Time{}, header.ModTime)
	return nil
}
