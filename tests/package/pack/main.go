// Command pack writes the app's tarball: one folder, tordetect/, as Splunk unpacks
// it into etc/apps.
//
//	in:   default/ metadata/default.meta bin/*.sh app/*, and a folder of programs
//	out:  tordetect-<version>.tgz: default/ metadata/ bin/ (launchers and programs),
//	      everything of app/ one level up (app.manifest, README.md, static/, ...), and
//	      sbom.cdx.json: what the programs are made of (package sbom)
//	or:   with -sbom, that list alone, of the programs of a folder
//
// The same files give the same bytes on every machine. Order, owner, times and
// modes come from here, not from the checkout, the umask or the tar of the
// machine; the time is the commit's, as search bundles are compared by it.
//
// It stamps the version into [id] of app.conf and into app.manifest. It refuses
// what a package must not have (hidden files, links, carriage returns, blanks
// in names) rather than leaving it out in silence. It does not compile.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"tordetect/tests/package/sbom"
)

const (
	app = "tordetect"

	modeFile    = 0o644
	modeProgram = 0o755 // only in bin/: AppInspect accepts execute bits nowhere else
	modeFolder  = 0o755

	// Largest file taken. A program of ours has about 3 MB; a core dump or a log
	// that strayed into a folder must not be shipped.
	maxFile = 32 << 20
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the project's root `folder`")
	programs := flags.String("programs", "", "`folder` of compiled programs for bin/")
	version := flags.String("version", "", "version to stamp, as in default/app.conf")
	date := flags.Int64("date", 0, "time of every file, epoch `seconds`")
	out := flags.String("out", "", "tarball to write")
	parts := flags.String("sbom", "", "name of what the programs are; -out is their list of parts then, and no tarball")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *version == "" || *date <= 0 || *out == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "pack: -version, -date and -out are needed, and no other words")
		return 2
	}
	stamp := Stamp{Version: *version, Time: time.Unix(*date, 0).UTC()}
	if *parts != "" {
		if err := list(*root, *programs, *parts, *out, stamp); err != nil {
			fmt.Fprintln(stderr, "pack:", err)
			return 1
		}
		return 0
	}
	files, err := Collect(*root, *programs, stamp)
	if err == nil {
		files, err = withParts(*root, files, stamp)
	}
	if err == nil {
		err = write(*out, files, stamp.Time)
	}
	if err != nil {
		fmt.Fprintln(stderr, "pack:", err)
		return 1
	}
	return 0
}

// A Stamp is what a release says about itself.
type Stamp struct {
	Version string
	Time    time.Time
}

// A File of the package. Name is its path below the app's folder, with slashes.
type File struct {
	Name string
	Mode fs.FileMode
	Data []byte
}

