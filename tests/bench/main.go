// Command bench measures the packaged search command beside others that do the
// same, side by side in one run: a look-up written with splunklib, and a bare
// frame echo in Go, the limit of the protocol.
//
//	bench -tordetect BIN -python PYTHON [-runs 5] [-rows 50000] [-relays 27000]
//
// Each is a whole process behind real pipes and gets getinfo, one chunk and an
// empty last one, in turns, as splunkd does it. Reported are medians: CPU (user
// and system), wall time, peak memory, and the ratios that count. Times depend
// on the machine and are never asserted; README.md beside this file holds
// figures with their date.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tordetect/src/chunked"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var b bench
	flags.StringVar(&b.binary, "tordetect", "", "the program to measure")
	flags.StringVar(&b.python, "python", "", "a Python that has splunklib; without it only the others are measured")
	flags.StringVar(&b.script, "script", "tests/bench/lookup.py", "the splunklib command")
	flags.IntVar(&b.runs, "runs", 5, "runs of each, of which the median counts")
	flags.IntVar(&b.rows, "rows", 50000, "rows in a chunk")
	flags.IntVar(&b.relays, "relays", 27000, "rows of the relay table")
	echo := flags.Bool("echo", false, "be the echo")
	if flags.Parse(args) != nil {
		return 2
	}
	if *echo {
		if chunked.Serve(stdin, stdout, echoCommand{}) != nil {
			return 1
		}
		return 0
	}
	if b.binary == "" || b.runs < 1 || b.rows < 1 || b.relays < 1 {
		flags.Usage()
		return 2
	}
	if err := b.measure(stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// echoCommand sends every chunk back as it came.
type echoCommand struct{}

func (echoCommand) Getinfo(*chunked.Info) (chunked.Declaration, error) {
	return chunked.Declaration{}, nil
}

func (echoCommand) Execute(c *chunked.Chunk) error {
	c.Reply = append(c.Reply, c.Body...)
	return nil
}

type bench struct {
	binary, python, script string
	runs, rows, relays     int
}

// figures of one run, or the medians of several.
type figures struct {
	cpu, wall  time.Duration
	memory     int64 // peak resident set, bytes
	reply      int   // bytes
	getinfo    time.Duration
	first      time.Duration // from the chunk's first byte to the reply's last
	everything []figures
}

func (b bench) measure(out io.Writer) error {
	folder, err := os.MkdirTemp("", "tordetect-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	text, relays := table(b.relays)
	ours, err := b.install(folder, text)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	commands := []struct {
		name string
		argv []string
	}{{"tordetect", []string{ours}}, {"echo", []string{self, "-echo"}}}
	if b.python != "" {
		commands = append(commands, struct {
			name string
			argv []string
		}{"splunklib", []string{b.python, b.script}})
	}
	fmt.Fprintf(out, "%s, %s/%s, %d cores; %d runs, medians; table of %d rows (%.1f MB)\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.runs, b.relays, float64(len(text))/1e6)
	for _, s := range []shape{events, tstats} {
		body := s.body(b.rows, 0.01, relays)
		got := make([]figures, len(commands))
		for range b.runs { // alternating, so that a busy moment hits all alike
			for i, c := range commands {
				f, err := once(c.argv, body, []string{"BENCH_TABLE=" + filepath.Join(folder, "lookups", "tor_relays.csv")})
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				got[i].everything = append(got[i].everything, f)
			}
		}
		fmt.Fprintf(out, "\n%s: %d rows, %d columns, chunk of %.1f MB, 1%% Tor\n", s.name, b.rows, len(s.columns), float64(len(body))/1e6)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "\tCPU ms\twall ms\trows/s\tMB/s\tpeak MB\tof the larger chunk + 20 MB\tgetinfo ms\t")
		for i, c := range commands {
			f := got[i].median()
			got[i] = f
			larger := float64(max(len(body), f.reply))
			fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.1f\t\n", c.name, ms(f.cpu), ms(f.wall),
				float64(b.rows)/f.wall.Seconds(), float64(len(body))/1e6/f.wall.Seconds(),
				float64(f.memory)/1e6, (float64(f.memory)-20e6)/larger, ms(f.getinfo))
		}
		w.Flush()
		fmt.Fprintf(out, "CPU: tordetect is %.2f times the echo", float64(got[0].cpu)/float64(got[1].cpu))
		if len(got) > 2 {
			fmt.Fprintf(out, ", and splunklib %.0f times tordetect", float64(got[2].cpu)/float64(got[0].cpu))
		}
		fmt.Fprintf(out, "; wall: %.2f times the echo\n", float64(got[0].wall)/float64(got[1].wall))
	}
	return nil
}

// install lays out a folder as the package does, with the table.
func (b bench) install(folder, table string) (string, error) {
	program, err := os.ReadFile(b.binary)
	if err != nil {
		return "", err
	}
	for _, sub := range []string{"bin", "lookups"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o755); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "lookups", "tor_relays.csv"), []byte(table), 0o644); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "bin", "tordetect")
	return path, os.WriteFile(path, program, 0o755)
}

