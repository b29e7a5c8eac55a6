package html

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// axe looks for what keeps people from reading a page, in the page itself, and leaves
// what it found there.
const axe = `<script>%s</script><script>
axe.run().then(r => { const p = document.createElement('pre'); p.id = 'axe';
  p.textContent = JSON.stringify({passes: r.passes.length, violations: r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' '))});
  document.body.append(p); });</script></body>`

// The page has no violation of axe-core's rules, on a phone and a screen, light and
// dark. It takes Chromium, and axe-core from npm: in the folder where npm keeps what is
// global, or where AXE_CORE says that its axe.min.js is.
func TestHTMLAxe(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: there is no chromium")
	}
	script := axeCore(t)
	folder := t.TempDir()
	log, table := office(7, 120)
	for name, files := range map[string][2]string{"small": {traffic, smallTable}, "large": {log, table}, "none": {"", smallTable}} {
		write(t, folder, name+".log", files[0])
		write(t, folder, name+".csv", files[1])
		_, page := scanPage(t, filepath.Join(folder, name+".csv"), 20, filepath.Join(folder, name+".log"))
		page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "") // it forbids this script, too
		write(t, folder, name+".html", strings.Replace(page, "</body>", fmt.Sprintf(axe, script), 1))
		for _, seen := range []struct {
			width  int
			scheme string
		}{{390, "light"}, {1440, "dark"}} {
			t.Run(fmt.Sprintf("%s %d %s", name, seen.width, seen.scheme), func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=60000",
					fmt.Sprintf("--window-size=%d,900", seen.width), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", schemes[seen.scheme]),
					"--dump-dom", "file://"+filepath.Join(folder, name+".html"))
				out, err := cmd.Output()
				require.NoError(t, err)
				found := regexp.MustCompile(`(?s)<pre id="axe">(.*?)</pre>`).FindSubmatch(out)
				require.NotNil(t, found, "axe-core did not answer")
				var answer struct {
					Passes     int
					Violations []string
				}
				require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(string(found[1]))), &answer))
				require.Greater(t, answer.Passes, 20)
				require.Empty(t, answer.Violations)
			})
		}
	}
}

// schemes are Chromium's numbers of what a person prefers.
var schemes = map[string]int{"dark": 0, "light": 1}

// axeCore is the script of axe-core, or why the test is skipped.
func axeCore(t *testing.T) string {
	path := os.Getenv("AXE_CORE")
	if path == "" {
		root, err := exec.Command("npm", "root", "--global").Output()
		if err != nil {
			t.Skip("skipped: there is no node with npm")
		}
		path = filepath.Join(strings.TrimSpace(string(root)), "axe-core", "axe.min.js")
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Skip("skipped: there is no axe-core: npm install --global axe-core")
	}
	return string(script)
}
