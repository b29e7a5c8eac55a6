//go:build amd64 && !purego

package rows

import "golang.org/x/sys/cpu"

// hasInstructions reports whether the processor can compare 32 bytes at once (AVX2),
// multiply without carries, which gives the parity of all quotes before (PCLMULQDQ), and
// count and clear single bits (POPCNT, BMI1): all that were made since 2013.
var hasInstructions = cpu.X86.HasAVX2 && cpu.X86.HasPCLMULQDQ && cpu.X86.HasPOPCNT && cpu.X86.HasBMI1

func appendSeparators(at, ends []int32, blocks []byte, from int, last *carried) ([]int32, []int32) {
	if !hasInstructions {
		return separatorsOf(at, ends, blocks, from, last)
	}
	n, m := len(at), len(ends)
	if cap(at)-n < len(blocks)+3 || cap(ends)-m < len(blocks) || len(blocks)%blockLen != 0 || len(blocks) == 0 {
		panic("rows: no room for separators")
	}
	n, m = separatorsAVX2(&at[:1][0], n, &ends[:1][0], m, &blocks[0], len(blocks)/blockLen, from, last)
	return at[:n], ends[:m]
}

// separatorsAVX2 is separatorsOf for one block or more, with n and m for the lengths of
// at and ends.
//
//go:noescape
func separatorsAVX2(at *int32, n int, ends *int32, m int, text *byte, blocks, from int, last *carried) (atLen, endsLen int)
