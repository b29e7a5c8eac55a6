package spl

import "strconv"

// CompileStreamstats numbers rows as they come, in their group: count, of all or of those with a value. Other functions
// are not played.
func CompileStreamstats(c *Context, text string) (Operator, error) {
	aggregates, by, err := readStats("streamstats", text)
	if err != nil {
		return nil, err
	}
	for _, agg := range aggregates {
		if agg.Function != "count" {
			return nil, SearchErrorf("Error in 'streamstats' command: the function '%s' is not played by this stand-in.", agg.Function)
		}
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: append([]string(nil), in.Columns...)}
		for _, agg := range aggregates {
			out.Add(agg.As)
		}
		counts := map[string]int{}
		for _, row := range in.Rows {
			row = row.Clone()
			group := Line(row, by)
			for _, agg := range aggregates {
				counts[agg.As+"\x00"+group] += len(agg.of(c, row))
				row[agg.As] = Value{strconv.Itoa(counts[agg.As+"\x00"+group])}
			}
			out.Rows = append(out.Rows, row)
		}
		return out, nil
	}, nil
}
