package main

import "math"

// Share is a part of a whole with its 95% interval. Of is how many flows the
// interval rests on; of flows that count differently their effective number
// (Kish: the square of the sum of the weights over the sum of their squares).
type Share struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Of    float64 `json:"of"`
}

// tally sums up flows of which some are hits.
type tally struct {
	flows, hits          int
	weight, hit, squares float64
}

func (t *tally) add(weight float64, hit bool) {
	t.flows++
	t.weight += weight
	t.squares += weight * weight
	if hit {
		t.hits++
		t.hit += weight
	}
}

// share returns nil where there were no flows.
func (t *tally) share() *Share {
	if t.weight == 0 {
		return nil
	}
	n := t.weight * t.weight / t.squares
	p := t.hit / t.weight
	low, high := wilson(p, n)
	return &Share{Value: p, Low: low, High: high, Of: n}
}

// wilson is the 95% interval of Wilson for a share p of n.
func wilson(p, n float64) (low, high float64) {
	const z = 1.959964 // the normal distribution's 97.5% point
	centre := p + z*z/(2*n)
	spread := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	under := 1 + z*z/n
	return max(0, (centre-spread)/under), min(1, (centre+spread)/under)
}

// smoothed is the share with one hit and one miss added (Laplace), so that a
// few flows never prove certainty.
func (t *tally) smoothed() float64 {
	s := t.share()
	if s == nil {
		return 0.5
	}
	return (s.Value*s.Of + 1) / (s.Of + 2)
}
