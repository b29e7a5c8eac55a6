package web

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/text"
	"tordetect/tests/pace"
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

// TestPage: what answers in the place of a server.
func TestPage(t *testing.T) {
	for body, want := range map[string]string{
		"<html><head><title>Access denied</title>":                                 "Access denied",
		"\ufeff \n<!DOCTYPE HTML><TITLE lang=en>\n Blocked &amp;\tlogged </TITLE>": "Blocked & logged",
		"<!-- x --><html><title>\x1b[31mred</title>":                               "?[31mred",
		"<html><title></title>":                                                    "",
		"<html><title>never ends":                                                  "",
		"<html><title":                                                             "",
		"<body>\xff\xfe<title>a</title>":                                           "a",
		"<html>":                                                                   "",
	} {
		title, is := Page([]byte(body))
		require.True(t, is, body)
		require.Equal(t, want, title, body)
	}
	for _, body := range []string{"", "<", "<?xml version=\"1.0\"?><response>", `{"text":"<html>"}`, "network-status-version 3", "<title>a</title>"} {
		_, is := Page([]byte(body))
		require.False(t, is, body)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte("<html><title>a</title>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		pace.Hold(t, body, func(body []byte) { Page(body) })
		title, is := Page(body)
		require.LessOrEqual(t, len(title), 100)
		require.True(t, is || title == "")
		require.Equal(t, text.Printable(title), title)
	})
}

// TestServer: what cannot be whom one wants; what is believed is tested where it is
// used, in replay.
func TestServer(t *testing.T) {
	const pin = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for typed, want := range map[string]string{
		pin:                              pin,
		" " + strings.ToUpper(pin) + " ": pin,
		"sha256 Fingerprint=00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF": pin,
		strings.TrimPrefix(pin, "sha256:"):  pin,
		pin + "00":                          "",
		"sha1:0011":                         "",
		"sha256:":                           "",
		"sha256:" + strings.Repeat("g", 64): "",
	} {
		got, err := parsePin(typed)
		require.Equal(t, want, got, typed)
		require.Equal(t, want == "", err != nil, typed)
	}
	for _, server := range []Server{{}, {Pin: pin}, {Name: "hec.example"}} {
		config, err := server.TLS()
		require.NoError(t, err)
		require.EqualValues(t, tls.VersionTLS12, config.MinVersion)
	}
}
