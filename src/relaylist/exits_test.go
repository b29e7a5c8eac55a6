package relaylist

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/dirclient"
	"tordetect/src/tordir"
)

// Nobody signs an exit list, so it counts only if what it is packed in is whole; a
// consensus that stands beside it has its signatures.
func TestExitListsOfBrokenFiles(t *testing.T) {
	net, trust := lab(t)
	tarred := func(members ...[]byte) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, m := range members {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Mode: 0o644, Size: int64(len(m))}))
			_, err := w.Write(m)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	gzipped := func(text []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	damaged := func(zipped []byte) []byte {
		zipped = bytes.Clone(zipped)
		zipped[len(zipped)-8] ^= 1
		return zipped
	}
	list, certs := hour(net, 0), net.Certificates()
	exits := net.ExitList(noon, net.ExitNodes(noon))
	both := append(bytes.Clone(exits), exits...) // of the two in one stream the second waits for the checksum
	packed := gzipped(tarred(exits, list))
	bad := [][]byte{exits, list}
	for range 101 { // more than are told of
		bad = append(bad, []byte("BZh9"))
	}
	for name, c := range map[string]struct {
		file []byte
		good int // exit lists
		bad  int
	}{
		"whole":                   {packed, 1, 0},
		"checksum":                {damaged(packed), 0, 1},
		"no trailer":              {packed[:len(packed)-8], 0, 1},
		"tar, cut":                {tarred(exits, list)[:len(tarred(exits, list))-1024], 0, 1},
		"a broken member":         {tarred(damaged(gzipped(both)), exits, list), 1, 1},
		"another broken member":   {tarred(gzipped(both), damaged(gzipped(certs)), list), 2, 0},
		"too many to read on":     {gzipped(tarred(bad...)), 0, 1},
		"the archive of a member": {tarred(damaged(gzipped(tarred(exits, list))), exits), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, text, err := imported(t, trust, noon.Add(time.Hour), files(t, certs, c.file))
			require.NoError(t, err)
			good, refused := 0, 0
			for _, v := range r.Verdicts {
				switch {
				case v.Kind == tordir.KindConsensus:
					require.True(t, v.OK, v.Reason)
				case v.Kind != tordir.KindExitList:
				case v.OK:
					good++
					require.NotZero(t, v.Taken)
				default:
					refused++
					require.Zero(t, v.Taken)
					require.Contains(t, v.Reason, "What it came in could not be read to its end.")
				}
			}
			require.Equal(t, []int{c.good, c.bad}, []int{good, refused}, "%v", r.Verdicts)
			require.Equal(t, c.good > 0, strings.Contains(text, ",exit,"))
		})
	}
	// From a source, too.
	for _, c := range []struct {
		file []byte
		good bool
	}{{packed, true}, {damaged(packed), false}} {
		im := newImporter(Options{Trust: trust, Now: noon.Add(time.Hour)})
		taken, refused := (&fetch{im: im}).takeFrom(dirclient.Document{URL: "exits", Bytes: c.file}, tordir.KindExitList, "exit list")
		require.Equal(t, c.good, taken > 0)
		require.Equal(t, map[bool]int{true: 1, false: 3}[c.good], refused.count, "%v", refused.told) // the consensus, the checksum and the list
	}
}
