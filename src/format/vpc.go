package format

import (
	"bytes"

	"tordetect/src/event"
)

// A flow log of an AWS VPC as text: fields with blanks between, in the default order
// or in that of a line of their names, with which files in S3 begin.
//
//	version account-id interface-id srcaddr dstaddr srcport dstport protocol ... action log-status
//	2 123456789012 eni-0123456789abcdef0 10.20.0.5 198.51.100.7 50001 9001 6 14 1940 1795169730 1795169790 ACCEPT OK
//
// Addresses before translation (pkt-srcaddr) are of the instance's own side and not
// read.

// vpcDefault is the order of the default format, which is version 2 (Flow log records,
// docs.aws.amazon.com/vpc/latest/userguide).
var vpcDefault = vpcBind([]byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"))

// vpcField is a field of such a log.
type vpcField struct {
	slot   event.Slot
	known  bool
	status bool // log-status
}

// maxVPCFields bounds a line of names: version 10 has some 40.
const maxVPCFields = 64

// vpcBind finds the fields of a line of names; nil where it names no addresses.
func vpcBind(line []byte) []vpcField {
	var fields []vpcField
	addresses := 0
	for name := range bytes.SplitSeq(line, []byte(" ")) {
		if len(fields) == maxVPCFields {
			return nil
		}
		var f vpcField
		switch string(name) {
		case "srcaddr", "dstaddr":
			addresses++
			f.slot, f.known = event.Find(name)
		case "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action":
			f.slot, f.known = event.Find(name)
		case "log-status":
			f.status = true
		}
		fields = append(fields, f)
	}
	if addresses != 2 {
		return nil
	}
	return fields
}

// readVPC reads a line of a VPC flow log. Without a line of names it has to look like
// one of the default format from its beginning to its end.
func (p *Parser) readVPC(line []byte, e *event.Event) Claim {
	if bytes.Contains(line, []byte("srcaddr")) {
		if fields := vpcBind(line); fields != nil {
			p.vpc = fields
			return Claim{Kind: Blank, Format: VPC}
		}
	}
	fields := p.vpc
	if len(fields) == 0 {
		if fields = vpcDefault; !bytes.HasPrefix(line, []byte("2 ")) || !isVPCStatus(line[bytes.LastIndexByte(line, ' ')+1:]) {
			return Claim{Kind: Nobody}
		}
	}
	if bytes.Count(line, []byte(" "))+1 != len(fields) {
		return Claim{Kind: Nobody}
	}
	for _, f := range fields {
		var value []byte
		value, line, _ = bytes.Cut(line, []byte(" "))
		switch {
		case f.status && !isVPCStatus(value):
			return Claim{Kind: Nobody}
		case f.status && string(value) != "OK":
			return Claim{Kind: Other, Format: VPC, Text: "AWS flow logs without data"}
		case f.known:
			e.Set(f.slot, value)
		}
	}
	if !e.HasBothEnds() {
		return Claim{Kind: Other, Format: VPC, Text: "AWS flow logs without data"}
	}
	return Claim{Kind: Flow, Format: VPC}
}

func isVPCStatus(text []byte) bool {
	switch string(text) {
	case "OK", "NODATA", "SKIPDATA":
		return true
	}
	return false
}
