//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"tordetect/src/command/tordetect"
	"tordetect/src/rows"
	"tordetect/tests/bench/workload"
)

// A talk is what is said to a program in one run.
type talk struct {
	name     string
	requests [][]byte
}

// against gives every talk to two builds of tordetect and compares all that they
// write, byte for byte, and how they end. It reports whether nothing differs.
func (b *bench) against(out io.Writer, older string, chosen []workload.Workload) (bool, error) {
	debug.SetGCPercent(100) // nothing is measured, and all replies would not fit into memory
	talks, differ, size := 0, 0, 0
	shown := map[string]int{} // often many talks differ in the same words
	compare := func(n *workload.Network, t talk) error {
		var answers [2][]byte
		for i, binary := range []string{older, b.binary} {
			path, err := add(n, binary, fmt.Sprintf("compared-%d", i))
			if err != nil {
				return err
			}
			if answers[i], err = answer(path, t.requests); err != nil {
				return fmt.Errorf("%s, %s: %w", t.name, binary, err)
			}
		}
		talks++
		size += len(answers[0])
		if where := difference(answers[0], answers[1]); where != "" {
			differ++
			if shown[where]++; shown[where] == 1 && len(shown) <= mostShown {
				fmt.Fprintf(out, "%s: %s\n", t.name, where)
			}
		}
		return nil
	}
	for _, w := range chosen {
		if w.Narrow { // the same rows as others here: an older build may not know it
			continue
		}
		w.Rows = min(w.Rows, againstRows)
		n, err := b.networks.Install(w.Relays, w.History)
		if err != nil {
			return false, err
		}
		requests := w.Requests(w.Flows(n))
		for _, arguments := range argumentSets {
			requests[0] = workload.Probe(arguments...)
			if err := compare(n, talk{strings.Join(append([]string{w.Name}, arguments...), " "), requests}); err != nil {
				return false, err
			}
		}
	}
	networks, err := b.smallNetworks()
	if err != nil {
		return false, err
	}
	for _, n := range networks {
		for _, t := range oddTalks(b.oddities, networks[0].Relays, networks[1].Old) {
			if err := compare(n, talk{t.name + ", " + filepath.Base(n.Folder), t.requests}); err != nil {
				return false, err
			}
		}
	}
	fmt.Fprintf(out, "%d talks with both, %.0f MB of replies: %d differ, in %d ways\n", talks, float64(size)/1e6, differ, len(shown))
	return differ == 0, nil
}

const (
	againstRows = 20_000 // of a chunk: what rows hold repeats
	mostShown   = 20     // differences in words
	oddities    = 120    // talks of odd rows, for each of a few tables
)

// argumentSets are the options that every workload is run with.
var argumentSets = [][]string{
	{},
	{"min_score=50"},
	{"min_score=1", "labeled=t"},
	{"internal=240.0.0.0/6,10.0.0.0/8"},
	{"local=true", "require_list=true"}, // an error, as the list is old
}

// smallNetworks are: a table, the same with a history, none, and one that was cut.
func (b *bench) smallNetworks() ([]*workload.Network, error) {
	var out []*workload.Network
	for _, size := range [][2]int{{2000, 0}, {2000, 5000}, {0, 0}, {1999, 0}} {
		n, err := b.networks.Install(size[0], size[1])
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	path := out[3].Tables[0]
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return out, os.WriteFile(path, text[:len(text)*2/3], 0o644)
}

// add copies a program into the network's folder, where it finds the tables.
func add(n *workload.Network, binary, name string) (string, error) {
	path := filepath.Join(n.Folder, "bin", name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, program, 0o755)
}

// answer is all that a program writes, and its end. It reads a request whole
// before it replies, so they need not be given in turns.
func answer(program string, requests [][]byte) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.Command(program)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(bytes.Join(requests, nil)), &out, &out
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) && cmd.ProcessState == nil {
		return nil, err
	}
	fmt.Fprintf(&out, "\nexit status %d\n", cmd.ProcessState.ExitCode())
	return clock.ReplaceAll(out.Bytes(), []byte("before NOW:")), nil
}

// clock is where a message of require_list tells the time of day.
var clock = regexp.MustCompile(`before [-0-9]{10}T[:0-9]{8}Z:`)

