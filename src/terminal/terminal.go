// Package terminal is all that somebody at a terminal sees of torctl: lines,
// tables, paragraphs, colours and bars.
//
//	in:   t.Say("read %s from %s", "2 flows", "pan\x1b[2J.log")
//	out:  torctl: read 2 flows from pan?[2J.log
//
//	in:   t.Rows(terminal.FormJSON, []string{"ip", "port"}, [][]any{{"192.0.2.1", 9001}})
//	out:  {"ip":"192.0.2.1","port":9001}
//
// Its rules:
//
//   - Results alone go to stdout, so that they can be piped.
//   - Everything else goes to stderr, a line each, with "torctl: " in front,
//     without a capital and a full stop.
//   - A bar or a colour is for a terminal only, never for a pipe or file.
//   - A table has the terminal's width: columns that do not fit are named, and a table
//     that cannot be made to fit becomes lines of a name and a value.
//   - Text from outside loses what plays with a terminal; in JSON it is escaped.
//
// escape.go has cells and JSON strings, table.go tables, rows.go the forms of rows,
// paragraph.go sentences, tone.go colours, bar.go bars. The package knows nothing of Tor, opens no
// file and reads no flag.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"tordetect/src/text"
)

// Terminal is where a run of the program writes. Make one with New.
type Terminal struct {
	out, err io.Writer
	width    func() int
	colours  bool
}

// New returns a terminal whose results go to out and the rest to err.
func New(out, err io.Writer) *Terminal {
	t := &Terminal{out: out, err: err, width: func() int { return 0 }}
	f, ok := out.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) {
		// Who changes the window's size between two tables gets what fits then.
		t.width = func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0
			}
			return width
		}
		t.colours = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return t
}

// Of returns a terminal of so many characters a line, whatever out is.
func Of(out, err io.Writer, width int, colours bool) *Terminal {
	return &Terminal{out, err, func() int { return width }, colours}
}

// Out is where results go, for those that have a form of their own.
func (t *Terminal) Out() io.Writer { return t.out }

// Print writes a part of the results as it is.
func (t *Terminal) Print(text string) error { return writing(io.WriteString(t.out, text)) }

// Say writes a line beside the results: paths, sources and errors in it may hold
// anything.
func (t *Terminal) Say(format string, args ...any) {
	fmt.Fprint(t.err, said(fmt.Sprintf(format, args...)))
}

// said is one line of what may be several.
func said(lines string) string {
	var parts []string
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return "torctl: " + text.Printable(strings.Join(parts, "; ")) + "\n"
}

// Err is where all else goes, for those that have a form of their own.
func (t *Terminal) Err() io.Writer { return t.err }

// Width is how many characters a line of the terminal has; 0 if the results do not
// go to one.
func (t *Terminal) Width() int { return t.width() }

// writing says what failed where a write did.
func writing(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
