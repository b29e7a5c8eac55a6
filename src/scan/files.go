package scan

import (
	"errors"
	"io"
	"os"

	"tordetect/src/bounded"
)

// each opens the files one after the other and hands them to read with the names
// that they have in messages; what cannot be opened goes to missing.
func (o *Options) each(stdin io.Reader, progress Progress, read func(name string, f io.Reader) error, missing func(name string, cause error) error) error {
	for _, path := range o.Files {
		name := Name(path)
		progress.Begin(name)
		f, err := openLog(path, stdin)
		if err != nil {
			err = missing(name, err)
		} else {
			err = read(name, progress.Count(f))
			f.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openLog opens a log file. A folder is refused here, as reading it fails late.
func openLog(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bounded.Cause(err) // the path stands in front of the message already
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, errors.New("is a folder: name the files in it")
	}
	return f, nil
}

// Name is a file's name in messages and results.
func Name(path string) string {
	if path == "-" {
		return "stdin"
	}
	return path
}

// Size is how many bytes there are to read; 0 if that is not known.
func Size(files []string) int64 {
	total := int64(0)
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case file == "-":
			return 0
		case err != nil || info.IsDir(): // will be complained about
		case !info.Mode().IsRegular():
			return 0
		default:
			total += info.Size()
		}
	}
	return total
}
