package relay

import (
	"net/netip"
	"slices"
	"sort"

	"tordetect/src/flow"
)

// Near is Lookup for a judgement, which asks for each row of traffic: it leaves out
// what tells nothing beside another listing of the same relay, port and flags. Of
// those that ended before the interval, of those that begin after it, and of those
// that lie inside it, the last, the first and the last is given.
//
// So an address that came and went four thousand times costs no more than one that
// did so ten times: its rows are searched and not walked over.
func (t *Table) Near(dst []Listing, addr netip.Addr, at flow.Interval) []Listing {
	for rows := t.of(addr); len(rows) > 0; {
		n := leading(rows, sameRelay)
		switch {
		case rows[0].Kind.BuiltIn():
			dst = appendBuiltIn(dst, rows[:n], at)
		case n <= fewRows:
			dst = t.appendRelay(dst, rows[:n], nil, at)
		default:
			var room [maxNear]int
			dst = t.appendRelay(dst, rows[:n], t.near(room[:0], rows[:n], at), at)
		}
		rows = rows[n:]
	}
	return dst
}

const (
	fewRows  = 8  // of one relay and port: searching would cost more than it saves
	perFlags = 10 // rows that near picks of one set of flags
	maxNear  = perFlags * (1 + int(flow.AllFlags))
)

// near picks of the rows of one relay and port those that Near gives, and those by
// which they are placed in time. The rows of one set of flags stand together, in
// order, and do not overlap (see settle), so they are found by halving.
func (t *Table) near(picked []int, rows []Entry, at flow.Interval) []int {
	before, after := t.listsOf(rows).around(at)
	for start := 0; start < len(rows); {
		run := rows[start:]
		run = run[:leading(run, sameFlags)]
		from := len(picked)
		pick := func(i int) {
			if 0 <= i && i < len(run) {
				picked = append(picked, start+i)
			}
		}
		endsAfter := func(moment int64) int {
			return sort.Search(len(run), func(i int) bool { return run[i].Last >= moment })
		}
		first := endsAfter(at.From)
		behind := sort.Search(len(run), func(i int) bool { return run[i].First > at.To })
		pick(first - 3) // the last that is Earlier, where the next ones are Stale and Recent
		pick(first - 2)
		pick(first - 1)
		pick(first)      // it may hold the beginning
		pick(behind - 2) // the last inside, where the next one holds the end
		pick(behind - 1)
		pick(behind) // the first that begins after
		pick(behind + 1)
		if before != nil {
			pick(endsAfter(before.To))
		}
		if after != nil {
			pick(endsAfter(after.From))
		}
		slices.Sort(picked[from:])
		picked = picked[:from+len(slices.Compact(picked[from:]))]
		start += len(run)
	}
	return picked
}

// listsOf returns the lists in which rows of a kind could stand.
func (t *Table) listsOf(rows []Entry) lists {
	if rows[0].Kind == flow.ExitAddress {
		return t.exitLists
	}
	return t.lists
}

// leading returns how many rows are like the first; they stand together at the
// front. It looks at 1, 2, 4, ... and halves what is left.
func leading(rows []Entry, like func(first, e *Entry) bool) int {
	if len(rows) < 2 || !like(&rows[0], &rows[1]) { // nearly always
		return 1
	}
	step := 2
	for step < len(rows) && like(&rows[0], &rows[step]) {
		step *= 2
	}
	low := step / 2 // is like the first, or the first itself
	rest := rows[low+1 : min(step, len(rows))]
	return low + 1 + sort.Search(len(rest), func(i int) bool { return !like(&rows[0], &rest[i]) })
}
