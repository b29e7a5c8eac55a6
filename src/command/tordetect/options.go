package tordetect

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/chunked"
	"tordetect/src/event"
	"tordetect/src/splunkhome"
)

// Options of the search command; see the manual for what they mean.
type Options struct {
	Labeled     bool
	RequireList bool
	Local       bool
	Narrow      bool           // only the columns that are read and written cross the pipe
	Info        bool           // add what the node is that judged the row
	MinScore    int            // 0 to 99
	Internal    []netip.Prefix // nil: none named
	Relays      string         // a file name in the lookups folder
	// Columns holds the columns named by the user, by role; empty where the
	// column is found by its usual names.
	Columns [event.Roles]string
}

// DefaultRelays is the table that the app's own searches keep.
const DefaultRelays = splunkhome.Table

// option is one option: its name, what it takes, and how to take it.
type option struct {
	name     string
	want     string
	set      func(o *Options, value string) bool
	isColumn bool
	column   event.Role
}

var options = []option{
	{name: "labeled", want: wantBool, set: func(o *Options, v string) bool { return setBool(&o.Labeled, v) }},
	{name: "min_score", want: "a whole number from 0 to 99", set: func(o *Options, v string) bool {
		n, err := strconv.Atoi(v)
		o.MinScore = n
		return err == nil && n >= 0 && n <= 99
	}},
	{name: "require_list", want: wantBool, set: func(o *Options, v string) bool { return setBool(&o.RequireList, v) }},
	{name: "internal", want: "networks such as 10.0.0.0/8 or 2001:db8::/32, in quotes and with commas between", set: setInternal},
	{name: "local", want: wantBool, set: func(o *Options, v string) bool { return setBool(&o.Local, v) }},
	columnOption("src", event.Source),
	columnOption("src_port", event.SourcePort),
	columnOption("dest", event.Destination),
	columnOption("dest_port", event.DestinationPort),
	columnOption("transport", event.Transport),
	columnOption("time", event.Time),
	columnOption("first", event.First),
	columnOption("last", event.Last),
	columnOption("app", event.App),
	columnOption("sni", event.SNI),
	columnOption("ja4", event.JA4),
	columnOption("ja3", event.JA3),
	{name: "relays", want: "the name of a file in the app's lookups folder, without a path", set: func(o *Options, v string) bool {
		o.Relays = v
		return strings.HasSuffix(v, ".csv") && splunkhome.LookupName(v)
	}},
	{name: "narrow", want: wantBool, set: func(o *Options, v string) bool { return setBool(&o.Narrow, v) }},
	{name: "info", want: wantBool, set: func(o *Options, v string) bool { return setBool(&o.Info, v) }},
}

// OptionNames returns the names of all options in the order of the manual.
func OptionNames() []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}

const wantBool = "true or false"

func columnOption(name string, r event.Role) option {
	return option{name: name, want: "the name of a column", isColumn: true, column: r, set: func(o *Options, v string) bool {
		o.Columns[r] = chunked.FieldName(v)
		return v != ""
	}}
}

// ParseOptions reads the arguments of the command as splunkd has taken them
// apart (searchinfo.args). Where an option is given twice the last counts. The
// error names what is wrong and what would be right.
func ParseOptions(args []string) (Options, error) {
	o := Options{Relays: DefaultRelays}
	words := chunked.NewArguments(args, func(name string) bool { return find(name) != nil })
	for words.Next() {
		name, value := words.Name, words.Value
		opt := find(name)
		if opt == nil {
			return Options{}, unknown(name)
		}
		if name == "internal" { // splunkd takes a list apart that is not quoted
			value = strings.Join(append([]string{value}, words.More(isNetwork)...), ",")
		}
		if !opt.set(&o, value) {
			return Options{}, fmt.Errorf("option %s has the bad value %q: want %s", name, value, opt.want)
		}
	}
	return o, nil
}

func find(name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

func unknown(name string) error {
	known := strings.Join(OptionNames(), ", ")
	if find(strings.ToLower(name)) != nil {
		return fmt.Errorf("unknown option %q: options are written in lower case; want %s", name, known)
	}
	return fmt.Errorf("unknown option %q: want name=value with one of %s", name, known)
}

func setBool(to *bool, v string) bool {
	value, ok := chunked.Bool(v)
	*to = value
	return ok
}

func setInternal(o *Options, v string) bool {
	networks, err := cell.Networks(v)
	o.Internal = networks
	return err == nil
}

func isNetwork(word string) bool {
	_, err := cell.Network(strings.Trim(word, `,"`))
	return err == nil
}

// Column is one thing that is read of a row, for the manual.
type Column struct {
	Means  string   // what it is
	Option string   // the option that names its column; empty: it has none
	Names  []string // found by these names without the option, the better first
}

// Columns returns all that is read of a row.
func Columns() []Column {
	var out []Column
	for _, t := range event.Table() {
		c := Column{Means: t.Means}
		for _, n := range t.Names {
			c.Names = append(c.Names, n.Text)
		}
		for _, o := range options {
			if o.isColumn && o.column == t.Role {
				c.Option = o.name
			}
		}
		out = append(out, c)
	}
	return out
}
