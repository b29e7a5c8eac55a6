package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// write prints the table.
func write(w io.Writer, all []result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "target\tCPU min\texecutions\tnew\tcorpus\tcovered\tfound")
	cpu, executions := 0.0, int64(0)
	for _, r := range all {
		reach := "-"
		if r.Seeds != "" && r.Covered != "" {
			reach = r.Seeds + " > " + r.Covered
		}
		fmt.Fprintf(table, "%s\t%.1f\t%d\t%d\t%d\t%s\t%s\n", r.Target, r.CPU/60, r.Executions, r.New, r.Corpus, reach, strings.Join(r.Found, "; "))
		cpu, executions = cpu+r.CPU, executions+r.Executions
	}
	fmt.Fprintf(table, "%d targets\t%.1f\t%d\n", len(all), cpu/60, executions)
	_ = table.Flush() // to a terminal or a pipe: who closed it does not want to know
}

// note adds a line to the log.
func note(path string, r result) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return fmt.Errorf("write the log: %w", err)
	}
	return f.Close()
}

// sum adds up the log: a line for each target, with the newest coverage.
func sum(path string) ([]result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	var all []result
	for line := range bytes.Lines(text) {
		var r result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("read the log %s: %w", path, err)
		}
		at := slices.IndexFunc(all, func(o result) bool { return o.Target == r.Target })
		if at < 0 {
			all = append(all, r)
			continue
		}
		have := &all[at]
		have.CPU, have.Executions, have.New, have.Corpus = have.CPU+r.CPU, have.Executions+r.Executions, have.New+r.New, r.Corpus
		have.Found = append(have.Found, r.Found...)
		if r.Covered != "" {
			have.Seeds, have.Covered = r.Seeds, r.Covered
		}
	}
	slices.SortFunc(all, func(a, b result) int { return strings.Compare(a.Target, b.Target) })
	return all, nil
}
