package chunked_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"strconv"
	"strings"

	"tordetect/src/chunked"
)

// doubleAge is a whole streaming command: it doubles the field age.
type doubleAge struct{}

func (doubleAge) Getinfo(*chunked.Info) (chunked.Declaration, error) {
	return chunked.Declaration{Type: chunked.Streaming, RequiredFields: []string{"age"}}, nil
}

func (doubleAge) Execute(chunk *chunked.Chunk) error {
	rows, err := csv.NewReader(bytes.NewReader(chunk.Body)).ReadAll()
	if err != nil {
		return err
	}
	for i, row := range rows {
		for j, cell := range row {
			if age, err := strconv.Atoi(cell); err == nil && rows[0][j] == "age" && i > 0 {
				row[j] = strconv.Itoa(2 * age)
			}
		}
		chunk.Reply = append(chunk.Reply, strings.Join(row, ",")+"\n"...)
	}
	return nil
}

// A program needs two more lines around it: chunked.IgnoreSIGPIPE() before,
// and os.Exit(1) when Serve returns an error.
func Example() {
	var splunkd []byte // what splunkd writes to the command's stdin
	splunkd = chunked.AppendFrame(splunkd, []byte(`{"action":"getinfo"}`), nil)
	splunkd = chunked.AppendFrame(splunkd, []byte(`{"action":"execute","finished":true}`),
		[]byte("age,\"_chunked_idx\",\"__mv_age\",\"__mv__chunked_idx\"\n66,0,,\n18,1,,\n"))

	if chunked.Serve(bytes.NewReader(splunkd), os.Stdout, doubleAge{}) != nil {
		os.Exit(1)
	}
	// Output:
	// chunked 1.0,46,0
	// {"type":"streaming","required_fields":["age"]}chunked 1.0,17,59
	// {"finished":true}age,_chunked_idx,__mv_age,__mv__chunked_idx
	// 132,0,,
	// 36,1,,
}
