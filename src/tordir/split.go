package tordir

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// split takes a plain stream apart into documents, by the keywords that begin
// one. It holds one document at a time.
func (f *finder) split(name string, r *bufio.Reader) {
	s := splitter{f: f, name: name}
	whole := true // the last piece ended its line
	first := true // no piece was read yet
	for !f.stopped {
		piece, err := r.ReadSlice('\n')
		if first { // an editor's mark is no part of the document, nor of what is signed
			piece, first = bytes.TrimPrefix(piece, []byte("\ufeff")), false
		}
		if len(piece) > 0 {
			if whole && !s.begins(piece) {
				return
			}
			if !s.add(piece) {
				return
			}
			whole = piece[len(piece)-1] == '\n'
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			s.end()
			return
		default:
			f.fail(name, err) // what there is of a document is not given: more of it exists
			return
		}
	}
}

// splitter is the state of one stream.
type splitter struct {
	f       *finder
	name    string
	kind    Kind // of the document at hand, empty between documents
	buf     []byte
	last    int   // size of the document before
	passed  int64 // bytes passed over since the last document
	signed  bool  // a directory-signature was seen
	keyed   bool  // a vote's own certificate was seen
	listing bool  // an ExitNode was seen
}

// begins looks at the beginning of a line: whether a document ends before it,
// and which one begins. False means stop.
func (s *splitter) begins(line []byte) bool {
	switch line[0] {
	case '@': // an annotation stands before a document
		return s.start("")
	case 'n':
		if hasKeyword(line, "network-status-version") {
			return s.start(KindConsensus) // until its vote-status says otherwise
		}
	case 'v':
		if s.kind == KindConsensus && !s.signed && hasKeyword(line, "vote-status") {
			if w, _ := word(bytes.TrimRight(line[len("vote-status"):], "\r\n")); string(w) == "vote" {
				s.kind = KindVote
			}
		}
	case 'd':
		switch {
		case hasKeyword(line, "directory-signature"):
			s.signed = true
		case hasKeyword(line, certificateBegin):
			if s.kind == KindVote && !s.signed && !s.keyed {
				s.keyed = true // a vote contains the certificate of its authority
				return true
			}
			if s.kind != KindCertificates {
				return s.start(KindCertificates)
			}
		}
	case 'D':
		if hasKeyword(line, "Downloaded") && (s.kind != KindExitList || s.listing) {
			return s.start(KindExitList)
		}
	case 'E':
		if hasKeyword(line, "ExitNode") {
			if s.kind != KindExitList && !s.start(KindExitList) {
				return false
			}
			s.listing = true
		}
	}
	return true
}

// start ends the document at hand and begins another.
func (s *splitter) start(kind Kind) bool {
	ok := s.end()
	if kind != "" && s.last > 0 { // likely as large as the one before
		s.buf = make([]byte, 0, s.last+s.last/16)
	}
	s.kind, s.passed = kind, 0
	s.signed, s.keyed, s.listing = false, false, false
	return ok
}

// add appends to the document at hand, or passes over what belongs to none.
func (s *splitter) add(piece []byte) bool {
	limit := s.f.limits.Document
	if s.kind == "" {
		if room := maxUnknown - len(s.f.head); room > 0 {
			s.f.head = append(s.f.head, piece[:min(room, len(piece))]...)
		}
		if s.passed += int64(len(piece)); s.passed > limit {
			if s.last > 0 {
				s.f.fail(s.name, fmt.Errorf("no other document begins within %d bytes behind the last one", limit))
			}
			return false
		}
		return true
	}
	if int64(len(s.buf)+len(piece)) > limit {
		s.f.fail(s.name, fmt.Errorf("a document is larger than the %d bytes that are read", limit))
		return false
	}
	s.buf = append(s.buf, piece...)
	return true
}

// end gives the document at hand, if there is one.
func (s *splitter) end() bool {
	if s.kind == "" {
		return true
	}
	d := Document{Kind: s.kind, Name: s.name, Bytes: s.buf}
	s.kind, s.buf, s.last = "", nil, len(d.Bytes)
	return s.f.give(d)
}

// hasKeyword says whether a line of a stream starts with the keyword.
func hasKeyword(line []byte, keyword string) bool {
	rest, ok := argument(line, keyword)
	return ok || len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r')
}
