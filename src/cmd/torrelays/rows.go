package main

import (
	"fmt"

	"tordetect/src/rows"
	"tordetect/src/splunkhome"
)

// The tables of the app.
const (
	tableName   = splunkhome.Table
	historyName = splunkhome.History
)

// appendRows writes a whole reply.
func appendRows(dst []byte, columns []string, all [][]any) []byte {
	for i, column := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rows.AppendCell(dst, []byte(column))
	}
	dst = append(dst, '\n')
	for _, row := range all {
		for i, cell := range row {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = rows.AppendCell(dst, fmt.Append(nil, cell))
		}
		dst = append(dst, '\n')
	}
	return dst
}
