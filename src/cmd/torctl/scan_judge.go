package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command"
	"tordetect/src/terminal"
	"tordetect/src/trafficlog"
)

// A judge drives the search command over log files, as splunkd does over the
// chunks of a search: one goroutine reads and parses, this one judges.
type judge struct {
	options scanOptions
	log     *trafficlog.Log
	search  *command.Search
	chunk   chunked.Chunk
	layout  layout
	row     judged
	summary summary
}

// newJudge makes the search command. Its arguments are those that an analyst
// would type; what it does not accept is wrong usage.
func newJudge(o scanOptions) (*judge, error) {
	folder, name := filepath.Split(o.relays)
	args := []string{"relays=" + name}
	if o.internal != "" {
		args = append(args, "internal="+o.internal)
	}
	if folder == "" {
		folder = "."
	}
	search := command.New(folder, func() time.Time { return o.now })
	if _, err := search.Getinfo(&chunked.Info{Args: args}); err != nil {
		if !strings.HasSuffix(name, ".csv") {
			return nil, fmt.Errorf("bad relay table %q: want the path of a .csv file", o.relays)
		}
		return nil, err
	}
	return &judge{options: o, log: trafficlog.New(o.log), search: search}, nil
}

// parsed is a chunk on its way from the reader to the judge.
type parsed struct {
	file string
	body []byte
}

// inFlight is how many chunks are between reader and judge: one in the making,
// one being judged, one waiting.
const inFlight = 3

var errStopped = errors.New("stopped")

// run reads all files, and calls add for each flow of the least score or above.
func (j *judge) run(stdin io.Reader, bar *terminal.Bar, add func(*judged) error) (*summary, error) {
	full := make(chan parsed, inFlight)
	empty := make(chan []byte, inFlight)
	stop := make(chan struct{})
	for range inFlight {
		empty <- nil
	}
	var failure error
	go func() {
		defer close(full)
		failure = j.read(stdin, bar, func(c *trafficlog.Chunk) error {
			select {
			case body := <-empty:
				full <- parsed{c.File, append(body[:0], c.Body...)}
				return nil
			case <-stop:
				return errStopped
			}
		})
	}()
	var err error
	for p := range full {
		if err == nil {
			if err = j.judge(p, add); err != nil {
				close(stop)
			}
		}
		select {
		case empty <- p.body:
		default:
		}
	}
	if err == nil {
		err = failure
	}
	j.finish()
	return &j.summary, err
}

// read reads the files one after the other.
func (j *judge) read(stdin io.Reader, bar *terminal.Bar, each func(*trafficlog.Chunk) error) error {
	for _, path := range j.options.files {
		bar.Begin(logName(path))
		f, err := openLog(path, stdin)
		if err != nil {
			if err := j.log.Missing(logName(path), err); err != nil {
				return err
			}
			continue
		}
		err = j.log.Read(logName(path), bar.Count(f), each)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// judge judges the rows of one chunk and hands on those that score.
func (j *judge) judge(p parsed, add func(*judged) error) error {
	j.chunk.Reply = j.chunk.Reply[:0]
	if err := j.search.ExecuteStream(&j.chunk, bytes.NewReader(p.body)); err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	header, rest := cutRow(j.chunk.Reply)
	if len(header) == 0 {
		return fmt.Errorf("%s: the judged rows have no header", p.file)
	}
	j.layout.bind(header)
	j.row.File, j.row.layout = p.file, &j.layout
	var row []byte
	for len(rest) > 0 {
		row, rest = cutRow(rest)
		if j.summary.again(row, &j.layout) {
			continue
		}
		j.row.cells = splitRow(j.row.cells[:0], row)
		if len(j.row.cells) != j.layout.columns {
			return fmt.Errorf("%s: a judged row has %d cells and its header %d", p.file, len(j.row.cells), j.layout.columns)
		}
		j.summary.count(&j.row)
		if j.row.Score < j.options.minScore {
			j.layout.remember(row, &j.row)
			continue
		}
		if err := add(&j.row); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

// finish completes the summary.
func (j *judge) finish() {
	s := &j.summary
	s.Read = j.log.Counts
	s.Complaints = &j.log.Complaints
	s.Relays = j.options.relays
	s.Zone = j.options.log.Zone
	s.MinScore = j.options.minScore
	s.Version = j.options.version
	s.Now = j.options.now.Unix()
	for _, m := range j.chunk.Messages() {
		// The command speaks to a user of Splunk.
		text := outsideSplunk.Replace(m.Text)
		s.Warnings = append(s.Warnings, text)
	}
}

// outsideSplunk says what to do in the words of a command line where the search
// command's messages say it in those of Splunk.
var outsideSplunk = strings.NewReplacer(
	"Run the search Update the Tor relay list.", "Run torctl relays update.",
	"Put tordetect before the macro or convert command that turns times into text.", "Write times as epoch seconds or with a zone, as in 2026-11-20T09:00:00Z.",
)
