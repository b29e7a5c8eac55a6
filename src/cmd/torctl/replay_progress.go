package main

import (
	"fmt"

	"tordetect/src/replay"
)

// replayBar is a bar over the bytes of all files, drawn on a terminal when the
// first events were accepted, and lines above it.
type replayBar struct {
	t   *terminal
	bar *bytesBar
}

func (b *replayBar) progress(p replay.Progress) {
	if b.bar == nil {
		b.bar = b.t.bytesProgress(p.Total)
	}
	if b.bar.bar != nil {
		b.bar.begin(fmt.Sprintf("%d events accepted", p.Events))
		b.bar.bar.SetCurrent(p.Bytes)
	}
}

// note says a line; over a bar it is the bar's to write.
func (b *replayBar) note(text string) {
	if b.bar != nil && b.bar.bar != nil {
		fmt.Fprintf(b.bar.progress, "torctl: %s\n", printable(text))
		return
	}
	b.t.say("%s", printable(text))
}

func (b *replayBar) done() {
	if b.bar != nil {
		b.bar.done()
	}
}
