package command

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
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
	Columns [roles]string
}

// DefaultRelays is the table that the app's own searches keep.
const DefaultRelays = "tor_relays.csv"

// option is one option: its name, what it takes, and how to take it.
type option struct {
	name     string
	want     string
	set      func(o *Options, value string) bool
	isColumn bool
	column   role
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
	columnOption("src", roleSource),
	columnOption("src_port", roleSourcePort),
	columnOption("dest", roleDestination),
	columnOption("dest_port", roleDestinationPort),
	columnOption("transport", roleTransport),
	columnOption("time", roleTime),
	columnOption("first", roleFirst),
	columnOption("last", roleLast),
	columnOption("app", roleApp),
	columnOption("sni", roleSNI),
	columnOption("ja4", roleJA4),
	columnOption("ja3", roleJA3),
	{name: "relays", want: "the name of a file in the app's lookups folder, without a path", set: func(o *Options, v string) bool {
		o.Relays = v
		return strings.HasSuffix(v, ".csv") && !strings.HasPrefix(v, ".") && !strings.ContainsAny(v, `/\:`+"\x00\r\n")
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

func columnOption(name string, r role) option {
	return option{name: name, want: "the name of a column", isColumn: true, column: r, set: func(o *Options, v string) bool {
		if len(v) > 2 && v[0] == '\'' && v[len(v)-1] == '\'' {
			v = v[1 : len(v)-1] // as eval quotes a field name; splunkd leaves these quotes
		}
		o.Columns[r] = v
		return v != ""
	}}
}

// ParseOptions reads the arguments of the command as splunkd has taken them
// apart (searchinfo.args): name=value, or with blanks around the equals sign as
// two or three words (protocol.md section 4). Where an option is given twice the
// last counts. The error names what is wrong and what would be right.
func ParseOptions(args []string) (Options, error) {
	o := Options{Relays: DefaultRelays}
	for len(args) > 0 {
		var name, value string
		name, value, args = next(args)
		opt := find(name)
		if opt == nil {
			return Options{}, unknown(name)
		}
		// splunkd takes a list apart that is not quoted.
		for name == "internal" && len(args) > 0 && find(args[0]) == nil && isNetwork(args[0]) {
			value, args = value+","+args[0], args[1:]
		}
		if !opt.set(&o, value) {
			return Options{}, fmt.Errorf("option %s has the bad value %q: want %s", name, value, opt.want)
		}
	}
	return o, nil
}

// next takes one option off the arguments. A word without an equals sign comes
// back as its name.
func next(args []string) (name, value string, rest []string) {
	name, value, found := strings.Cut(args[0], "=")
	rest = args[1:]
	switch {
	case !found && len(rest) > 0 && strings.HasPrefix(rest[0], "="):
		value, rest = rest[0][1:], rest[1:]
		if value == "" {
			value, rest = take(rest)
		}
	case found && value == "":
		value, rest = take(rest)
	}
	return name, value, rest
}

// take returns the word that follows an equals sign, unless it is an option of
// its own: then the value was empty.
func take(args []string) (string, []string) {
	if len(args) == 0 {
		return "", args
	}
	if name, _, found := strings.Cut(args[0], "="); found && find(name) != nil {
		return "", args
	}
	return args[0], args[1:]
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

// setBool reads a boolean as Splunk does.
func setBool(to *bool, v string) bool {
	switch strings.ToLower(v) {
	case "t", "true", "1", "y", "yes":
		*to = true
	case "f", "false", "0", "n", "no":
		*to = false
	default:
		return false
	}
	return true
}

func setInternal(o *Options, v string) bool {
	o.Internal = nil
	for word := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == ' ' || r == '"' }) {
		p, err := parseNetwork(word)
		if err != nil {
			return false
		}
		o.Internal = append(o.Internal, p)
	}
	return len(o.Internal) > 0
}

func isNetwork(word string) bool {
	_, err := parseNetwork(strings.Trim(word, `,"`))
	return err == nil
}

// parseNetwork reads a CIDR network or a single address.
func parseNetwork(word string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(word); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(word)
	if err == nil && p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%s is wider than all of IPv4", word)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96) // rows are unmapped as well
	}
	return p.Masked(), err
}
