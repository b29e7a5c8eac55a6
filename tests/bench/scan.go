//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// torctl scan is measured beside DuckDB, which only joins the destination, its port
// and the time with the same relay table: scan.py.

// logs are what is scanned, a line for each flow.
var logs = []struct {
	name, head string
	line       func(out io.Writer, f workload.Flow)
}{
	{"zeek", "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n",
		func(out io.Writer, f workload.Flow) {
			fmt.Fprintf(out, "%d.%06d\tC%015x\t%s\t%d\t%s\t%s\ttcp\tssl\t%d.25\t%d\t%d\tSF\tT\tF\t0\tShADadfF\t22\t902\t22\t1144\t-\n",
				f.Time, f.N%1e6, f.N, f.Src, 40000+f.N%20000, f.Dest, f.Port, f.N%60, 1000+f.N%5000, 2000+f.N%90000)
		}},
	{"pan", "", func(out io.Writer, f workload.Flow) {
		at := time.Unix(f.Time, 0).UTC().Format("2006/01/02 15:04:05")
		fmt.Fprintf(out, "1,%[1]s,0123456789,TRAFFIC,end,2561,%[1]s,%[2]s,%[3]s,0.0.0.0,0.0.0.0,Rule %[4]d,,,ssl,vsys1,Trust,Untrust,ethernet1/1,ethernet1/2,fwd,%[1]s,%[5]d,1,%[6]d,%[7]s,0,0,0x19,tcp,allow,%[8]d,3000,4000,30,%[1]s,10,any,0,%[5]d,0x0,10.0.0.0-10.255.255.255,US,0,14,16,tcp-fin,0,0,0,0,,fw1,from-policy,,,0,,0,,N/A,0,0,0\n",
			at, f.Src, f.Dest, f.N%9, f.N, 40000+f.N%20000, f.Port, 7000+f.N%5000)
	}},
	{"suricata", "", func(out io.Writer, f workload.Flow) {
		at := time.Unix(f.Time, 0).UTC().Format("2006-01-02T15:04:05")
		fmt.Fprintf(out, `{"timestamp":"%[1]s.000000+0000","flow_id":%[2]d,"in_iface":"eth0","event_type":"flow","src_ip":"%[3]s","src_port":%[4]d,"dest_ip":"%[5]s","dest_port":%[6]s,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":5,"pkts_toclient":5,"bytes_toserver":%[7]d,"bytes_toclient":2000,"start":"%[1]s.000000+0000","end":"%[1]s.000000+0000","age":0,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`+"\n",
			at, 1e15+f.N, f.Src, 40000+f.N%20000, f.Dest, f.Port, 1000+f.N%5000)
	}},
}

// scanned is how many flows are drawn: the log has them again and again.
const scanned = 200_000

// scan writes a log of so many megabytes of each kind and measures who reads it.
func (b *bench) scan(out io.Writer, torctl, duckdb string, megabytes int) error {
	text, relays := workload.Table(workload.SomeRelays, workload.Noon-workload.Week, workload.Noon)
	relaysFile := filepath.Join(b.folder, "tor_relays.csv")
	if err := os.WriteFile(relaysFile, []byte(text), 0o644); err != nil {
		return err
	}
	all := workload.Flows(scanned, 1, workload.Noon, relays)
	fmt.Fprintf(out, "torctl scan: logs of %d MB, 1%% Tor, table of %d rows; medians of %d; %s\n", megabytes, workload.SomeRelays, b.runs, (&report{Machine: process.ThisMachine(b.python), Runs: b.runs}).heading())
	lines := [][]string{{"log", "who", "wall s", "CPU s", "MB/s", "CPU / table", "wall / DuckDB"}}
	for _, l := range logs {
		log := filepath.Join(b.folder, l.name+".log")
		if err := writeLog(log, l.head, l.line, all, int64(megabytes)<<20); err != nil {
			return err
		}
		who := []struct {
			name string
			argv []string
		}{
			{"table", []string{torctl, "scan", log, "--relays", relaysFile}},
			{"csv", []string{torctl, "scan", log, "--relays", relaysFile, "-o", "csv"}},
			{"json", []string{torctl, "scan", log, "--relays", relaysFile, "-o", "json"}},
		}
		if b.other != "" {
			who = append(who, who[0])
			who[3].name, who[3].argv = "other, table", append([]string{b.other}, who[0].argv[1:]...)
		}
		if duckdb != "" {
			who = append(who, who[0])
			who[len(who)-1].name, who[len(who)-1].argv = "DuckDB, join only", []string{duckdb, filepath.Join(filepath.Dir(b.script), "scan.py"), l.name, log, relaysFile}
		}
		samples := make([][]process.Figures, len(who))
		for range b.runs {
			for i, w := range who {
				f, err := timed(w.argv, b.driver.Stderr)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", l.name, w.name, err)
				}
				samples[i] = append(samples[i], f)
			}
		}
		base, join := process.Median(samples[0]), process.Figures{}
		if duckdb != "" {
			join = process.Median(samples[len(who)-1])
		}
		for i, w := range who {
			f := process.Median(samples[i])
			lines = append(lines, []string{l.name, w.name, page.Number(f.Wall), page.Number(f.CPU), page.Number(float64(megabytes) / f.Wall), ratio(f.CPU, base.CPU), ratio(f.Wall, join.Wall)})
		}
		if err := os.Remove(log); err != nil {
			return err
		}
	}
	page.Columns(out, lines)
	return nil
}

// writeLog writes flows again and again until the log is so large.
func writeLog(path, head string, line func(io.Writer, workload.Flow), all []workload.Flow, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var text strings.Builder
	for _, f := range all {
		line(&text, f)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	_, err = out.WriteString(head)
	for written := int64(0); written < size && err == nil; written += int64(text.Len()) {
		part := text.String()
		if left := size - written; left < int64(len(part)) {
			part = part[:left]
			part = part[:strings.LastIndexByte(part, '\n')+1]
		}
		_, err = out.WriteString(part)
	}
	return errors.Join(err, out.Flush())
}

// timed runs a program to its end, without what it writes.
func timed(argv []string, stderr io.Writer) (f process.Figures, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		fmt.Fprint(stderr, complaints.String())
		return f, err
	}
	f.Wall = time.Since(begun).Seconds()
	f.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return f, nil
}
