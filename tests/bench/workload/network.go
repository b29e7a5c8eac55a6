//go:build linux

package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Network is a relay table and the relays that traffic can go to.
type Network struct {
	Folder string // laid out as the package: bin, lookups
	Relays []Relay
	Old    []Relay // of the history
	Tables []string
}

// Networks are laid out one after the other, each size once.
type Networks struct {
	Folder   string    // above all of them
	Programs []Program // in the bin of each
	made     []installed
}

// Program is a file and its name in bin.
type Program struct{ From, Name string }

// Launched is the name of the program itself in bin, as the launcher knows it.
const Launched = "tordetect-linux-" + runtime.GOARCH

type installed struct {
	size    [2]int
	network *Network
}

// Install lays out a folder as the package does, with the program, its launcher
// and tables of so many rows; without rows there is no table.
func (all *Networks) Install(relays, history int) (*Network, error) {
	for _, n := range all.made {
		if n.size == [2]int{relays, history} {
			return n.network, nil
		}
	}
	n := &Network{Folder: filepath.Join(all.Folder, fmt.Sprintf("app-%d-%d", relays, history))}
	bin, lookups := filepath.Join(n.Folder, "bin"), filepath.Join(n.Folder, "lookups")
	for _, folder := range []string{bin, lookups} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	for _, c := range all.Programs {
		program, err := os.ReadFile(c.From)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(bin, c.Name), program, 0o755); err != nil {
			return nil, err
		}
	}
	write := func(name string, rows int, from, to int64) ([]Relay, error) {
		text, relays := Table(rows, from, to)
		path := filepath.Join(lookups, name)
		n.Tables = append(n.Tables, path)
		return relays, os.WriteFile(path, []byte(text), 0o644)
	}
	var err error
	if relays > 0 {
		if n.Relays, err = write("tor_relays.csv", relays, Noon-Week, Noon); err != nil {
			return nil, err
		}
	}
	if history > 0 {
		if n.Old, err = write("tor_relays_history.csv", history, Noon-Year, Noon-Week); err != nil {
			return nil, err
		}
	}
	all.made = append(all.made, installed{[2]int{relays, history}, n})
	return n, nil
}

func (n *Network) Tordetect() string {
	return filepath.Join(n.Folder, "bin", Launched)
}
