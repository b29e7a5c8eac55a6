// Command demo runs the shipped searches over a firewall log, through the packaged app, as Splunk would:
//
//	go run ./tests/demo [LOG [RELAY-TABLE]]
//
// LOG is a file of Palo Alto TRAFFIC lines, RELAY-TABLE a lookups/tor_relays.csv. Without arguments both come from the
// project's own generator. The package is $TORDETECT_PACKAGE, or the newest dist/*.tgz.
//
// It prints, for each search, the table and the messages that an analyst would see, then a table of every kind of evidence
// in the raw log, and at the end a line a search.
// A search that fails is printed as such, the others still run, and the exit code is 1. Wrong usage: 2.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// width is the terminal that results are laid out for.
const width = 120

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 2 || len(args) > 0 && strings.HasPrefix(args[0], "-") {
		fmt.Fprintln(stderr, "usage: demo [LOG [RELAY-TABLE]]")
		return 2
	}
	failed, err := demo(args, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	if failed > 0 {
		fmt.Fprintf(stderr, "demo: %d of the searches failed\n", failed)
		return 1
	}
	return 0
}

func demo(args []string, out io.Writer) (failed int, err error) {
	log, table, err := input(args)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "tordetect-demo-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	head, err := install(dir, log, table)
	if err != nil {
		return 0, err
	}
	names, err := searches(head)
	if err != nil {
		return 0, err
	}
	var summary []string
	for _, name := range names {
		line, ok := show(out, head, name)
		if !ok {
			failed++
		}
		summary = append(summary, line)
	}
	if !ask(out, head) {
		failed++
	}
	fmt.Fprintf(out, "%s\n", strings.Join(summary, "\n"))
	return failed, nil
}

// question is what an analyst would type over the raw log: every kind of evidence, also what the shipped searches leave
// out because it is weak or no TCP, with an example.
const question = `sourcetype=pan:traffic
| tordetect
| eval evidence=if(isnull(tor_evidence),"-",mvjoin(tor_evidence," ")), flow=src." to ".dest." ".dest_port
| stats count first(flow) as example by evidence tor_coverage tor_state tor_verdict tor_score
| sort 0 -tor_score, +evidence, -count
| table tor_score tor_verdict tor_state tor_coverage evidence count example`

// ask runs the question.
func ask(out io.Writer, head *splunkd.Head) bool {
	fmt.Fprintf(out, "=== The raw log, as an analyst may ask\n    %s\n\n", strings.ReplaceAll(question, "\n", "\n    "))
	result, err := head.Run(question)
	return report(out, result, err)
}

// input reads the log and the relay table: given files, or the generated sample. A log without a table is judged with
// what the command knows by itself.
func input(args []string) (log, table []byte, err error) {
	switch len(args) {
	case 0:
		return sample.Log(), sample.Table(), nil
	case 2:
		if table, err = os.ReadFile(args[1]); err != nil {
			return nil, nil, err
		}
	}
	log, err = os.ReadFile(args[0])
	return log, table, err
}

// install makes a search head with the package, the table and the events. Now is just after the last event, and the
// window spans all of them.
func install(dir string, log, table []byte) (*splunkd.Head, error) {
	file, err := splunkd.PackageFile()
	if err != nil {
		return nil, err
	}
	app, err := splunkd.Install(file, dir)
	if err != nil {
		return nil, err
	}
	if table != nil {
		target := app.Lookup("tor_relays.csv")
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(target, table, 0o644); err != nil {
			return nil, err
		}
	}
	head := &splunkd.Head{App: app}
	if _, err := head.AddLog(bytes.NewReader(log)); err != nil {
		return nil, err
	}
	first, last, ok := head.Span()
	if !ok {
		return nil, errors.New("the log holds no events")
	}
	head.Now = last.Add(time.Second)
	head.Earliest, head.Latest = first, head.Now
	return head, nil
}

// searches are the app's saved searches that judge network traffic.
func searches(head *splunkd.Head) ([]string, error) {
	all, err := head.SavedSearches()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range all {
		spl, err := head.SavedSearch(name)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(strings.TrimSpace(spl), "| tstats") && strings.Contains(spl, "datamodel=Network_Traffic") && strings.Contains(spl, "| tordetect") {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the app has no saved search over network traffic")
	}
	return found, nil
}

// show runs one search and prints its result, and returns its line of the summary.
func show(out io.Writer, head *splunkd.Head, name string) (summary string, ok bool) {
	fmt.Fprintf(out, "=== %s\n    %s to %s\n\n", name, head.Earliest.Format(time.RFC3339), head.Latest.Format(time.RFC3339))
	result, err := head.RunSavedOver(name)
	if !report(out, result, err) {
		return fmt.Sprintf("%s: failed", name), false
	}
	rows := "rows"
	if len(result.Rows) == 1 {
		rows = "row"
	}
	return fmt.Sprintf("%s: %d %s, %s flows%s", name, len(result.Rows), rows, flows(result), verdicts(result)), true
}

// report prints a result and what Splunk would write under it, and says whether the search ran.
func report(out io.Writer, result *splunkd.Result, err error) bool {
	defer fmt.Fprintln(out)
	if err == nil {
		err = result.Print(out, width)
	}
	for _, m := range result.Messages {
		fmt.Fprintln(out, splunkd.Wrap(m.String(), width))
	}
	if err != nil {
		fmt.Fprintf(out, "%s\nThe search job has failed due to an error.\n", splunkd.Wrap(err.Error(), width))
	}
	return err == nil
}

// flows is the sum of the column count: how many log lines stand behind the rows.
func flows(result *splunkd.Result) string {
	total := 0
	for _, row := range result.Rows {
		n, err := strconv.Atoi(row.Get("count"))
		if err != nil {
			return "?"
		}
		total += n
	}
	return strconv.Itoa(total)
}

// verdicts counts the rows of each verdict, the surest first.
func verdicts(result *splunkd.Result) string {
	order := map[string]int{"tor": 0, "likely": 1, "possible": 2, "none": 3, "unknown": 4}
	counts := map[string]int{}
	for _, row := range result.Rows {
		if verdict := row.Get("tor_verdict"); verdict != "" {
			counts[verdict]++
		}
	}
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return order[names[i]] < order[names[j]] })
	text := ""
	for _, name := range names {
		text += fmt.Sprintf(", %d %s", counts[name], splunkd.Printable(name))
	}
	return text
}
