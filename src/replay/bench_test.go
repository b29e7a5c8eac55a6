package replay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReplay is the whole way, to a collector that throws away what it gets.
func BenchmarkReplay(b *testing.B) {
	f := func(name string, event, ack, shift, state bool) {
		b.Run(name, func(b *testing.B) {
			var id atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if strings.HasSuffix(r.URL.Path, "/ack") {
					fmt.Fprint(w, `{"acks":{`)
					for n := max(0, id.Load()-2*window); n < id.Load(); n++ {
						fmt.Fprintf(w, `"%d":true,`, n)
					}
					fmt.Fprint(w, `"-1":false}}`)
					return
				}
				fmt.Fprintf(w, `{"text":"Success","code":0,"ackId":%d}`, id.Add(1)-1)
			}))
			defer server.Close()
			files := panFile(b, 100_000)
			info, err := os.Stat(files[0].Path)
			require.NoError(b, err)
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				id.Store(0)
				hec, err := NewHEC(HECConfig{URL: server.URL, Token: token(b), Event: event, Ack: ack})
				require.NoError(b, err)
				options := quick(func(o *Options) { o.ShiftToNow = shift })
				if state {
					options.State = filepath.Join(b.TempDir(), "state")
				}
				summary, err := Run(context.Background(), hec, files, options)
				require.NoError(b, err)
				require.EqualValues(b, 100_000, summary.Accepted)
			}
		})
	}
	f("raw", false, false, false, false)
	f("raw, shifted", false, false, true, false)
	f("event, shifted", true, false, true, false)
	f("raw, shifted, acknowledged, with state", false, true, true, true)
}
