//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// narrow leaves the columns that the program asks for with narrow=true, and adds
// the one by which splunkd joins the reply to what it kept. Columns that it asks
// for and that are not there are sent all the same, empty.
func (b *bench) narrow(w *workload.Workload, n *workload.Network) error {
	var declared struct {
		Fields []string `json:"required_fields"`
	}
	var bad error
	ours := process.Variant{Argv: []string{n.Tordetect()}}
	_, err := b.driver.Run(ours, [][]byte{workload.Probe("narrow=true")}, func(_ int, metadata, _ []byte) {
		bad = json.Unmarshal(metadata, &declared)
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	if len(declared.Fields) == 0 {
		return errors.New("the program declares no fields for narrow=true")
	}
	whole := w.Shape
	w.Shape.Columns = append(declared.Fields, "_chunked_idx")
	w.Shape.Cell = func(r *rand.Rand, column string, f workload.Flow) string {
		switch {
		case column == "_chunked_idx":
			return strconv.Itoa(f.N)
		case slices.Contains(whole.Columns, column):
			return whole.Cell(r, column, f)
		}
		return ""
	}
	return nil
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
