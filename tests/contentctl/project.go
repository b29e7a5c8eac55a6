// Package contentctl holds our detections against the program that builds ESCU, the
// content that Enterprise Security is delivered with. It says the same detections in
// that program's YAML, lets it build conf files of them, and compares those with ours:
//
//	default/*.conf --Write--> project --contentctl build--> savedsearches.conf, analyticstories.conf
//	default/*.conf ------------------------Compare-------------------------------^
//
// Each difference has a line with its reason in the table of contentctl_test.go. So it is
// seen when a key is misspelt, when one is missing that ESCU writes, and when a value
// says something else than ESCU would say of the same detection.
//
// It does not say what Enterprise Security makes of the keys, and looks at no macros.
package contentctl

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"tordetect/tests/splunkd"
)

// Label is what contentctl puts in front of the name of each search.
const Label = "Tor Detect"

const author = "Tor Detect authors"

// Sources are the conf files of ours that a project is made of.
type Sources struct{ Searches, Stories, Macros *splunkd.Conf }

// Write makes a contentctl project of our conf files in a folder: what our stories call
// their searches. It returns what it had to add to the SPL of each one, so that it keeps
// the house rules of ESCU.
func Write(dir string, from Sources) (added map[string]string, err error) {
	p := &project{dir: dir, from: from, added: map[string]string{}}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return nil, fmt.Errorf("making a contentctl project: %w", err)
		}
	}
	p.yaml("contentctl", settings)
	for _, stanza := range from.Macros.Stanzas() {
		p.macro(stanza)
	}
	for _, stanza := range from.Stories.Stanzas() {
		if name, ok := strings.CutPrefix(stanza, storyStanza); ok {
			p.story(name, stanza)
		}
	}
	return p.added, p.err
}

const (
	storyStanza  = "analytic_story://"
	searchStanza = "savedsearch://"
)

// folders are those that contentctl wants to find, empty or not.
var folders = []string{
	"app_template/default", "app_template/lookups", "baselines", "dashboards", "data_sources", "deployments", "detections/network",
	"investigations", "lookups", "macros", "playbooks", "removed", "stories",
}

// settings are those of the project. Enrichments would be fetched from the network.
var settings = object{
	"path": ".", "build_path": "dist", "build_app": true, "enrichments": false,
	"app": object{
		"uid": 20000, "title": Label, "appid": "tordetect", "version": "0.0.1", "prefix": Label, "label": Label, "description": Label,
		"author_name": author, "author_email": "-", "author_company": author,
	},
}

type object = map[string]any

// project collects the first error: what follows would not be read anyway.
type project struct {
	dir   string
	from  Sources
	added map[string]string
	err   error
}

func (p *project) macro(stanza string) {
	name, _, _ := strings.Cut(stanza, "(")
	macro := object{
		"name": name, "definition": p.text(p.from.Macros, stanza, "definition"),
		"description": p.text(p.from.Macros, stanza, "description"),
	}
	if args, ok := p.from.Macros.Get(stanza, "args"); ok {
		macro["arguments"] = strings.Split(strings.ReplaceAll(args, " ", ""), ",")
	}
	p.yaml("macros/"+name, macro)
}

// story writes a story of ours and its searches.
func (p *project) story(name, stanza string) {
	text := func(key string) string { return p.text(p.from.Stories, stanza, key) }
	var references, searches []string
	p.json(text("references"), &references)
	p.json(text("searches"), &searches)
	story := p.content("stories", name, text("description"))
	story["date"], story["version"] = text("last_updated"), p.number(text("version"))
	story["narrative"], story["references"] = text("narrative"), references
	// The use case is asked for and not written anywhere.
	story["tags"] = object{"category": []string{text("category")}, "product": products, "usecase": "Advanced Threat Detection"}
	p.yaml(file("stories", name), story)
	for _, search := range searches {
		p.detection(search)
	}
}

var products = []string{"Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"}

// stubs writes what a detection names and the project has to have: stories of ESCU, data
// sources, lookups. Nothing of them comes into a stanza of ours.
func (p *project) stubs(stories, sources []string, spl string) {
	for _, name := range stories {
		if !p.from.Stories.Has(storyStanza + name) {
			story := p.content("stories", name, "A story of ESCU that one of our searches tells about.")
			story["narrative"] = "See ESCU."
			story["tags"] = object{"category": []string{"Adversary Tactics"}, "product": products, "usecase": "Other"}
			p.yaml(file("stories", name), story)
		}
	}
	for _, name := range sources {
		source := p.content("data_sources", name, "Events that one of our searches reads.")
		source["source"], source["sourcetype"] = "any", "any"
		p.yaml(file("data_sources", name), source)
	}
	for _, found := range inputlookup.FindAllStringSubmatch(spl, -1) {
		lookup := p.content("lookups", found[1], "A lookup that one of our searches reads.")
		delete(lookup, "status")
		lookup["lookup_type"] = "csv"
		p.yaml("lookups/"+found[1], lookup)
		p.write("lookups/"+found[1]+".csv", "ip\n192.0.2.1\n")
	}
}

var inputlookup = regexp.MustCompile(`\binputlookup (\w+)`)

// content is what contentctl wants to know of everything.
func (p *project) content(folder, name, description string) object {
	// An id by the name: the same in each run.
	sum := sha256.Sum256([]byte(folder + "/" + name))
	return object{
		"name": name, "id": fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]), "version": 1,
		"date": "2026-11-25", "author": author + ", " + author, "status": "production", "description": description,
	}
}

// file is where contentctl looks for something of that name.
func file(folder, name string) string {
	return folder + "/" + strings.ToLower(strings.NewReplacer(" ", "_", "-", "_", ".", "_", "/", "_").Replace(name))
}

func (p *project) yaml(name string, content object) {
	text, err := yaml.Marshal(content)
	p.fail(err)
	p.write(name+".yml", string(text))
}

func (p *project) write(name, text string) {
	if p.err == nil {
		p.fail(os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644))
	}
}

// text is the value of a key that has to be there.
func (p *project) text(conf *splunkd.Conf, stanza, key string) string {
	value, ok := conf.Get(stanza, key)
	if !ok {
		p.fail(fmt.Errorf("[%s] has no %s", stanza, key))
	}
	return value
}

func (p *project) json(text string, into any) {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		p.fail(fmt.Errorf("reading JSON %.60q: %w", text, err))
	}
}

func (p *project) number(text string) int {
	n, err := strconv.Atoi(text)
	p.fail(err)
	return n
}

func (p *project) fail(err error) {
	if p.err == nil && err != nil {
		p.err = fmt.Errorf("making a contentctl project: %w", err)
	}
}
