package text

import "strconv"

// Age writes a number of seconds as a person says it, in its two largest units: 6 d
// 19 h, 2 h 5 min, 45 s.
func Age(seconds int64) string {
	if seconds < 0 {
		return "-" + Age(max(-seconds, 0))
	}
	units := [...]struct {
		name   string
		length int64
	}{{"d", 24 * 3600}, {"h", 3600}, {"min", 60}, {"s", 1}}
	for i, u := range units {
		if seconds < u.length && u.length > 1 {
			continue
		}
		words := strconv.FormatInt(seconds/u.length, 10) + " " + u.name
		if i+1 < len(units) {
			if rest := seconds % u.length / units[i+1].length; rest > 0 {
				words += " " + strconv.FormatInt(rest, 10) + " " + units[i+1].name
			}
		}
		return words
	}
	return ""
}
