//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"tordetect/src/chunked"
	"tordetect/src/command/tordetect"
)

// csvLookup is the look-up of lookup.py in Go with encoding/csv: what a Go
// command costs that has no scanner of its own. It finds OR ports only.
type csvLookup struct {
	tables []string
	relays map[endpoint][]listing
	end    int64
}

type endpoint struct{ ip, port string }

type listing struct {
	first, last           int64
	fingerprint, nickname string
}

func (l *csvLookup) Execute(_ context.Context, c *chunked.Chunk, body io.Reader) error {
	in := csv.NewReader(body)
	in.ReuseRecord = true
	header, err := in.Read()
	if err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	out := csv.NewWriter(c)
	column := func(names ...string) int {
		return slices.IndexFunc(header, func(name string) bool { return slices.Contains(names, name) })
	}
	src := column("src_ip", "All_Traffic.src_ip", "id.orig_h")
	dest := column("dest_ip", "All_Traffic.dest_ip", "id.resp_h")
	port := column("dest_port", "All_Traffic.dest_port", "id.resp_p")
	time := column("lastTime", "_time")
	if min(src, dest, port, time) < 0 {
		return errors.New("the rows lack an address, a port or a time")
	}
	var names []string
	for _, f := range tordetect.Fields {
		names = append(names, f.Name)
	}
	record := append(slices.Clone(header), names...)
	if err := out.Write(record); err != nil {
		return err
	}
	for {
		row, err := in.Read()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if l.relays == nil {
			if err := l.load(); err != nil {
				return err
			}
		}
		end := strconv.FormatInt(l.end, 10)
		found := [...]string{"none", "0", "unknown", "", "", "", "", "", "", "", "", "full", end, "", ""}
		at, _ := strconv.ParseFloat(row[time], 64)
		for _, r := range l.relays[endpoint{row[dest], row[port]}] {
			if float64(r.first) <= at && at <= float64(r.last) {
				found = [...]string{"tor", "97", "unknown", "outbound", "relay", "or_port", row[src] + " contacted a Tor relay.", r.fingerprint, r.nickname,
					strconv.FormatInt(r.first, 10), strconv.FormatInt(r.last, 10), "full", end, row[src], row[dest] + ":" + row[port]}
			}
		}
		record = append(append(record[:0], row...), found[:]...)
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (l *csvLookup) load() error {
	l.relays = map[endpoint][]listing{}
	for _, path := range l.tables {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in := csv.NewReader(bufio.NewReader(file))
		for {
			row, err := in.Read()
			if err == io.EOF {
				break
			} else if err != nil {
				return fmt.Errorf("read %s: %w", filepath.Base(path), err)
			}
			first, _ := strconv.ParseInt(row[6], 10, 64)
			last, _ := strconv.ParseInt(row[7], 10, 64)
			switch row[2] {
			case "or":
				at := endpoint{row[0], row[1]}
				l.relays[at] = append(l.relays[at], listing{first, last, row[4], row[5]})
			case "coverage":
				l.end = max(l.end, last)
			}
		}
	}
	return nil
}
