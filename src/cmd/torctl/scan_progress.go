package main

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// bytesBar is a bar over the bytes of all files. Without a terminal it does
// nothing.
type bytesBar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	name     atomic.Value
	read     int64
}

// bytesProgress draws a bar over so many bytes on a terminal; 0 is "not known",
// and then none is drawn.
func (t *terminal) bytesProgress(total int64) *bytesBar {
	f, ok := t.err.(*os.File)
	if !ok || total < smallWork || !term.IsTerminal(int(f.Fd())) {
		return &bytesBar{}
	}
	b := &bytesBar{}
	b.name.Store("")
	b.progress = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	b.bar = b.progress.AddBar(total,
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f of % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1024(0), "% .0f "), decor.Any(func(decor.Statistics) string { return b.name.Load().(string) })),
		mpb.BarRemoveOnComplete())
	return b
}

// smallWork is what is read before a bar could be looked at.
const smallWork = 8 << 20

// begin names the file that is read next.
func (b *bytesBar) begin(name string) {
	if b.bar != nil {
		b.name.Store(printable(name))
	}
}

// count counts what is read from a file.
func (b *bytesBar) count(f io.Reader) io.Reader {
	if b.bar == nil {
		return f
	}
	return &countedReader{f, b}
}

type countedReader struct {
	from io.Reader
	bar  *bytesBar
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.bar.read += int64(n)
	r.bar.bar.SetCurrent(r.bar.read)
	return n, err
}

// done takes the bar away. A file that was given up, or that grows, ends at another
// size than it had.
func (b *bytesBar) done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}