// difference tells the first byte in which two answers differ, with the text
// around it; empty if they do not.
func difference(older, newer []byte) string {
	if bytes.Equal(older, newer) {
		return ""
	}
	at := 0
	for at < min(len(older), len(newer)) && older[at] == newer[at] {
		at++
	}
	around := func(b []byte) []byte { return b[max(0, at-200):min(len(b), at+200)] }
	return fmt.Sprintf("byte %d\n older %q\n newer %q", at, around(older), around(newer))
}

// oddTalks are what workloads are not: columns of every name that is read, in
// any mix, with cells of every kind, lists, errors, and rows that are only text.
func oddTalks(n int, relays, old []workload.Relay) []talk {
	var out []talk
	r := rand.New(rand.NewPCG(4, 4))
	sets := append([][]string{{"time=seen", "dest=target"}, {"src=nowhere"}, {"nonsense=1"}, {"min_score=101"},
		{"min_score", "=", "20", "labeled=NO"}, {"internal=2001:db8::/32"}, {"internal=10.0.0.0/99"}, {"word"}, {"relays=other.csv"}, {"relays=../x.csv"}}, argumentSets[:4]...)
	for i := range n {
		arguments := sets[i%len(sets)]
		requests := [][]byte{workload.Probe(arguments...)}
		if i%3 == 0 { // the search's own times, for rows without one
			requests[0] = workload.ProbeWithin(workload.Noon-workload.Day, workload.Noon-workload.Day/2, arguments...)
		}
		for range 3 {
			requests = append(requests, workload.FrameOf(workload.Execute, oddBody(r, relays, old)))
		}
		out = append(out, talk{fmt.Sprintf("odd rows %d %s", i, strings.Join(arguments, " ")), append(requests, workload.FrameOf(workload.Last, nil))})
	}
	whole := `src_ip,dest_ip,"dest_port"` + "\n"
	for _, body := range []string{
		"", "\n", whole, whole + "\n", whole + "a,b\n", whole + "a,b,c,d\n", whole + "a,\"b,c\n", whole + "a,b\"c,d\n", whole + "a,\"b\"c,d\n",
		whole + "a,b,c", strings.ReplaceAll(whole+"1,2,3\n", "\n", "\r\n"), "\ufeff" + whole + "1,2,3\n", whole + "1,\"\r\n\",3\n", "a,a\n1,2\n",
		"tor_verdict,__mv_tor_relay,dest_ip,tor_relay\nx,$a$;$b$," + relays[0].Ip + ",y\n",
	} {
		out = append(out, talk{fmt.Sprintf("body %.40q", body), [][]byte{workload.Probe(), workload.FrameOf(workload.Execute, []byte(body)), workload.FrameOf(workload.Last, nil)}})
	}
	for _, text := range []string{"", "rubbish", "chunked 1.0,2,0\n{}", "chunked 1.0,x,0\n", string(workload.FrameOf(workload.Execute, nil))} {
		out = append(out, talk{fmt.Sprintf("frames %.40q", text), [][]byte{[]byte(text)}})
	}
	return out
}

// oddBody makes rows out of what logs hold, good and bad.
func oddBody(r *rand.Rand, relays, old []workload.Relay) []byte {
	var names []string
	for _, c := range tordetect.Columns() {
		for _, name := range c.Names {
			if r.IntN(3) == 0 {
				names = append(names, []string{"", "", "", "All_Traffic.", "Web."}[r.IntN(5)]+name)
			}
		}
	}
	names = append(names, "seen", "target", "other{}.field")
	if r.IntN(4) == 0 {
		names = append(names, "tor_score", "tor_evidence")
	}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	body := workload.Shape{Columns: names}.Header()
	for range r.IntN(300) {
		plain, multi := []byte(nil), []byte(nil)
		relay, at := relays[r.IntN(len(relays))], int64(workload.Noon+2*workload.Day-r.IntN(11*workload.Day))
		if r.IntN(8) == 0 {
			relay, at = old[r.IntN(len(old))], int64(workload.Noon-r.IntN(workload.Year))
		}
		for _, name := range names {
			var list rows.List
			for range 1 + max(0, r.IntN(12)-9) {
				list.Add([]byte(oddCell(r, name, relay, at)))
			}
			plain = append(list.AppendPlain(plain), ',')
			multi = append(list.AppendMulti(multi), ',')
		}
		body = append(append(body, plain...), multi[:len(multi)-1]...)
		body = append(body, '\n')
	}
	return body
}

