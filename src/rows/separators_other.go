//go:build !amd64 || purego

package rows

func appendSeparators(at, ends []int32, blocks []byte, from int, last *carried) ([]int32, []int32) {
	return separatorsOf(at, ends, blocks, from, last)
}
