package tordetect

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

func TestParseOptions(t *testing.T) {
	networks := func(words ...string) (out []netip.Prefix) {
		for _, w := range words {
			out = append(out, netip.MustParsePrefix(w))
		}
		return out
	}
	with := func(change func(o *Options)) Options {
		o := Options{Relays: DefaultRelays}
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		args []string
		want Options
	}{
		"none":                   {nil, with(func(o *Options) {})},
		"plain":                  {[]string{"labeled=true", "min_score=50"}, with(func(o *Options) { o.Labeled, o.MinScore = true, 50 })},
		"blanks around equals":   {[]string{"labeled", "=", "t", "min_score=", "7", "require_list", "=yes"}, with(func(o *Options) { o.Labeled, o.MinScore, o.RequireList = true, 7, true })},
		"booleans in any case":   {[]string{"labeled=Y", "local=TRUE", "require_list=No"}, with(func(o *Options) { o.Labeled, o.Local = true, true })},
		"last one counts":        {[]string{"labeled=1", "labeled=0"}, with(func(o *Options) {})},
		"columns":                {[]string{"src=my src", "dest='All_Traffic.dest'"}, with(func(o *Options) { o.Columns[event.Source], o.Columns[event.Destination] = "my src", "All_Traffic.dest" })},
		"a column with equals":   {[]string{"app=a=b"}, with(func(o *Options) { o.Columns[event.App] = "a=b" })},
		"networks":               {[]string{"internal=10.0.0.0/8,2001:db8::/32"}, with(func(o *Options) { o.Internal = networks("10.0.0.0/8", "2001:db8::/32") })},
		"networks taken apart":   {[]string{"internal=10.0.0.0/8", "192.0.2.0/24", "labeled=1"}, with(func(o *Options) { o.Internal, o.Labeled = networks("10.0.0.0/8", "192.0.2.0/24"), true })},
		"networks from a macro":  {[]string{`internal="10.0.0.0/8", "192.0.2.7"`}, with(func(o *Options) { o.Internal = networks("10.0.0.0/8", "192.0.2.7/32") })},
		"network with host bits": {[]string{"internal=10.1.2.3/8"}, with(func(o *Options) { o.Internal = networks("10.0.0.0/8") })},
		"mapped networks":        {[]string{"internal=::ffff:192.0.2.0/120"}, with(func(o *Options) { o.Internal = networks("192.0.2.0/24") })},
		"another table":          {[]string{"relays=lab.csv"}, with(func(o *Options) { o.Relays = "lab.csv" })},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseOptions(c.args)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"foo=1"}, `unknown option "foo": want name=value with one of labeled, min_score, require_list, internal, local, src, src_port, dest, dest_port, transport, time, first, last, app, sni, ja4, ja3, relays, narrow, info`},
		{[]string{"src_ip"}, `unknown option "src_ip"`},
		{[]string{"Labeled=1"}, `unknown option "Labeled": options are written in lower case`},
		{[]string{"labeled=maybe"}, `option labeled has the bad value "maybe": want true or false`},
		{[]string{"labeled"}, `option labeled has the bad value "": want true or false`},
		{[]string{"labeled="}, `option labeled has the bad value ""`},
		{[]string{"src=", "dest=x"}, `option src has the bad value "": want the name of a column`},
		{[]string{"min_score=100"}, `option min_score has the bad value "100": want a whole number from 0 to 99`},
		{[]string{"min_score=-1"}, `option min_score has the bad value "-1"`},
		{[]string{"min_score=5.5"}, `option min_score has the bad value "5.5"`},
		{[]string{"internal=intern"}, `option internal has the bad value "intern": want networks such as`},
		{[]string{"internal=10.0.0.0/33"}, `option internal has the bad value`},
		{[]string{"internal=::ffff:0:0/90"}, `option internal has the bad value`},
		{[]string{"relays=a\n.csv"}, `option relays has the bad value`},
		{[]string{"internal="}, `option internal has the bad value ""`},
		{[]string{"relays=../../etc/passwd"}, `option relays has the bad value "../../etc/passwd": want the name of a file in the app's lookups folder, without a path`},
		{[]string{`relays=a\b.csv`}, `option relays has the bad value`},
		{[]string{"relays=.csv"}, `option relays has the bad value`},
		{[]string{"labeled=true", "10.0.0.0/8"}, `unknown option "10.0.0.0/8"`},
		{[]string{""}, `unknown option ""`},
	} {
		_, err := ParseOptions(c.args)
		require.ErrorContains(t, err, c.want, "%q", c.args)
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("labeled", "=", "true") // three words
	f.Add("internal=10.0.0.0/8", "192.0.2.0/24", "=")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		o, err := ParseOptions([]string{a, b, c})
		if err == nil {
			require.NotContains(t, o.Relays, "/")
			require.True(t, o.MinScore >= 0 && o.MinScore <= 99)
		}
	})
}
