package scan

import (
	"context"
	"sync"
	"time"
)

// A pipeline is all that this package knows of several cores:
//
//	read --pieces 1, 2, 3--> work, several at the same time --1, 2, 3--> take
//
// A goroutine reads piece after piece, workers work on them, and whoever runs the
// pipeline takes them in the order in which they were read. A fixed number of pieces
// goes round, so memory is bounded, and who reads is never far ahead.
type pipeline[T any] struct {
	read func(*T) bool        // fills a piece; false: there is none
	work []func(*T)           // of each worker
	take func(piece *T) error // an error ends the run
	all  []*piece[T]          // they keep their memory from run to run
	busy sync.RWMutex         // held for reading by who works
}

type piece[T any] struct {
	of   T
	done chan struct{}
}

// ahead is how many pieces are read or done before they can be worked on or taken:
// enough for a worker that is late, and for a read that takes longer.
const ahead = 2

// alone does something while nobody works.
func (p *pipeline[T]) alone(do func()) {
	p.busy.Lock()
	defer p.busy.Unlock()
	do()
}

// patience is how long the end of a run that failed waits for a read. One of a pipe
// may take forever; it is left to itself then, and takes nothing more.
const patience = 100 * time.Millisecond

// run ends when all pieces are taken, with the first error of take, or when the
// context is done.
func (p *pipeline[T]) run(ctx context.Context) error {
	for len(p.all) < len(p.work)+ahead {
		p.all = append(p.all, &piece[T]{done: make(chan struct{}, 1)})
	}
	free, todo, order := make(chan *piece[T], len(p.all)), make(chan *piece[T], len(p.all)), make(chan *piece[T], len(p.all))
	for _, one := range p.all {
		free <- one
	}
	ctx, stop := context.WithCancel(ctx)
	readAll := make(chan struct{})
	go func() {
		defer close(readAll)
		defer close(todo)
		defer close(order)
		for one := range until(ctx, free) {
			if !p.read(&one.of) {
				return
			}
			order <- one
			todo <- one
		}
	}()
	var workers sync.WaitGroup
	for _, work := range p.work {
		workers.Go(func() {
			for one := range until(ctx, todo) {
				p.busy.RLock()
				work(&one.of)
				p.busy.RUnlock()
				one.done <- struct{}{}
			}
		})
	}
	err := func() error {
		for one := range until(ctx, order) {
			for range until(ctx, one.done) {
				break
			}
			if ctx.Err() != nil {
				break
			}
			if err := p.take(&one.of); err != nil {
				return err
			}
			free <- one
		}
		return ctx.Err()
	}()
	stop()
	workers.Wait()
	select {
	case <-readAll:
	case <-time.After(patience):
	}
	return err
}

// until gives what comes until the channel is closed or the context is done.
func until[T any](ctx context.Context, from <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
				return
			case one, more := <-from:
				if !more || !yield(one) {
					return
				}
			}
		}
	}
}
