package terminal

// A Tone is how much a word matters. It is a colour where there is a terminal that
// has them and NO_COLOR is not set; the word alone says the same.
type Tone uint8

// The tones, from what is read last.
const (
	Plain   Tone = iota
	Faint        // nothing was found, or nothing to do
	Notice       // a hint
	Caution      // look at it
	Alarm        // look at it first
)

// escapes are colours that every terminal has in its own shade, so that they can be
// read on light and dark. (On Windows the library that draws tables has the console
// take them.)
var escapes = [...]string{Faint: "\x1b[2m", Notice: "\x1b[36m", Caution: "\x1b[33m", Alarm: "\x1b[1;31m"}

// Toned is a word in its tone.
func (t *Terminal) Toned(tone Tone, word string) string {
	if !t.colours || tone == Plain || word == "" {
		return word
	}
	return escapes[tone] + word + "\x1b[0m"
}
