package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/capture"
	"tordetect/src/tlsname"
)

// Which build a hello is said to be of, by what of it is known.
func TestBuildWords(t *testing.T) {
	var tor, arti, snowflake tlsname.Build
	for _, b := range tlsname.Builds() {
		switch {
		case b.JA3 == "" || b.JA4 == "":
		case b.Client == tlsname.Arti:
			arti = b
		case b.Client == tlsname.Snowflake:
			snowflake = b
		case tor.JA3 == "":
			tor = b
		}
	}
	require.NotEmpty(t, tor.JA3)
	for _, c := range []struct{ ja3, ja4, want string }{
		{tor.JA3, "t13d1516h2_000000000000_000000000000", "^a build that was not measured: its JA3 alone is that of tor "},
		{"0", tor.JA4, "^another program, or a build that was not measured: its JA4 alone is that of tor "},
		{tor.JA3, tor.JA4, "^tor "},
		{"0", "t13d181100_796efca44d18_000000000000", "^another program, or a build that was not measured: its JA4 has tor's list of ciphers and no ALPN$"},
		{arti.JA3, arti.JA4, "^perhaps .*; or another program with that library: the server name tells$"},
		{snowflake.JA3, snowflake.JA4, "^perhaps .*; or another program with that library$"},
	} {
		if c.ja3 == "" {
			continue
		}
		require.Regexp(t, c.want, buildWords(&capture.Hello{JA3: c.ja3, JA4: c.ja4}), c.want)
	}
}
