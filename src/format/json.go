package format

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"tordetect/src/cell"
	"tordetect/src/event"
)

// object is what is known of the JSON object read last, beside its cells.
type object struct {
	path  [maxPath]byte
	marks [maxDepth]mark // what is open, from the object itself on
	ring  keyring

	keys        int
	cut, broken bool
	preview     bool          // a row of a search that was still running
	line        bool          // a line of Splunk's JSON export
	zeekPath    []byte        // Zeek: which log it is
	inner       [wraps][]byte // texts that may be events themselves; an object's goes to the end of the line
	rest        []byte        // behind it, where another object begins there
}

// mark is an object or list that is open.
type mark struct {
	end  int   // of its path
	key  int16 // on the ring
	list bool
}

// Bounds of a JSON object. Suricata's have 3 objects in each other, the longest of
// our names has 23 characters.
const (
	maxDepth = 32
	maxPath  = 64
	maxFront = 512 // bytes in front of an object: a syslog header
)

// readJSON reads a JSON object, behind a syslog header or not. Keys in each other
// are joined by underscores, lists add nothing. Where the text breaks off, what
// stood before counts: Splunk cuts long events.
func (p *Parser) readJSON(line []byte, e *event.Event) Claim {
	if p.depth == 0 {
		p.json.rest = nil
	}
	at := bytes.IndexByte(line[:min(len(line), maxFront)], '{')
	if at < 0 {
		return Claim{Kind: Nobody}
	}
	if at > 0 {
		e.HeaderTime = zonedTime(line[:at])
	}
	o := &p.json
	o.keys, o.cut, o.broken, o.preview, o.line, o.zeekPath, o.inner = 0, false, false, false, false, nil, [wraps][]byte{}
	p.walk(line[at:], e)
	format, kind := JSON, e.Text(event.EventType, nil)
	switch {
	case len(kind) > 0 && p.wants(onlySuricata):
		format = Suricata
	case e.IsZeek() && p.wants(onlyZeek):
		format = Zeek
	}
	spoiled := o.cut || o.broken
	switch {
	case o.preview:
		return Claim{Kind: Other, Format: JSON, Text: "preview rows of Splunk"}
	case e.Says():
		return Claim{Kind: Flow, Format: format, Cut: spoiled}
	case spoiled && (o.keys == 0 && at > 0):
		return Claim{Kind: Nobody} // a brace in a line of text
	}
	isCut := o.cut
	if claim := p.unwrap(e); claim.Kind == Flow || claim.Kind != Nobody && !spoiled {
		claim.Cut = claim.Cut || spoiled
		return claim
	}
	switch {
	case spoiled:
		return Claim{Kind: Broken, Format: format, Text: "broken JSON", Cut: isCut}
	case len(kind) > 0:
		return Claim{Kind: Other, Format: Suricata, Text: kindName("Suricata ", kind)}
	case len(o.zeekPath) > 0:
		return Claim{Kind: Other, Format: Zeek, Text: kindName("Zeek ", o.zeekPath)}
	case o.line:
		return Claim{Kind: Other, Format: JSON, Text: "Splunk export (no row)"}
	}
	return Claim{Kind: Other, Format: JSON, Text: "JSON without an address or name"}
}

var onlySuricata, onlyZeek = []Format{Suricata}, []Format{Zeek}

// kindName names a kind of a line, where it is a plain word.
func kindName(whose string, kind []byte) string {
	if len(kind) > len("a_longer_word_than_any") {
		return whose + "of another kind"
	}
	for _, c := range kind {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return whose + "of another kind"
		}
	}
	return whose + string(kind)
}

// walk puts the values of the object at the beginning of a text under their keys.
func (p *Parser) walk(text []byte, e *event.Event) {
	o := &p.json
	depth, at := 0, 1
	o.marks[0] = mark{}
	o.ring.begin()
	for {
		if at = skip(text, at, ','); at >= len(text) {
			o.cut = true
			return
		}
		if c := text[at]; c == '}' || c == ']' {
			if o.marks[depth].list != (c == ']') {
				o.broken = true
				return
			}
			if depth == 0 {
				if at = skip(text, at+1, ' '); at < len(text) && text[at] == '{' && p.depth == 0 {
					o.rest = text[at:]
				}
				return
			}
			depth--
			at++
			continue
		}
		from, i := o.marks[depth].end, o.marks[depth].key
		end, isOnRing := from, false
		if !o.marks[depth].list {
			if awaited := o.ring.await(text[at:], i, from); awaited >= 0 {
				i, isOnRing = awaited, true
				at = skip(text, at+len(o.ring.keys[i].text), ' ')
				if at >= len(text) {
					o.cut = true
					return
				}
				end += len(o.ring.keys[i].path)
			} else {
				key, after, _, ok := cutString(text, at)
				begin := at
				if ok {
					if at = skip(text, after, ' '); at < len(text) && text[at] == ':' {
						after = at + 1
						at = skip(text, after, ' ')
					} else {
						ok, after = false, at
					}
				}
				if !ok || at >= len(text) {
					o.cut = !ok && after >= len(text) || ok
					o.broken = !o.cut
					return
				}
				end = o.join(end, p.unescape(key))
				i = o.ring.learn(text[begin:after], i, from, o.path[:end])
			}
			o.keys++
		}
		switch c := text[at]; c {
		case '{', '[':
			if depth+1 == maxDepth {
				o.broken = true
				return
			}
			if isOnRing {
				copy(o.path[from:], o.ring.keys[i].path)
			}
			if depth == 0 && c == '{' {
				switch string(o.path[:end]) {
				case "result":
					o.line, end = true, 0 // the row of Splunk's JSON export
				case "_source":
					end = 0 // the document of a hit of Elasticsearch
				case wrapKeys[collected]:
					o.inner[collected] = text[at:]
				}
			}
			if c == '{' && o.marks[depth].end == 0 && event.IsDataset(o.path[:end]) {
				end = 0 // as in All_Traffic.src
			}
			depth++
			o.marks[depth] = mark{end: end, key: i, list: c == '['}
			at++
		case '"':
			value, after, isPlain, ok := cutString(text, at)
			if !ok {
				o.cut = true
				return
			}
			if !isPlain && (i < 0 || o.ring.keys[i].use != unused) {
				value = p.unescape(value)
			}
			p.set(e, i, from, end, value)
			at = after
		default:
			begin := at
			for at < len(text) && !endsNumber[text[at]] {
				at++
			}
			if at >= len(text) || at == begin {
				o.cut, o.broken = at >= len(text), at < len(text) // a number of which more may follow
				return
			}
			p.set(e, i, from, end, text[begin:at])
		}
	}
}

