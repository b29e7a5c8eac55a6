// Package attackdata reads the yml files of splunk/attack_data, which describe
// recorded data sets. The form of today is
//
//	id: 1ba386d9-...
//	datasets:
//	- {name: pan_tor, path: /datasets/attack_techniques/T1090.003/..., sourcetype: pan:traffic, source: pan}
//
// the old one has lists of addresses and source types,
//
//	dataset: [https://.../datasets/attack_techniques/T1090.003/pan_tor_allowed/pan_tor_allowed.log]
//	sourcetypes: [pan:traffic]
//
// and the one of an older replay program has source, sourcetype and index of each
// data set under replay_parameters, and enabled: false for those that are not meant.
// In all of them it is one [File] for each data set:
//
//	files, err := attackdata.Read("datasets/.../pan_tor.yml", false)
//	// File{Root: "/home/ann/attack_data", Name: "datasets/.../pan_tor.log", Sourcetype: "pan:traffic", ...}
//
// A yml is somebody else's: it gets no file outside of its own folder and checkout,
// and nothing is fetched.
package attackdata

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// A File is one data set's. It is opened by os.OpenInRoot, so that neither .. nor a
// link leads out.
type File struct {
	Root, Name                      string
	Index, Sourcetype, Source, Host string // as the yml says; empty where it does not
}

// Limits of what is read.
const (
	maxYML  = 1 << 20 // bytes; those of attack_data have 1 to 20 kB
	maxSets = 1000    // of one yml; theirs have at most 47
	maxTold = 5       // data sets that are named of those that cannot be had
	maxNear = 5       // files that are named as what lies there instead
)

// An entry is a data set as a yml has it.
type entry struct {
	Name       string `yaml:"name"`
	Path       string `yaml:"path"`
	Sourcetype string `yaml:"sourcetype"`
	Source     string `yaml:"source"`
	Enabled    *bool  `yaml:"enabled"`
	Parameters struct {
		Sourcetype string `yaml:"sourcetype"`
		Source     string `yaml:"source"`
		Index      string `yaml:"index"`
	} `yaml:"replay_parameters"`
}

// Read is the files of a yml. typed: the source type is given by other means, so it
// does not matter whether the yml says whose each is.
func Read(file string, typed bool) ([]File, error) {
	var yml struct {
		ID         string  `yaml:"id"`
		Datasets   []entry `yaml:"datasets"`
		Old        words   `yaml:"dataset"`
		Types      words   `yaml:"sourcetypes"`
		SingleType words   `yaml:"sourcetype"`
		Sources    words   `yaml:"source"`
	}
	data, err := bounded.FileOrPipe(file, maxYML)
	if err != nil {
		return nil, fmt.Errorf("read the description %s: %w", file, err)
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	if err := documents.Decode(&yml); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s is no description of data sets: %s", file, text.Foreign(err.Error()))
	}
	if err := documents.Decode(&yaml.Node{}); err != io.EOF {
		return nil, fmt.Errorf("%s holds more than one description: write what stands behind the next --- into a file of its own, as only the first would be replayed", file)
	}
	types := append(yml.Types, yml.SingleType...)
	if n := len(types); n > 1 && n != len(yml.Old) && !typed {
		return nil, fmt.Errorf("%s names %d source types for %s and not whose each is: say by --sourcetype which, such as %s",
			file, n, text.Counted(len(yml.Old), "data set"), text.Foreign(types[0]))
	}
	for i, address := range yml.Old {
		yml.Datasets = append(yml.Datasets, entry{Path: address, Sourcetype: types.of(i, len(yml.Old)), Source: yml.Sources.of(i, len(yml.Old))})
	}
	switch {
	case len(yml.Datasets) == 0:
		return nil, fmt.Errorf("%s names no data set: want datasets with name, path, sourcetype and source, as in attack_data", file)
	case len(yml.Datasets) > maxSets:
		return nil, fmt.Errorf("%s names %d data sets, at most %d in one replay", file, len(yml.Datasets), maxSets)
	}
	var files []File
	var faults []string
	for i, e := range yml.Datasets {
		if e.Enabled != nil && !*e.Enabled {
			continue
		}
		f, err := find(file, e.Path)
		if err != nil {
			faults = append(faults, fmt.Sprintf("data set %d %q: %v", i+1, text.Foreign(e.Name), err))
			continue
		}
		f.Index, f.Sourcetype, f.Source, f.Host = e.Parameters.Index, either(e.Sourcetype, e.Parameters.Sourcetype), either(e.Source, e.Parameters.Source), yml.ID
		files = append(files, f)
	}
	switch more := len(faults) - maxTold; {
	case len(faults) == 0 && len(files) == 0:
		return nil, fmt.Errorf("%s has no data set that is enabled", file)
	case len(faults) == 0:
		return files, nil
	case more > 0:
		faults = append(faults[:maxTold], fmt.Sprintf("and %d more", more))
	}
	return nil, fmt.Errorf("%s: %s%s", file, strings.Join(faults, " | "), near(filepath.Dir(file)))
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// near says what data there is beside a yml that names other files: most of
// attack_data's that do are misspelt.
func near(folder string) string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !isYML(e.Name()) {
			names = append(names, text.Foreign(e.Name()))
		}
	}
	switch more := len(names) - maxNear; {
	case len(names) == 0:
		return ""
	case more > 0:
		names = append(names[:maxNear], fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf(". Beside the description lies %s: if that is meant, name it in the place of the description, with --sourcetype and --source", strings.Join(names, ", "))
}

func isYML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

// words is a text, or a list of texts, which may stand in lists again.
type words []string

// UnmarshalYAML takes no alias: a text in such a place is never long enough for one,
// and of few aliases a list as long as one likes can be made.
func (w *words) UnmarshalYAML(node *yaml.Node) error {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag != "!!null" {
			*w = append(*w, node.Value)
		}
	case yaml.SequenceNode:
		for _, n := range node.Content {
			if err := w.UnmarshalYAML(n); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("line %d: want a text or a list of texts", node.Line)
	}
	return nil
}

// of is the word of the ith of n data sets: of one word it is for all, of several
// it is only clear whose each is where there are as many.
func (w words) of(i, n int) string {
	switch len(w) {
	case 1:
		return w[0]
	case n:
		return w[i]
	}
	return ""
}
