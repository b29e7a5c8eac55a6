package event

import "slices"

// Read returns the numbers of all columns that are read, ascending.
func (c *Columns) Read() []int {
	var out []int
	for r := range Roles {
		for _, p := range c.places[r] {
			if out = append(out, p.plain); p.multi >= 0 {
				out = append(out, p.multi)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Held is how many bytes an event has for lists.
func (e *Event) Held() int { return cap(e.arena) }
