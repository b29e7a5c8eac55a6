package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// A Dataset is a file of events, one a line, and what Splunk is to store beside
// each.
type Dataset struct {
	Path string // as messages name it
	Meta Meta

	root, name string // for a file that a yml names: the folder that it must not leave
}

// Open looks at the files. One that ends in .yml or .yaml is a description as in
// splunk/attack_data: it stands for the files that it names, which are looked for
// beside it and in its checkout; nothing is fetched. override wins over what a
// yml says. A file's host is the id of its yml, as with attack_data's replay.py.
func Open(paths []string, override Meta) ([]Dataset, error) {
	var all []Dataset
	for _, p := range paths {
		sets := []Dataset{{Path: p}}
		if ext := strings.ToLower(filepath.Ext(p)); ext == ".yml" || ext == ".yaml" {
			var err error
			if sets, err = described(p); err != nil {
				return nil, err
			}
		}
		for _, d := range sets {
			d.Meta = override.over(d.Meta)
			if err := d.check(); err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	if len(all) > maxFiles {
		return nil, fmt.Errorf("%d files, at most %d in one replay; start it several times", len(all), maxFiles)
	}
	for i, d := range all {
		for _, e := range all[:i] {
			if d.Path == e.Path {
				return nil, fmt.Errorf("%s is named twice", d.Path)
			}
		}
	}
	return all, nil
}

func (d Dataset) open() (*os.File, error) {
	if d.root == "" {
		return os.Open(d.Path)
	}
	return os.OpenInRoot(d.root, d.name) // no way out by .. or a link
}

// lfsPointer is how a file begins that Git LFS has not brought
// (git-lfs docs/spec.md); most of attack_data's are such in a plain clone.
const lfsPointer = "version https://git-lfs.github.com/spec/"

// check says early what would fail late.
func (d Dataset) check() error {
	f, err := d.open()
	if err != nil {
		return fmt.Errorf("open the data set: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file; replay reads files, some of them twice, so write a stream to one first", d.Path)
	}
	head := make([]byte, len(lfsPointer))
	n, _ := io.ReadFull(f, head)
	if string(head[:n]) == lfsPointer {
		return fmt.Errorf("%s is a pointer of Git LFS, not the data: run `git lfs pull` in its checkout", d.Path)
	}
	return nil
}

// described reads a yml of attack_data. The form of today is
//
//	id: 1ba386d9-...
//	datasets:
//	- {name: pan_tor, path: /datasets/attack_techniques/T1090.003/..., sourcetype: pan:traffic, source: pan}
//
// and the old one has lists of addresses and source types:
//
//	dataset: [https://.../datasets/attack_techniques/T1090.003/pan_tor_allowed/pan_tor_allowed.log]
//	sourcetypes: [pan:traffic]
func described(file string) ([]Dataset, error) {
	type entry struct {
		Name       string `yaml:"name"`
		Path       string `yaml:"path"`
		Sourcetype string `yaml:"sourcetype"`
		Source     string `yaml:"source"`
	}
	var yml struct {
		ID          string   `yaml:"id"`
		Datasets    []entry  `yaml:"datasets"`
		Old         []string `yaml:"dataset"`
		Sourcetypes []string `yaml:"sourcetypes"`
	}
	data, err := bounded.FileOrPipe(file, maxYML)
	if err != nil {
		return nil, fmt.Errorf("read the description %s: %w", file, err)
	}
	if err := yaml.Unmarshal(data, &yml); err != nil {
		return nil, fmt.Errorf("%s is no description of data sets: %s", file, text.Foreign(err.Error()))
	}
	for i, address := range yml.Old {
		old := entry{Path: localPart(address)}
		// One source type is for all; of several it is only clear whose each is
		// where there are as many as files.
		switch len(yml.Sourcetypes) {
		case 1:
			old.Sourcetype = yml.Sourcetypes[0]
		case len(yml.Old):
			old.Sourcetype = yml.Sourcetypes[i]
		}
		yml.Datasets = append(yml.Datasets, old)
	}
	if len(yml.Datasets) == 0 {
		return nil, fmt.Errorf("%s names no data set: want datasets with name, path, sourcetype and source, as in attack_data", file)
	}
	if len(yml.Datasets) > maxFiles {
		return nil, fmt.Errorf("%s names %d data sets, at most %d in one replay", file, len(yml.Datasets), maxFiles)
	}
	var sets []Dataset
	for i, entry := range yml.Datasets {
		d, err := find(file, entry.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: data set %d %q: %w", file, i+1, text.Foreign(entry.Name), err)
		}
		d.Meta = Meta{Sourcetype: entry.Sourcetype, Source: entry.Source, Host: yml.ID}
		sets = append(sets, d)
	}
	return sets, nil
}

// localPart is an address's path inside of its repository.
func localPart(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if i := strings.Index(u.Path, "/datasets/"); i >= 0 {
		return u.Path[i:]
	}
	return path.Base(u.Path)
}

// find looks for a file that a yml names: /datasets/... from the top of the
// checkout, which is a folder above the yml; anything else, and what is not there,
// beside the yml. The name may not lead out of these folders.
func find(yml, name string) (Dataset, error) {
	if name == "" {
		return Dataset{}, errors.New("it has no path")
	}
	if strings.Contains(name, "://") {
		name = localPart(name)
	}
	beside := filepath.Dir(yml)
	top := strings.HasPrefix(name, "/datasets/")
	inside := filepath.FromSlash(strings.TrimPrefix(name, "/"))
	if !top && strings.HasPrefix(name, "/") || !filepath.IsLocal(inside) || slices.Contains(strings.Split(name, "/"), "..") {
		return Dataset{}, fmt.Errorf("the path %q leads out of the folder of the description; name such a file on the command line", text.Foreign(name))
	}
	candidate := func(root, name string) (Dataset, bool) {
		d := Dataset{Path: filepath.Join(root, name), root: root, name: name}
		f, err := d.open()
		if err != nil {
			return d, false
		}
		f.Close()
		return d, true
	}
	if top {
		folder, err := filepath.Abs(beside)
		if err != nil {
			return Dataset{}, err
		}
		for root := folder; ; root = filepath.Dir(root) {
			if filepath.Base(root) == "datasets" {
				if d, ok := candidate(filepath.Dir(root), inside); ok {
					return d, nil
				}
			}
			if root == filepath.Dir(root) {
				break
			}
		}
		inside = filepath.Base(inside)
	}
	if d, ok := candidate(beside, inside); ok {
		return d, nil
	}
	return Dataset{}, fmt.Errorf("the file %q is not here; bring it first, nothing is fetched", text.Foreign(name))
}

// zeekHead are the lines that describe a Zeek log. They are no events.
var zeekHead = []string{"#separator ", "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#close", "#fields", "#types"}

func isHead(line []byte) bool {
	return line[0] == '#' && slices.ContainsFunc(zeekHead, func(head string) bool { return bytes.HasPrefix(line, []byte(head)) })
}