// Collect reads the package's files from the project at root, and programs for
// bin/ from another folder ("" = none), sorted by name and stamped.
func Collect(root, programs string, stamp Stamp) ([]File, error) {
	sources := []struct {
		from, to string
		mode     fs.FileMode
	}{
		{filepath.Join(root, "app"), "", modeFile},
		{filepath.Join(root, "bin"), "bin", modeProgram},
		{filepath.Join(root, "default"), "default", modeFile},
		// Only this one: a checkout that Splunk runs in place gets a local.meta.
		{filepath.Join(root, "metadata", "default.meta"), "metadata/default.meta", modeFile},
	}
	var files []File
	for _, source := range sources {
		found, err := read(source.from, source.to, source.mode, true)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if programs != "" {
		found, err := read(programs, "bin", modeProgram, false)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	for i := range files {
		if i > 0 && files[i].Name == files[i-1].Name {
			return nil, fmt.Errorf("%s comes from two places: rename one", files[i].Name)
		}
		if err := stamp.apply(&files[i]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// withParts adds the list of what the programs among the files are made of.
func withParts(root string, files []File, stamp Stamp) ([]File, error) {
	var programs []File
	for _, f := range files {
		if path.Dir(f.Name) == "bin" && path.Ext(f.Name) != ".sh" {
			programs = append(programs, f)
		}
	}
	if len(programs) == 0 {
		return files, nil
	}
	text, err := partsOf(root, app, programs, stamp)
	if err != nil {
		return nil, err
	}
	files = append(files, File{Name: "sbom.cdx.json", Mode: modeFile, Data: text})
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files, nil
}

// partsOf lists what programs are made of.
func partsOf(root, name string, files []File, stamp Stamp) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "tests", "package", "sbom", "DEPENDENCIES.md"))
	if err != nil {
		return nil, fmt.Errorf("listing the parts of the programs: %w", err)
	}
	modules, err := sbom.Modules(text)
	if err != nil {
		return nil, err
	}
	var programs []sbom.Program
	for _, f := range files {
		programs = append(programs, sbom.Program{Name: path.Base(f.Name), Data: f.Data})
	}
	return sbom.Of(sbom.Release{Name: name, Version: stamp.Version, Time: stamp.Time}, programs, modules)
}

// list writes the parts of the programs in a folder.
func list(root, programs, name, out string, stamp Stamp) error {
	files, err := read(programs, "", modeProgram, false)
	if err != nil {
		return err
	}
	text, err := partsOf(root, name, files, stamp)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, modeFile)
}

// read takes a file, or all files below a folder, as to/... in the package.
func read(from, to string, mode fs.FileMode, text bool) ([]File, error) {
	var files []File
	err := filepath.WalkDir(from, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, at)
		if err != nil {
			return err
		}
		name := path.Join(to, filepath.ToSlash(below))
		base := entry.Name()
		if at != from && (strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") || strings.ContainsAny(base, " \t")) {
			return fmt.Errorf("%s is not for the package (hidden, a backup, or a blank in its name): remove or rename it", at)
		}
		if entry.IsDir() {
			return nil
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file: replace it by a copy", at)
		}
		if path.Dir(name) == "bin" && text && !strings.HasSuffix(base, ".sh") {
			return fmt.Errorf("%s is no launcher (.sh): programs are compiled by build.sh, remove it", at)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%s has %d bytes, the limit is %d: does it belong here?", at, info.Size(), maxFile)
		}
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		if text && path.Ext(name) != ".png" && bytes.IndexByte(data, '\r') >= 0 {
			return fmt.Errorf("%s has carriage returns, with which a launcher does not run: check it out with LF line ends", at)
		}
		files = append(files, File{Name: name, Mode: mode, Data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the package's files: %w", err)
	}
	return files, nil
}

// apply puts version and date into the two files that repeat them.
func (s Stamp) apply(file *File) error {
	var changes [][2]string
	switch file.Name {
	case "default/app.conf":
		changes = [][2]string{{"\n[id]\n", "\n[id]\nversion = " + s.Version + "\n"}}
	case "app.manifest":
		changes = [][2]string{{"@VERSION@", s.Version}, {"@DATE@", s.Time.Format(time.DateOnly)}}
	}
	for _, change := range changes {
		if n := bytes.Count(file.Data, []byte(change[0])); n != 1 {
			return fmt.Errorf("%s: the place for the stamp, %q, is there %d times instead of once", file.Name, change[0], n)
		}
		file.Data = bytes.Replace(file.Data, []byte(change[0]), []byte(change[1]), 1)
	}
	return nil
}

// write makes the tarball beside its final name and then renames it, so that no
// half of one is ever found there.
func write(out string, files []File, at time.Time) error {
	half, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.part")
	if err != nil {
		return fmt.Errorf("writing the tarball: %w", err)
	}
	defer os.Remove(half.Name()) // fails after the rename, as it should
	err = Archive(half, files, at)
	if err == nil {
		err = half.Chmod(modeFile)
	}
	if closing := half.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(half.Name(), out)
	}
	if err != nil {
		return fmt.Errorf("writing the tarball %s: %w", out, err)
	}
	return nil
}

// Archive writes files, which must be sorted by name, as a gzipped ustar archive
// with one top folder. Nothing of the machine goes into it.
func Archive(w io.Writer, files []File, at time.Time) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	folders := map[string]bool{}
	var folder func(name string) error
	folder = func(name string) error {
		if folders[name] {
			return nil
		}
		folders[name] = true
		if parent := path.Dir(name); parent != "." {
			if err := folder(parent); err != nil {
				return err
			}
		}
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: modeFolder, ModTime: at, Format: tar.FormatUSTAR})
	}
	for _, file := range files {
		name := path.Join(app, file.Name)
		if err := folder(path.Dir(name)); err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(file.Mode), Size: int64(len(file.Data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(file.Data); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zip.Close()
}
