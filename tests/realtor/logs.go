package main

import (
	"bytes"
	"encoding/csv"
	"fmt"

	"tordetect/tests/flows"
	"tordetect/tests/sample"
)

// judgedFlow is a flow with its truth and what was found.
type judgedFlow struct {
	*connection
	kind string
	tor  bool

	label     string            // what the firewall calls it
	app, scan string            // verdicts of the app and of torctl scan
	sensor    map[string]string // and of torctl scan over a sensor's log
}

// label is what the border's firewall writes: what it recognises, and Tor in every
// second connection to a relay. Half is what package flows takes for real ones.
func label(all []*judgedFlow) {
	relays := 0
	for _, f := range all {
		f.label = f.connection.app
		if f.label == "" {
			f.label = "incomplete"
		}
		if f.kind == toRelay {
			relays++
			if relays%2 == 0 {
				f.label = "tor"
			}
		}
	}
}

// firewallLog is the log as a Palo Alto firewall writes it.
func firewallLog(all []*judgedFlow) []byte {
	var lines []sample.Flow
	for _, f := range all {
		seconds := int(f.last.Unix() - f.first.Unix())
		lines = append(lines, sample.Flow{
			End: f.last.UTC(), Seconds: seconds, Src: f.src.Addr().String(), SrcPort: int(f.src.Port()),
			Dest: f.dst.Addr().String(), DestPort: int(f.dst.Port()), App: f.label, Proto: f.proto, Action: "allow",
			Out: [2]int{f.out.bytes, f.out.packets}, In: [2]int{f.in.bytes, f.in.packets},
		})
	}
	return sample.Lines(lines)
}

// labelled is the same as rows with their truth, as package evaluate reads them.
func labelled(all []*judgedFlow) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(append(append([]string(nil), flows.Columns...), flows.TruthColumns...)); err != nil {
		return nil, err
	}
	for _, f := range all {
		row := flows.Flow{
			First: f.first.Unix(), Last: f.last.Unix(), Src: f.src.Addr().String(), SrcPort: fmt.Sprint(f.src.Port()),
			Dest: f.dst.Addr().String(), DestPort: fmt.Sprint(f.dst.Port()), Transport: f.proto, App: f.label, Action: "allowed",
			BytesOut: fmt.Sprint(f.out.bytes), BytesIn: fmt.Sprint(f.in.bytes),
			PacketsOut: fmt.Sprint(f.out.packets), PacketsIn: fmt.Sprint(f.in.packets),
			Truth: flows.NotTor, Direction: "outbound", State: "established", Case: f.kind,
		}
		if f.tor {
			row.Truth = flows.Tor
		}
		if f.dst.Addr().IsPrivate() {
			row.Direction = "inbound"
		}
		if !f.answered() {
			row.State = "attempt"
		}
		if err := w.Write(row.Cells()); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
