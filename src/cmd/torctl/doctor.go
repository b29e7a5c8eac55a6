package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tordetect/src/doctor"
	"tordetect/src/splunkhome"
	"tordetect/src/terminal"
	"tordetect/src/text"
)

func doctorCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var app, file, key, form string
	var strict, noRun, all bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Is the installed app healthy, and if not, what to do",
		Long: `Looks at an installed app Tor Detect, or at its package: modes, owners and
architecture of its programs, whether they start, versions, the relay list's age
and coverage, the clock, who may write the lookups, lookups that landed in another
app, what goes to the indexers, other apps that bring the same command, macros or
detection, what local/ hides, and which searches run.

Nothing is changed, and neither Splunk nor the network is asked. The app's
launchers are started with a question that does nothing (--no-run leaves that
out). Run it as the user that Splunk runs as: it sees what Splunk sees.

Without --app and --package the app is looked for in $SPLUNK_HOME, then in the
folder where you are, then in /opt/splunk.

Exit code 0: no errors (with --strict: no warnings either). 1: there are some.`,
		Example: `  torctl doctor
  torctl doctor --app /opt/splunk/etc/apps/tordetect --strict
  torctl doctor --package tordetect-0.1.0.tgz
  torctl doctor --package tordetect-0.1.0.tgz --key release.pub
  torctl doctor --app /opt/splunk/etc/apps/tordetect -o json | grep '"severity":"error"'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkForm(form, terminal.FormTable, terminal.FormJSON); err != nil {
				return err
			}
			if key != "" && file == "" {
				return errors.New("--key is for a package: name it by --package")
			}
			o := doctor.Options{Now: now(), Version: version, NoRun: noRun, Key: key}
			var report *doctor.Report
			var err error
			if file != "" {
				report, err = doctor.Package(c.Context(), file, o)
			} else {
				if app, err = findApp(app, os.Getenv("SPLUNK_HOME")); err != nil {
					return err
				}
				report, err = doctor.Folder(c.Context(), app, o)
			}
			if err != nil {
				return failed(err)
			}
			return failed(tellHealth(t, form, report, strict, all))
		},
	}
	f := c.Flags()
	f.StringVar(&app, "app", "", "the app's folder, as in /opt/splunk/etc/apps/tordetect, or Splunk's folder")
	f.StringVar(&file, "package", "", "a package, as in tordetect-0.1.0.tgz, instead of a folder")
	f.StringVar(&key, "key", "", "with --package: public key (PEM) that its release must be signed by; SHA256SUMS and SHA256SUMS.sig stand beside the package")
	f.BoolVar(&strict, "strict", false, "exit with 1 for warnings, too")
	f.BoolVar(&noRun, "no-run", false, "do not start the app's launchers")
	f.BoolVarP(&all, "all", "a", false, "table: also show the checks that found nothing wrong")
	f.StringVarP(&form, "output", "o", terminal.FormTable, outputHelp+"table or json (an object for each finding)")
	c.MarkFlagsMutuallyExclusive("app", "package")
	return c
}

// inSplunk is where the app is below Splunk's folder.
var inSplunk = filepath.Join("etc", "apps", splunkhome.App)

// findApp returns the app's folder: the given one, or that below it if it is
// Splunk's, or where it usually is.
func findApp(given, home string) (string, error) {
	isApp := func(folder string) bool {
		_, err := os.Stat(filepath.Join(folder, "default", "app.conf"))
		return err == nil
	}
	if given != "" {
		if below := filepath.Join(given, inSplunk); !isApp(given) && isApp(below) {
			return below, nil
		}
		return given, nil
	}
	places := []string{".", filepath.Join("/opt/splunk", inSplunk)}
	if home != "" {
		places = append([]string{filepath.Join(home, inSplunk)}, places...)
	}
	for _, folder := range places {
		if isApp(folder) {
			return folder, nil
		}
	}
	return "", errors.New("no app found in $SPLUNK_HOME, here or in /opt/splunk: name its folder by --app, or a package by --package")
}

// tellHealth writes the report, and returns what makes the exit code 1.
func tellHealth(t *terminal.Terminal, form string, r *doctor.Report, strict, all bool) error {
	var err error
	if form == terminal.FormJSON {
		var rows [][]any
		for _, f := range r.Findings {
			rows = append(rows, []any{f.Severity.String(), f.Check, f.Where, f.What, f.Do})
		}
		err = t.Rows(form, []string{"severity", "check", "where", "what", "do"}, rows)
	} else {
		err = health(t, r, all)
	}
	if err != nil {
		return err
	}
	bad := r.Count(doctor.Error)
	words := text.Counted(bad, "error")
	if warnings := r.Count(doctor.Warning); strict && warnings > 0 {
		words += " and " + text.Counted(warnings, "warning")
		bad += warnings
	}
	if bad > 0 {
		return errors.New(words)
	}
	return nil
}

// indent is where the sentences of the health report begin.
const indent = "           "

// severityTones are how much a severity matters.
var severityTones = map[doctor.Severity]terminal.Tone{
	doctor.Error: terminal.Alarm, doctor.Warning: terminal.Caution, doctor.Note: terminal.Notice, doctor.OK: terminal.Faint,
}

// health writes the report for a person: the worst first, a paragraph each, as
// sentences fit into no table.
func health(t *terminal.Terminal, r *doctor.Report, all bool) error {
	var b strings.Builder
	fine := 0
	for _, severity := range []doctor.Severity{doctor.Error, doctor.Warning, doctor.Note, doctor.OK} {
		for _, f := range r.Findings {
			if f.Severity != severity {
				continue
			}
			if severity == doctor.OK {
				if fine++; !all {
					continue
				}
			}
			where := f.Check
			if f.Where != "" {
				where += ": " + f.Where
			}
			word := severity.String()
			b.WriteString(t.Toned(severityTones[severity], word) + strings.Repeat(" ", max(len(indent)-len(word), 1)) + text.Printable(where) + "\n")
			b.WriteString(t.Paragraph(indent, f.What))
			if f.Do != "" {
				b.WriteString(t.Paragraph(indent, "to do: "+f.Do))
			}
		}
	}
	sum := fmt.Sprintf("%s: %s, %s, %s, %s fine", text.Printable(r.App), text.Counted(r.Count(doctor.Error), "error"), text.Counted(r.Count(doctor.Warning), "warning"),
		text.Counted(r.Count(doctor.Note), "note"), text.Counted(fine, "check")) + "\n"
	if t.Width() > 0 {
		sum = t.Paragraph("", sum)
	}
	return t.Print(b.String() + sum) // in a pipe one line, which a script may look for
}
