//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tordetect/src/rows"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// growth measures whether cost grows with the input and no faster: each case is run
// with n and with 4n of what it is about, and the factor of the CPU is shown. In
// proportion is 4; memory that grows and caches that are left make it a little more.
func (b *bench) growth(out io.Writer, names []string) error {
	all := growths()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(g growing) bool { return g.name == name }) {
			return fmt.Errorf("growth: there is no case %q", name)
		}
	}
	fmt.Fprintf(out, "%-52s %9s %9s %9s %8s %8s\n", "what is n and then 4n", "n", "CPU ms", "at 4n", "peak MB", "factor")
	for _, g := range all {
		if len(names) > 0 && !slices.Contains(names, g.name) {
			continue
		}
		once, err := b.grow(g, g.n)
		if err != nil {
			return err
		}
		four, err := b.grow(g, 4*g.n)
		if err != nil {
			return err
		}
		factor, verdict := four.CPU/once.CPU, ""
		if factor > mostGrowth {
			verdict = "  GROWS FASTER THAN ITS INPUT"
		}
		fmt.Fprintf(out, "%-52s %9d %9.1f %9.1f %8.1f %8.1f%s\n", g.name, g.n, once.CPU*1e3, four.CPU*1e3, float64(four.Memory)/1e6, factor, verdict)
	}
	return nil
}

// mostGrowth is the CPU that four times the input may take.
const mostGrowth = 6

// growing is an input that can be made of any size.
type growing struct {
	name string
	n    int
	// of makes the relay table's rows and the bodies of the chunks.
	of func(n int) (relays []string, bodies [][]byte)
}

// grow returns the least that a case of that size took, which is what it costs.
func (b *bench) grow(g growing, n int) (process.Figures, error) {
	relays, bodies := g.of(n)
	folder := filepath.Join(b.folder, "growth")
	bin, lookups := filepath.Join(folder, "bin"), filepath.Join(folder, "lookups")
	for _, f := range []string{bin, lookups} {
		if err := os.MkdirAll(f, 0o755); err != nil {
			return process.Figures{}, err
		}
	}
	program, err := os.ReadFile(b.binary)
	if err != nil {
		return process.Figures{}, err
	}
	path := filepath.Join(bin, "tordetect")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		return process.Figures{}, err
	}
	if err := os.WriteFile(filepath.Join(lookups, "tor_relays.csv"), tableOf(relays), 0o644); err != nil {
		return process.Figures{}, err
	}
	requests := [][]byte{workload.Probe()}
	for _, body := range bodies {
		requests = append(requests, workload.FrameOf(workload.Execute, body))
	}
	requests = append(requests, workload.FrameOf(workload.Last, nil))
	least := process.Figures{CPU: math.MaxFloat64}
	for range b.runs {
		f, err := b.driver.Run(process.Variant{Argv: []string{path}}, requests, nil)
		// Input that is no CSV has no reply to the last request.
		if err != nil && !g.fails() {
			return process.Figures{}, fmt.Errorf("%s, n = %d: %w", g.name, n, err)
		}
		if f.CPU < least.CPU {
			least = f
		}
	}
	return least, nil
}

// fails reports whether the command refuses the input.
func (g growing) fails() bool { return strings.HasPrefix(g.name, "broken") }

// tableOf makes a relay table of rows in which nothing is quoted.
func tableOf(relays []string) []byte {
	var b bytes.Buffer
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n,,exit_coverage,,,,%d,%d\n", workload.Noon-workload.Week, workload.Noon, workload.Noon-workload.Week, workload.Noon)
	for _, r := range relays {
		b.WriteString(r + "\n")
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", len(relays)+2)
	return b.Bytes()
}

// host is an address of the benchmark's network by its number.
func host(i int) string { return fmt.Sprintf("240.%d.%d.%d", i>>16&255, i>>8&255, i&255) }

// listed are n relays, one an address, all week long on port 9001.
func listed(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = relayRow(host(i), "9001", "or", "Exit Guard", i, workload.Noon-workload.Week, workload.Noon)
	}
	return out
}

