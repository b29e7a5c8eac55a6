package relay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"tordetect/src/flow"

	"github.com/stretchr/testify/require"
)

// yearHours is the number of hourly lists that TestYear merges.
const yearHours = 365 * 24

// yearRelay is a relay of the synthetic year and the hours, ascending, from
// which it was listed with some flags, or (absent) was not.
type yearRelay struct {
	ListedRelay
	exit  netip.Addr
	hours []int32
	state []flow.Flags
}

const absent = flow.Flags(1 << 7)

// at returns the relay's flags in an hour's list.
func (r *yearRelay) at(hour int) (flow.Flags, bool) {
	i := sort.Search(len(r.hours), func(i int) bool { return int(r.hours[i]) > hour }) - 1
	if i < 0 || r.state[i] == absent {
		return 0, false
	}
	return r.state[i], true
}

// year makes the network's life: 9,600 relays at a time, half with IPv6, a
// quarter exits. Nine of ten stay for about 300 days, the tenth for about two;
// each misses a list in 300 and changes its flags about every 40 days: of a
// list's pairs about 0.5% are gone an hour later, 2% after a day and 40% after
// half a year, as measured on the real network.
func year() []yearRelay {
	random := rand.New(rand.NewPCG(7, 7))
	var all []yearRelay
	for slot := range 9600 {
		life := 300 * 24.0
		if slot%10 == 0 {
			life = 48
		}
		for hour := -int(random.ExpFloat64() * life); hour < yearHours; {
			n := len(all)
			r := yearRelay{}
			for i := range r.Identity {
				r.Identity[i] = byte(random.Uint32())
			}
			r.Nickname = "relay" + strconv.Itoa(n)
			v4 := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
			port := uint16(443 + random.IntN(9000))
			r.Ports = []netip.AddrPort{netip.AddrPortFrom(v4, port)}
			if n%2 == 0 {
				v6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 8: byte(n >> 16), byte(n >> 8), byte(n), 15: 1})
				r.Ports = append(r.Ports, netip.AddrPortFrom(v6, port))
			}
			if n%100 == 0 {
				r.Dir = netip.AddrPortFrom(v4, 9030)
			}
			flags := flow.Flags(0)
			if n%4 == 0 {
				flags, r.exit = flow.Exit, v4
			}
			end := hour + 1 + int(random.ExpFloat64()*life)
			for hour < end && hour < yearHours {
				r.hours, r.state = append(r.hours, int32(hour)), append(r.state, flags)
				if random.IntN(4) == 0 {
					flags ^= flow.Guard
				}
				hour += 1 + int(random.ExpFloat64()*300)
				if hour < end {
					r.hours, r.state = append(r.hours, int32(hour)), append(r.state, absent)
					hour += 1 + random.IntN(8)
				}
			}
			hour = max(hour, end)
			r.hours, r.state = append(r.hours, int32(end)), append(r.state, absent)
			all = append(all, r)
		}
	}
	sort.Slice(all, func(i, j int) bool { return bytes.Compare(all[i].Identity[:], all[j].Identity[:]) < 0 })
	return all
}

// TestYear merges a year of hourly lists, and an exit list with each, and tells
// what it took. It runs when YEAR says in which order: time, back, months (any
// order within each) or any.
func TestYear(t *testing.T) {
	order := os.Getenv("YEAR")
	if order == "" {
		t.Skip("set YEAR to time, back, months or any")
	}
	relays := year()
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
			flags, ok := r.at(h)
			if !ok {
				continue
			}
			r.Flags = flags
			list.Relays = append(list.Relays, r.ListedRelay)
			pairs += len(r.Ports)
			if r.exit.IsValid() { // scanned once a day, at its own minute
				at := exits.Downloaded - int64(h%24)*hour - int64(r.Identity[0])
				exits.Sightings = append(exits.Sightings, ExitSighting{r.Identity, r.exit, at})
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
