package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tordetect/src/terminal"
	"tordetect/src/text"
)

func manCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands into a folder",
		Long: `Writes a manual page for each command into a folder, which is made if need be:
torctl.1, torctl-scan.1, torctl-relays-import.1 and so on. They say what --help
says.`,
		Example: `  torctl man man1
  torctl man ~/.local/share/man/man1`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := writeMan(c.Root(), args[0])
			if err != nil {
				return failed(fmt.Errorf("write the manual pages: %w", err))
			}
			t.Say("%s in %s", text.Counted(n, "page"), args[0])
			return nil
		},
	}
}

// writeMan writes a page for each command that is not hidden, and returns how many.
func writeMan(root *cobra.Command, folder string) (pages int, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	each(root, func(c *cobra.Command) {
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, manName(c)+".1"), []byte(manPage(c)), 0o644)
			pages++
		}
	})
	return pages, err
}

// manName is the name of a command's page.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is a command's page in the language of man(7). It has no date: the same
// program gives the same pages.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	line := func(text string) { b.WriteString(text + "\n") }
	line(fmt.Sprintf(`.TH %s 1 "" %s "Tor Detect"`, roffWord(strings.ToUpper(manName(c))), roffWord("torctl "+version)))
	line(".SH NAME")
	line(roff(manName(c) + " - " + c.Short))
	line(".SH SYNOPSIS")
	if c.Runnable() {
		line(".B " + roffWord(c.CommandPath()))
		if _, words, _ := strings.Cut(c.UseLine(), c.CommandPath()+" "); words != "" {
			line(roff(words))
		}
	}
	if c.HasAvailableSubCommands() {
		if c.Runnable() {
			line(".br")
		}
		line(".B " + roffWord(c.CommandPath()))
		line(roff("COMMAND"))
	}
	line(".SH DESCRIPTION")
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	line(prose(long))
	if c.Example != "" {
		line(".SH EXAMPLES")
		line(verbatim(dedent(c.Example)))
	}
	if c.HasAvailableSubCommands() {
		line(".SH COMMANDS")
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				line(".TP\n.B " + roffWord(below.Name()) + "\n" + roff(below.Short))
			}
		}
	}
	if flags := c.LocalFlags(); flags.HasAvailableFlags() {
		line(".SH OPTIONS")
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				line(manFlag(f))
			}
		})
	}
	line(".SH SEE ALSO")
	line(roff(strings.Join(related(c), ", ")))
	return b.String()
}

// manFlag is a flag as a paragraph of a list.
func manFlag(f *pflag.Flag) string {
	kind, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	head := ".TP\n.B " + roffWord(name)
	if kind != "" {
		head = ".TP\n.BI " + roffWord(name+" ") + " " + roffWord(kind)
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && !strings.Contains(usage, "(default") {
		usage += " (default " + f.DefValue + ")"
	}
	return head + "\n" + roff(usage)
}

// related are the pages of the command above and of those below.
func related(c *cobra.Command) []string {
	var names []string
	if c.HasParent() {
		names = append(names, manName(c.Parent())+"(1)")
	}
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			names = append(names, manName(below)+"(1)")
		}
	}
	return names
}

// prose sets paragraphs; lines that are indented keep their form.
func prose(text string) string {
	var parts []string
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		var plain, kept []string
		flush := func() {
			if len(plain) > 0 {
				parts = append(parts, ".PP\n"+roff(strings.Join(plain, "\n")))
			}
			if len(kept) > 0 {
				parts = append(parts, verbatim(strings.Join(kept, "\n")))
			}
			plain, kept = nil, nil
		}
		for _, line := range strings.Split(paragraph, "\n") {
			if indented := strings.HasPrefix(line, "  "); indented {
				kept = append(kept, line)
			} else {
				if len(kept) > 0 {
					flush()
				}
				plain = append(plain, line)
			}
		}
		flush()
	}
	return strings.Join(parts, "\n")
}

// verbatim sets text line by line, in a font of equal widths where there is one.
func verbatim(text string) string { return ".PP\n.EX\n" + roff(text) + "\n.EE" }

// dedent takes the two blanks off that examples are indented by.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

// roff makes text safe: a backslash is \e, a hyphen \- so that it can be copied and
// searched for, and a line must not begin with a dot or an apostrophe, which would
// make it a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// roffWord is roff for one argument of a request.
func roffWord(text string) string {
	return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"`
}
