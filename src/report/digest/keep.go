package digest

import (
	"maps"
	"slices"
)

// keep returns what a map has for a key, and makes it where there is room. A full
// map makes room for what scores more than the least of it: a quarter of it at a
// time, the last in the order of compare, so that many weak findings cannot
// crowd out a sure one. It returns nil for what is not kept: all that scores no
// more than floor, once something had to go.
func keep[K comparable, V any](m map[K]*V, key K, limit, score int, floor *int, of func(*V) (K, int), compare func(a, b *V) int, dropped func(*V)) (v *V, isNew bool) {
	if v = m[key]; v != nil {
		return v, false
	}
	if score <= *floor {
		return nil, false
	}
	if len(m) >= limit {
		sorted := slices.SortedFunc(maps.Values(m), compare)
		*floor = score // a sweep that finds nothing is not done again for that score
		for i := len(sorted) - 1; i >= 0; i-- {
			key, least := of(sorted[i])
			if least >= score {
				break
			}
			*floor = least
			if len(sorted)-i > max(limit/4, 1) {
				break
			}
			delete(m, key)
			if dropped != nil {
				dropped(sorted[i])
			}
		}
		if len(m) >= limit {
			return nil, false
		}
	}
	v = new(V)
	m[key] = v
	return v, true
}
