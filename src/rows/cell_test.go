package rows_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/rows"
)

// Whatever is set, the parts of a Cell are sound CSV, and its memory is used again.
func TestCell(t *testing.T) {
	var c rows.Cell
	var l rows.List
	l.AddString(`a"`)
	l.AddString("b$")
	c.SetList(&l)
	require.Equal(t, rows.Cell{Plain: []byte("\"a\"\"\nb$\""), Multi: []byte(`"$a""$;$b$$$"`)}, c)
	c.SetString(`O"Neil, Tip`)
	require.Equal(t, `"O""Neil, Tip"`, string(c.Plain))
	require.Empty(t, c.Multi, "a stale list would win over the value")
	c.Set([]byte("05"))
	require.Equal(t, "05", string(c.Plain))
	c.Set(nil)
	require.Empty(t, c.Plain)
	l.Reset()
	l.AddString("x.y")
	c.SetList(&l)
	require.Equal(t, `"x.y"`, string(c.Plain))
	require.Empty(t, c.Multi, "one value is no list")

	long := strings.Repeat(`a "long" text, `, 20)
	require.Zero(t, testing.AllocsPerRun(10, func() { c.SetString(long) }))
}
