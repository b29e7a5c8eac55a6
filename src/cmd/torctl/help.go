package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tordetect/src/format"
	"tordetect/src/terminal"
)

// What torctl says of itself beside what each command says in its own file: the
// first page, examples where a command has none of its own, and what a shell offers
// when somebody presses the tabulator. A test runs the examples.

const firstPage = `torctl works on the files of Tor Detect, a Splunk app, without Splunk: it keeps the
table of Tor relays, judges log files by it as the app's search command does, names
the programs behind TLS connections, replays events into Splunk, and tells whether an installed app is healthy.

Results go to stdout and everything else to stderr. Exit code 0: fine. 1: something
failed, or was found wrong. 2: wrong usage. 3: Tor was found (scan --fail-on).

Every command has examples: torctl help relays import`

const firstExamples = `  # a table of the Tor relays of the last days, and what is in it
  torctl relays update --relays tor_relays.csv
  torctl relays status --relays tor_relays.csv

  # was that address a relay then?
  torctl relays seen 2001:db8::1 --at 2026-11-20T10:30:00Z

  # Tor in a firewall's log, as a table, and as a file for other programs
  torctl scan pan.log --relays tor_relays.csv
  torctl scan pan.log --relays tor_relays.csv -o csv > flows.csv

  # which Tor is that? the fingerprints of a capture's TLS connections
  torctl fingerprint tor.pcap

  # does the detection fire? and is the app healthy?
  torctl replay pan.log --url https://splunk:8088 --token-file token --sourcetype pan:traffic --shift-to-now
  torctl doctor --app /opt/splunk/etc/apps/tordetect`

// examples are those of commands that have none of their own.
var examples = map[string]string{
	"torctl": firstExamples,
	"torctl relays": `  torctl relays update --relays tor_relays.csv --retention 7d
  torctl relays import cached-microdesc-consensus cached-certs --relays tor_relays.csv
  torctl relays seen 2001:db8::1 --at 2026-11-20T10:30:00Z --relays tor_relays.csv`,
	"torctl relays status": `  torctl relays status
  torctl relays status --relays tor_relays_history.csv -o json`,
}

// choices are the values of flags that take one of a few.
var choices = map[string]map[string][]string{
	"torctl relays import": {"output": {terminal.FormTable, terminal.FormJSON}},
	"torctl relays verify": {"output": {terminal.FormTable, terminal.FormJSON}},
	"torctl relays status": {"output": {terminal.FormTable, terminal.FormJSON, terminal.FormCSV}},
	"torctl relays seen":   {"output": {terminal.FormTable, terminal.FormJSON, terminal.FormCSV}},
	"torctl scan": {
		"output":  {terminal.FormTable, terminal.FormJSON, terminal.FormCSV, formHTML},
		"format":  format.Names(),
		"fail-on": {"tor", "likely", "possible"},
	},
	"torctl fingerprint": {"output": {formText, terminal.FormJSON}},
	"torctl replay":      {"to": {toHEC, toSCS}, "endpoint": {"raw", "event"}, "output": {formText, terminal.FormJSON}},
	"torctl doctor":      {"output": {terminal.FormTable, terminal.FormJSON}},
}

// fileFlags are flags that take a file with one of these ends, folderFlags those that
// take a folder.
var (
	fileFlags   = map[string][]string{"relays": {"csv"}, "package": {"tgz", "tar.gz", "spl"}, "ca": {"pem", "crt"}}
	folderFlags = []string{"app"}
)

// helpWidth is the longest line of help: that of the terminal that nobody widened.
const helpWidth = 80

// wrapped sets the paragraphs of a text anew; indented lines keep their form.
func wrapped(long string) string {
	var out []string
	for part := range strings.SplitSeq(long, "\n\n") {
		if !strings.Contains("\n"+part, "\n ") {
			part = strings.TrimSuffix(terminal.Set(helpWidth, "", "", part), "\n")
		}
		out = append(out, part)
	}
	return strings.TrimSuffix(strings.Join(out, "\n\n"), "\n")
}

// continued breaks commands that are too long in front of a flag or a pipe, as a shell
// takes them.
func continued(example string) string {
	var out []string
	for line := range strings.SplitSeq(example, "\n") {
		for len(line) > helpWidth {
			head := line[:helpWidth-1] // behind it: a blank and a backslash
			at := max(strings.LastIndex(head, " -"), strings.LastIndex(head, " | "))
			if strings.TrimSpace(line[:max(at, 0)]) == "" {
				break
			}
			out = append(out, line[:at]+` \`)
			line = "     " + line[at:]
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// teach completes the commands below root.
func teach(root *cobra.Command) {
	root.Long = firstPage
	flags := strings.NewReplacer("FlagUsages ", fmt.Sprintf("FlagUsagesWrapped %d ", helpWidth))
	root.SetUsageTemplate(flags.Replace(root.UsageTemplate()))
	each(root, func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Example == "" {
			c.Example = examples[path]
		}
		c.Long, c.Example = wrapped(c.Long), continued(c.Example)
		for flag, values := range choices[path] {
			// It fails only for a flag that does not exist, which a test would see.
			_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
		for flag, ends := range fileFlags {
			if c.Flags().Lookup(flag) != nil {
				_ = c.MarkFlagFilename(flag, ends...)
			}
		}
		for _, flag := range folderFlags {
			if c.Flags().Lookup(flag) != nil {
				_ = c.MarkFlagDirname(flag)
			}
		}
		// Only words such as FILE and DIR in a command's use stand for files.
		if c.ValidArgsFunction == nil && c.ValidArgs == nil && !takesFiles(c) {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	})
}

// each visits the commands from one on, those that are hidden apart.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() || below.HasAvailableSubCommands() {
			each(below, visit)
		}
	}
}
