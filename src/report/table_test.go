package report

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/report/digest"
	"tordetect/src/scan"
	"tordetect/src/terminal"
)

// The table says what it does not show.
func TestTableSaysWhatIsLeftOut(t *testing.T) {
	summary := func(judged int64) *scan.Summary {
		return &scan.Summary{Files: 1, Flows: judged, Options: &scan.Options{MinScore: 20}, Tally: scan.Tally{Verdicts: [5]int64{0: judged}}}
	}
	pairs := func(n int) *digest.Digest {
		d := digest.New()
		for i := range n {
			d.Pairs[digest.PairKey{Ours: string(rune('a' + i%26)), Theirs: string(rune('a' + i/26))}] = &digest.Pair{Flows: 1}
		}
		d.Flows = int64(n)
		return d
	}
	for about, c := range map[string]struct {
		digest *digest.Digest
		s      *scan.Summary
		says   string
	}{
		"all":             {pairs(3), summary(3), ""},
		"more rows":       {pairs(maxTableRows + 2), summary(maxTableRows + 2), "torctl: 2 more rows are not shown; -o csv has every flow\n"},
		"more pairs":      {func() *digest.Digest { d := pairs(3); d.Left, d.Flows = 2, 5; return d }(), summary(5), "torctl: the table holds 20000 pairs at most: 2 flows not in it; -o csv has every flow\n"},
		"a low score":     {pairs(3), summary(4), "torctl: 1 flow below score 20 not shown\n"},
		"low scores only": {pairs(0), func() *scan.Summary { s := summary(4); s.Below = 12; return s }(), "torctl: no flow has a score of 20 or more; the highest is 12: --min-score 12 shows it\n"},
	} {
		var shown, said bytes.Buffer
		r := &tableReport{t: terminal.New(&shown, &said), digest: c.digest}
		require.NoError(t, r.Finish(c.s), about)
		require.Equal(t, c.says, said.String(), about)
	}
}
