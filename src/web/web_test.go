package web

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-1": 0, "1.5": 0, "soon": 0,
		"31536000": MaxPause, "31536001": MaxPause,
		"9223372036854775807":                             MaxPause, // 63 bits
		"9223372036854775808":                             MaxPause, // 64
		"99999999999999999999":                            MaxPause, // more
		noon.Add(9 * time.Second).Format(http.TimeFormat): 9 * time.Second,
		noon.Add(-time.Hour).Format(http.TimeFormat):      0,
		"Fri, 31 Dec 2100 23:59:59 GMT":                   MaxPause,
	} {
		require.Equal(t, want, RetryAfter(text, noon), text)
	}
}

func TestAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	folder := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	own := file("own.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, system := range []bool{false, true} {
		pool, err := Authorities(own, system)
		require.NoError(t, err)
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
		answer, err := client.Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		client.CloseIdleConnections()
	}
	for path, want := range map[string]string{
		file("junk.pem", []byte("junk")):                  "junk.pem holds no certificate: want PEM",
		file("large.pem", make([]byte, MaxAuthorities+1)): "it has 1048577 bytes; the limit is 1048576",
		folder: "it is not a file",
	} {
		_, err := Authorities(path, true)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
	}
}
