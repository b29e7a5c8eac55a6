package trafficlog

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	jsoniter "github.com/json-iterator/go"
	"github.com/modern-go/reflect2"
)

// decode reads one JSON object from a line into a pointer to a struct of texts
// and such structs, or into a named object. It is all that this package asks of
// its JSON library.
func decode(line []byte, into any) bool { return decoder.Unmarshal(line, into) == nil }

// A text is a JSON value as it stands in the line, in memory of its own that is
// reused; empty where there is none.
type text []byte

// value returns what a text says: the inside of a string, the digits of a number,
// true or false; nothing for null and for objects. The values of an array stand a
// line each, as the search command takes lists. Scratch is memory for values that
// cannot be taken as they are.
func (t text) value(scratch *[]byte) []byte {
	switch {
	case len(t) == 0 || string(t) == "null" || t[0] == '{':
		return nil
	case t[0] == '"':
		inside := t[1 : len(t)-1]
		if bytes.IndexByte(inside, '\\') < 0 {
			return inside
		}
		*scratch = unescape((*scratch)[:0], inside)
		return *scratch
	case t[0] == '[':
		*scratch = t.joined((*scratch)[:0])
		return *scratch
	}
	return t
}

// joined appends the values of an array, a line each. Arrays in arrays and objects
// are left out.
func (t text) joined(dst []byte) []byte {
	start, rest, depth := len(dst), []byte(t[1:]), 0
	for len(rest) > 0 {
		size := 1
		switch c := rest[0]; c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',', ' ', '\t', ':', '\r', '\n':
		case '"':
			for size < len(rest) && rest[size] != '"' {
				if rest[size] == '\\' {
					size++
				}
				size++
			}
			size = min(size+1, len(rest))
			fallthrough
		default:
			for c != '"' && size < len(rest) && bytes.IndexByte([]byte(",]} \t\r\n"), rest[size]) < 0 {
				size++
			}
			if depth == 0 && string(rest[:size]) != "null" {
				if len(dst) > start {
					dst = append(dst, '\n')
				}
				if c == '"' {
					dst = unescape(dst, rest[1:size-1])
				} else {
					dst = append(dst, rest[:size]...)
				}
			}
		}
		rest = rest[size:]
	}
	return dst
}

// unescape appends the inside of a JSON string. The decoder has accepted it.
func unescape(dst, inside []byte) []byte {
	for {
		at := bytes.IndexByte(inside, '\\')
		if at < 0 || at+1 >= len(inside) {
			return append(dst, inside...)
		}
		dst = append(dst, inside[:at]...)
		c := inside[at+1]
		inside = inside[at+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, size := escapedRune(inside)
			dst = utf8.AppendRune(dst, r)
			inside = inside[size:]
		default:
			dst = append(dst, c)
		}
	}
}

// escapedRune reads what follows \u, and the second half of a pair.
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
	return r, 4 // AppendRune writes half a pair as U+FFFD
}

func hex4(text []byte) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[:4]), 16, 32)
	return rune(n), err == nil
}

// An object is a JSON object whose keys are looked up while it is read.
type object struct {
	put func(key string) *text // where a value goes; nil: it is skipped
	in  func(key string) bool  // whether an object is read as part of this one
}

// decoder is the JSON library's configuration: names as they are written, text and
// object read by our own functions. It keeps no state from line to line.
var decoder = func() jsoniter.API {
	api := jsoniter.Config{CaseSensitive: true, ObjectFieldMustBeSimpleString: true}.Froze()
	api.RegisterExtension(jsoniter.DecoderExtension{
		reflect2.TypeOf(text{}):   decoderFunc(readText),
		reflect2.TypeOf(object{}): decoderFunc(readObject),
	})
	return api
}()
