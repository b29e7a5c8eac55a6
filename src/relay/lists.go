package relay

import (
	"slices"
	"sort"

	"tordetect/src/flow"
)

// lists holds the times for which lists were read: intervals in ascending
// order that neither overlap nor touch.
type lists []flow.Interval

// reaches reports whether an interval that ends at to and one that does not
// begin before it, at from, overlap or touch. Touching is sharing a moment:
// [10,20] and [20,30] join, [10,20] and [21,30] leave a gap that no moment in
// whole seconds falls into, so they join as well. It is the one rule for lists
// and for rows.
func reaches(to, from int64) bool { return from <= to || from-1 == to }

// join sorts the intervals and joins those that overlap or touch.
func join(in []flow.Interval) lists {
	slices.SortFunc(in, func(a, b flow.Interval) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	var out lists
	for _, iv := range in {
		if n := len(out); n > 0 && reaches(out[n-1].To, iv.From) {
			out[n-1].To = max(out[n-1].To, iv.To)
			continue
		}
		out = append(out, iv)
	}
	return out
}

// first returns the number of the first interval that ends at or after the
// moment. There are few intervals, mostly one.
func (l lists) first(moment int64) int {
	if len(l) == 1 {
		if l[0].To >= moment {
			return 0
		}
		return 1
	}
	return sort.Search(len(l), func(i int) bool { return l[i].To >= moment })
}

func (l lists) coverage(at flow.Interval) flow.Coverage {
	if len(l) == 0 {
		return flow.CoverageNone
	}
	if i := l.first(at.From); i < len(l) && l[i].From <= at.From && at.To <= l[i].To {
		return flow.CoverageFull
	}
	switch {
	case at.From < l[0].From:
		return flow.CoverageBefore
	case at.To > l[len(l)-1].To:
		return flow.CoverageStale
	}
	return flow.CoverageGap
}

// around returns the lists on both sides of an interval that touches none, and
// nothing for an interval that touches one. Either is nil at the end of the
// lists.
func (l lists) around(at flow.Interval) (before, after *flow.Interval) {
	i := l.first(at.From)
	if i < len(l) {
		if l[i].From <= at.To {
			return nil, nil
		}
		after = &l[i]
	}
	if i > 0 {
		before = &l[i-1]
	}
	return before, after
}

// reachBeyond reports whether a list was read that is newer than the moment.
func (l lists) reachBeyond(moment int64) bool {
	return len(l) > 0 && l[len(l)-1].To > moment
}
