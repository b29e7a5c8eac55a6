package rows_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/rows"
)

func TestWriter(t *testing.T) {
	var codes rows.List
	codes.AddString("or_port")
	codes.AddString("exit, flag")
	cells := make([]rows.Cell, 3)
	cells[0].SetString(`say "hi"`)
	cells[1].SetList(&codes)
	for _, c := range []struct {
		name   string
		fields []rows.Field
		want   string
	}{
		{"plain", rows.Plain("ip", "user name", "n"), "ip,\"user name\",n\n\"say \"\"hi\"\"\",\"or_port\nexit, flag\",\n"},
		{"a list", []rows.Field{{Name: "ip"}, {Name: "codes", List: true}, {Name: "n"}},
			"ip,codes,n,\"__mv_codes\"\n\"say \"\"hi\"\"\",\"or_port\nexit, flag\",,\"$or_port$;$exit, flag$\"\n"},
		{"a name twice", rows.Plain("ip", "ip", "n"), "ip,n\n\"say \"\"hi\"\"\",\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := rows.NewWriter(c.fields)
			require.Equal(t, c.want, string(w.AppendRow(w.AppendHeader(nil), cells)))
		})
	}
	one := rows.NewWriter(rows.Plain("n"))
	require.Equal(t, "n\n\"\"\n", string(one.AppendRow(one.AppendHeader(nil), make([]rows.Cell, 1))), "an empty line would be no row")
	none := rows.NewWriter(nil)
	require.Equal(t, "\n", string(none.AppendHeader(nil)))
}

// What is written is read back by others, value by value.
func FuzzWriter(f *testing.F) {
	f.Add("ip", "a\"b", "x\r", "$")
	f.Fuzz(func(t *testing.T, name, one, two, three string) {
		if name == "other" || name == "__mv_other" || strings.Contains(name+one+two+three, "\r") {
			return // encoding/csv turns CRLF in quotes into LF
		}
		w := rows.NewWriter([]rows.Field{{Name: name}, {Name: "other", List: true}})
		cells := make([]rows.Cell, 2)
		var values rows.List
		values.AddString(two)
		values.AddString(three)
		cells[0].SetString(one)
		cells[1].SetList(&values)
		text := w.AppendRow(w.AppendHeader(nil), cells)
		records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{name, "other", "__mv_other"}, records[0])
		require.Equal(t, []string{one, two + "\n" + three}, records[1][:2])
		require.NoError(t, values.Parse([]byte(records[1][2])))
		require.Equal(t, []string{two, three}, []string{string(values.Value(0)), string(values.Value(1))})
	})
}
