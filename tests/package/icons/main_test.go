package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The icons in app/static are what this program draws. Pixels are compared, not
// files: another release of Go may compress otherwise, and another processor
// may round the last bit of a sample to the other side.
func TestCommittedIcons(t *testing.T) {
	for _, icon := range Icons {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "app", "static", icon.File))
		require.NoError(t, err)
		have, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		want := Draw(icon)
		require.Equal(t, want.Bounds(), have.Bounds(), icon.File)
		for y := range icon.Size {
			for x := range icon.Size {
				a, b := want.NRGBAAt(x, y), color.NRGBAModel.Convert(have.At(x, y)).(color.NRGBA)
				for _, pair := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}, {a.A, b.A}} {
					require.InDelta(t, pair[0], pair[1], 4, "%s at %d,%d: draw it anew with go run ./tests/package/icons app/static", icon.File, x, y)
				}
			}
		}
	}
}

// An onion: in the middle of the picture, clear at the corners, the same left
// and right, and with more than one ring.
func TestDrawing(t *testing.T) {
	for _, icon := range Icons {
		picture := Draw(icon)
		last := icon.Size - 1
		for _, corner := range [][2]int{{0, 0}, {last, 0}, {0, last}, {last, last}} {
			require.Zero(t, picture.NRGBAAt(corner[0], corner[1]).A, icon.File)
		}
		changes, before := 0, uint8(0)
		for x := range icon.Size {
			c := picture.NRGBAAt(x, icon.Size*6/10)
			if diff := int(c.A) + int(c.G) - int(before); diff > 60 || diff < -60 {
				changes++
			}
			before = c.A + c.G
			require.InDelta(t, c.A, picture.NRGBAAt(last-x, icon.Size*6/10).A, 8, icon.File)
		}
		require.Greater(t, changes, 6, icon.File)
	}
}

func TestRunWrites(t *testing.T) {
	folder := t.TempDir()
	var complaints bytes.Buffer
	require.Equal(t, 0, run([]string{folder}, &complaints), complaints.String())
	for _, icon := range Icons {
		require.FileExists(t, filepath.Join(folder, icon.File))
	}
	require.Equal(t, 2, run(nil, &complaints))
	require.Equal(t, 1, run([]string{filepath.Join(folder, "missing")}, &complaints))
}
