//go:build race

package threeways

// raceDetector says that the tests run many times slower.
const raceDetector = true
