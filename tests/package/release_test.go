package packagetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/doctor"
)

// What ./build.sh release signs, openssl and torctl doctor find good, by the lines of
// the manual; a changed byte they do not.
func TestRelease(t *testing.T) {
	version, err := exec.Command("openssl", "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "OpenSSL 3") {
		t.Skip("skipped: no openssl 3")
	}
	folder, secret := t.TempDir(), filepath.Join(t.TempDir(), "release key.pem")
	content, err := os.ReadFile(tgz)
	require.NoError(t, err)
	name := filepath.Base(tgz)
	at := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(at, content, 0o644))
	shell := func(line string) (string, error) {
		cmd := exec.Command("bash", "-c", line)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	release := func(key string) (string, error) {
		cmd := exec.Command("./build.sh", "release", folder)
		cmd.Dir, cmd.Env = projectRoot, append(os.Environ(), "RELEASE_KEY="+key)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	_, err = shell("umask 077; openssl genpkey -algorithm ed25519 -out '" + secret + "'")
	require.NoError(t, err)
	out, err := release(secret)
	require.NoError(t, err, out)
	require.Contains(t, out, "signed by the key sha256:")

	manual := read(t, "README.md")
	lines := 0
	for _, line := range strings.Split(manual, "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "openssl pkeyutl -verify") || strings.HasPrefix(line, "sha256sum --check") {
			out, err := shell(line)
			require.NoError(t, err, out)
			lines++
		}
	}
	require.Equal(t, 2, lines, "the manual has both lines")

	signature := func() doctor.Finding {
		r, err := doctor.Package(context.Background(), at, doctor.Options{Now: time.Now(), NoRun: true, Key: filepath.Join(folder, "release.pub")})
		require.NoError(t, err)
		for _, f := range r.Findings {
			if f.Check == "signature" {
				return f
			}
		}
		return doctor.Finding{}
	}
	require.Equal(t, doctor.OK, signature().Severity, signature().What)
	name = signature().What[strings.Index(signature().What, "sha256:"):]
	require.Contains(t, out, name, "both name the key alike")
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(at, content, 0o644))
	require.Equal(t, doctor.Error, signature().Severity)
	_, err = shell("sha256sum --check --ignore-missing SHA256SUMS")
	require.Error(t, err)

	for key, want := range map[string]string{"": "RELEASE_KEY is not set", filepath.Join(folder, "none"): "no such file"} {
		out, err := release(key)
		require.Error(t, err)
		require.Contains(t, out, want)
	}
	// A key in the checkout gets into commits.
	require.NoError(t, os.MkdirAll(filepath.Join(projectRoot, "dist"), 0o755))
	inside, err := os.MkdirTemp(filepath.Join(projectRoot, "dist"), "key-")
	require.NoError(t, err)
	defer os.RemoveAll(inside)
	text, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(inside, "key.pem"), text, 0o600))
	out, err = release(filepath.Join(inside, "key.pem"))
	require.Error(t, err)
	require.Contains(t, out, "lies in the checkout")

	require.NoError(t, os.Chmod(secret, 0o644))
	out, err = release(secret)
	require.Error(t, err)
	require.Contains(t, out, "can be read by others")
}
