package detect

// Weights returns every code with its weight, in the order of the table: what a
// flow with this evidence alone is given, where nothing takes from it (an
// answer came, the list is of that time). For the evaluation and the manual.
func Weights() []Evidence {
	var out []Evidence
	for c := noCode + 1; c < codes; c++ {
		out = append(out, Evidence{Code: c, Weight: table[c].weight})
	}
	return out
}
