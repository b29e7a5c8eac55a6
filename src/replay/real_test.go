package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// realVariable, set to 1, builds collectors that others wrote from the Go module
// proxy, in modules of their own in a temporary folder, and sends events to them.
const realVariable = "REALHEC"

// realSize is how many events go to such a collector.
const realSize = 5000

// TestVictoriaLogs: what one of another make took is there, once and in its time, and
// what it cannot do is told as that; stopped and started in the middle it loses
// nothing. It has no acknowledgements and no raw endpoint.
func TestVictoriaLogs(t *testing.T) {
	v := &victoria{program: built(t, "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs", "v1.52.2"), data: t.TempDir(), address: free(t)}
	v.start(t)
	send := func(change func(*HECConfig), options Options) (Summary, error) {
		config := HECConfig{URL: "http://" + v.address, Token: token(t), Event: true, Gzip: true}
		change(&config)
		hec, err := NewHEC(config)
		require.NoError(t, err)
		return Run(context.Background(), hec, panFile(t, realSize), options)
	}
	options := Options{MaxEvents: 100}
	summary, err := send(func(*HECConfig) {}, options)
	require.NoError(t, err)
	require.Equal(t, SentOnce, summary.Delivery())
	require.EqualValues(t, realSize, summary.Accepted)
	missing, repeated := v.missing(t)
	require.Zero(t, missing)
	require.Zero(t, repeated)

	_, err = send(func(config *HECConfig) { config.Event = false }, options)
	require.ErrorContains(t, err, "HTTP status 40")
	summary, err = send(func(config *HECConfig) { config.Ack = true }, options)
	require.ErrorContains(t, err, "without an acknowledgement id")
	require.EqualValues(t, 100, summary.Unconfirmed)

	// Another one, which is stopped and started after some requests.
	v.stop(t)
	v.data, v.address = t.TempDir(), free(t)
	v.start(t)
	options.Retry = Retry{Tries: 100, First: 50 * time.Millisecond, Longest: 200 * time.Millisecond}
	stopped := false
	options.Progress = func(p Progress) {
		if p.Events >= realSize/2 && !stopped {
			stopped = true
			v.stop(t)
			v.start(t)
		}
	}
	summary, err = send(func(*HECConfig) {}, options)
	require.NoError(t, err)
	require.True(t, stopped)
	missing, repeated = v.missing(t)
	require.Zero(t, missing)
	require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
	t.Logf("stopped and started: %s, %d repeated, %d said", summary.Delivery(), repeated, summary.MaybeTwice)
}

// built builds a program of another module, or skips the test and says why.
func built(t *testing.T, program, version string) string {
	t.Helper()
	if os.Getenv(realVariable) == "" {
		t.Skipf("%s is not set: %s is not built", realVariable, program)
	}
	folder := t.TempDir()
	for _, args := range [][]string{{"mod", "init", "real"}, {"get", program + "@" + version}, {"build", "-o", "program", program}} {
		c := exec.Command("go", args...)
		c.Dir = folder
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		if out, err := c.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Skipf("%s cannot be had here: go %s: %s", program, args[0], lines[len(lines)-1])
		}
	}
	return filepath.Join(folder, "program")
}

// free is an address of this machine that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

type victoria struct {
	program, data, address string
	running                *exec.Cmd
}

func (v *victoria) start(t *testing.T) {
	t.Helper()
	c := exec.Command(v.program, "-httpListenAddr="+v.address, "-storageDataPath="+v.data, "-retentionPeriod=100y")
	require.NoError(t, c.Start())
	v.running = c
	t.Cleanup(func() { _ = c.Process.Kill() })
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + v.address + "/health")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond)
}

func (v *victoria) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, v.running.Process.Signal(os.Interrupt))
	_ = v.running.Wait()
}

// missing asks for all that arrived, and compares it with what was sent.
func (v *victoria) missing(t *testing.T) (missing, repeated int) {
	t.Helper()
	get := func(path string) io.ReadCloser {
		answer, err := http.Get("http://" + v.address + path)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		return answer.Body
	}
	get("/internal/force_flush").Close()
	rows := get("/select/logsql/query?limit=100000&query=" + url.QueryEscape("*"))
	defer rows.Close()
	at := map[string]string{}
	arrived := map[string]int{}
	scanner := bufio.NewScanner(rows)
	for scanner.Scan() {
		var row struct {
			Text       string `json:"_msg"`
			Time       string `json:"_time"`
			Sourcetype string `json:"sourcetype"`
		}
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &row))
		require.Equal(t, "pan:traffic", row.Sourcetype)
		arrived[row.Text]++
		at[row.Text] = row.Time
	}
	require.NoError(t, scanner.Err())
	for i := range realSize {
		text := panLine(i)
		switch n := arrived[text]; {
		case n == 0:
			missing++
		case n > 1:
			repeated++
		}
		if arrived[text] > 0 {
			require.Equal(t, noon.Add(time.Duration(2*i)*time.Second).Format("2006-01-02T15:04:05Z"), at[text])
		}
	}
	return missing, repeated
}
