package packagetest

import (
	"regexp"
	"strings"
	"testing"

	"tordetect/src/tlsname"
	"tordetect/tests/manual"
)

// The table of builds in the manual stands between these marks.
const buildsBegin, buildsEnd = "<!-- builds -->\n", "<!-- end of builds -->\n"

// The manual's table of builds is the program's.
func TestManualBuilds(t *testing.T) {
	manual.Hold(t, manualFolder, buildsBegin, buildsEnd, buildsTable(), *update)
}

// patches finds releases of tor, which AppInspect takes for addresses.
var patches = regexp.MustCompile(`\b(0\.\d\.\d)\.(\d+)\b`)

func buildsTable() string {
	clients := map[tlsname.Client]string{tlsname.CTor: "tor ", tlsname.Arti: "Arti ", tlsname.Snowflake: ""}
	var out strings.Builder
	out.WriteString("| client | library | JA3 | own groups | JA4 | how sure | measured |\n|---|---|---|---|---|---|---|\n")
	for _, b := range tlsname.Builds() {
		ja3, groups := "another each time", "no"
		if b.JA3 != "" {
			ja3 = "`" + b.JA3 + "`"
		}
		if b.Groups {
			groups = "yes"
		}
		out.WriteString(patches.ReplaceAllString("| "+clients[b.Client]+b.Tor+" | "+b.Library+" | "+ja3+" | "+groups+" | `"+b.JA4+"` | "+b.Sure.String()+" | "+b.What+", "+b.Seen+" |\n", "$1 patch $2"))
	}
	return out.String()
}
