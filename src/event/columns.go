package event

import (
	"slices"
	"strings"
)

// Columns knows where in the rows of a chunk each role stands. Named holds the
// columns that the user named, by role; empty where they are found by their names.
type Columns struct {
	Named [Roles]string
	// Judging says that nothing is read but what is judged by.
	Judging bool

	bound  []string       // the header
	number map[string]int // of its columns: the first of a name
	places [Roles][]place // the better name first
	seen   [Roles]bool    // a column named by the user was there in some chunk
	have   uint64         // the roles that have a place, by their bits
	zeek   []place        // those that say that a row is Zeek's
}

// place is a column and that of its list, by number; multi is -1 without one.
type place struct {
	plain, multi int
	slot         Slot
	named        bool // by the user
	general      bool // a general word: it counts only beside others
}

// maxPlaces bounds the columns of one name. It is met with dots and underscores and
// behind one or two data sets; whoever can name fields could name thousands, and each
// row would ask all of them.
const maxPlaces = 8

// Bind finds the columns in a header. One that is the same as before costs nothing
// but the comparison.
func (c *Columns) Bind(names []string) {
	if c.bound != nil && slices.Equal(c.bound, names) {
		return
	}
	c.bound = append(c.bound[:0], names...)
	if c.number == nil {
		c.number = make(map[string]int, len(names))
	}
	clear(c.number)
	for i, name := range slices.Backward(names) {
		c.number[name] = i
	}
	for r := range Roles {
		c.places[r] = c.places[r][:0]
		if named := c.Named[r]; named != "" {
			if i, ok := c.number[named]; ok {
				c.add(r, names, place{plain: i, named: true})
				c.seen[r] = true
			}
		}
	}
	for i, name := range names {
		if s, ok := Find([]byte(bareName(name))); ok && c.Named[slots.role[s]] == "" {
			c.add(slots.role[s], names, place{plain: i, slot: s, general: slots.name[s].Beside != Always})
		}
	}
	last := Slot(0)
	for r := range Roles {
		// The better name first; of one name the one without a prefix.
		slices.SortStableFunc(c.places[r], func(a, b place) int { return int(a.slot) - int(b.slot) })
		alike := 0 // with the one before
		c.places[r] = slices.DeleteFunc(c.places[r], func(p place) bool {
			if alike++; alike == 1 || p.slot != last || p.named {
				alike, last = 1, p.slot
			}
			return alike > maxPlaces
		})
	}
	for r := range Roles {
		c.places[r] = slices.DeleteFunc(c.places[r], func(p place) bool { return p.general && !c.hasAny(companions(p.slot)) })
	}
	if c.Judging {
		c.dropTold()
	}
	c.zeek = c.zeek[:0]
	for _, s := range slots.zeek {
		for _, p := range c.places[slots.role[s]] {
			if p.slot == s && !p.named {
				c.zeek = append(c.zeek, p)
			}
		}
	}
	c.have = 0
	for r := range Roles {
		if len(c.places[r]) > 0 {
			c.have |= 1 << r
		}
	}
}

// dropTold drops what is told of an event and not judged by, but for names beside
// which a general word counts.
func (c *Columns) dropTold() {
	for _, r := range [...]Role{User, Method, SensorID, CommunityID} {
		c.places[r] = slices.DeleteFunc(c.places[r], func(told place) bool {
			for all := range Roles {
				for _, p := range c.places[all] {
					if p.general && all != r && slices.Contains(companions(p.slot), told.slot) {
						return false
					}
				}
			}
			return true
		})
	}
}

func (c *Columns) add(r Role, names []string, p place) {
	p.multi = -1
	if r != Raw { // an event is no list: one column less to look for
		if i, ok := c.number["__mv_"+names[p.plain]]; ok {
			p.multi = i
		}
	}
	c.places[r] = append(c.places[r], p)
}

// hasAny reports whether there is a column of one of some names.
func (c *Columns) hasAny(among []Slot) bool {
	for _, s := range among {
		for i := range c.places[slots.role[s]] {
			if p := &c.places[slots.role[s]][i]; p.slot == s && !p.named {
				return true
			}
		}
	}
	return false
}

// Missing returns the columns named by the user that no chunk had.
func (c *Columns) Missing() []string {
	var out []string
	for r := range Roles {
		if c.Named[r] != "" && !c.seen[r] {
			out = append(out, c.Named[r])
		}
	}
	return out
}

// Fields are the columns that are read, by their bare names: those that splunkd has
// to send where it sends only those that a command names. Not among them are
// columns behind a data set's name, of which there is no end, and the raw event,
// whose absence is what makes it worthwhile.
func (c *Columns) Fields() []string {
	var out []string
	put := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for r := range Roles {
		switch {
		case c.Named[r] != "":
			put(c.Named[r])
		case r != Raw:
			for _, n := range table[r].names {
				put(n.Text)
				if plain := strings.ReplaceAll(n.Text, ".", "_"); plain != n.Text {
					put(plain)
				}
			}
		}
	}
	return out
}

// bareName cuts the prefix of a data model's data set off a name, as in
// All_Traffic.src: a word that begins with a capital, and a dot. Fields of JSON
// events, such as tunnel.src_ip of Suricata, begin with a small letter. The marks
// of lists go too.
func bareName(name string) string {
	word, rest, ok := strings.Cut(name, ".")
	if ok && IsDataset(word) {
		name = rest
	}
	return strings.ReplaceAll(name, "{}", "")
}

// IsDataset reports whether a word can be the name of a data model's data set.
func IsDataset[T string | []byte](word T) bool {
	if len(word) == 0 || word[0] < 'A' || word[0] > 'Z' {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// IsHeader reports whether a row of names has something to judge.
func IsHeader(names []string) bool {
	for _, name := range names {
		s, ok := Find([]byte(bareName(strings.TrimPrefix(name, "__mv_"))))
		if !ok {
			continue
		}
		switch slots.role[s] {
		case Source, Destination, SNI, JA4, JA3, URL, Query, Raw:
			return true
		}
	}
	return false
}
