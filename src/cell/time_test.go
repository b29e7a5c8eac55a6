package cell_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
)

// Ten digits are read at once: each place of them, with each byte.
func TestTenDigits(t *testing.T) {
	for place := range 10 {
		for c := range 256 {
			text := []byte("1795169730")
			text[place] = byte(c)
			micros, kind := cell.ReadTime(text, nil)
			n, err := strconv.ParseUint(string(text), 10, 64)
			switch {
			case err == nil:
				require.Equal(t, cell.ATime, kind, "%q", text)
				require.EqualValues(t, n*cell.Million, micros, "%q", text)
			case c == '.', (place == 0 || place == 9) && len(bytes.TrimSpace(text)) < 10: // a fraction, or fewer digits
			default:
				require.Equal(t, cell.Unreadable, kind, "%q", text)
			}
		}
	}
}
