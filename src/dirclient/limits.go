package dirclient

import (
	"fmt"
	"time"
)

// Limits bound what a Client takes, from whoever answers. A zero field means
// the value of DefaultLimits.
type Limits struct {
	// Sizes, in bytes.
	Header  int64 // all headers of an answer
	Body    int64 // a body as it is sent
	Decoded int64 // the same, unpacked

	// Times.
	Connect time.Duration // one TCP connection
	Answer  time.Duration // from asking to the end of the headers, connection and TLS included
	Stall   time.Duration // between two pieces of a body
	Request time.Duration // a request from its start to the last byte, redirects included
	Total   time.Duration // everything, from New

	// Politeness.
	Requests   int           // all requests, redirects and repetitions included
	Redirects  int           // one after the other
	Tries      int           // of one document at one server
	RetryAfter time.Duration // the longest wait that a server may ask for

	// A folder.
	File        int64 // one file, bytes
	Files       int   // files and folders looked at
	FolderBytes int64 // all files together
}

// defaultLimits are for the real network: about four times what is
// seen today, so that they need no care for some years.
var defaultLimits = Limits{
	Header:  32 << 10, // tor sends under 1 kB, a web server with all its policies some 4 kB
	Body:    16 << 20, // a consensus of 2026 is 3.4 MB, and 0.8 MB compressed
	Decoded: 32 << 20, // the ns flavour is the larger one; certificates of all times are below

	Connect: 10 * time.Second,
	Answer:  30 * time.Second, // tor's own directory requests wait 60 s, but it has others to ask meanwhile
	Stall:   30 * time.Second,
	Request: 4 * time.Minute,  // 3.4 MB at 14 kB/s
	Total:   20 * time.Minute, // an update runs once an hour

	Requests:   250, // 72 hours of consensuses and of exit lists, and what is repeated
	Redirects:  3,
	Tries:      3,
	RetryAfter: time.Minute,

	File:        64 << 20, // a month of exit lists as .tar.xz is far below; months of consensuses are for torctl
	Files:       10_000,
	FolderBytes: 1 << 30,
}

// DefaultLimits returns the limits that hold where a Config names none.
func DefaultLimits() Limits { return defaultLimits }

func (l Limits) orDefault() (Limits, error) {
	d := DefaultLimits()
	for _, f := range []struct {
		name  string
		value *int64
		other int64
	}{
		{"header", &l.Header, d.Header}, {"body", &l.Body, d.Body}, {"decoded", &l.Decoded, d.Decoded},
		{"connect", (*int64)(&l.Connect), int64(d.Connect)}, {"answer", (*int64)(&l.Answer), int64(d.Answer)},
		{"stall", (*int64)(&l.Stall), int64(d.Stall)}, {"request", (*int64)(&l.Request), int64(d.Request)},
		{"total", (*int64)(&l.Total), int64(d.Total)}, {"retry-after", (*int64)(&l.RetryAfter), int64(d.RetryAfter)},
		{"file", &l.File, d.File}, {"folder bytes", &l.FolderBytes, d.FolderBytes},
	} {
		if *f.value < 0 {
			return l, fmt.Errorf("limits: %s is negative", f.name)
		}
		if *f.value == 0 {
			*f.value = f.other
		}
	}
	for _, f := range []struct {
		name  string
		value *int
		other int
	}{
		{"requests", &l.Requests, d.Requests}, {"redirects", &l.Redirects, d.Redirects},
		{"tries", &l.Tries, d.Tries}, {"files", &l.Files, d.Files},
	} {
		if *f.value < 0 {
			return l, fmt.Errorf("limits: %s is negative", f.name)
		}
		if *f.value == 0 {
			*f.value = f.other
		}
	}
	return l, nil
}
