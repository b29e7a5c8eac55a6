package chunked

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Words are separated by | here, as they hold blanks; what comes out is
// name=value, or the word alone where there was no equals sign.
func TestArguments(t *testing.T) {
	known := []string{"a", "b", "list"}
	for _, c := range []struct{ words, want string }{
		{"a=1|b=2", "a=1 / b=2"},
		{"a=one|b|=|two|c=three", "a=one / b=two / c=three"}, // as recorded
		{"a|=1|b", "a=1 / b"},
		{"a=|1", "a=1"},
		{"a|=", "a="},
		{"a=", "a="},
		{"a=|b=2", "a= / b=2"},  // b is an option: a has no value
		{"a|=|b=2", "a= / b=2"}, // the same, taken apart
		{"a=|x=2", "a=x=2"},     // x is none
		{"a=|b", "a=b"},         // a bare word is a value
		{`r=A "b" C|'s'=q\r`, `r=A "b" C / 's'=q\r`},
		{"a==b", "a==b"},
		{"a=x=y", "a=x=y"},
		{"seen|192.0.2.1", "seen / 192.0.2.1"},
		{"=", "="},
		{"=1", "=1"},
		{"", ""},
		{"a=src ip", "a=src ip"},
		{"list=1|2|3|b=2", "list=1,2,3 / b=2"},
		{"list=1|2|x", "list=1,2 / x"},
		{"list=1|b|=|3", "list=1 / b=3"},
		{"list|=|1|2", "list=1,2"},
	} {
		args := NewArguments(strings.Split(c.words, "|"), func(name string) bool { return slices.Contains(known, name) })
		var got []string
		for args.Next() {
			text := args.Name
			if args.Named {
				text += "=" + args.Value
			}
			if args.Name == "list" {
				for _, word := range args.More(func(word string) bool { return word >= "0" && word <= "9" }) {
					text += "," + word
				}
			}
			got = append(got, text)
		}
		require.Equal(t, c.want, strings.Join(got, " / "), c.words)
	}
	require.False(t, NewArguments(nil, nil).Next())
	args := NewArguments([]string{"a=", "b=2"}, nil)
	require.True(t, args.Next())
	require.Equal(t, "b=2", args.Value, "who knows no names takes all for a value")
}

func TestBool(t *testing.T) {
	for text, want := range map[string][2]bool{
		"t": {true, true}, "TRUE": {true, true}, "1": {true, true}, "y": {true, true}, "Yes": {true, true},
		"f": {false, true}, "False": {false, true}, "0": {false, true}, "n": {false, true}, "no": {false, true},
		"": {}, "maybe": {}, "2": {}, "on": {}, " true": {},
	} {
		value, ok := Bool(text)
		require.Equal(t, want, [2]bool{value, ok}, text)
	}
}

func TestFieldName(t *testing.T) {
	for text, want := range map[string]string{"src": "src", "'src ip'": "src ip", "''": "''", "'": "'", "'a": "'a", `"a"`: `"a"`, "": ""} {
		require.Equal(t, want, FieldName(text))
	}
}

// Whatever the words, all of them are in what comes out, in their order.
func FuzzArguments(f *testing.F) {
	f.Add("a|=|1|b=|c=2|=|=x")
	f.Fuzz(func(t *testing.T, text string) {
		args := NewArguments(strings.Split(text, "|"), func(name string) bool { return name == "b" })
		var got strings.Builder
		for args.Next() {
			got.WriteString(args.Name)
			if args.Named {
				got.WriteString("=" + args.Value)
			}
		}
		require.Equal(t, strings.ReplaceAll(text, "|", ""), got.String())
	})
}
