package capture

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/gopacket/gopacket/layers"
)

// key is one direction of a connection.
type key struct{ source, destination netip.AddrPort }

// streams are the connections whose first bytes are awaited. A capture may hold any
// number of them, so each is forgotten once its hello is whole, or its first bytes are
// none.
type streams struct {
	of   map[key]*stream
	line []*stream // in the order in which they began, with those that are over
	held int       // bytes
	lost int64     // begun hellos that were given up
}

// Limits of what is held. A hello with post-quantum keys has some 1,800 bytes; one
// record of TLS has 16 KiB, and a hello may go over several.
const (
	maxHello   = 64 << 10
	maxAhead   = 64       // segments of a stream that came before their turn
	maxStreams = 16 << 10 // at a time
	maxHeld    = 64 << 20 // bytes of all
)

// stream is the beginning of one direction.
type stream struct {
	key   key
	base  uint32  // sequence number of its first byte
	known int     // bytes that came in order, which hello has read
	ahead []ahead // what came before its turn
	hello assembly
	over  bool
}

type ahead struct {
	at   int // place of its first byte
	data []byte
}

// segment takes a TCP segment and returns the body of a ClientHello that it
// completes, or nil. A stream begins with a SYN, or anywhere with a segment that begins
// like a hello: the capture may have begun later, and a hello may come behind STARTTLS
// or a proxy's answer.
func (s *streams) segment(k key, t *layers.TCP) []byte {
	st := s.of[k]
	first := t.Seq
	if t.SYN {
		first++
		if st == nil || st.base != first { // not a SYN sent again
			s.end(st)
			st = s.begin(k, first)
		}
	}
	if st == nil {
		if !beginsHello(t.Payload) {
			return nil
		}
		st = s.begin(k, first)
	}
	body, state := s.add(st, first, t.Payload)
	if state == none && !t.SYN && beginsHello(t.Payload) {
		st = s.begin(k, first)
		body, state = s.add(st, first, t.Payload)
	}
	if state == partial && (t.FIN || t.RST) {
		s.end(st)
	}
	return body
}

// begin awaits the first bytes of a direction.
func (s *streams) begin(k key, base uint32) *stream {
	if s.of == nil {
		s.of = map[key]*stream{}
	}
	st := &stream{key: k, base: base}
	s.of[k] = st
	s.line = append(s.line, st)
	s.bound()
	return st
}

// bound forgets the oldest streams where there are too many.
func (s *streams) bound() {
	for len(s.line) > 0 && (s.line[0].over || len(s.of) > maxStreams || s.held > maxHeld) {
		s.end(s.line[0])
		s.line[0] = nil
		s.line = s.line[1:]
	}
	if len(s.line) > 2*maxStreams { // mostly streams that are over, behind one that is not
		kept := s.line[:0]
		for _, st := range s.line {
			if !st.over {
				kept = append(kept, st)
			}
		}
		s.line = kept
	}
}

// end forgets a stream; a hello that was not whole is lost.
func (s *streams) end(st *stream) {
	if st == nil || st.over {
		return
	}
	if st.known > 0 && st.hello.state == partial || st.hello.state == long {
		s.lost++
	}
	s.forget(st)
}

func (s *streams) forget(st *stream) {
	st.over = true
	s.held -= st.size()
	st.hello.message, st.ahead = nil, nil
	if s.of[st.key] == st {
		delete(s.of, st.key)
	}
}

func (st *stream) size() int {
	n := cap(st.hello.message)
	for _, a := range st.ahead {
		n += len(a.data)
	}
	return n
}

// takeLost returns how many hellos were lost since it was asked last.
func (s *streams) takeLost() int64 {
	n := s.lost
	s.lost = 0
	return n
}

// close ends all streams and returns how many hellos were not whole.
func (s *streams) close() int64 {
	for _, st := range s.of {
		s.end(st)
	}
	return s.takeLost()
}

// add takes a segment of a stream. It returns the body of the hello once that is
// whole; none if the first bytes are no hello, long if it is not read: then the stream
// is over.
func (s *streams) add(st *stream, seq uint32, payload []byte) ([]byte, state) {
	s.held -= st.size()
	st.put(int(int32(seq-st.base)), payload)
	s.held += st.size()
	state := st.hello.state
	switch {
	case state == complete:
		body := st.hello.body()
		s.forget(st)
		return body, state
	case state == none || state == long || st.known > maxHello || len(st.ahead) > maxAhead:
		s.end(st)
	default:
		s.bound()
	}
	return nil, state
}

