package rows_test

import (
	"fmt"
	"os"

	"tordetect/src/rows"
)

// The body of the package comment: a field and a list are added to each row.
func Example() {
	body := []byte(`dest_ip,dest_port,"user name",__mv_dest_ip,__mv_dest_port,"__mv_user name"
"192.0.2.7",443,"O""Neil",,,
"198.51.100.9",9001,,,,
`)
	var s rows.Scanner
	if err := s.Reset(body); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d columns, the third is %q\n", len(s.Names()), s.Names()[2])

	o := rows.NewOutput([]rows.Field{{Name: "verdict"}, {Name: "codes", List: true}})
	o.Bind(&s)
	reply := o.AppendHeader(nil)
	cells := make([]rows.Cell, 2)
	var codes rows.List
	for s.Next() {
		codes.Reset()
		verdict := "none"
		if string(s.Value(0)) == "198.51.100.9" && string(s.Cell(1)) == "9001" {
			verdict = "tor"
			codes.AddString("relay")
			codes.AddString("port")
		}
		cells[0].SetString(verdict)
		cells[1].SetList(&codes)
		reply = o.AppendRow(reply, &s, cells)
	}
	if err := s.Err(); err != nil {
		fmt.Println(err)
		return
	}
	os.Stdout.Write(reply)
	// Output:
	// 6 columns, the third is "user name"
	// dest_ip,dest_port,"user name",__mv_dest_ip,__mv_dest_port,"__mv_user name",verdict,codes,"__mv_codes"
	// "192.0.2.7",443,"O""Neil",,,,none,,
	// "198.51.100.9",9001,,,,,tor,"relay
	// port","$relay$;$port$"
}

// A broken row is told by its number, its place and what is wrong with it.
func ExampleScanner_Err() {
	var s rows.Scanner
	if err := s.Reset([]byte("a,b,c\n1,2,3\n4,5\n")); err != nil {
		fmt.Println(err)
	}
	for s.Next() {
		fmt.Printf("%d: %s\n", s.Number(), s.Row())
	}
	fmt.Println(s.Err())
	// Output:
	// 1: 1,2,3
	// row 2 at byte 12: number of cells differs from the header: found 2, want 3
}
