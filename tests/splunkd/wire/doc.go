// Package wire is splunkd's side of the chunked protocol: the bytes of requests, the pipes to a command that runs, and a
// strict reading of what it answers.
//
//	p, err := wire.Start(wire.Program{Command: "tordetect", File: "bin/tordetect.sh", Timeout: time.Minute})
//	reply, _, err := p.Ask(wire.GetinfoMetadata(false, info), nil, wire.GetinfoKeys)
//	reply, body, err := p.Ask(wire.ExecuteMetadata(true), wire.AppendBody(nil, columns, rows), wire.ExecuteKeys)
//	table, err := wire.DecodeBody(body)
//	err = p.End(0)
//
// It is written independently of src/chunked and src/rows, so that a mistake there cannot hide behind the same mistake
// here: wire.go the bytes, exactly as they were recorded of splunkd; reply.go the metadata of answers; process.go the
// pipes. It reads more strictly than splunkd: what a tolerant reader would forgive is a [*ProtocolError].
//
// What is sent to which command, how rows are cut into chunks, and what becomes of the answers is package splunkd's.
package wire
