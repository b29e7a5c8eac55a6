package chunked

// A Chunk is one execute request and the reply to it.
type Chunk struct {
	Finished bool // the last chunk, often without rows. A generating command must not heed it

	// Size is how many bytes the body has that is read, so that a command that has
	// answered a part of it can guess how large its reply will be; see Grow.
	Size int

	// Reply takes the reply body: empty on entry, to be appended to. Its
	// capacity is that of former chunks; see Grow. Left empty it means no rows.
	Reply []byte

	// More asks for another turn. Only for generating commands: they are
	// asked for rows until they leave it false.
	More bool

	journal *journal
	buffer  []byte // Reply, as long as it is not moved, begins at buffer[headroom]
	front   []byte // header and metadata of the reply
}

// Warn shows a warning beside the results. Each text is sent once in a run,
// as one line of at most 1,000 bytes, and at most 20 texts are sent.
func (c *Chunk) Warn(text string) { c.tell("WARN", text) }

// Info shows a remark beside the results, within the limits of Warn.
func (c *Chunk) Info(text string) { c.tell("INFO", text) }

// Error shows an error beside the results. The search goes on: an error that
// ends it is returned by Execute. The limits are those of Warn.
func (c *Chunk) Error(text string) { c.tell("ERROR", text) }

func (c *Chunk) tell(level, text string) {
	if c.journal == nil {
		c.journal = &journal{} // a Chunk made by hand, in the test of a command
	}
	c.journal.add(level, text)
}

// Messages returns what Info, Warn and Error collected for this reply. It is meant
// for tests of commands.
func (c *Chunk) Messages() []Message {
	if c.journal == nil {
		return nil
	}
	return c.journal.pending
}

// headroom is the space in front of a reply body for header and metadata, so
// that both go out in one Write without copying the body. Enough for some
// messages; more of them cost a copy.
const headroom = 1 << 10

// Grow makes room for n more bytes in Reply, as slices.Grow does, but so that
// the reply needs not be copied again to be sent. A command that knows or can
// guess the size of its reply saves time and memory with it: by the bytes that it
// wrote for the rows that it has read, of Size. One that calls Grow before each row
// saves memory, too: append alone leaves more smaller buffers behind.
func (c *Chunk) Grow(n int) {
	if n <= cap(c.Reply)-len(c.Reply) {
		return
	}
	size := len(c.Reply)
	// Twice the size, not the 1.25 times of append: the half that is not used
	// yet costs address space only, and fewer old buffers are left behind. They are
	// left to the collector: forced to come at once, it took more than a third of the
	// CPU of a search whose reply was larger than guessed.
	buffer := make([]byte, headroom+size, headroom+size+max(n, size))
	copy(buffer[headroom:], c.Reply)
	c.buffer = buffer
	c.Reply = buffer[headroom:]
}

// Room is Grow for a command that writes row by row: it makes room for n more bytes, or for
// guess where Reply has to grow for them, and asks the system for the memory of what is
// written next. It returns up to where in Reply there is room and memory, so that Room
// needs not be called before.
func (c *Chunk) Room(n, guess int) int {
	if n > cap(c.Reply)-len(c.Reply) {
		c.Grow(max(n, guess))
	}
	to := min(cap(c.Reply), len(c.Reply)+max(n, min(len(c.Reply), mostAhead)))
	populate(c.Reply[len(c.Reply):to])
	return to
}

// mostAhead is how much memory is asked for before it is written to: as much as was
// written, and not more than that many bytes. The system gives a piece at once a quarter
// cheaper than page by page (66 MB: 30 instead of 40 ms).
const mostAhead = 1 << 20

// Write appends to Reply, for whatever writes to an io.Writer. It never fails.
func (c *Chunk) Write(p []byte) (int, error) {
	c.Grow(len(p))
	c.Reply = append(c.Reply, p...)
	return len(p), nil
}

// reserve makes Reply an empty slice with room for n bytes, in the buffer of
// the former chunk if that is large enough.
func (c *Chunk) reserve(n int) {
	if room := cap(c.buffer) - headroom; room < n {
		c.buffer, c.Reply = nil, nil
		release(room)
		c.buffer = make([]byte, headroom, headroom+max(n, 2*room))
	}
	c.Reply = c.buffer[:headroom][headroom:]
}

// frame returns the whole reply, ready to be written.
func (c *Chunk) frame(metadata []byte) []byte {
	c.front = appendHeader(c.front[:0], len(metadata), len(c.Reply))
	c.front = append(c.front, metadata...)
	if len(c.front) > headroom {
		return append(c.front, c.Reply...)
	}
	if !c.inPlace() {
		// Append has moved the reply, or the command has set Reply to memory of
		// its own. That is not ours to write to.
		body := c.Reply
		c.reserve(len(body))
		c.Reply = append(c.Reply, body...)
	}
	start := headroom - len(c.front)
	copy(c.buffer[start:headroom], c.front)
	return c.buffer[start : headroom+len(c.Reply)]
}

// inPlace reports whether Reply still begins behind the headroom of buffer.
func (c *Chunk) inPlace() bool {
	return cap(c.Reply) > 0 && cap(c.buffer) > headroom &&
		&c.Reply[:1][0] == &c.buffer[:headroom+1][headroom]
}
