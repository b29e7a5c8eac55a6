package terminal

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"tordetect/src/text"
)

// A Bar shows how much of some work is done. It is drawn on a terminal only, and
// only where there is enough to do that somebody could look at it; elsewhere it
// does nothing.
type Bar struct {
	t        *Terminal
	progress *mpb.Progress
	bar      *mpb.Bar // nil: not drawn
	name     atomic.Value
	done     int64
}

// The least work that is drawn.
const (
	fewBytes = 8 << 20 // read before a bar could be looked at
	fewFiles = 2
)

// widestBar is the width of the bar alone: figures and a name have room beside it on
// a line of 80.
const widestBar = 24

// Bytes returns a bar over so many bytes; 0 is "not known yet".
func (t *Terminal) Bytes(total int64) *Bar {
	b := &Bar{t: t}
	b.Of(total)
	return b
}

// Of says how many bytes there are, if that was not known.
func (b *Bar) Of(total int64) {
	if total >= fewBytes {
		b.draw(total, decor.CountersKibiByte("% .1f of % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "% .0f "),
			decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), ""), decor.Name(" left "))
	}
}

// Files draws a bar over so many files and returns what to call as each is begun,
// and at the end.
func (t *Terminal) Files(total int) (next func(path string), done func()) {
	b := &Bar{t: t}
	if total >= fewFiles {
		b.draw(int64(total), decor.CountersNoUnit("%d of %d files"))
	}
	begun := int64(0)
	return func(path string) {
		b.Begin(filepath.Base(path))
		b.Set(min(begun, int64(total)-1))
		begun++
	}, b.Done
}

func (b *Bar) draw(total int64, counters decor.Decorator, more ...decor.Decorator) {
	f, ok := b.t.err.(*os.File)
	if b.bar != nil || !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	b.name.Store("")
	name := decor.Any(func(decor.Statistics) string { return b.name.Load().(string) })
	b.progress = mpb.New(mpb.WithOutput(f), mpb.WithWidth(widestBar))
	b.bar = b.progress.AddBar(total, mpb.PrependDecorators(counters), mpb.AppendDecorators(append(more, name)...), mpb.BarRemoveOnComplete())
}

// Begin names what is done next.
func (b *Bar) Begin(name string) {
	if b.bar != nil {
		b.name.Store(text.Printable(name))
	}
}

// Set says how much is done.
func (b *Bar) Set(done int64) {
	if b.bar != nil {
		b.bar.SetCurrent(done)
	}
}

// Count counts what is read from a file.
func (b *Bar) Count(f io.Reader) io.Reader {
	if b.bar == nil {
		return f
	}
	return &countedReader{f, b}
}

type countedReader struct {
	from io.Reader
	bar  *Bar
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.bar.done += int64(n)
	r.bar.Set(r.bar.done)
	return n, err
}

// Note says a line; over a bar it is the bar's to write.
func (b *Bar) Note(text string) {
	if b.bar != nil {
		_, _ = io.WriteString(b.progress, said(text))
		return
	}
	b.t.Say("%s", text)
}

// Done takes the bar away. A file that was given up, or that grows, ends at another
// size than it had.
func (b *Bar) Done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}
