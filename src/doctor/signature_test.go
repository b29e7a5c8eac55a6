package doctor

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pemOf writes a public key.
func pemOf(t *testing.T, file string, key any) {
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
}

// A package is looked at when its release was signed by the key; else nothing of it is
// opened.
func TestSignature(t *testing.T) {
	file := install(t).packed(nil)
	folder, name := filepath.Dir(file), filepath.Base(file)
	at := func(name string) string { return filepath.Join(folder, name) }
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pemOf(t, at("release.pub"), public)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	sign := func(sums string) {
		require.NoError(t, os.WriteFile(at("SHA256SUMS"), []byte(sums), 0o600))
		require.NoError(t, os.WriteFile(at("SHA256SUMS.sig"), ed25519.Sign(private, []byte(sums)), 0o600))
	}
	good := strings.Repeat("0", 64) + "  torctl-linux-amd64\n" + sum + "  " + name + "\n"
	look := func(key string) (severity Severity, what string, all int) {
		t.Helper()
		r, err := Package(context.Background(), file, Options{Now: time.Now(), OS: "linux", Arch: goarch, NoRun: true, Key: key})
		require.NoError(t, err)
		for _, f := range r.Findings {
			if f.Check == "signature" {
				return f.Severity, f.What, len(r.Findings)
			}
		}
		return OK, "", len(r.Findings)
	}
	sign(good)
	severity, what, all := look(at("release.pub"))
	require.Equal(t, OK, severity, what)
	require.Regexp(t, "^it is as it was released and signed by the key sha256:[0-9a-f]{64}$", what)
	require.Greater(t, all, 5, "and the rest was looked at")
	severity, what, all = look("")
	require.Equal(t, Note, severity)
	require.Equal(t, "the package is signed, and was not checked against a key", what)
	require.Greater(t, all, 5)

	refused := func(key, want string) {
		t.Helper()
		severity, what, all := look(key)
		require.Equal(t, Error, severity)
		require.Contains(t, what, want)
		require.Equal(t, 1, all, "nothing of it was looked at")
	}
	for sums, want := range map[string]string{
		strings.Replace(good, sum, strings.Repeat("1", 64), 1): "it is not the file that was released",
		strings.Replace(good, name, "other.tgz", 1):            "the signed list does not name it",
		good + strings.Repeat("1", 64) + " *" + name + "\n":    "the signed list does not name it",
		"": "the signed list does not name it",
	} {
		sign(sums)
		refused(at("release.pub"), want)
	}
	sign(good)
	require.NoError(t, os.WriteFile(at("SHA256SUMS"), []byte(good+"\n"), 0o600))
	refused(at("release.pub"), "was not signed by this key")
	sign(good)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pemOf(t, at("other.pub"), other)
	refused(at("other.pub"), "was not signed by this key")

	wrong, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pemOf(t, at("rsa.pub"), &wrong.PublicKey)
	refused(at("rsa.pub"), "it is no Ed25519 key")
	require.NoError(t, os.WriteFile(at("private"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600))
	refused(at("private"), "it is the private key")
	refused(at("SHA256SUMS"), "it is not in PEM form")
	refused(at("none"), "no such file")
	require.NoError(t, os.WriteFile(at("SHA256SUMS.sig"), make([]byte, 65), 0o600))
	refused(at("release.pub"), "the signature cannot be read")
	require.NoError(t, os.Remove(at("SHA256SUMS.sig")))
	refused(at("release.pub"), "the signature cannot be read")
	require.NoError(t, os.Remove(at("SHA256SUMS")))
	refused(at("release.pub"), "the list of checksums cannot be read")
}