// put adds bytes in their place: what is known stays, what comes before its turn is
// kept until then.
func (st *stream) put(at int, payload []byte) {
	if at < 0 {
		if -at >= len(payload) {
			return
		}
		at, payload = 0, payload[-at:]
	}
	if len(payload) == 0 || at > maxHello {
		return
	}
	if at > st.known {
		st.ahead = append(st.ahead, ahead{at, bytes.Clone(payload)})
		return
	}
	for more := true; more; {
		if known := st.known - at; known < len(payload) {
			st.hello.feed(payload[known:])
			st.known += len(payload) - known
		}
		more = false
		for i, a := range st.ahead {
			if a.at <= st.known {
				at, payload, more = a.at, a.data, true
				st.ahead = append(st.ahead[:i], st.ahead[i+1:]...)
				break
			}
		}
	}
}

// state is how far a hello is.
type state uint8

const (
	partial state = iota // so far it is one
	none                 // it is none
	long                 // it says to be longer than is read
	complete
)

// Of TLS (RFC 8446, sections 4 and 5.1) and DTLS (RFC 6347, section 4).
const (
	contentHandshake = 22
	typeClientHello  = 1
	maxRecord        = 16<<10 + 256
	lenRecord        = 5
	lenHandshake     = 4
	lenDTLSRecord    = 13
	lenDTLSHandshake = 12
)

// beginsHello reports whether a segment begins like a record with a ClientHello.
func beginsHello(b []byte) bool {
	return len(b) > lenRecord && b[0] == contentHandshake && b[1] == 3 && b[2] <= 4 && b[lenRecord] == typeClientHello
}

// assembly puts the ClientHello with which a stream begins together from its records,
// byte by byte if need be, and looks at none twice.
type assembly struct {
	state   state
	head    [lenRecord]byte // of the record being read
	of      int             // how much of it is there
	left    int             // of the record, behind its head
	message []byte
}

// feed reads on.
func (a *assembly) feed(b []byte) {
	for len(b) > 0 && a.state == partial {
		if a.left == 0 {
			n := copy(a.head[a.of:], b)
			a.of, b = a.of+n, b[n:]
			if !a.isHandshake() {
				a.state = none
				return
			}
			if a.of < lenRecord {
				return
			}
			a.left = int(binary.BigEndian.Uint16(a.head[3:]))
			if a.of = 0; a.left == 0 || a.left > maxRecord {
				a.state = none
			}
			continue
		}
		n := min(a.left, len(b))
		a.message = append(a.message, b[:n]...)
		a.left, b = a.left-n, b[n:]
		switch length := a.length(); {
		case a.message[0] != typeClientHello:
			a.state = none
		case length > maxHello:
			a.state = long
		case length >= 0 && len(a.message) >= lenHandshake+length:
			a.state = complete
		}
	}
}

// isHandshake reports whether what is there of a record's head is that of one.
func (a *assembly) isHandshake() bool {
	h := a.head[:a.of]
	return h[0] == contentHandshake && (len(h) < 2 || h[1] == 3) && (len(h) < 3 || h[2] <= 4)
}

// length is how long the message says that its body is; -1 before it says so.
func (a *assembly) length() int {
	if m := a.message; len(m) >= lenHandshake {
		return int(m[1])<<16 | int(m[2])<<8 | int(m[3])
	}
	return -1
}

// body is that of a complete message.
func (a *assembly) body() []byte { return a.message[lenHandshake : lenHandshake+a.length()] }

// datagram returns the body of the ClientHello with which a datagram of DTLS begins.
func datagram(b []byte) ([]byte, state) {
	if len(b) < lenDTLSRecord+lenDTLSHandshake || b[0] != contentHandshake || b[1] != 0xfe || b[2] < 0xfc ||
		binary.BigEndian.Uint16(b[3:]) != 0 || b[lenDTLSRecord] != typeClientHello { // epoch 0: nothing is encrypted yet
		return nil, none
	}
	size := int(binary.BigEndian.Uint16(b[11:]))
	message := b[lenDTLSRecord:]
	if len(message) < size {
		return nil, partial
	}
	message = message[:size]
	if len(message) < lenDTLSHandshake {
		return nil, none
	}
	whole := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
	offset := int(message[6])<<16 | int(message[7])<<8 | int(message[8])
	length := int(message[9])<<16 | int(message[10])<<8 | int(message[11])
	switch body := message[lenDTLSHandshake:]; {
	case offset != 0 && length != whole: // the rest of one that was counted
		return nil, none
	case length != whole || len(body) < length:
		return nil, partial
	default:
		return body[:length], complete
	}
}
