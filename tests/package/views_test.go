package packagetest

import (
	"encoding/xml"
	"errors"
	"html"
	"image/png"
	"io"
	"net/url"
	"path"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
	"tordetect/tests/manual"
)

const viewFolder = "default/data/ui/views/"

// An element of a dashboard.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// each visits all elements below e of a name.
func (e element) each(name string, visit func(element)) {
	for _, child := range e.Children {
		if child.XMLName.Local == name {
			visit(child)
		}
		child.each(name, visit)
	}
}

func readXML(t *testing.T, name string) (root element) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(read(t, name)))
	require.NoError(t, decoder.Decode(&root), name)
	_, err := decoder.Token()
	for err == nil {
		_, err = decoder.Token()
	}
	require.True(t, errors.Is(err, io.EOF), "%s: something follows the root", name)
	return root
}

func views() (found []string) {
	for _, name := range names() {
		if strings.HasPrefix(name, viewFolder) {
			found = append(found, name)
		}
	}
	return found
}

func TestNav(t *testing.T) {
	nav := readXML(t, "default/data/ui/nav/default.xml")
	require.Equal(t, "nav", nav.XMLName.Local)
	ofSplunk := map[string]bool{"search": true, "reports": true, "dashboards": true, "alerts": true, "datasets": true}
	defaults := 0
	linked := map[string]bool{}
	nav.each("view", func(view element) {
		name := view.attr("name")
		linked[name] = true
		require.True(t, ofSplunk[name] || has(viewFolder+name+".xml"), "the menu names the view %s, which is missing", name)
		if view.attr("default") == "true" {
			defaults++
		}
	})
	require.Equal(t, 1, defaults)
	for _, view := range views() {
		require.True(t, linked[strings.TrimSuffix(path.Base(view), ".xml")], "%s is in no menu", view)
	}
}

// Tokens that a dashboard has without setting them.
var given = regexp.MustCompile(`^(row\.|click\.|result\.|job\.|env:|earliest$|latest$)`)

var tokenUse = regexp.MustCompile(`\$([A-Za-z_.:]+)(\|[a-z])?\$`)

// Tokens that hold what somebody typed, or what comes from a search over it.
var free = map[string]bool{"host": true, "sought": true, "minimum": true, "permitted": true, "names": true, "around": true, "address": true, "time": true, "at": true, "ip": true}