// endsNumber says which bytes end a number, or a word.
var endsNumber = func() (all [256]bool) {
	for b := range ' ' + 1 {
		all[b] = true
	}
	all[','], all['}'], all[']'] = true, true, true
	return all
}()

// skip goes over blanks, line ends and another byte.
func skip(text []byte, at int, also byte) int {
	for at < len(text) && (text[at] <= ' ' || text[at] == also) {
		at++
	}
	return at
}

// join appends a key to a path, as far as there is room, and returns its end. A path
// of maxPath bytes is nobody's.
func (o *object) join(end int, key []byte) int {
	if end > 0 && end < maxPath {
		o.path[end] = '_'
		end++
	}
	return end + copy(o.path[end:], key)
}

// set sets a value of a key.
func (p *Parser) set(e *event.Event, i int16, from, end int, value []byte) {
	o := &p.json
	if i >= 0 {
		switch k := &o.ring.keys[i]; k.use {
		case unused:
			return
		case aCell:
			e.Set(k.slot, value)
			return
		}
		copy(o.path[from:end], o.ring.keys[i].path)
	}
	p.put(e, o.path[:end], value)
}

// isSpecial reports whether put knows a path that is none of an event's names.
func isSpecial(path []byte) bool {
	switch string(path) {
	case "preview", "messages", "lastrow", "messages_type", "_path":
		return true
	}
	for _, name := range wrapKeys {
		if string(path) == name {
			return true
		}
	}
	return false
}

// put sets a value under a path.
func (p *Parser) put(e *event.Event, path, value []byte) {
	o := &p.json
	if s, ok := event.Find(path); ok {
		if s.IsRaw() {
			o.inner[0] = value
		} else {
			e.Set(s, value)
		}
		return
	}
	switch string(path) {
	case "preview":
		o.line, o.preview = true, string(value) == "true"
		return
	case "messages", "lastrow", "messages_type":
		o.line = true
		return
	case "_path":
		o.zeekPath = value
		return
	}
	for i, name := range wrapKeys {
		if string(path) == name {
			o.inner[i] = value
			return
		}
	}
}

// cutString returns the text of the JSON string that begins at text[at], with its
// escapes, and the place behind it; beyond the text where it is not closed. isPlain says
// that there are no escapes. It looks for the first quote or backslash, eight bytes at
// once: of marks, the lowest one stands where there is one of them.
func cutString(text []byte, at int) (value []byte, after int, isPlain, ok bool) {
	if text[at] != '"' {
		return nil, at, false, false
	}
	at++
	from := at
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text)-at >= 8; at += 8 {
		w := binary.LittleEndian.Uint64(text[at:])
		quotes, slashes := w^each*'"', w^each*'\\'
		if marks := ((quotes-each)&^quotes | (slashes-each)&^slashes) & high; marks != 0 {
			at += bits.TrailingZeros64(marks) / 8
			break
		}
	}
	for at < len(text) && text[at] != '"' && text[at] != '\\' {
		at++
	}
	if at < len(text) && text[at] == '"' {
		return text[from:at], at + 1, true, true
	}
	for at < len(text) {
		quote := bytes.IndexByte(text[at:], '"')
		if quote < 0 {
			break
		}
		at += quote
		slashes := 0
		for at-slashes > from && text[at-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return text[from:at], at + 1, false, true
		}
		at++
	}
	return nil, len(text), false, false
}

// unescape returns what the inside of a JSON string says.
func (p *Parser) unescape(inside []byte) []byte {
	at := bytes.IndexByte(inside, '\\')
	if at < 0 {
		return inside
	}
	start := len(p.arena)
	for ; at >= 0 && at+1 < len(inside); at = bytes.IndexByte(inside, '\\') {
		p.arena = append(p.arena, inside[:at]...)
		c := inside[at+1]
		inside = inside[at+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, size := escapedRune(inside)
			p.arena = utf8.AppendRune(p.arena, r)
			inside = inside[size:]
			continue
		}
		p.arena = append(p.arena, c)
	}
	p.arena = append(p.arena, inside...)
	return p.arena[start:len(p.arena):len(p.arena)]
}

// escapedRune reads what follows \u, and the second half of a pair. AppendRune
// writes half a pair as U+FFFD.
func escapedRune(text []byte) (rune, int) {
	r, ok := hex4(text)
	if !ok {
		return utf8.RuneError, min(4, len(text))
	}
	if utf16.IsSurrogate(r) && len(text) >= 10 && text[4] == '\\' && text[5] == 'u' {
		if second, ok := hex4(text[6:]); ok {
			if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return r, 4
}

func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		n, ok := cell.HexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(n)
	}
	return r, true
}
