package chunked

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// errGone is the cause for which a command's context ended.
var errGone = errors.New("splunkd does not read the results any more")

// watch ends the context of a command when splunkd goes away. While Execute runs
// it asks now and then whether stdout still has a reader. It is asked and not
// waited for: waiting takes a thread, something to wake it by, and more at the
// beginning and the end of each chunk than this does in all; most chunks are over
// before the first question.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	closed func() bool // nil where that cannot be told

	mu      sync.Mutex
	running bool
	timer   *time.Timer
}

// watchEvery is how often stdout is looked at. A question costs a microsecond or
// two, and a search that was cancelled should not work on for a second.
const watchEvery = 100 * time.Millisecond

func newWatch(stdout io.Writer) *watch {
	w := &watch{closed: readerGone(stdout)}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	return w
}

// start begins to look, for the time of an Execute.
func (w *watch) start() {
	if w.closed == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchEvery, w.look)
	} else {
		w.timer.Reset(watchEvery)
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.running:
	case w.closed():
		w.end(errGone)
	default:
		w.timer.Reset(watchEvery)
	}
}

// pause looks no more until the next start. When it returns nothing looks.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
	if w.timer != nil {
		w.timer.Stop()
	}
}

// end ends the context for a reason.
func (w *watch) end(why error) { w.cancel(why) }

// isGone reports whether nobody reads stdout any more.
func (w *watch) isGone() bool { return context.Cause(w.ctx) == errGone }
