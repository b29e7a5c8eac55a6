// Command icons draws the app's icons: an onion cut in half, ring in ring.
//
//	go run ./tests/package/icons app/static
//
// writes appIcon.png and appIcon_2x.png (for light pages, in colour) and
// appIconAlt.png and appIconAlt_2x.png (for the dark bar, in white), of 36 and
// 72 pixels as Splunk asks for. The drawing is computed, point by point, from
// the few shapes below; there is no other original of it.
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
)

// An Icon is one file.
type Icon struct {
	File   string
	Size   int // pixels, both ways
	Colour palette
}

// Icons are all files, in the order in which they are written.
var Icons = []Icon{
	{"appIcon.png", 36, colourful},
	{"appIcon_2x.png", 72, colourful},
	{"appIconAlt.png", 36, white},
	{"appIconAlt_2x.png", 72, white},
}

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: go run ./tests/package/icons FOLDER")
		return 2
	}
	for _, icon := range Icons {
		var out bytes.Buffer
		err := png.Encode(&out, Draw(icon))
		if err == nil {
			err = os.WriteFile(filepath.Join(args[0], icon.File), out.Bytes(), 0o644)
		}
		if err != nil {
			fmt.Fprintf(stderr, "icons: writing %s: %v\n", icon.File, err)
			return 1
		}
	}
	return 0
}

// A palette gives the colours of the parts. A part of no colour is left clear.
type palette struct {
	skin, flesh, line, sprout color.NRGBA
}

var (
	colourful = palette{
		skin:   color.NRGBA{0x6a, 0x2c, 0x8c, 0xff},
		flesh:  color.NRGBA{0xf4, 0xea, 0xf8, 0xff},
		line:   color.NRGBA{0x9b, 0x5f, 0xb8, 0xff},
		sprout: color.NRGBA{0x5b, 0x9a, 0x3c, 0xff},
	}
	white = palette{
		skin:   color.NRGBA{0xff, 0xff, 0xff, 0xff},
		line:   color.NRGBA{0xff, 0xff, 0xff, 0xff},
		sprout: color.NRGBA{0xff, 0xff, 0xff, 0xff},
	}
)

// samples per pixel, each way. The share of samples that hit a part is how much
// of the pixel it covers: smooth edges at any size.
const samples = 8

// Draw computes the picture of an icon.
func Draw(icon Icon) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, icon.Size, icon.Size))
	for py := range icon.Size {
		for px := range icon.Size {
			picture.SetNRGBA(px, py, pixel(icon, px, py))
		}
	}
	return picture
}

func pixel(icon Icon, px, py int) color.NRGBA {
	var red, green, blue, alpha int
	for sy := range samples {
		for sx := range samples {
			// From pixels to the drawing's own measure: 0 to 1, y downwards.
			x := (float64(px) + (float64(sx)+0.5)/samples) / float64(icon.Size)
			y := (float64(py) + (float64(sy)+0.5)/samples) / float64(icon.Size)
			c := at(icon.Colour, x, y)
			red += int(c.R) * int(c.A)
			green += int(c.G) * int(c.A)
			blue += int(c.B) * int(c.A)
			alpha += int(c.A)
		}
	}
	if alpha == 0 {
		return color.NRGBA{}
	}
	half := alpha / 2 // rounds
	return color.NRGBA{
		uint8((red + half) / alpha), uint8((green + half) / alpha), uint8((blue + half) / alpha),
		uint8((alpha + samples*samples/2) / (samples * samples)),
	}
}

// at is the colour of a point. The cut side of the onion is a set of copies of
// its outline, each smaller, around the same heart.
func at(colours palette, x, y float64) color.NRGBA {
	switch ring := outline(x, y); {
	case ring > 1:
		if sprouts(x, y) {
			return colours.sprout
		}
		return color.NRGBA{}
	case ring > 0.86:
		return colours.skin
	case ring > 0.62 && ring < 0.72, ring > 0.38 && ring < 0.48, ring < 0.20:
		return colours.line
	default:
		return colours.flesh
	}
}

// outline tells how large the onion must be drawn, about its heart, for the
// point to lie on its edge; more than 1 means outside.
func outline(x, y float64) float64 {
	const heartX, heartY = 0.5, 0.76
	if !inside(x, y) {
		return 2
	}
	// Halving finds the scale, as the onion only grows with it.
	low, high := 0.0, 1.0
	for range 12 {
		scale := (low + high) / 2
		if inside(heartX+(x-heartX)/scale, heartY+(y-heartY)/scale) {
			high = scale
		} else {
			low = scale
		}
	}
	return high
}

// inside says whether a point lies on the whole onion.
func inside(x, y float64) bool {
	const (
		rootX, rootY  = 0.5, 0.95
		width, height = 0.44, 0.78
	)
	up := (rootY - y) / height // 0 at the root, 1 at the tip
	return up >= 0 && up <= 1 && math.Abs(x-rootX) <= width*girth(up)
}

// girth is half the onion's width at a height, both from 0 to 1: a round bulb
// that narrows to a neck.
func girth(up float64) float64 {
	const neck = 0.72 // where the bulb has become the neck
	bulb := 0.0
	if up < neck+0.1 {
		t := up/(neck+0.1)*2 - 1
		bulb = math.Sqrt(math.Max(0, 1-t*t))
	}
	return math.Max(bulb, 0.16*math.Sqrt(math.Max(0, 1-up))+0.10*(1-up))
}

// sprouts says whether a point lies on one of the three green leaves.
func sprouts(x, y float64) bool {
	const bottom, top = 0.24, 0.03
	if y > bottom || y < top {
		return false
	}
	up := (bottom - y) / (bottom - top)
	thickness := 0.045 * (1 - 0.55*up)
	for _, bend := range []float64{-0.20, 0, 0.20} {
		if math.Abs(x-(0.5+bend*up*up)) < thickness {
			return true
		}
	}
	return false
}
