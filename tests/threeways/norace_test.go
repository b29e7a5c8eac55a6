//go:build !race

package threeways

const raceDetector = false
