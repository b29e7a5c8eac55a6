package tordetect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Rows that hold many of two things cost what both hold, not their product. With the
// product each of these takes a quarter of a minute and more, else less than a
// second; the limit is no measure of speed. ./build.sh bench growth has more of them.
func TestManyOfTwoThings(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	const limit = 8 * time.Second
	list := func(n int, of func(i int) string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = of(i)
		}
		return `"` + strings.Join(all, ",") + `"`
	}
	host := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }
	relays := func(n int) string {
		all := []string{",,coverage,,,,8,20"}
		for i := range n {
			all = append(all, fmt.Sprintf("%s,9001,or,Exit,%040X,r%d,8,20", host(i), i, i))
		}
		return table(all...)
	}
	times := func() string { // one relay that came and went, and leaves from elsewhere
		all := []string{",,coverage,,,,8,20", ",,exit_coverage,,,,8,20"}
		for i := range 4000 {
			from := 8 + float64(i)*12/4000
			all = append(all, fmt.Sprintf("198.51.100.1,443,or,%s,%040X,exit,%g,%g", []string{"Exit", "Exit Guard"}[i%2], 1, from, from+0.001),
				fmt.Sprintf("%s,,exit,Exit,%040X,exit,8,20", host(i), 1))
		}
		return table(all...)
	}
	const many = 130_000
	for name, c := range map[string]struct{ table, header, row string }{
		"addresses beside ports": {relays(many), "src_ip,dest_ip,dest_port,_time",
			"192.0.2.1," + list(many, host) + "," + list(many, func(i int) string { return itoa(int64(1 + i%60_000)) }) + "," + epoch(12)},
		"sources beside ports": {relays(many), "src_ip,src_port,dest_ip,dest_port,_time",
			list(many, host) + "," + list(many, func(i int) string { return itoa(int64(1 + i%1000)) }) + ",192.0.2.1,40000," + epoch(12)},
		"sources with one port": {relays(many), "src_ip,src_port,dest_ip,dest_port,_time",
			list(many, host) + ",9001,192.0.2.1,40000," + epoch(12)},
		"times of an exit": {times(), "src_ip,dest_ip,dest_port,_time",
			strings.Repeat("198.51.100.1,192.0.2.1,443,"+epoch(12)+"\n", 400)},
		"times of a relay": {times(), "src_ip,dest_ip,dest_port,_time",
			strings.Repeat("192.0.2.1,198.51.100.1,443,"+epoch(12)+"\n", 40_000)},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := run{table: c.table, chunks: []string{c.header + "\n" + strings.TrimSuffix(c.row, "\n") + "\n"}}.do(t)
			require.Less(t, time.Since(start), limit)
			require.Empty(t, r.failure)
		})
	}
}
