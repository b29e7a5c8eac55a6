//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"

	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// narrow leaves the columns that the program wants with narrow=true.
func (b *bench) narrow(w *workload.Workload, n *workload.Network) error {
	wanted, err := b.driver.Declared(process.Variant{Argv: []string{n.Tordetect()}}, workload.Probe("narrow=true"))
	w.Narrowed(wanted)
	return err
}

// variants are the programs of these names that can be had here.
func (b *bench) variants(n *workload.Network, names []string) []process.Variant {
	tables := ""
	for i, path := range n.Tables {
		if i > 0 {
			tables += string(os.PathListSeparator)
		}
		tables += path
	}
	env := []string{tablesVariable + "=" + tables}
	var out []process.Variant
	for _, name := range names {
		if len(b.only) > 0 && !slices.Contains(b.only, name) {
			continue
		}
		switch name {
		case "tordetect":
			out = append(out, process.Variant{Name: name, Argv: []string{n.Tordetect()}})
		case "other":
			if b.other != "" {
				out = append(out, process.Variant{Name: name, Argv: []string{filepath.Join(n.Folder, "bin", "other")}})
			}
		case "launcher":
			out = append(out, process.Variant{Name: name, Argv: []string{filepath.Join(n.Folder, "bin", "tordetect.sh")}})
		case "splunklib":
			if b.python != "" {
				out = append(out, process.Variant{Name: name, Argv: []string{b.python, b.script}, Env: env})
			}
		case "cat":
			out = append(out, process.Variant{Name: name, Argv: []string{"cat"}, Free: true})
		case "profiled":
			out = append(out, process.Variant{Name: name, Argv: []string{b.self, "-be", name}, Env: []string{
				lookupsVariable + "=" + filepath.Join(n.Folder, "lookups"), profileVariable + "=" + b.profile}})
		default:
			out = append(out, process.Variant{Name: name, Argv: []string{b.self, "-be", name}, Env: env})
		}
	}
	return out
}