const (
	getinfo = `{"action":"getinfo","preview":false,"searchinfo":{"args":[],"raw_args":[],"dispatch_dir":"","sid":"1.1","app":"tordetect","owner":"admin","username":"admin","session_key":"","splunkd_uri":"https://127.0.0.1:8089","splunk_version":"8.2.1","search":"search","command":"tordetect","maxresultrows":50000,"earliest_time":"0","latest_time":"0"}}`
	execute = `{"action":"execute","finished":false}`
	last    = `{"action":"execute","finished":true}`
)

// once runs a command over one chunk and an empty last one.
func once(argv []string, body []byte, env []string) (figures, error) {
	var f figures
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return f, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return f, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return f, err
	}
	replies := chunked.NewReader(out)
	header, _, _ := cutLine(body)
	for i, request := range []struct{ metadata, body []byte }{{[]byte(getinfo), nil}, {[]byte(execute), body}, {[]byte(last), header}} {
		asked := time.Now()
		frame := chunked.AppendFrame(nil, request.metadata, request.body)
		if _, err := in.Write(frame); err != nil {
			return f, err
		}
		_, reply, err := replies.Next()
		if err != nil {
			return f, fmt.Errorf("reply %d: %w", i, err)
		}
		switch i {
		case 0:
			f.getinfo = time.Since(start)
		case 1:
			f.first, f.reply = time.Since(asked), len(reply)
		}
	}
	if f.memory, err = peak(cmd.Process.Pid); err != nil {
		return f, err
	}
	if err := in.Close(); err != nil {
		return f, err
	}
	if err := cmd.Wait(); err != nil {
		return f, err
	}
	f.wall = time.Since(start)
	f.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return f, nil
}

// peak is the most memory that a process held so far. The resource usage that
// the system reports at its end would count the parent's, from which it was
// forked.
func peak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the peak memory, which needs Linux: %w", err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	_, err = fmt.Sscan(after, &kB)
	return kB << 10, err
}

func cutLine(body []byte) (line, rest []byte, ok bool) {
	i := slices.Index(body, '\n')
	return body[:i+1], body[i+1:], true
}

func (f figures) median() figures {
	mid := func(of func(figures) int64) int64 {
		all := make([]int64, len(f.everything))
		for i := range f.everything {
			all[i] = of(f.everything[i])
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return figures{
		cpu:     time.Duration(mid(func(f figures) int64 { return int64(f.cpu) })),
		wall:    time.Duration(mid(func(f figures) int64 { return int64(f.wall) })),
		first:   time.Duration(mid(func(f figures) int64 { return int64(f.first) })),
		getinfo: time.Duration(mid(func(f figures) int64 { return int64(f.getinfo) })),
		memory:  mid(func(f figures) int64 { return f.memory }),
		reply:   int(mid(func(f figures) int64 { return int64(f.reply) })),
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
