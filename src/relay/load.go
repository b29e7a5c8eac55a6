package relay

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"tordetect/src/bounded"
	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

// Table is a relay table in memory. Make one with Empty, Parse or Open; the
// zero Table knows nothing, not even the built-in list. Any number of
// goroutines may ask it at once, but not while Extend runs.
type Table struct {
	index
	exits     *exits
	lists     lists // when consensuses were read
	exitLists lists // when exit lists were read

	// Rows counts the table's rows, the end row apart. Skipped of them could
	// not be read, or were of an address with more than 4,096 rows.
	Rows, Skipped int
	// Complete says that the end row was there, came last and counted right,
	// and that at least half of the rows could be read. A table that is not
	// complete was cut or damaged: its rows count, its coverage does not.
	Complete bool
}

// MaxTableBytes limits what is read. A week of hourly lists has 27,000 rows in
// 3.6 MB, 400 days have 400,000 in 50 MB; this is ten times as much.
const MaxTableBytes = 512 << 20

// ErrNotATable says that a file's header is not that of a relay table.
var ErrNotATable = sheet.ErrNotATable

// Empty returns a table that knows only the built-in list.
func Empty() *Table {
	t := &Table{exits: &exits{}}
	t.begin(builtIn())
	return t
}

// Open reads the table in the file. An error of the kind fs.ErrNotExist says
// that there is none, one of the kind ErrNotATable that it is something else.
func Open(path string) (*Table, error) {
	t := Empty()
	if err := t.ExtendFile(path); err != nil {
		return nil, err
	}
	return t, nil
}

// Parse reads a table from text.
func Parse(text string) (*Table, error) {
	t := Empty()
	if err := t.Extend(text); err != nil {
		return nil, err
	}
	return t, nil
}

// ExtendFile adds the table in the file, for instance the history, to t.
func (t *Table) ExtendFile(path string) error {
	file, err := bounded.Open(path, MaxTableBytes)
	if err != nil {
		return opening(err)
	}
	defer file.Close()
	s, err := sheet.Read(file, file.Size())
	switch {
	case file.Err() != nil:
		return opening(file.Err())
	case err != nil:
		return err
	}
	t.extend(s)
	return nil
}

func opening(err error) error {
	var large *bounded.TooLarge
	if errors.Is(err, bounded.ErrNoFile) || errors.As(err, &large) {
		return err
	}
	return fmt.Errorf("open the relay table: %w", err)
}

// Extend adds the rows and the coverage of a second table to t; t stays as it
// was if the text is no table. A row that both hold, perhaps for a longer time
// in one, becomes one row.
func (t *Table) Extend(text string) error {
	s, err := sheet.Read(strings.NewReader(text), int64(len(text)))
	if err == nil {
		t.extend(s)
	}
	return err
}

func (t *Table) extend(s *sheet.Sheet) {
	t.Complete = s.Sound() && (t.Complete || len(t.layers) == 0)
	t.Rows += s.Rows
	t.Skipped += s.Skipped
	if s.Sound() {
		t.lists = join(append(t.lists, s.Coverage...))
		t.exitLists = join(append(t.exitLists, s.ExitCoverage...))
	}
	t.Skipped += t.lay(s)
	t.exits = &exits{}
}

// exits finds the ExitAddress entries of a relay. It is made when it is asked for
// the first time: most searches never do, and 2,000 exits are a twentieth of what
// a table costs.
type exits struct {
	once    sync.Once
	byRelay map[string][]*Entry // by fingerprint
}

func (x *exits) of(fingerprint string, table *index) []*Entry {
	if x == nil { // of the zero Table
		return nil
	}
	x.once.Do(func() {
		x.byRelay = make(map[string][]*Entry)
		table.each(flow.ExitAddress, func(e *Entry) bool {
			if rows := x.byRelay[e.Fingerprint]; len(rows) < maxPerAddress {
				x.byRelay[e.Fingerprint] = append(rows, e)
			}
			return true
		})
	})
	return x.byRelay[fingerprint]
}
