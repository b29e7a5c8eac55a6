package splunkd

import (
	"testing"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// A search is text that a person types: it runs or is refused, and never ends the test.
func FuzzSearchText(f *testing.F) {
	f.Add("| tstats count from datamodel=Network_Traffic where NOT (All_Traffic.src IN (\"10.0.0.0/8\",x)) by _time span=1h")
	f.Add("index=a \"b|c\" | eval 'a.b'=if(in(x,\"y\"),1.5,-z).\":\" | stats count(eval(a=1)) as n dc(x) by y z")
	f.Add("a ```c``` `m(\"x\", y)` | sort 0 - x, +y | rename a* as b* | head 3 | convert timeformat=\"%Y\" ctime(x)")
	f.Fuzz(func(t *testing.T, text string) {
		conf, err := ParseConf("macros.conf", "[m(2)]\nargs = a, b\ndefinition = $a$ `n` $b$\n[n]\ndefinition = 1\n")
		if err != nil {
			t.Fatal(err)
		}
		expanded, err := expandMacros(conf, &spl.Context{Now: time.Unix(0, 0), Zone: time.UTC}, text)
		if err != nil {
			return
		}
		stages, err := spl.ParsePipeline(expanded)
		if err != nil {
			return
		}
		s := &search{head: &Head{}, context: &spl.Context{Now: time.Unix(0, 0), Zone: time.UTC}}
		table := rowsOf("x,y,_time", "1,a,5", ",b,x")
		for _, st := range stages {
			args, raw := wire.SplitArguments(st.Text)
			if len(args) != len(raw) {
				t.Fatalf("%q: %d args, %d raw_args", st.Text, len(args), len(raw))
			}
			known, ok := builtins()[st.Name]
			if !ok || st.Name == "inputlookup" || st.Name == "outputlookup" || st.Name == "makeresults" || st.Name == "timechart" {
				continue // these touch files, or make as many rows as the text says
			}
			operate, err := known.compile(s, st.Text)
			if err != nil {
				return
			}
			if table, err = operate(table); err != nil {
				return
			}
		}
	})
}
