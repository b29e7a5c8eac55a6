// Package html writes what a scan found as one page that needs nothing beside
// itself: no script, no font, no picture from elsewhere. It can be mailed, printed
// and opened offline.
//
//	in:   the flows of a scan, kept as a digest, and its summary
//	out:  summary, timeline, clients, relays, hosts reached, evidence, coverage,
//	      findings, and how to read them
//
// html.go writes the page, page.go says what is on it, headline.go what it says
// first, words.go what codes mean, chart.go the drawings; page.tmpl and page.css
// are its form.
//
// What it holds in memory and what it writes are bounded, however many findings
// there are. All that comes from logs is text to it: html/template escapes it,
// control characters become question marks, and the page forbids itself scripts and
// connections.
package html

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strconv"
	"strings"

	"tordetect/src/report/digest"
	"tordetect/src/scan"
	"tordetect/src/text"
)

// Report is a report.Report.
type Report struct {
	out    io.Writer
	digest *digest.Digest
}

//go:embed page.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

// New returns a report that writes its page to out when it is finished.
func New(out io.Writer) *Report { return &Report{out: out, digest: digest.New()} }

// Add takes a flow.
func (r *Report) Add(f *scan.Flow) error {
	r.digest.Add(f)
	return nil
}

// Finish writes the page.
func (r *Report) Finish(s *scan.Summary) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"time": pageTime, "count": grouped, "counts": func(n int) string { return grouped(int64(n)) }, "size": size, "safe": pageText, "long": isLong, "groups": groups, "pieces": pieces,
		"plural": func(n int64, what string) string { return countedWide(n, what) },
		"style":  func() template.CSS { return template.CSS(pageStyle) },
		"policy": func() string {
			sum := sha256.Sum256([]byte(pageStyle))
			return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
		},
	}).Parse(pageTemplate)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(r.out)
	if err := page.Execute(w, newPage(s, r.digest)); err != nil {
		return err
	}
	return w.Flush()
}

// pageText is text from outside: printable, and without the code points that no
// document may have.
func pageText(value string) string {
	return strings.Map(func(r rune) rune {
		if r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef {
			return '?'
		}
		return r
	}, text.Printable(value))
}

// isLong reports whether a name may be broken where there is no room: no address is so
// long, and a name of a log may be a line.
func isLong(name string) bool {
	return len(name) > len("[2001:0db8:0000:0000:0000:0000:255.255.255.255]:65535")
}

// groups parts a name where it may be broken without harm: behind the colons of an
// IPv6 address. Any other name is one.
func groups(name string) []string {
	if strings.Count(name, ":") < 2 || isLong(name) {
		return []string{name}
	}
	return strings.SplitAfter(name, ":")
}

// A piece is a part of a sentence: a whole one is never broken, one that is open may
// be broken behind it.
type piece struct {
	Text        string
	Whole, Open bool
}

// unbroken is a time as we write it, which has hyphens to break at, and an IPv6
// address, which has nothing.
var unbroken = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[0-9a-f]*(?::[0-9a-f]*){2,}`)

// pieces parts a sentence at its times and within its addresses.
func pieces(sentence string) []piece {
	var out []piece
	at := 0
	for _, m := range unbroken.FindAllStringIndex(sentence, -1) {
		out = append(out, piece{Text: sentence[at:m[0]]})
		if word := sentence[m[0]:m[1]]; strings.HasSuffix(word, "Z") {
			out = append(out, piece{Text: word, Whole: true})
		} else {
			for _, group := range groups(word) {
				out = append(out, piece{Text: group, Open: strings.HasSuffix(group, ":")})
			}
		}
		at = m[1]
	}
	return append(out, piece{Text: sentence[at:]})
}

// pageTime is a time in the report: UTC, as everywhere in torctl's output.
func pageTime(seconds int64) string {
	if seconds == 0 {
		return "not known"
	}
	return text.Time(seconds)
}

// grouped writes a number with a blank between thousands, which no language takes
// for a decimal point.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range text {
		if i > 0 && (len(text)-i)%3 == 0 && text[i-1] != '-' {
			b.WriteRune('\u202f') // narrow, and no line ends there
		}
		b.WriteRune(c)
	}
	return b.String()
}

// size writes a number of bytes as a person says it.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		value /= 1000
		if value < 999.95 || unit == "TB" {
			return fmt.Sprintf("%.1f %s", value, unit)
		}
	}
	return ""
}
