package attackdata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const tor = "datasets/attack_techniques/T1090.003/tor/"

// checkout is a tree like that of splunk/attack_data, with x.yml as the description.
func checkout(t *testing.T, yml string) (root, file string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{tor + "tor.log": "x", tor + "more.json": "x", tor + "deep/er.log": "x", tor + "x.yml": yml, "datasets/top.log": "x", "outside.log": "x"} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return root, filepath.Join(root, tor, "x.yml")
}

// TestForms: all that the published repository has.
func TestForms(t *testing.T) {
	f := func(yml string, want ...File) {
		t.Helper()
		root, file := checkout(t, yml)
		for i := range want {
			if want[i].Root == "" {
				want[i].Root = root
			} else {
				want[i].Root = filepath.Join(root, tor)
			}
			want[i].Name = filepath.FromSlash(want[i].Name)
		}
		got, err := Read(file, false)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	const beside = "beside"
	log := File{Name: tor + "tor.log", Sourcetype: "st", Host: "i"}
	sourced := log
	sourced.Source = "so"
	// Of today; the top of the checkout with and without a slash, and beside.
	f("{id: i, datasets: [{name: a, path: /"+tor+"tor.log, sourcetype: st, source: so}]}", sourced)
	f("{id: i, datasets: [{name: a, path: "+tor+"tor.log, sourcetype: st, source: so}]}", sourced)
	f("{datasets: [{path: more.json}, {path: deep/er.log}, {path: /datasets/wrong/place/tor.log}, {path: /datasets/top.log}]}",
		File{Root: beside, Name: "more.json"}, File{Root: beside, Name: "deep/er.log"}, File{Root: beside, Name: "tor.log"}, File{Name: "datasets/top.log"})
	// Old; a text, lists, lists in lists, one or as many source types, and their other name.
	f("{id: i, dataset: ['https://media.example.com/media/x/attack_data/master/"+tor+"tor.log'], sourcetypes: [st]}", log)
	f("{id: i, dataset: 'https://media.example.com/x/"+tor+"tor.log', sourcetypes: st}", log)
	f("{id: i, dataset: [/"+tor+"tor.log], sourcetypes: [[st]]}", log)
	f("{id: i, dataset: [tor.log], sourcetype: [st], source: [so]}", File{Root: beside, Name: "tor.log", Sourcetype: "st", Source: "so", Host: "i"})
	f("{dataset: [tor.log, more.json], sourcetypes: [a, b]}", File{Root: beside, Name: "tor.log", Sourcetype: "a"}, File{Root: beside, Name: "more.json", Sourcetype: "b"})
	f("{dataset: [tor.log, more.json], sourcetypes: }", File{Root: beside, Name: "tor.log"}, File{Root: beside, Name: "more.json"})
	// Of the older program, with a path of its author's machine.
	f("{splunk: {password: x}, datasets: [{name: a, path: /home/ann/attack_data/"+tor+"tor.log, enabled: True, replay_parameters: {source: so, sourcetype: st, index: risk}},"+
		" {name: b, path: nowhere.log, enabled: False}]}", File{Name: tor + "tor.log", Index: "risk", Sourcetype: "st", Source: "so"})
}

// TestFaults: what is wrong is named, all of it, and what may have been meant.
func TestFaults(t *testing.T) {
	f := func(yml string, typed bool, want ...string) {
		t.Helper()
		_, file := checkout(t, yml)
		_, err := Read(file, typed)
		if len(want) == 0 {
			require.NoError(t, err)
			return
		}
		for _, text := range want {
			require.ErrorContains(t, err, text)
		}
	}
	f("{datasets: [{name: a, path: tor.log}, {name: b, path: b.log}, {name: c, path: /"+tor+"c.log}]}", false,
		`x.yml: data set 2 "b": the file "b.log" is not here; bring it first, nothing is fetched | data set 3 "c": the file "/`+tor+`c.log" is not here; bring it first, nothing is fetched. `+
			"Beside the description lies more.json, tor.log: if that is meant, name it in the place of the description, with --sourcetype and --source")
	f("{datasets: ["+strings.Repeat("{path: no.log},", 9)+"]}", false, "| and 4 more. Beside")
	f("{dataset: [https://x.example/"+tor+"x.yml], sourcetypes: [a]}", false, "x.yml\" is a description, as this one, and no data")
	const several = "{dataset: [tor.log, more.json, deep/er.log], sourcetypes: [a, b]}"
	f(several, false, "x.yml names 2 source types for 3 data sets and not whose each is: say by --sourcetype which, such as a")
	f(several, true)
	f("{dataset: [tor.log], sourcetypes: [a, b]}", false, "names 2 source types for 1 data set and not whose")
	f("{datasets: [{path: tor.log, enabled: false}]}", false, "has no data set that is enabled")
	f("{dataset: {a: b}}", false, "is no description of data sets: line 1: want a text or a list of texts")
	f("{a: &a [x], dataset: [*a, *a]}", false, "want a text or a list of texts")
	const two = "x.yml holds more than one description: write what stands behind the next --- into a file of its own, as only the first would be replayed"
	f("datasets: [{path: tor.log}]\n---\ndatasets: [{path: more.json}]\n", true, two)
	f("---\n---\ndatasets: [{path: tor.log}]\n", true, two)
	f("datasets: [{path: tor.log}]\n---\n: ] no YAML", true, two)
	f("---\ndatasets: [{path: tor.log}]\n...\n# the end\n", true)
	f("", true, "x.yml names no data set: want datasets with name, path, sourcetype and source")
	f("{dataset: ["+strings.Repeat("a,", maxSets+1)+"]}", false, "names 1001 data sets, at most 1000 in one replay")
}

// FuzzRead: whatever a yml names, nothing outside is given.
func FuzzRead(f *testing.F) {
	for _, path := range []string{"tor.log", "/" + tor + "tor.log", "../../../../outside.log", "/datasets/../outside.log", "https://x/datasets/../../outside.log", "/a/datasets//etc/passwd"} {
		f.Add("datasets: [{path: \"" + path + "\"}]")
		f.Add("dataset: [[\"" + path + "\"]]")
	}
	f.Fuzz(func(t *testing.T, yml string) {
		root, file := checkout(t, yml)
		files, err := Read(file, true)
		require.True(t, err != nil || len(files) > 0)
		for _, f := range files {
			require.True(t, filepath.IsLocal(f.Name), f.Name)
			require.True(t, f.Root == root || f.Root == filepath.Join(root, tor), f.Root)
			require.NotContains(t, f.Name, "outside")
		}
	})
}
