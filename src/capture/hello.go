package capture

import "encoding/binary"

// clientHello holds what fingerprints are made of, in the order of the message (RFC
// 8446, section 4.1.2; with a cookie in DTLS, RFC 6347, section 4.2.1).
type clientHello struct {
	dtls                                    bool
	version                                 uint16
	versions                                []uint16 // supported_versions
	ciphers, extensions, groups, signatures []uint16
	formats                                 []byte
	name                                    string
	alpn                                    string // the first one
}

// Extensions that are looked into (IANA, TLS ExtensionType Values).
const (
	extServerName        = 0
	extGroups            = 10
	extFormats           = 11
	extSignatures        = 13
	extALPN              = 16
	extSupportedVersions = 43
)

// read reads the body of a ClientHello; false if it is none, or what it holds is
// longer than itself.
func (h *clientHello) read(body []byte, dtls bool) bool {
	f := &fields{rest: body, ok: true}
	h.dtls = dtls
	h.version = f.word()
	f.take(32) // random
	f.list8()  // session id
	if dtls {
		f.list8() // cookie
	}
	h.ciphers = words(f.list16())
	f.list8() // compression methods
	if len(f.rest) == 0 {
		return f.ok && len(h.ciphers) > 0
	}
	all := &fields{rest: f.list16(), ok: true}
	for f.ok && all.ok && len(all.rest) > 0 {
		kind := all.word()
		data := all.list16()
		if !all.ok {
			break
		}
		h.extensions = append(h.extensions, kind)
		all.ok = h.extension(kind, data)
	}
	return f.ok && all.ok && len(h.ciphers) > 0
}

// extension looks into one. Without data it is as if it were not there.
func (h *clientHello) extension(kind uint16, data []byte) bool {
	if len(data) == 0 {
		return true
	}
	f := &fields{rest: data, ok: true}
	switch kind {
	case extServerName:
		list := &fields{rest: f.list16(), ok: true}
		if len(list.rest) > 0 && list.byte() == 0 { // a host name
			h.name = string(list.list16())
		}
		return f.ok && list.ok
	case extGroups:
		h.groups = words(f.list16())
	case extFormats:
		h.formats = f.list8()
	case extSignatures:
		h.signatures = words(f.list16())
	case extALPN:
		list := &fields{rest: f.list16(), ok: true}
		if len(list.rest) > 0 {
			h.alpn = string(list.list8())
		}
		return f.ok && list.ok
	case extSupportedVersions:
		h.versions = words(f.list8())
	}
	return f.ok
}

// fields reads fields from the front. After one that is longer than what is left
// nothing is ok any more.
type fields struct {
	rest []byte
	ok   bool
}

func (f *fields) take(n int) []byte {
	if !f.ok || len(f.rest) < n {
		f.ok, f.rest = false, nil
		return nil
	}
	field := f.rest[:n]
	f.rest = f.rest[n:]
	return field
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) word() uint16 {
	if b := f.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// list8 and list16 read a field with its length in front.
func (f *fields) list8() []byte  { return f.take(int(f.byte())) }
func (f *fields) list16() []byte { return f.take(int(f.word())) }

func words(b []byte) (out []uint16) {
	for ; len(b) >= 2; b = b[2:] {
		out = append(out, binary.BigEndian.Uint16(b))
	}
	return out
}
