package logfile

import (
	"bytes"

	"tordetect/src/bounded"
	"tordetect/src/event"
	"tordetect/src/format"
	"tordetect/src/rows"
)

var (
	unknownFormat = problem{Unknown, "no known log format: want Palo Alto TRAFFIC, FortiGate traffic, Zeek with its #fields line, Suricata eve.json, AWS VPC flow logs, CSV with a header of CIM names, or JSON with such names; where you know better, name the format"}
	utf16Text     = problem{Unknown, "the text is UTF-16: convert it to UTF-8 first"}
	packed        = problem{Unknown, "the file is packed by xz, zstd, bzip2 or zip: unpack it first; only gzip is read as it is"}
	pointer       = problem{Unknown, "the file is a Git LFS pointer and not the log itself: fetch it with git lfs pull"}
)

// packers are the first bytes of files of other compressions.
var packers = [][]byte{
	{0xfd, '7', 'z', 'X', 'Z', 0}, {0x28, 0xb5, 0x2f, 0xfd}, []byte("BZh"), []byte("PK\x03\x04"),
}

// byteOrderMark begins text files of some programs.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Unfit says why a file that begins so is no text to be read line by line, and what
// to do; empty where it may be one.
func Unfit(head []byte) string {
	if p := unfit(head); p != nil {
		return p.text
	}
	return ""
}

func unfit(head []byte) *problem {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return &utf16Text
	}
	for _, magic := range packers {
		if bytes.HasPrefix(head, magic) {
			return &packed
		}
	}
	if bounded.IsPointer(head) {
		return &pointer
	}
	return nil
}

// shape is how the events of a file stand in it.
type shape uint8

const (
	ofLines shape = iota
	aTable
	aDocument
)

// sniff finds the shape of a file by its beginning.
func sniff(head []byte) (shape, *problem) {
	if p := unfit(head); p != nil {
		return 0, p
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	if isDocument(text) {
		return aDocument, nil
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	var parser format.Parser
	var e event.Event
	if parser.Read(line, &e).Kind != format.Nobody {
		return ofLines, nil // a log line may hold one of the names
	}
	var scanner rows.Scanner
	if scanner.Reset(line) == nil && event.IsHeader(scanner.Names()) {
		return aTable, nil
	}
	return ofLines, nil
}

// ofFormat is the shape of a file whose format was named.
func ofFormat(only format.Format, found shape) shape {
	switch {
	case only == format.CSV:
		return aTable
	case only == format.JSON && found == aDocument:
		return aDocument
	}
	return ofLines
}
