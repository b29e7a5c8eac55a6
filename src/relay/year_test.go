package relay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/year"
)

// yearHours is the number of hourly lists that TestYear merges.
const yearHours = 365 * 24

// TestYear merges a year of hourly lists, and an exit list with each, and tells
// what it took. It runs when YEAR says in which order: time, back, months (any
// order within each) or any.
func TestYear(t *testing.T) {
	order := os.Getenv("YEAR")
	if order == "" {
		t.Skip("set YEAR to time, back, months or any")
	}
	relays := year.Relays(year.Places, yearHours)
	hours := make([]int, yearHours)
	for i := range hours {
		hours[i] = i
	}
	random := rand.New(rand.NewPCG(1, 1))
	switch order {
	case "back":
		sort.Sort(sort.Reverse(sort.IntSlice(hours)))
	case "months":
		for i := 0; i < yearHours; i += 730 {
			part := hours[i : i+730]
			random.Shuffle(len(part), func(a, b int) { part[a], part[b] = part[b], part[a] })
		}
	case "any":
		random.Shuffle(yearHours, func(a, b int) { hours[a], hours[b] = hours[b], hours[a] })
	}
	const start, hour = int64(1764547200), 3600
	m := NewMerger()
	var list List
	var exits ExitList
	var took time.Duration
	pairs, sightings := 0, 0
	for _, h := range hours {
		list.ValidAfter = start + int64(h)*hour
		list.ValidUntil = list.ValidAfter + 3*hour
		list.Relays = list.Relays[:0]
		exits.Downloaded, exits.Sightings = list.ValidAfter+120, exits.Sightings[:0]
		for i := range relays {
			r := &relays[i]
			flags, ok := r.At(h)
			if !ok {
				continue
			}
			list.Relays = append(list.Relays, ListedRelay{Identity: r.Identity, Nickname: r.Nickname, Flags: flags, Ports: r.Ports, Dir: r.Dir})
			pairs += len(r.Ports)
			if r.Exit.IsValid() {
				exits.Sightings = append(exits.Sightings, ExitSighting{r.Identity, r.Exit, exits.Downloaded - r.Scanned(h)})
			}
		}
		sightings += len(exits.Sightings)
		began := time.Now()
		require.NoError(t, m.AddList(list))
		require.NoError(t, m.AddExitList(exits))
		took += time.Since(began)
	}
	pieces, waiting := len(m.pieces), len(m.sightings)
	var file bytes.Buffer
	began := time.Now()
	stats, err := m.Write(&file, Options{})
	require.NoError(t, err)
	wrote := time.Since(began)
	t.Logf("%d relays in all, %d lists, %d pairs, %d sightings (%d distinct), %d pieces: merged in %v (%.0f ns a pair), written in %v, %d bytes, %+v",
		len(relays), len(hours), pairs, sightings, waiting, pieces, took, float64(took.Nanoseconds())/float64(pairs), wrote, file.Len(), stats)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for l := range strings.Lines(string(status)) {
		if strings.HasPrefix(l, "VmHWM") {
			t.Logf("peak memory of the process: %s", l)
		}
	}
	began = time.Now()
	table, err := Parse(file.String())
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Zero(t, table.Skipped)
	t.Logf("read again in %v", time.Since(began))

	began = time.Now()
	again := NewMerger()
	require.NoError(t, addTable(again, file.String()))
	var second bytes.Buffer
	_, err = again.Write(&second, Options{})
	require.NoError(t, err)
	t.Logf("merged into nothing and written again in %v", time.Since(began))
	require.True(t, bytes.Equal(file.Bytes(), second.Bytes()), fmt.Sprint("another table of ", second.Len(), " bytes"))
}
