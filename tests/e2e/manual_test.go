package e2e

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"tordetect/tests/hellos"
	"tordetect/tests/manual"
	"tordetect/tests/packaged"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// Every search that the manual shows runs. A search that begins with "..." is
// put behind a search of our own; field names of another source stay, as they
// are only missing columns here.
func TestManualExamples(t *testing.T) {
	h := sampleHead(t)
	ours := newDirectory(t, h) // torupdate asks a cache of the test
	ours.serve(time.Now().UTC().Truncate(time.Hour))
	ran := 0
	for _, block := range codeBlocks(manual.Text(t, "../../app")) {
		if strings.HasPrefix(block, "torctl ") || !strings.Contains(block, "| ") || strings.Contains(block, "=<") || strings.HasPrefix(block, "[") {
			continue
		}
		spl := strings.Join(strings.Fields(block), " ")
		spl = strings.Replace(spl, "... |", grouped+"|", 1)
		spl = regexp.MustCompile(`earliest=-\S+ `).ReplaceAllString(spl, "") // the window of the test instead
		spl = strings.Replace(spl, "where by", "by", 1)
		if !strings.HasPrefix(spl, "|") {
			spl = "search " + spl
		}
		if strings.HasPrefix(spl, "| torupdate ") {
			put(t, h, "tor_relays.csv", nil) // the sample's list is of another network and day
			spl = strings.Replace(spl, "| torupdate ", "| torupdate "+ours.options+" ", 1)
		}
		result, err := h.Run(spl)
		require.NoError(t, err, spl)
		for _, m := range result.Messages {
			require.Equal(t, "WARN", m.Level, m.Text)
		}
		ran++
	}
	require.GreaterOrEqual(t, ran, 12, "the manual's examples are found")
}

// Every command line of torctl that the manual and the README show is known; what
// needs no network and no server is run, over files of those names.
func TestManualCommands(t *testing.T) {
	folder := t.TempDir()
	program, err := packaged.Torctl()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(program, filepath.Join(folder, "torctl")))
	for name, text := range map[string][]byte{"traffic.log": sample.Log(), "tor_relays.csv": sample.Table(), "token": []byte("x\n"), "tor.pcap": capture()} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	file, err := packaged.File()
	require.NoError(t, err)
	app, err := splunkd.Install(file, folder)
	require.NoError(t, err)
	signed(t, file, folder)

	outside := regexp.MustCompile(`^torctl (replay|relays (update|import|verify)) `)
	ran, known := 0, 0
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, text := range []string{manual.Text(t, "../../app"), string(readme)} {
		for _, block := range codeBlocks(text) {
			for line := range strings.SplitSeq(block, "\n") {
				line = strings.TrimPrefix(line, "dist/bin/")
				line, _, _ = strings.Cut(line, " #")
				if !strings.HasPrefix(line, "torctl ") || strings.Contains(line, "<") {
					continue
				}
				if outside.MatchString(line + " ") {
					line += " --help" // an unknown flag or word is an error all the same
					known++
				} else {
					ran++
				}
				cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/opt/splunk", app.Home))
				cmd.Dir = folder
				cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s\n%s", line, out)
			}
		}
	}
	require.GreaterOrEqual(t, ran, 6)
	require.GreaterOrEqual(t, known, 4)
}

// signed puts the package as a signed release into a folder.
func signed(t *testing.T, file, folder string) {
	const name = "tordetect-0.1.0.tgz" // as the manual calls it
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(content), name)
	for at, text := range map[string][]byte{name: content, "SHA256SUMS": sums, "SHA256SUMS.sig": ed25519.Sign(private, sums),
		"release.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, at), text, 0o644))
	}
}

// codeBlocks returns the indented blocks of a Markdown text.
func codeBlocks(text string) []string {
	var out []string
	var block []string
	for _, line := range append(strings.Split(text, "\n"), "end") {
		indented := strings.HasPrefix(line, "    ")
		if indented && (len(block) > 0 || strings.TrimSpace(line) != "") {
			block = append(block, strings.TrimSpace(line))
			continue
		}
		if strings.TrimSpace(line) == "" && len(block) > 0 {
			out = append(out, strings.Join(block, "\n"))
			block = nil
			continue
		}
		if len(block) > 0 {
			out = append(out, strings.Join(block, "\n"))
			block = nil
		}
	}
	return out
}

// The README shows a real session: each of its lines stands in what the demo
// prints.
func TestReadmeSession(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var session string
	for _, block := range codeBlocks(string(readme)) {
		if strings.HasPrefix(block, "$ ./build.sh demo") {
			session = block
		}
	}
	require.NotEmpty(t, session)
	h := sampleHead(t)
	var printed strings.Builder
	for _, name := range []string{"TOR Traffic", "Tor client that the firewall did not name", "Traffic from Tor exits"} {
		result, err := h.RunSavedOver(name)
		require.NoError(t, err)
		require.NoError(t, result.Print(&printed, 120))
	}
	all := words(printed.String())
	for _, line := range strings.Split(session, "\n") {
		if strings.Contains(line, "tor_reason") || strings.Contains(line, "src_ip:") || strings.Contains(line, "tor_state:") {
			require.Contains(t, all, words(line))
		}
	}
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// capture has one connection of a Tor Browser.
func capture() []byte {
	hello := hellos.Segment{Seq: 1, Payload: hellos.TorBrowser.Records(1 << 14)}
	return hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Segment{Flags: "S"}.Packet(hellos.Client, hellos.Server), hello.Packet(hellos.Client, hellos.Server))
}
