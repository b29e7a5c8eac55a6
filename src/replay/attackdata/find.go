package attackdata

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tordetect/src/text"
)

// find looks for a file that a yml names: what follows /datasets/ from the top of the
// checkout, which is a folder above the yml; anything else, and what is not there,
// beside the yml. The name may not lead out of these folders.
func find(yml, name string) (File, error) {
	if name == "" {
		return File{}, errors.New("it has no path")
	}
	inside := localPart(name)
	top := strings.HasPrefix(inside, "datasets/")
	if path.IsAbs(inside) || !filepath.IsLocal(filepath.FromSlash(inside)) || slices.Contains(strings.Split(inside, "/"), "..") {
		return File{}, fmt.Errorf("the path %q leads out of the folder of the description; name such a file on the command line", text.Foreign(name))
	}
	if isYML(inside) {
		return File{}, fmt.Errorf("the path %q is a description, as this one, and no data", text.Foreign(name))
	}
	beside := filepath.Dir(yml)
	if top {
		folder, err := filepath.Abs(beside)
		if err != nil {
			return File{}, err
		}
		for root := folder; ; root = filepath.Dir(root) {
			if filepath.Base(root) == "datasets" {
				if f := (File{Root: filepath.Dir(root), Name: filepath.FromSlash(inside)}); f.there() {
					return f, nil
				}
			}
			if root == filepath.Dir(root) {
				break
			}
		}
		inside = path.Base(inside)
	}
	if f := (File{Root: beside, Name: filepath.FromSlash(inside)}); f.there() {
		return f, nil
	}
	return File{}, fmt.Errorf("the file %q is not here; bring it first, nothing is fetched", text.Foreign(name))
}

func (f File) there() bool {
	opened, err := os.OpenInRoot(f.Root, f.Name)
	if err != nil {
		return false
	}
	opened.Close()
	return true
}

// localPart is a path inside of the repository: of an address, of a path that
// begins with its top, or of one on its author's own machine.
func localPart(name string) string {
	if u, err := url.Parse(name); err == nil && u.Host != "" || strings.Contains(name, "://") {
		if err == nil {
			name = u.Path
		}
		if !strings.Contains(name, "/datasets/") {
			return path.Base(name)
		}
	}
	if i := strings.Index(name, "/datasets/"); i >= 0 && path.IsAbs(name) {
		return name[i+1:]
	}
	return name
}
