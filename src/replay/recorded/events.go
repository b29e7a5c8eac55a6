package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tordetect/src/replay/stamp"
)

// An Event is a line of a file.
type Event struct {
	Text []byte    // as it is sent, without the row end
	Time time.Time // of the event, shifted; zero where none was recognised
	Line int       // 1-based

	From, To int64 // offsets in the unpacked file; what was left out before the event is part of it
	TooLong  bool  // the text is cut
}

// A Reader gives the events of a file.
type Reader struct {
	file    *os.File
	in      *bufio.Reader
	at      int64 // offset in the unpacked file
	from    int64 // end of the last event
	Line    int   // read last
	Skipped int64 // empty lines and Zeek's head lines
	scratch []byte
}

// Read begins with the file.
func (d Dataset) Read() (*Reader, error) {
	f, err := d.open()
	if err != nil {
		return nil, fmt.Errorf("open the data set: %w", err)
	}
	r := &Reader{file: f, in: bufio.NewReaderSize(f, 256<<10)}
	if magic, _ := r.in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(r.in)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("unpack %s: %w", d.Path, err)
		}
		r.in = bufio.NewReaderSize(unpacked, 256<<10)
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() { r.file.Close() }

// Bytes is how far the file on disk was read, in bytes.
func (r *Reader) Bytes() int64 {
	n, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return n
}

// Next is the next event, whose text is valid until the next call; io.EOF at
// the end. Row ends are LF or CRLF.
func (r *Reader) Next() (Event, error) {
	for {
		line, tooLong, err := r.row()
		if err != nil {
			return Event{}, err
		}
		r.Line++
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(bytes.TrimSpace(line)) == 0 || isHead(line) {
			r.Skipped++
			continue
		}
		e := Event{Text: line, Line: r.Line, From: r.from, To: r.at, TooLong: tooLong}
		r.from = r.at
		return e, nil
	}
}

// row reads a line without its LF. Of one that is too long only the begin is
// kept.
func (r *Reader) row() (line []byte, tooLong bool, err error) {
	piece, err := r.in.ReadSlice('\n')
	r.at += int64(len(piece))
	if err == nil {
		return piece[:len(piece)-1], false, nil
	}
	r.scratch = r.scratch[:0]
	for {
		if len(r.scratch)+len(piece) > MaxLine+1 {
			tooLong = true
			piece = piece[:max(0, MaxLine-len(r.scratch))]
		}
		r.scratch = append(r.scratch, piece...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(r.scratch, []byte{'\n'}), tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(r.scratch) > 0:
			return r.scratch, tooLong, nil
		default:
			return nil, false, err
		}
		piece, err = r.in.ReadSlice('\n')
		r.at += int64(len(piece))
	}
}

// Identity tells a file from another one of the same name: its size and the
// hash of its begin.
func (d Dataset) Identity() (size int64, head string, err error) {
	f, err := d.open()
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(f, 64<<10)); err != nil {
		return 0, "", err
	}
	return info.Size(), hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// Newest is the latest event's time over all files, zero where no event has
// one.
func Newest(files []Dataset, zone *time.Location, now time.Time, stop func() error) (time.Time, error) {
	var latest time.Time
	var found []stamp.Stamp
	for _, d := range files {
		r, err := d.Read()
		if err != nil {
			return latest, err
		}
		for n := 0; ; n++ {
			if n%1000 == 0 {
				if err := stop(); err != nil {
					r.Close()
					return latest, err
				}
			}
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.Close()
				return latest, fmt.Errorf("read %s, line %d: %w", d.Path, r.Line+1, err)
			}
			if e.TooLong {
				continue
			}
			var own int
			if found, own = stamp.Find(e.Text, zone, now, found); own >= 0 && found[own].Time.After(latest) {
				latest = found[own].Time
			}
		}
		r.Close()
	}
	return latest, nil
}
