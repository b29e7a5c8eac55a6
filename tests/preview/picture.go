package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
)

const (
	// tallest is the window of the screenshot; what is empty below the page is cut off.
	tallest = 6000
	// belowPage is how much of the empty part stays, in pixels.
	belowPage = 12
	// largestPicture bounds a picture of the manual: it is in every package.
	largestPicture = 150_000
)

// picture has a browser draw a page, and writes what it drew as a small PNG.
func picture(browser string, page []byte, dir string, width int, target string) error {
	source, shot := filepath.Join(dir, "page.html"), filepath.Join(dir, "shot.png")
	if err := os.WriteFile(source, page, 0o600); err != nil {
		return err
	}
	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1", "--user-data-dir=" + filepath.Join(dir, "profile"),
		fmt.Sprintf("--window-size=%d,%d", width, tallest), "--screenshot=" + shot, "file://" + source}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // it refuses to run as root with one
	}
	if out, err := exec.Command(browser, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", browser, err, out)
	}
	data, err := os.ReadFile(shot)
	if err != nil {
		return err
	}
	drawn, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("the screenshot: %w", err)
	}
	small, err := shrink(drawn)
	if err != nil {
		return err
	}
	if len(small) > largestPicture {
		return fmt.Errorf("%s would have %d bytes, more than %d: show less", target, len(small), largestPicture)
	}
	return os.WriteFile(target, small, 0o644)
}

// shrink cuts the empty part below off and keeps at most 256 colours.
func shrink(drawn image.Image) ([]byte, error) {
	bounds := drawn.Bounds()
	bottom := bounds.Max.Y
	empty := drawn.At(bounds.Min.X, bottom-1)
	for ; bottom > bounds.Min.Y; bottom-- {
		same := true
		for x := bounds.Min.X; x < bounds.Max.X && same; x++ {
			same = drawn.At(x, bottom-1) == empty
		}
		if !same {
			break
		}
	}
	if bottom == bounds.Min.Y {
		return nil, errors.New("the browser drew nothing")
	}
	bounds.Max.Y = min(bottom+belowPage, bounds.Max.Y)
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[rgba(drawn.At(x, y))]++
		}
	}
	palette := few(counts)
	nearest := map[color.RGBA]uint8{}
	for c := range counts {
		nearest[c] = uint8(palette.Index(c))
	}
	flat := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			flat.SetColorIndex(x, y, nearest[rgba(drawn.At(x, y))])
		}
	}
	var out bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, flat)
	return out.Bytes(), err
}

func rgba(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }

// few picks the colours that occur most: areas, and then none too near to one that is picked already. Letters have many
// shades at their edges, of which nobody misses most.
func few(counts map[color.RGBA]int) color.Palette {
	all := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if counts[a] != counts[b] {
			return counts[a] > counts[b]
		}
		return fmt.Sprint(a) < fmt.Sprint(b)
	})
	for apart := 0; ; apart += 4 {
		var palette color.Palette
		for _, c := range all {
			near := false
			for _, p := range palette {
				near = near || distance(c, p.(color.RGBA)) <= apart && len(palette) >= areas
			}
			if !near {
				palette = append(palette, c)
			}
			if len(palette) > mostColours {
				break
			}
		}
		if len(palette) <= mostColours {
			return palette
		}
	}
}

// A picture keeps so many colours, of which the first are areas: page, panel, lines, which differ by a shade only.
const (
	mostColours = 32
	areas       = 8
)

func distance(a, b color.RGBA) int {
	return max(abs(int(a.R)-int(b.R)), abs(int(a.G)-int(b.G)), abs(int(a.B)-int(b.B)))
}

func abs(n int) int { return max(n, -n) }
