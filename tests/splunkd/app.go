package splunkd

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// App is an installed app.
type App struct {
	ID   string // folder name
	Dir  string // the app's folder
	Home string // $SPLUNK_HOME of the machine it lies on
	root string // above all machines
}

// maxPackage bounds what Install unpacks. Splunk Cloud takes packages of at most 128 MB; unpacked, ours is a tenth.
const maxPackage = 256 << 20

// Install unpacks a package (.tgz, one top folder) as splunkd does, into dir/search-head/etc/apps. Modes and times are
// kept. What AppInspect refuses is an error here too: links, paths outside the top folder, a second top folder.
func Install(tgz, dir string) (*App, error) {
	file, err := os.Open(tgz)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", tgz, err)
	}
	home := filepath.Join(dir, searchHead)
	apps := filepath.Join(home, "etc", "apps")
	id, left := "", int64(maxPackage)
	archive := tar.NewReader(packed)
	for {
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", tgz, err)
		}
		name := strings.TrimSuffix(entry.Name, "/")
		top, _, _ := strings.Cut(name, "/")
		if name != path.Clean(name) || path.IsAbs(name) || top == ".." || top == "." {
			return nil, fmt.Errorf("package %s: bad path %q", tgz, entry.Name)
		}
		if id == "" {
			id = top
		}
		if top != id {
			return nil, fmt.Errorf("package %s: second top folder %q beside %q", tgz, top, id)
		}
		if left -= entry.Size; left < 0 {
			return nil, fmt.Errorf("package %s: larger than %d bytes", tgz, maxPackage)
		}
		target := filepath.Join(apps, filepath.FromSlash(name))
		switch entry.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(target, 0o755)
		case tar.TypeReg:
			err = writeFile(target, archive, entry.FileInfo().Mode().Perm())
			if err == nil {
				err = os.Chtimes(target, entry.ModTime, entry.ModTime)
			}
		default:
			err = fmt.Errorf("package %s: %q is neither file nor folder", tgz, entry.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	if id == "" {
		return nil, fmt.Errorf("package %s is empty", tgz)
	}
	return &App{ID: id, Dir: filepath.Join(apps, id), Home: home, root: dir}, nil
}

// InstallFolder copies an app that lies in a folder. The app's id is the folder's name.
func InstallFolder(folder, dir string) (*App, error) {
	home := filepath.Join(dir, searchHead)
	app := &App{ID: filepath.Base(folder), Home: home, root: dir}
	app.Dir = filepath.Join(home, "etc", "apps", app.ID)
	return app, copyTree(folder, app.Dir, func(string) bool { return true })
}

// Conf reads default/<name>.conf with local/<name>.conf laid over it.
func (a *App) Conf(name string) (*Conf, error) { return readConf(a.Dir, name) }

// Lookup is the path of a file in the app's lookups folder.
func (a *App) Lookup(name string) string { return filepath.Join(a.Dir, "lookups", name) }

func writeFile(target string, content io.Reader, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	// The umask must not change what the package says.
	return errors.Join(err, out.Chmod(mode), out.Close())
}

// copyTree copies the files whose slash path below from is wanted, with their modes and times.
func copyTree(from, to string, wanted func(relative string) bool) error {
	return filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(from, file)
		if err != nil || !wanted(filepath.ToSlash(relative)) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		target := filepath.Join(to, relative)
		if err := writeFile(target, content, info.Mode().Perm()); err != nil {
			return err
		}
		return os.Chtimes(target, info.ModTime(), info.ModTime())
	})
}

// PackageFile finds the package that programs of the tests install: $TORDETECT_PACKAGE, else the newest in dist.
func PackageFile() (string, error) {
	if file := os.Getenv("TORDETECT_PACKAGE"); file != "" {
		return file, nil
	}
	files, err := filepath.Glob(filepath.Join("dist", "*.tgz"))
	if err != nil {
		return "", err
	}
	var newest string
	var when time.Time
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		if info.ModTime().After(when) {
			newest, when = file, info.ModTime()
		}
	}
	if newest == "" {
		return "", errors.New("no package in dist: run ./build.sh package, or name one in TORDETECT_PACKAGE")
	}
	return newest, nil
}
