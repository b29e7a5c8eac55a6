//go:build amd64 && !purego

#include "textflag.h"

// MASK sets bit i of mask where byte i of the block in Y4 and Y5 is that in all of c.
#define MASK(c, mask) \
	VPCMPEQB  Y4, c, Y6  \
	VPCMPEQB  Y5, c, Y7  \
	VPMOVMSKB Y6, mask   \
	VPMOVMSKB Y7, BX     \
	SHLQ      $32, BX    \
	ORQ       BX, mask

// PUT writes the place of the lowest bit of AX as number i from R8 on, and clears it.
#define PUT(i) \
	TZCNTQ AX, BX           \
	ADDL   R11, BX          \
	MOVL   BX, (i*4)(DI)(R8*4) \
	BLSRQ  AX, AX

// func separatorsAVX2(at *int32, n int, ends *int32, m int, text *byte, blocks, from int, last *carried) (atLen, endsLen int)
//
// It is separatorsOf of separators.go, step by step, with 32 bytes compared at once.
//
//	DI at   R8 n    R9 ends   R10 m   SI text   CX blocks   R11 from   DX last
//	R12 quote   R13 in, text of bare cells   AX separator   R15 lf   BX anything
TEXT ·separatorsAVX2(SB), NOSPLIT, $0-80
	MOVQ at+0(FP), DI
	MOVQ n+8(FP), R8
	MOVQ ends+16(FP), R9
	MOVQ m+24(FP), R10
	MOVQ text+32(FP), SI
	MOVQ blocks+40(FP), CX
	MOVQ from+48(FP), R11
	MOVQ last+56(FP), DX

	MOVL         $',', AX
	VMOVD        AX, X0
	VPBROADCASTB X0, Y0
	MOVL         $'"', AX
	VMOVD        AX, X1
	VPBROADCASTB X1, Y1
	MOVL         $'\n', AX
	VMOVD        AX, X2
	VPBROADCASTB X2, Y2
	VPCMPEQB     X3, X3, X3 // all ones

block:
	VMOVDQU (SI), Y4
	VMOVDQU 32(SI), Y5
	MASK(Y1, R12)
	MASK(Y0, AX)
	MASK(Y2, R15)

	// in: bit i is the parity of the quotes up to byte i.
	VMOVQ      R12, X6
	VPCLMULQDQ $0, X3, X6, X6
	VMOVQ      X6, R13
	XORQ       0(DX), R13
	MOVQ       R13, BX
	SARQ       $63, BX
	MOVQ       BX, 0(DX)  // inside

	ANDNQ R15, R13, R15 // lf &^ in
	ORQ   R15, AX
	ANDNQ AX, R13, AX   // separator

	ORQ  AX, R13
	ORQ  R12, R13
	NOTQ R13            // text

	// bad = quote & (text<<1 | lastText) | text & (quote<<1 | lastQuote)
	MOVQ 16(DX), BX
	LEAQ (BX)(R13*2), BX
	ANDQ R12, BX
	ORQ  BX, 24(DX)
	MOVQ 8(DX), BX
	LEAQ (BX)(R12*2), BX
	ANDQ R13, BX
	ORQ  BX, 24(DX)
	SHRQ $63, R12
	MOVQ R12, 8(DX)  // lastQuote
	SHRQ $63, R13
	MOVQ R13, 16(DX) // lastText

	TESTQ R15, R15
	JZ    put

lf:
	BLSMSKQ R15, BX // the bits up to the lowest LF
	ANDQ    AX, BX
	POPCNTQ BX, BX
	LEAQ    -1(R8)(BX*1), BX
	MOVL    BX, (R9)(R10*4)
	INCQ    R10
	BLSRQ   R15, R15
	JNZ     lf

put:
	POPCNTQ AX, R12
	LEAQ    (R8)(R12*1), R12 // n behind the block

four:
	TESTQ AX, AX
	JZ    next
	PUT(0)
	PUT(1)
	PUT(2)
	PUT(3)
	ADDQ  $4, R8
	JMP   four

next:
	MOVQ R12, R8
	ADDQ $64, SI
	ADDQ $64, R11
	DECQ CX
	JNZ  block

	MOVQ R8, atLen+64(FP)
	MOVQ R10, endsLen+72(FP)
	VZEROUPPER
	RET