// oddCell is mostly what belongs into a column, and else anything.
func oddCell(r *rand.Rand, name string, relay workload.Relay, at int64) string {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(name, word) {
				return true
			}
		}
		return false
	}
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	addresses := []string{relay.Ip, relay.Ip, relay.Ip, "10.0.0.5", "10.0.0.5", "203.0.113.9", "::ffff:" + relay.Ip, "2001:db8:0:0:0:0:1:1", "[2001:db8::1]", " " + relay.Ip + " ",
		"fe80::1%eth0", "unknown", "null", "-", "host.example", "010.1.2.3", "1.2.3", "192.0.2.300", "0.0.0.0", ""}
	if r.IntN(12) == 0 {
		return pick(append(addresses, `a "quoted" word`, "$a$;$b$", "line\nline", "\x00\xff", "tor", strings.Repeat("x", 300))...)
	}
	switch {
	case has("port", "_p"):
		return pick(relay.Port, relay.Port, relay.Port, "0", "443", "65536", "0443", "9001.0", "https", "")
	case has("src", "dest", "id.", "id_", "target"):
		return pick(addresses...)
	case has("_time", "Time", "seen", "ts", "timestamp", "start"):
		return pick(fmt.Sprint(at), fmt.Sprint(at), fmt.Sprintf("%d.250", at), "2026-11-19T11:00:00.000+01:00", "2026-11-19T11:00:00Z", "11/19/2026 11:00:00", "0", "-5", "1e9", "")
	case has("transport", "proto"):
		return pick("tcp", "tcp", "TCP", "udp", "6", "17", "icmp", "unknown", "")
	case has("action"):
		return pick("allowed", "blocked", "deny", "dropped", "reset-both", "allow", "")
	case has("conn_state"):
		return pick("SF", "S0", "REJ", "RSTO", "OTH", "")
	case has("app"):
		return pick("ssl", "tor", "tor2web", "incomplete", "web browsing", "null", "")
	case has("bytes", "pkts", "packets", "span", "duration"):
		return pick("0", "1", "60.5", "4096", "-1", "99999999999999999999", "")
	case has("sni", "server_name", "url", "query", "rrname"):
		return pick("www.example.com", "www.cdxjgg3hvpu33.com", "abcdefghijklmnop.onion", "https://abcdefghijklmnop.onion.to/page", "WWW.Q7.COM.", "")
	case has("ja4"):
		return pick("t13d181100_796efca44d18_d41ae481755e", "t13d1516h2_8daaf6152771_02713d6af862", "")
	case has("ja3"):
		return pick("5e6627dc19afa982e6b46b97808cb718", "e7d705a3286e19ea42f587b344ee6865", "")
	case has("_raw"):
		return pick(
			fmt.Sprintf("1,2026/11/20 10:00:00,012345678901,TRAFFIC,end,2561,2026/11/20 10:00:00,10.0.0.5,%s,192.0.2.10,%[1]s,Outbound_Allow,,,tor,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd_splunk,2026/11/20 10:00:00,14740,1,50624,%s,11024,9001,0x400053,tcp,allow,7419,6609,810,25,2026/11/20 09:58:55,65,any", relay.Ip, relay.Port),
			fmt.Sprintf(`{"timestamp":"2026-11-20T10:00:00.123456+0000","event_type":"flow","src_ip":"10.0.0.5","src_port":40000,"dest_ip":"%s","dest_port":%s,"proto":"TCP","flow":{"pkts_toserver":9,"pkts_toclient":9}}`, relay.Ip, relay.Port),
			fmt.Sprintf(`{"ts":%d.123456,"uid":"Cabc123","id.orig_h":"10.0.0.5","id.orig_p":40000,"id.resp_h":"%s","id.resp_p":%s,"proto":"tcp","conn_state":"SF"}`, at, relay.Ip, relay.Port),
			fmt.Sprintf("%d.123456\tCabc123\t10.0.0.5\t40000\t%s\t%s\ttcp\tssl\t60.5\t700\t4000\tSF\tT\tF\t0\tShADadFf\t9\t1200\t9\t4500\t-", at, relay.Ip, relay.Port),
			"no event that anyone knows", "{broken", "")
	}
	return pick(addresses...)
}
