package replay

import (
	"errors"
	"fmt"
	"io"
	"time"

	"tordetect/src/replay/recorded"
	"tordetect/src/replay/stamp"
)

// A parcel is a batch on its way.
type parcel struct {
	file   int
	events []*recorded.Event
	bytes  int

	channel  string // that it was taken on
	id       int64  // of its acknowledgement there
	at       time.Time
	resent   int  // because nobody acknowledged it
	twice    bool // may have arrived more than once
	accepted bool
	halved   bool // sent again in halves, while an attempt as a whole is in doubt
}

func (p *parcel) span() span {
	return span{p.events[0].From, p.events[len(p.events)-1].To}
}

// split makes two of one.
func (p *parcel) split() (a, b *parcel) {
	half := len(p.events) / 2
	a, b = &parcel{}, &parcel{}
	*a, *b = *p, *p
	a.halved, b.halved = false, false
	a.events, b.events = p.events[:half], p.events[half:]
	a.bytes, b.bytes = p.bytes/2, p.bytes/2 // near enough for the limit of later ones
	return a, b
}

// A source cuts what is not done yet into parcels.
type source struct {
	files   []recorded.Dataset
	state   *state
	doubt   [][]span // by file: what an earlier run sent and does not know to be taken
	target  Target
	shift   time.Duration
	moved   bool // whether there is a shift
	zone    *time.Location
	now     time.Time
	most    Traits // Events and Bytes may shrink on the way
	refused func(file int, e *recorded.Event, why string)
	summary *Summary

	file   int
	in     *recorded.Reader
	held   *recorded.Event // read, but of the next parcel
	before int64           // bytes on disk of the files before
	found  []stamp.Stamp
}

// next is the next parcel, nil at the end.
func (s *source) next() (*parcel, error) {
	p := &parcel{id: -1}
	for {
		e, err := s.event()
		if errors.Is(err, io.EOF) {
			if len(p.events) > 0 {
				return p, nil
			}
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		size := s.target.Size(s.files[s.file].Meta, e)
		if size > s.target.Traits().Bytes {
			s.refused(s.file, e, fmt.Sprintf("takes %d bytes in a request, at most %d fit", size, s.target.Traits().Bytes))
			continue
		}
		doubtful := s.doubtful(e.From)
		if n := len(p.events); n > 0 && (p.file != s.file || n >= s.most.Events || p.bytes+size > s.most.Bytes ||
			p.events[n-1].To != e.From || p.twice != doubtful) {
			s.held = e
			return p, nil
		}
		p.file, p.twice = s.file, doubtful
		p.events = append(p.events, e)
		p.bytes += size
	}
}

func (s *source) doubtful(at int64) bool {
	for _, d := range s.doubt[s.file] {
		if at >= d.From && at < d.To {
			return true
		}
	}
	return false
}

// event is the next event that is not done, shifted and with its text copied.
func (s *source) event() (*recorded.Event, error) {
	if e := s.held; e != nil {
		s.held = nil
		return e, nil
	}
	for s.file < len(s.files) {
		if s.in == nil {
			in, err := s.files[s.file].Read()
			if err != nil {
				return nil, err
			}
			s.in = in
		}
		e, err := s.in.Next()
		if errors.Is(err, io.EOF) {
			s.summary.Skipped += s.in.Skipped
			s.before += s.in.Bytes()
			s.close()
			s.file++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s, line %d: %w; what was accepted before is remembered", s.files[s.file].Path, s.in.Line+1, err)
		}
		if s.state.Files[s.file].done(e.From) {
			continue
		}
		if e.TooLong {
			s.refused(s.file, &e, fmt.Sprintf("is longer than %d bytes", recorded.MaxLine))
			continue
		}
		return s.dated(e), nil
	}
	return nil, io.EOF
}

// dated gives the event its time, and moves it.
func (s *source) dated(e recorded.Event) *recorded.Event {
	var own int
	s.found, own = stamp.Find(e.Text, s.zone, s.now, s.found)
	if own < 0 {
		s.summary.Undated++
		e.Text = append([]byte(nil), e.Text...)
		return &e
	}
	e.Time = s.found[own].Time.Add(s.shift)
	if s.moved && !s.most.CarriesTime {
		e.Text = stamp.Shifted(e.Text, s.found, s.shift)
	} else {
		e.Text = append([]byte(nil), e.Text...)
	}
	s.summary.between(e.Time)
	return &e
}

// bytes is how much of the files was read, on disk.
func (s *source) bytes() int64 {
	if s.in == nil {
		return s.before
	}
	return s.before + s.in.Bytes()
}

func (s *source) close() {
	if s.in != nil {
		s.in.Close()
		s.in = nil
	}
}
