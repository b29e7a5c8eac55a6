package chunked_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strconv"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// doubleAge is a whole streaming command: it doubles the field age, and leaves all
// other bytes of a row as they are.
type doubleAge struct{}

func (doubleAge) Getinfo(*chunked.Info) (chunked.Declaration, error) {
	return chunked.Declaration{Type: chunked.Streaming, RequiredFields: []string{"age", "name"}}, nil
}

func (doubleAge) Execute(_ context.Context, chunk *chunked.Chunk, body io.Reader) error {
	var in rows.Scanner
	if err := in.ResetReader(body); err != nil {
		return err
	}
	age := slices.Index(in.Names(), "age")
	out := rows.NewOutput(rows.Plain("age"))
	out.Bind(&in)
	chunk.Reply = out.AppendHeader(chunk.Reply)
	cells := make([]rows.Cell, 1)
	for in.Next() {
		cells[0].Set(nil)
		if years, err := strconv.Atoi(string(in.Value(age))); err == nil {
			cells[0].SetString(strconv.Itoa(2 * years))
		}
		chunk.Reply = out.AppendRow(chunk.Reply, &in, cells)
	}
	return in.Err()
}

// A program needs one line more: func main() { chunked.Main(doubleAge{}) }.
func Example() {
	var splunkd []byte // what splunkd writes to the command's stdin
	splunkd = chunked.AppendFrame(splunkd, []byte(`{"action":"getinfo"}`), nil)
	splunkd = chunked.AppendFrame(splunkd, []byte(`{"action":"execute","finished":true}`),
		[]byte(`age,name,"_chunked_idx","__mv_age","__mv_name","__mv__chunked_idx"
66,"O""Neil, Tip",0,,,
18,Ringo,1,,,
`))

	if chunked.Serve(bytes.NewReader(splunkd), os.Stdout, doubleAge{}) != nil {
		os.Exit(1)
	}
	// Output:
	// chunked 1.0,53,0
	// {"type":"streaming","required_fields":["age","name"]}chunked 1.0,17,105
	// {"finished":true}age,name,"_chunked_idx","__mv_age","__mv_name","__mv__chunked_idx"
	// 132,"O""Neil, Tip",0,,,
	// 36,Ringo,1,,,
}