func TestViews(t *testing.T) {
	require.NotEmpty(t, views())
	for _, name := range views() {
		view := readXML(t, name)
		text := read(t, name)
		require.Contains(t, []string{"form", "dashboard"}, view.XMLName.Local)
		require.Equal(t, "1.1", view.attr("version"), name)
		label := ""
		for _, child := range view.Children {
			if child.XMLName.Local == "label" {
				label = strings.TrimSpace(child.Text)
			}
		}
		require.NotEmpty(t, label, "%s has no label", name)

		tokens, bases := map[string]bool{}, map[string]bool{}
		view.each("input", func(e element) {
			require.NotEmpty(t, e.attr("token"))
			for _, part := range []string{"", ".earliest", ".latest"} {
				tokens[e.attr("token")+part] = true
			}
		})
		view.each("set", func(e element) { tokens[e.attr("token")] = true })
		view.each("search", func(e element) {
			if id := e.attr("id"); id != "" {
				bases[id] = true
			}
		})
		view.each("search", func(e element) {
			query, early := "", ""
			for _, child := range e.Children {
				switch child.XMLName.Local {
				case "query":
					query = strings.TrimSpace(child.Text)
				case "earliest":
					early = child.Text
				case "refresh", "refreshType":
					t.Errorf("%s: a search refreshes by itself", name)
				}
			}
			require.NotEmpty(t, query, name)
			requireBalanced(t, query)
			requireMacros(t, query)
			if base := e.attr("base"); base != "" {
				require.True(t, bases[base], "%s: no search with the id %s", name, base)
				require.False(t, strings.HasPrefix(query, "|"), "%s: a search over another one's result must not begin with a pipe: %s", name, query)
			} else {
				require.NotEmpty(t, early, "%s: over which time? %s", name, query)
				require.False(t, strings.HasPrefix(early, "rt"), "%s: a real-time search", name)
			}
			for _, call := range calls(query) {
				_, err := tordetect.ParseOptions(call)
				require.NoError(t, err)
			}
			require.NotRegexp(t, `\|\s*(delete|outputlookup|collect|sendemail|torupdate)\b`, query)
			// What a person typed, or a row of the log said, stands in quotes with its own quotes escaped.
			for _, found := range tokenUse.FindAllStringSubmatch(query, -1) {
				if free[found[1]] {
					require.Equal(t, "|s", found[2], "%s: $%s$ is free text in %s", name, found[1], query)
				}
			}
		})
		// Whatever came before: each condition says of every token of its handler whether it has a value.
		for _, handler := range []string{"done", "error", "fail"} {
			view.each(handler, func(e element) {
				var first []string
				e.each("condition", func(c element) {
					var said []string
					for _, action := range c.Children {
						require.Contains(t, []string{"set", "unset"}, action.XMLName.Local)
						said = append(said, action.attr("token"))
					}
					sort.Strings(said)
					if first == nil {
						first = said
					}
					require.Equal(t, first, said, "%s: conditions of a handler that leave tokens of each other standing", name)
				})
			})
		}
		view.each("link", func(e element) {
			link := strings.TrimSpace(e.Text)
			at, err := url.Parse(link)
			require.NoError(t, err, link)
			require.True(t, at.Path == "search" || has(viewFolder+at.Path+".xml"), "%s: a link to %s", name, at.Path)
			require.NotRegexp(t, `[ <>"`+"`"+`]`, link, "%s: a link with characters that browsers treat each in their own way", name)
			for _, found := range tokenUse.FindAllStringSubmatch(link, -1) {
				require.Equal(t, "|u", found[2], "%s: $%s$ in a link", name, found[1])
			}
			// Saved in another app, or opened there, it must not want our macros.
			require.NotContains(t, at.Query().Get("q"), "`", "%s: a macro in a link", name)
			if q := at.Query().Get("q"); q != "" {
				requireBalanced(t, strings.ReplaceAll(q, "$row.quoted|u$", `"x"`))
			}
		})
		view.each("html", func(e element) {
			e.each("a", func(a element) {
				require.Regexp(t, `^(\.\./\.\./manager/tordetect/[a-z/]+|[a-z_]+)$`, a.attr("href"), "%s: a link to somewhere else", name)
			})
			for _, forbidden := range []string{"script", "style", "iframe", "form", "img"} {
				e.each(forbidden, func(element) { t.Errorf("%s: <%s> in a text", name, forbidden) })
			}
		})
		require.NotContains(t, text, "<refresh")
		for _, found := range regexp.MustCompile(`\$([A-Za-z_.:]+)(?:\|[a-z])?\$`).FindAllStringSubmatch(html.UnescapeString(text), -1) {
			require.True(t, tokens[found[1]] || given.MatchString(found[1]), "%s: nothing sets $%s$", name, found[1])
		}
		view.each("panel", func(e element) {
			var kinds []string
			for _, child := range e.Children {
				kinds = append(kinds, child.XMLName.Local)
				if depends := child.attr("depends"); depends != "" {
					require.Regexp(t, `^\$[a-z_]+\$(,\$[a-z_]+\$)*$`, depends)
				}
			}
			require.Subset(t, []string{"title", "input", "single", "chart", "table", "html"}, kinds)
			if kinds[0] != "html" {
				require.Equal(t, "title", kinds[0], "%s: a panel without a title", name)
			}
		})
	}
}

// The pictures of the manual lie beside the icons: static/ takes nothing but .png, and no folders. Each is shown by the
// manual, small enough for a package that goes to every search head, and neither wider than a page nor a leftover.
func TestPictures(t *testing.T) {
	shown := map[string]bool{}
	for _, found := range regexp.MustCompile(`!\[([^\]]+)\]\(([^)]+)\)`).FindAllStringSubmatch(manual.Text(t, folder), -1) {
		require.True(t, has(found[2]), "the manual shows %s, which is missing", found[2])
		shown[found[2]] = true
	}
	for _, view := range views() {
		require.True(t, shown["static/"+strings.TrimSuffix(path.Base(view), ".xml")+".png"], "the manual has no picture of %s", view)
	}
	for _, name := range names() {
		if path.Dir(name) != "static" || strings.HasPrefix(path.Base(name), "appIcon") {
			continue
		}
		require.True(t, shown[name], "%s is in the package, and the manual does not show it", name)
		picture := read(t, name)
		require.Less(t, len(picture), 150_000, name)
		drawn, err := png.DecodeConfig(strings.NewReader(picture))
		require.NoError(t, err)
		require.LessOrEqual(t, drawn.Width, 1200, name)
	}
}
