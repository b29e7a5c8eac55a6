package trafficlog

import (
	"bytes"

	"tordetect/src/rows"
)

// sniffedLines is how many lines are looked at to find the format of a file: a
// broken one or two at its beginning do not matter.
const sniffedLines = 100

var (
	unknownFormat = problem{Unknown, "no known log format: want Palo Alto TRAFFIC, Zeek with its #fields line, Suricata eve.json, CSV with a header of CIM names, or JSON lines with such names; where you know better, name the format"}
	utf16Text     = problem{Unknown, "the text is UTF-16: convert it to UTF-8 first"}
	packed        = problem{Unknown, "the file is packed by xz, zstd, bzip2 or zip: unpack it first; only gzip is read as it is"}
	zeekHeadless  = problem{Unknown, "rows of tabs without a line #fields, which names them: if it is a Zeek log, it lost its head"}
)

// packers are the first bytes of files of other compressions.
var packers = [][]byte{
	{0xfd, '7', 'z', 'X', 'Z', 0}, {0x28, 0xb5, 0x2f, 0xfd}, []byte("BZh"), []byte("PK\x03\x04"),
}

// byteOrderMark begins text files of some programs.
var byteOrderMark = []byte("\xef\xbb\xbf")

// sniff finds the format of a file by its beginning.
func sniff(head []byte) (Format, *problem) {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return Auto, &utf16Text
	}
	for _, magic := range packers {
		if bytes.HasPrefix(head, magic) {
			return Auto, &packed
		}
	}
	first, tabs := true, false
	for range sniffedLines {
		line, rest, ended := bytes.Cut(head, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if f := looksLike(line); f != Auto {
			return f, nil
		}
		if !ended && len(line) >= longLine && line[0] == '{' {
			return ofLongLine(line), nil
		}
		if len(line) > 0 {
			if first && looksLikeHeader(line) {
				return CSV, nil
			}
			first = false
			tabs = tabs || bytes.Count(line, []byte{'\t'}) >= 10
		}
		if head = rest; len(head) == 0 {
			break
		}
	}
	if tabs {
		return Auto, &zeekHeadless
	}
	return Auto, &unknownFormat
}

// longLine is from when on a line without an end is taken for a long one of JSON,
// of which the beginning alone is seen: the file goes on behind it.
const longLine = 64 << 10

// ofLongLine tells JSON logs apart by the keys in the beginning of an event.
func ofLongLine(begin []byte) Format {
	has := func(key string) bool { return bytes.Contains(begin, []byte(`"`+key+`"`)) }
	switch {
	case has("event_type"):
		return Suricata
	case has("id.orig_h"), has("ts") && (has("uid") || has("_path")):
		return Zeek
	}
	return JSON
}

// probe is what tells JSON logs apart.
type probe struct {
	Event text `json:"event_type"`
	TS    text `json:"ts"`
	UID   text `json:"uid"`
	Ends  text `json:"id.orig_h"`
	Path  text `json:"_path"`
}

// looksLike tells what format a line alone is of, without CSV, whose rows look
// like anything.
func looksLike(line []byte) Format {
	if len(line) == 0 {
		return Auto
	}
	switch line[0] {
	case '#':
		for _, word := range [...]string{"#separator", "#fields", "#path"} {
			if bytes.HasPrefix(line, []byte(word)) {
				return Zeek
			}
		}
		return Auto
	case '{':
		var p probe
		switch {
		case !decode(line, &p):
			return Auto
		case len(p.Event) > 0:
			return Suricata
		case len(p.Ends) > 0, len(p.TS) > 0 && (len(p.UID) > 0 || len(p.Path) > 0):
			return Zeek
		}
		return JSON
	}
	var f fields
	f.splitQuoted(line, panType+2)
	if isPANLog(&f) || f.count > panType && string(f.at(panReceived)) == "Receive Time" || bytes.Contains(line, trafficField) {
		return PAN
	}
	return Auto
}

// looksLikeHeader reports whether a line is the header row of a CSV file that can
// be judged.
func looksLikeHeader(line []byte) bool {
	var scanner rows.Scanner
	return scanner.Reset(line) == nil && isHeader(scanner.Names())
}
