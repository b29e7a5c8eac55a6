package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tordetect/src/chunked"
)

var update = flag.Bool("update", false, "write what the scripts got as what they want")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"torrelays": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"frames": frames},
	})
}

// frames writes a file of frames: frames OUT METADATA BODY..., each part the name
// of a file, whose last line end is not a part of it; - is an empty body.
func frames(ts *testscript.TestScript, neg bool, args []string) {
	var out []byte
	for i := 1; i+1 < len(args); i += 2 {
		metadata := ts.ReadFile(args[i])
		var body string
		if args[i+1] != "-" {
			body = ts.ReadFile(args[i+1])
		}
		out = chunked.AppendFrame(out, []byte(metadata[:len(metadata)-1]), []byte(body))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}
