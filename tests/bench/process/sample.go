//go:build linux

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// Measured is a variant under one workload.
type Measured struct {
	Variant string    `json:"variant"`
	Median  Figures   `json:"median"`
	Runs    []Figures `json:"runs"`
}

// Sample runs each variant so many times. They take turns, so that a busy moment
// of the machine hits all alike.
func (d *Driver) Sample(variants []Variant, requests [][]byte, runs int) ([]Measured, error) {
	out := make([]Measured, len(variants))
	runtime.GC() // of the workload before
	if len(variants) > 0 {
		// Not counted: the driver's own buffers grow to the size of the replies.
		if _, err := d.Run(variants[0], requests, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", variants[0].Name, err)
		}
	}
	for range runs {
		for i, v := range variants {
			f, err := d.Run(v, requests, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.Name, err)
			}
			out[i].Variant = v.Name
			out[i].Runs = append(out[i].Runs, f)
		}
	}
	for i := range out {
		out[i].Median = Median(out[i].Runs)
	}
	return out, nil
}

// Declared asks a command by getinfo which columns it wants.
func (d *Driver) Declared(v Variant, getinfo []byte) ([]string, error) {
	var declared struct {
		Fields []string `json:"required_fields"`
	}
	var bad error
	_, err := d.Run(v, [][]byte{getinfo}, func(_ int, metadata, _ []byte) { bad = json.Unmarshal(metadata, &declared) })
	if err == nil && bad == nil && len(declared.Fields) == 0 {
		err = errors.New("the program declares no fields")
	}
	return declared.Fields, errors.Join(err, bad)
}

// Median takes each figure by itself.
func Median(all []Figures) Figures {
	return Figures{
		CPU:     middle(all, func(f Figures) float64 { return f.CPU }),
		Wall:    middle(all, func(f Figures) float64 { return f.Wall }),
		Getinfo: middle(all, func(f Figures) float64 { return f.Getinfo }),
		First:   middle(all, func(f Figures) float64 { return f.First }),
		After:   middle(all, func(f Figures) float64 { return f.After }),
		Memory:  middle(all, func(f Figures) int64 { return f.Memory }),
		Reply:   middle(all, func(f Figures) int64 { return f.Reply }),
	}
}

func middle[T float64 | int64](all []Figures, of func(Figures) T) T {
	values := make([]T, len(all))
	for i := range all {
		values[i] = of(all[i])
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
