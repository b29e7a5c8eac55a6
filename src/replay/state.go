package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"tordetect/src/bounded"
	"tordetect/src/replay/recorded"
	"tordetect/src/text"
	"tordetect/src/whole"
)

// A state is what a replay has to know to go on after it was stopped or killed.
// It is written before each request, so that what was on its way then is known to
// be in doubt, and removed when all is done.
type state struct {
	Version  int         `json:"version"`
	Target   string      `json:"target"`
	Run      string      `json:"run"`
	Shift    int64       `json:"shift_seconds"`
	Shifted  bool        `json:"shifted"`
	Accepted int64       `json:"accepted_events"`
	Refused  int64       `json:"refused_events"`
	Twice    int64       `json:"maybe_twice_events"`
	Files    []fileState `json:"files"`
}

const stateVersion = 1

// What a state cannot say, unless it is damaged.
const (
	unpacked  = 1100                     // bytes that a byte of a file can become: deflate makes at most 1,032
	mostShift = 200 * 366 * 24 * 60 * 60 // seconds by which times are moved: two centuries
)

type fileState struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Head string `json:"head"`
	Done []span `json:"done,omitempty"` // accepted or refused for good; in order, apart from each other
	Sent []sent `json:"sent,omitempty"` // sent, and not known to be taken
}

// A span is a part of an unpacked file, from the first byte to the one behind the
// last.
type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

type sent struct {
	span
	Events  int    `json:"events"`
	Channel string `json:"channel,omitempty"`
	ID      int64  `json:"ack"` // of its acknowledgement on that channel, -1 = unknown
}

func newState(target string, files []recorded.Dataset) (*state, error) {
	s := &state{Version: stateVersion, Target: target, Run: newID()}
	for _, d := range files {
		size, head, err := d.Identity()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d.Path, err)
		}
		s.Files = append(s.Files, fileState{Path: d.Path, Size: size, Head: head})
	}
	return s, nil
}

// loadState reads the state of an earlier run, nil where there is none. One of
// other files or of another target is refused.
func loadState(path string, fresh *state) (*state, error) {
	data, err := bounded.File(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state %s: %w; name another by --state", path, err)
	}
	advice := "; remove it to send everything from the start, or name another by --state"
	var s state
	if err := json.Unmarshal(data, &s); err != nil || s.Version != stateVersion {
		return nil, fmt.Errorf("%s is not a state of this program's replay%s", path, advice)
	}
	if s.Target != fresh.Target {
		return nil, fmt.Errorf("the state %s is of a replay to %s, not to %s%s", path, text.Foreign(s.Target), fresh.Target, advice)
	}
	if len(s.Files) != len(fresh.Files) {
		return nil, fmt.Errorf("the state %s is of %d files, not of %d%s", path, len(s.Files), len(fresh.Files), advice)
	}
	most := int64(0) // events that there can be
	for i, f := range s.Files {
		now := fresh.Files[i]
		most += now.Size*unpacked + 1
		if f.Path != now.Path {
			return nil, fmt.Errorf("the state %s has %q where the command has %q%s", path, text.Foreign(f.Path), now.Path, advice)
		}
		if f.Size != now.Size || f.Head != now.Head {
			return nil, fmt.Errorf("%s is not the file any more that the state %s is of%s", f.Path, path, advice)
		}
		if !f.sound() {
			return nil, fmt.Errorf("the state %s is damaged%s", path, advice)
		}
	}
	if s.Accepted < 0 || s.Refused < 0 || s.Twice < 0 || s.Accepted > most || s.Refused > most || s.Shift > mostShift || s.Shift < -mostShift {
		return nil, fmt.Errorf("the state %s is damaged%s", path, advice)
	}
	return &s, nil
}

// blank says whether nothing arrived yet that would arrive twice from the start.
func (s *state) blank() bool {
	return s.Accepted == 0 && s.Refused == 0 && !slices.ContainsFunc(s.Files, func(f fileState) bool { return len(f.Sent) > 0 })
}

// sound says whether the parts are as finish leaves them.
func (f fileState) sound() bool {
	at := int64(-1)
	for _, d := range f.Done {
		if d.From <= at || d.To <= d.From || d.To > f.Size*unpacked {
			return false
		}
		at = d.To
	}
	for _, s := range f.Sent {
		if s.From < 0 || s.To <= s.From || s.To > f.Size*unpacked || s.Events < 0 || s.Channel != "" && !isGUID(s.Channel) {
			return false
		}
	}
	return true
}

// finish notes a part as done.
func (f *fileState) finish(part span) {
	i, _ := slices.BinarySearchFunc(f.Done, part.From, func(d span, from int64) int {
		return int(min(max(d.From-from, -1), 1))
	})
	if i > 0 && f.Done[i-1].To == part.From {
		i--
		f.Done[i].To = part.To
	} else {
		f.Done = slices.Insert(f.Done, i, part)
	}
	if i+1 < len(f.Done) && f.Done[i].To == f.Done[i+1].From {
		f.Done[i].To = f.Done[i+1].To
		f.Done = slices.Delete(f.Done, i+1, i+2)
	}
}

// done says whether an offset is in a part that is done.
func (f *fileState) done(at int64) bool {
	for _, d := range f.Done {
		if at >= d.From && at < d.To {
			return true
		}
	}
	return false
}

// covers says whether all of a part is done.
func (f *fileState) covers(part span) bool {
	for _, d := range f.Done {
		if d.From <= part.From && part.To <= d.To {
			return true
		}
	}
	return false
}

// save puts the state in the place of the file, whole or not at all.
func (s *state) save(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = whole.Replace(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the state: %w; name a place that can be written by --state", err)
	}
	return nil
}
