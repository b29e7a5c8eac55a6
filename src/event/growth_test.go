package event_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// Values of one name that come one by one are a list of them all, that costs what it
// holds.
func TestListsOfAText(t *testing.T) {
	var e event.Event
	names := [][]byte{[]byte("src_ip"), []byte("app"), []byte("url"), []byte("ja3")}
	put := func(n int) uint64 {
		e = event.Event{}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range n {
			for _, name := range names {
				e.Put(name, []byte{'a' + byte(i%26)})
			}
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	require.Less(t, put(8000), uint64(4<<20)) // 300 MB where each value moves the list
	text := string(e.Text(event.App, nil))
	require.Len(t, text, 2*8000-1)
	require.Equal(t, "a\nb\nc", text[:5])
	require.Less(t, put(100_000), uint64(20<<20))
	require.Len(t, e.Text(event.App, nil), 2*100_000-1, "all of it")
	require.Less(t, e.Held(), 4*len(names)*2*100_000, "a few times what they hold")

	// A list that was taken over is not written to.
	var inner, outer event.Event
	outer.Put([]byte("app"), []byte("a"))
	outer.Put([]byte("app"), []byte("b"))
	inner.Fill(&outer)
	inner.Put([]byte("app"), []byte("c"))
	outer.Put([]byte("app"), []byte("d"))
	require.Equal(t, "a\nb\nc", string(inner.Text(event.App, nil)))
	require.Equal(t, "a\nb\nd", string(outer.Text(event.App, nil)))
}

// Of the columns of one name a bounded number is kept.
func TestManyColumns(t *testing.T) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("A%d.src", i), fmt.Sprintf("A%d.protocol", i), fmt.Sprintf("A%d.srcaddr", i))
	}
	var c event.Columns
	c.Bind(append(names, "src_ip", "__mv_src_ip"))
	require.Len(t, c.Read(), 3*8+2)
	require.Subset(t, c.Read(), []int{3000, 3001}, "the better name, and its list")

	c.Bind(strings.Split("src_ip,dest_ip", ","))
	require.Equal(t, []int{0, 1}, c.Read())
	again := strings.Split("src_ip,dest_ip", ",")
	require.Zero(t, testing.AllocsPerRun(10, func() { c.Bind(again) }), "the same header")
}
