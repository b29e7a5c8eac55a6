package command

import (
	"slices"
	"strings"
)

// role is what a column is read for.
type role uint8

const (
	roleSource role = iota
	roleSourcePort
	roleDestination
	roleDestinationPort
	roleTransport
	roleTime
	roleSpan
	roleDuration
	roleFirst
	roleLast
	roleApp
	roleAction
	roleBytesIn
	roleBytesOut
	rolePacketsIn
	rolePacketsOut
	roleSNI
	roleJA4
	roleJA3
	roles
)

// usual holds the names by which a column is found without an option, the first
// that has a usable cell first: CIM's names, and those of common sources. The
// time columns first and last are firstTime and lastTime as the detections of
// Enterprise Security name them.
var usual = [roles][]string{
	roleSource:          {"src_ip", "src"},
	roleSourcePort:      {"src_port"},
	roleDestination:     {"dest_ip", "dest"},
	roleDestinationPort: {"dest_port"},
	roleTransport:       {"transport", "proto"},
	roleTime:            {"_time"},
	roleSpan:            {"_span"},
	roleDuration:        {"duration"},
	roleFirst:           {"firstTime"},
	roleLast:            {"lastTime"},
	roleApp:             {"app"},
	roleAction:          {"action"},
	roleBytesIn:         {"bytes_in"},
	roleBytesOut:        {"bytes_out"},
	rolePacketsIn:       {"packets_in"},
	rolePacketsOut:      {"packets_out"},
	roleSNI:             {"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name"},
	roleJA4:             {"ja4", "tls.ja4"},
	roleJA3:             {"ja3", "tls.ja3", "tls.ja3.hash"},
}

// place is a column and that of its list, by number; multi is -1 without one.
type place struct{ plain, multi int }

// columns knows where in a row each role stands.
type columns struct {
	options *Options
	places  [roles][]place // the better name first
	read    []int          // all of their numbers
	seen    [roles]bool    // a column named by the user was there in some chunk
}

// bind finds the columns in a header.
func (c *columns) bind(names []string) {
	c.read = c.read[:0]
	for r := range roles {
		c.places[r] = c.places[r][:0]
		if named := c.options.Columns[r]; named != "" {
			if c.put(r, names, named) {
				c.seen[r] = true
			}
			continue
		}
		for _, name := range usual[r] {
			c.put(r, names, name)
			for i, column := range names {
				if prefix, ok := strings.CutSuffix(column, name); ok && isDataset(prefix) {
					c.add(r, names, i)
				}
			}
		}
	}
}

// put adds the column of that very name.
func (c *columns) put(r role, names []string, name string) bool {
	i := slices.Index(names, name)
	if i >= 0 {
		c.add(r, names, i)
	}
	return i >= 0
}

func (c *columns) add(r role, names []string, plain int) {
	p := place{plain: plain, multi: -1}
	for i, name := range names {
		if rest, ok := strings.CutPrefix(name, "__mv_"); ok && rest == names[plain] {
			p.multi = i
			c.read = append(c.read, i)
			break
		}
	}
	c.read = append(c.read, plain)
	c.places[r] = append(c.places[r], p)
}

// missing returns the columns named by the user that no chunk had.
func (c *columns) missing() []string {
	var out []string
	for r := range roles {
		if named := c.options.Columns[r]; named != "" && !c.seen[r] {
			out = append(out, named)
		}
	}
	return out
}

// isDataset reports whether a prefix is that of a data model's dataset, as in
// All_Traffic.src: a word that begins with a capital, and a dot. Fields of JSON
// events, such as tunnel.src_ip of Suricata, begin with a small letter.
func isDataset(prefix string) bool {
	word, ok := strings.CutSuffix(prefix, ".")
	if !ok || word == "" || word[0] < 'A' || word[0] > 'Z' {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
