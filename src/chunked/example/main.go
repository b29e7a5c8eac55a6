package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// upper is | upper field=<name>: it adds a field upper with the value of that
// field in capitals.
type upper struct{ field string }

func (u *upper) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	u.field = "host"
	for args := chunked.NewArguments(info.Args, nil); args.Next(); {
		if args.Name != "field" || args.Value == "" {
			return chunked.Declaration{}, fmt.Errorf("bad argument %q: want field=<name>", args.Name)
		}
		u.field = chunked.FieldName(args.Value)
	}
	return chunked.Declaration{RequiredFields: []string{u.field, "upper"}}, nil
}

func (u *upper) Execute(_ context.Context, chunk *chunked.Chunk, body io.Reader) error {
	var in rows.Scanner
	if err := in.ResetReader(body); err != nil {
		return err
	}
	column := slices.Index(in.Names(), u.field)
	out := rows.NewOutput(rows.Plain("upper"))
	out.Bind(&in)
	chunk.Reply = out.AppendHeader(chunk.Reply)
	cells := make([]rows.Cell, 1)
	for in.Next() {
		cells[0].Set(bytes.ToUpper(in.Value(column)))
		chunk.Reply = out.AppendRow(chunk.Reply, &in, cells)
	}
	return in.Err()
}

func main() { chunked.Main(&upper{}) }
