package logfile

import "fmt"

// Kind is a kind of complaint.
type Kind uint8

// The kinds of complaints.
const (
	Unopened   Kind = iota // a file that could not be opened
	Unknown                // a file of no known format, or of another than it was said to be
	Broken                 // a file that breaks off
	Unreadable             // a line that is not what it should be
	Cut                    // a line that ends too early
	Long                   // a line longer than MaxLine
	Clock                  // a clock that jumps; the row counts
	Kinds
)

var kindNames = [Kinds]string{
	"unreadable file", "unknown format", "broken file", "unreadable line", "cut line",
	"line too long", "clock jump",
}

func (k Kind) String() string { return kindNames[k] }

// A Complaint says what is wrong, and where.
type Complaint struct {
	File string
	Line int64 // counted from 1; 0: the file as a whole
	Kind Kind
	Text string // holds nothing of the line
}

func (c *Complaint) Error() string {
	if c.Line == 0 {
		return fmt.Sprintf("%s: %s", c.File, c.Text)
	}
	return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Text)
}

// keptComplaints is how many complaints of a kind are kept: enough to see what is
// wrong, few enough for a screen.
const keptComplaints = 5

// Complaints holds the first complaints of each kind and counts all of them. The
// zero value is empty.
type Complaints struct {
	kept  []*Complaint
	count [Kinds]int64
}

// Kept returns the complaints that were kept, in the order of the files.
func (c *Complaints) Kept() []*Complaint { return c.kept }

// Count returns how many complaints of a kind there were.
func (c *Complaints) Count(k Kind) int64 { return c.count[k] }

func (c *Complaints) wants(k Kind) bool { return c.count[k] < keptComplaints }

func (c *Complaints) add(complaint *Complaint) {
	if c.wants(complaint.Kind) {
		c.kept = append(c.kept, complaint)
	}
	c.count[complaint.Kind]++
}

// A problem is a complaint without its place. Those of lines are variables, so
// that a file full of them costs no memory.
type problem struct {
	kind Kind
	text string
}
