package relay

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"tordetect/src/bounded"
	"tordetect/src/flow"
)

// Table is a relay table in memory. Make one with Empty, Parse or Open; the
// zero Table knows nothing, not even the built-in list. Any number of
// goroutines may ask it at once, but not while Extend runs.
type Table struct {
	index
	exits     *exits
	lists     lists // when consensuses were read
	exitLists lists // when exit lists were read
	texts     int   // how many tables were read

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
var ErrNotATable = errors.New("not a relay table")

// Empty returns a table that knows only the built-in list.
func Empty() *Table {
	t := &Table{exits: &exits{}}
	t.lay(builtIn())
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

// Parse reads a table from text, which is kept, not copied.
func Parse(text string) (*Table, error) {
	t := Empty()
	if err := t.Extend(text); err != nil {
		return nil, err
	}
	return t, nil
}

// ExtendFile adds the table in the file, for instance the history, to t.
func (t *Table) ExtendFile(path string) error {
	data, err := bounded.File(path, MaxTableBytes)
	var large *bounded.TooLarge
	switch {
	case errors.Is(err, bounded.ErrNoFile), errors.As(err, &large):
		return err
	case err != nil:
		return fmt.Errorf("open the relay table: %w", err)
	}
	return t.Extend(unsafe.String(unsafe.SliceData(data), len(data))) // data is never written again
}

// Extend adds the rows and the coverage of a second table to t; t stays as it
// was if the text is no table. A row that both hold, perhaps for a longer time
// in one, becomes one row. The text is kept, not copied.
func (t *Table) Extend(text string) error {
	p, err := parse(text, &t.index)
	if err != nil {
		return err
	}
	whole := p.complete && 2*p.skipped <= p.rows
	t.Complete = whole && (t.Complete || t.texts == 0)
	t.texts++
	t.Rows += p.rows
	t.Skipped += p.skipped
	if whole {
		t.lists = join(append(t.lists, p.coverage...))
		t.exitLists = join(append(t.exitLists, p.exitCoverage...))
	}
	t.Skipped += t.lay(p.entries)
	t.exits = &exits{}
	return nil
}

// exits finds the ExitAddress entries of a relay. It is made when it is asked for
// the first time: most searches never do, and 2,000 exits are a twentieth of what
// a table costs.
type exits struct {
	once    sync.Once
	byRelay map[string][]int32 // fingerprint -> numbers of its entries
}

func (x *exits) of(fingerprint string, entries []Entry) []int32 {
	if x == nil { // of the zero Table
		return nil
	}
	x.once.Do(func() {
		x.byRelay = make(map[string][]int32)
		for i := range entries {
			e := &entries[i]
			if e.Kind != flow.ExitAddress {
				continue
			}
			if rows := x.byRelay[e.Fingerprint]; len(rows) < maxPerAddress {
				x.byRelay[e.Fingerprint] = append(rows, int32(i))
			}
		}
	})
	return x.byRelay[fingerprint]
}