func relayRow(ip, port, role, flags string, id int, first, last int64) string {
	return fmt.Sprintf("%s,%s,%s,%s,%040X,relay%d,%d,%d", ip, port, role, flags, id, id, first, last)
}

// body is a chunk of a header and rows of cells, which it quotes.
func body(header string, all ...[]string) []byte {
	out := []byte(header + "\n")
	for _, row := range all {
		for c, cell := range row {
			if c > 0 {
				out = append(out, ',')
			}
			out = rows.AppendCell(out, []byte(cell))
		}
		out = append(out, '\n')
	}
	return out
}

// joined are n texts with a separator between.
func joined(n int, separator string, of func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = of(i)
	}
	return strings.Join(all, separator)
}

// list is the cell of a __mv_ column.
func list(n int, of func(i int) string) string {
	return joined(n, ";", func(i int) string { return "$" + of(i) + "$" })
}

// repeated are rows alike.
func repeated(n int, of func(i int) []string) [][]string {
	all := make([][]string, n)
	for i := range all {
		all[i] = of(i)
	}
	return all
}

func decimal(i int) string { return fmt.Sprint(i) }

// growths are inputs that a log, a lookup or a search may hold, and what a hostile
// one may.
func growths() []growing {
	const (
		ends = "src_ip,dest_ip,dest_port,_time"
		now  = workload.Noon - workload.Hour
	)
	at := decimal(now)
	raw := func(text func(n int) string) func(n int) ([]string, [][]byte) {
		return func(n int) ([]string, [][]byte) {
			return nil, [][]byte{body("_time,_raw", []string{at, text(n)})}
		}
	}
	cell := func(column string, text func(n int) string) func(n int) ([]string, [][]byte) {
		return func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends+","+column, []string{"10.0.0.1", host(1), "9001", at, text(n)})}
		}
	}
	columns := func(header func(i int) string, cells string) func(n int) ([]string, [][]byte) {
		return func(n int) ([]string, [][]byte) {
			row := joined(n, ",", func(int) string { return cells }) + "\n"
			return nil, [][]byte{[]byte(joined(n, ",", header) + "\n" + strings.Repeat(row, 4))}
		}
	}
	ordinary := func(i int) []string { return []string{"10.0.0.1", "203.0.113." + decimal(i%256), "443", at} }
	flags := []string{"Exit", "Guard", "Exit Guard", ""}
	return []growing{
		{"rows", 50_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, repeated(n, ordinary)...)}
		}},
		{"rows, all Tor", 10_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, repeated(n, func(i int) []string {
				return []string{"10.0.0.1", host(i % 1000), "9001", at}
			})...)}
		}},
		{"rows newer than the list", 50_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, repeated(n, func(i int) []string {
				return []string{"10.0.0.1", "203.0.113." + decimal(i%256), "443", decimal(workload.Noon + workload.Hour)}
			})...)}
		}},
		{"rows, Tor in the second half alone", 20_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, repeated(n, func(i int) []string {
				if i < n/2 {
					return ordinary(i)
				}
				return []string{"10.0.0.1", host(i % 1000), "9001", at}
			})...)}
		}},
		{"chunks", 500, func(n int) ([]string, [][]byte) {
			return listed(1000), slices.Repeat([][]byte{body(ends, repeated(100, ordinary)...)}, n)
		}},
		{"rows of the last chunk, each twice as large", 50_000, func(n int) ([]string, [][]byte) {
			var out [][]byte
			for _, part := range []int{16, 8, 4, 2, 1} {
				out = append(out, body(ends, repeated(n/part, ordinary)...))
			}
			return listed(1000), out
		}},
		{"bytes of a plain cell", 8 << 20, raw(func(n int) string { return strings.Repeat("a", n) })},
		{"bytes of a cell of quotes and lines", 4 << 20, raw(func(n int) string { return strings.Repeat("\n\"", n/2) })},
		{"bytes of a cell of commas", 4 << 20, raw(func(n int) string { return strings.Repeat(",", n) })},
		{"rows of a long text each", 500, func(n int) ([]string, [][]byte) {
			return nil, [][]byte{body("_time,_raw", repeated(n, func(int) []string { return []string{at, strings.Repeat("a b,", 4000)} })...)}
		}},
		{"broken: a quote that is never closed", 8 << 20, func(n int) ([]string, [][]byte) {
			return nil, [][]byte{append([]byte("_time,_raw\n1,\""), bytes.Repeat([]byte("a\n"), n/2)...)}
		}},
		{"broken: a header without an end", 4 << 20, func(n int) ([]string, [][]byte) {
			return nil, [][]byte{append([]byte("_time,\""), bytes.Repeat([]byte("a\n"), n/2)...)}
		}},

		{"addresses beside as many ports", 8000, func(n int) ([]string, [][]byte) {
			return listed(n), [][]byte{body(ends, []string{"10.0.0.1", joined(n, ",", host), joined(n, ",", func(i int) string { return decimal(10_000 + i%50_000) }), at})}
		}},
		{"sources beside as many ports", 8000, func(n int) ([]string, [][]byte) {
			return listed(n), [][]byte{body("src_ip,src_port,dest_ip,dest_port,_time",
				[]string{joined(n, "\n", host), joined(n, "\n", func(i int) string { return decimal(1 + i%1000) }), "10.0.0.1", "40000", at})}
		}},
		{"sources with one port", 8000, func(n int) ([]string, [][]byte) {
			return listed(n), [][]byte{body("src_ip,src_port,dest_ip,dest_port,_time",
				[]string{joined(n, "\n", host), "9001", "10.0.0.1", "40000", at})}
		}},
		{"addresses of a __mv_ cell", 16_000, func(n int) ([]string, [][]byte) {
			return listed(n), [][]byte{body(ends+",__mv_dest_ip", []string{"10.0.0.1", joined(n, "\n", host), "9001", at, list(n, host)})}
		}},
		{"one address, again and again", 16_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, []string{"10.0.0.1", joined(n, ",", func(int) string { return host(7) }), "9001", at})}
		}},
		{"addresses in each of 100 rows", 200, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, repeated(100, func(int) []string {
				return []string{joined(n, ",", host), joined(n, ",", host), "9001,443", at}
			})...)}
		}},
		{"addresses with two ports each, in each of 100 rows", 120, func(n int) ([]string, [][]byte) {
			var relays []string
			for i := range n {
				relays = append(relays, relayRow(host(i), "9001", "or", "Exit", i, workload.Noon-workload.Week, workload.Noon), relayRow(host(i), "9100", "or", "", i, workload.Noon-workload.Week, workload.Noon))
			}
			return relays, [][]byte{body(ends, repeated(100, func(int) []string {
				return []string{"10.0.0.1", joined(n, ",", host), "9001,443", at}
			})...)}
		}},
		{"texts that are no address", 50_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, []string{joined(n, ",", func(int) string { return "1.2.3.400" }), joined(n, "\n", decimal), joined(n, ",", func(int) string { return "x" }), at})}
		}},
		{"labels of a cell", 200_000, cell("app", func(n int) string { return joined(n, ",", decimal) })},
		{"bytes of a label", 2 << 20, cell("app", func(n int) string { return strings.Repeat("tor.", n/4) })},
		{"bytes of a rule's name", 2 << 20, cell("signature", func(n int) string { return strings.Repeat("tor2we", n/6) })},
		{"server names of a cell", 100_000, cell("ssl_server_name", func(n int) string {
			return joined(n, "\n", func(i int) string { return "www." + decimal(i) + ".example" })
		})},
		{"bytes of a server name", 2 << 20, cell("server_name", func(n int) string { return "www." + strings.Repeat("a.", n/2) + "com" })},
		{"URLs of a cell", 100_000, cell("url", func(n int) string {
			return joined(n, "\n", func(i int) string { return "https://" + decimal(i) + ".example/" })
		})},
		{"bytes of a query", 2 << 20, cell("query", func(n int) string { return strings.Repeat("a.", n/2) + "onion" })},
		{"times of a cell", 100_000, func(n int) ([]string, [][]byte) {
			return listed(1000), [][]byte{body(ends, []string{"10.0.0.1", host(1), "9001", joined(n, "\n", func(i int) string { return decimal(now + i%60) })})}
		}},

		{"columns of one name behind data sets", 8000, columns(func(i int) string { return fmt.Sprintf("A%d.src_ip", i) }, "")},
		{"columns of a general word", 4000, columns(func(i int) string {
			if i%2 == 0 {
				return fmt.Sprintf("A%d.protocol", i)
			}
			return fmt.Sprintf("A%d.srcip", i)
		}, "")},
		{"columns that nobody reads", 20_000, columns(func(i int) string { return "extra" + decimal(i) }, "x")},
		{"columns and lists, in chunks", 100, func(n int) ([]string, [][]byte) {
			header := joined(2000, ",", func(i int) string { return fmt.Sprintf("extra%d,__mv_extra%d", i, i) })
			return nil, slices.Repeat([][]byte{[]byte(header + "\n")}, n)
		}},

		{"rows of the table", 50_000, func(n int) ([]string, [][]byte) {
			return listed(n), [][]byte{body(ends, ordinary(1))}
		}},
		{"rows of the table, out of order", 50_000, func(n int) ([]string, [][]byte) {
			all := listed(n / 2)
			return append(all, listed(n/2)...), [][]byte{body(ends, ordinary(1))}
		}},
		{"times of an address, and rows to it", 1000, func(n int) ([]string, [][]byte) {
			var relays []string
			for i := range n {
				from := int64(workload.Noon - workload.Week + i*workload.Week/n)
				relays = append(relays, relayRow(host(1), "9001", "or", flags[i%4], 1, from, from+int64(workload.Week/n/2)))
			}
			return relays, [][]byte{body(ends, repeated(n, func(i int) []string { return []string{"10.0.0.1", host(1), "9001", decimal(now - i)} })...)}
		}},
		{"times of an exit, and rows from it", 1000, func(n int) ([]string, [][]byte) {
			var relays []string
			for i := range n {
				from := int64(workload.Noon - workload.Week + i*workload.Week/n)
				relays = append(relays, relayRow(host(1), "9001", "or", flags[i%4], 1, from, from+int64(workload.Week/n/2)))
				relays = append(relays, relayRow(host(2+i), "", "exit", "Exit", 1, workload.Noon-workload.Week, workload.Noon))
			}
			return relays, [][]byte{body(ends, repeated(n/10, func(i int) []string { return []string{host(1), "203.0.113.1", "443", decimal(now - i)} })...)}
		}},
		{"gaps of the table, and rows", 2000, func(n int) ([]string, [][]byte) {
			var relays []string
			for i := range n {
				from := int64(workload.Noon - workload.Year + i*(workload.Year-2*workload.Week)/n)
				relays = append(relays, fmt.Sprintf(",,coverage,,,,%d,%d", from, from+100))
			}
			return relays, [][]byte{body(ends, repeated(n*10, ordinary)...)}
		}},

		{"keys of a JSON event", 10_000, raw(func(n int) string {
			return "{" + joined(n, ",", func(i int) string { return fmt.Sprintf(`"k%d":%d`, i, i) }) + "}"
		})},
		{"one key of JSON, again and again", 2000, raw(func(n int) string {
			return `{"event_type":"flow","dest_ip":"203.0.113.1",` + joined(n, ",", func(int) string { return `"src_ip":"a","app":"b","url":"c","ja3":"d"` }) + "}"
		})},
		{"depth of a JSON event", 10_000, raw(func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) })},
		{"escapes of a JSON event", 100_000, raw(func(n int) string { return `{"src_ip":"` + strings.Repeat(`\u0041`, n/6) + `"}` })},
		{"objects within text in JSON", 2000, raw(func(n int) string { return strings.Repeat(`{"message":"`, n) })},
		{"pairs of key=value", 20_000, raw(func(n int) string {
			return "date=2026-11-20 " + joined(n, " ", func(i int) string { return fmt.Sprintf(`srcip="10.0.0.%d"`, i%256) })
		})},
		{"cells of a Palo Alto line", 50_000, raw(func(n int) string {
			return "1,2026/11/20 11:59:59,001701000001,TRAFFIC,end," + strings.Repeat(`"a,",`, n)
		})},
		{"cells of a Zeek line", 50_000, raw(func(n int) string { return at + ".5\tC1\t" + strings.Repeat("10.0.0.1\t", n) })},
	}
}
