// Package sbom writes down what the programs are made of, as CycloneDX (JSON, 1.6),
// for who looks a module up when a fault of it is known:
//
//	in:   compiled programs, version and time of the release, the table of DEPENDENCIES.md
//	out:  {"bomFormat":"CycloneDX",...,"components":[programs, modules, Go],"dependencies":[...]}
//
// What a program contains is read out of itself, where the linker left it
// (debug/buildinfo); nothing is taken from go.mod. The same programs give the same
// bytes: order, number and time are made of what goes in.
//
// It does not say which function of a module is used, and knows of no fault.
package sbom

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A Release is whose parts are listed.
type Release struct {
	Name, Version string
	Time          time.Time
}

// A Program is a compiled one.
type Program struct {
	Name string // as it is shipped
	Data []byte
}

// Of lists the parts of programs. Modules are those of DEPENDENCIES.md, which has the
// licences.
func Of(release Release, programs []Program, modules []Module) ([]byte, error) {
	licences := map[string]string{}
	for _, m := range modules {
		licences[m.Path] = m.Licence
	}
	root := component{Type: "application", Ref: release.Name, Name: release.Name, Version: release.Version}
	out := document{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{release.Time.UTC().Format(time.RFC3339), root}}
	whole := dependency{Ref: root.Ref}
	seen := map[string]bool{}
	for _, p := range programs {
		info, err := buildinfo.Read(bytes.NewReader(p.Data))
		if err != nil {
			return nil, fmt.Errorf("read what %s is made of: %w", p.Name, err)
		}
		sum := sha256.Sum256(p.Data)
		one := component{Type: "application", Ref: release.Name + "/" + p.Name, Name: p.Name, Version: release.Version,
			Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}
		parts := []component{goLibrary(info.GoVersion)}
		for _, m := range info.Deps {
			part, err := library(m, licences)
			if err != nil {
				return nil, fmt.Errorf("list the parts of %s: %w", p.Name, err)
			}
			parts = append(parts, part)
		}
		needs := dependency{Ref: one.Ref}
		out.Components = append(out.Components, one)
		for _, part := range parts {
			needs.On = append(needs.On, part.Ref)
			if !seen[part.Ref] {
				seen[part.Ref] = true
				out.Components = append(out.Components, part)
				out.Dependencies = append(out.Dependencies, dependency{Ref: part.Ref})
			}
		}
		slices.Sort(needs.On)
		whole.On = append(whole.On, one.Ref)
		out.Dependencies = append(out.Dependencies, needs)
	}
	out.Dependencies = append(out.Dependencies, whole)
	slices.SortFunc(out.Components, func(a, b component) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Ref, b.Ref)) })
	slices.SortFunc(out.Dependencies, func(a, b dependency) int { return cmp.Compare(a.Ref, b.Ref) })
	content, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	out.Serial = serial(content)
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

// library is a module that is linked into a program.
func library(m *debug.Module, licences map[string]string) (component, error) {
	if m.Replace != nil {
		return component{}, fmt.Errorf("%s is replaced by %s: a release is built of what go.mod requires", m.Path, m.Replace.Path)
	}
	licence, known := licences[m.Path]
	if !known {
		return component{}, fmt.Errorf("%s is not in DEPENDENCIES.md: add it with its licence and what it is there for", m.Path)
	}
	out := component{Type: "library", Name: m.Path, Version: m.Version, URL: "pkg:golang/" + strings.ToLower(m.Path) + "@" + m.Version,
		Properties: []property{{"go:sum", m.Sum}}}
	out.Ref = out.URL
	switch {
	case strings.Contains(licence, " "):
		out.Licences = []licenceChoice{{Expression: licence}}
	case licence != NoLicence:
		out.Licences = []licenceChoice{{Licence: &licenceID{licence}}}
	}
	return out, nil
}

// goLibrary is Go's own library and runtime.
func goLibrary(version string) component {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "go"), " ")
	out := component{Type: "library", Name: "std", Version: version, URL: "pkg:golang/std@" + version, Licences: []licenceChoice{{Licence: &licenceID{"BSD-3-Clause"}}}}
	out.Ref = out.URL
	return out
}

// serial is a number of the document's own, in the form of a UUID (version 8, RFC 9562),
// made of what it says.
func serial(content []byte) string {
	b := sha256.Sum256(content)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// The parts of CycloneDX that are written.
type (
	document struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber,omitempty"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Time      string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string          `json:"type"`
		Ref        string          `json:"bom-ref"`
		Name       string          `json:"name"`
		Version    string          `json:"version"`
		Hashes     []hash          `json:"hashes,omitempty"`
		Licences   []licenceChoice `json:"licenses,omitempty"`
		URL        string          `json:"purl,omitempty"`
		Properties []property      `json:"properties,omitempty"`
	}
	hash struct {
		Kind string `json:"alg"`
		Text string `json:"content"`
	}
	licenceChoice struct {
		Licence    *licenceID `json:"license,omitempty"`
		Expression string     `json:"expression,omitempty"`
	}
	licenceID struct {
		ID string `json:"id"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
)

// A Module is a line of the table in DEPENDENCIES.md.
type Module struct {
	Path, Released, Licence string
	In                      []string // programs, or "tests"
	Why                     string
}

// NoLicence stands for one that a module does not state.
const NoLicence = "none"

// Modules reads the table of DEPENDENCIES.md.
func Modules(text []byte) ([]Module, error) {
	var out []Module
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "/") {
			continue
		}
		if len(cells) != 7 {
			return nil, fmt.Errorf("read the dependencies: want five cells in %q", line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		m := Module{Path: cells[1], Released: cells[2], Licence: cells[3], In: strings.Split(cells[4], ", "), Why: cells[5]}
		if _, err := time.Parse(time.DateOnly, m.Released); err != nil || m.Licence == "" || m.Why == "" {
			return nil, fmt.Errorf("read the dependencies: %s needs a day, a licence and a reason", m.Path)
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, errors.New("read the dependencies: there is no table")
	}
	return out, nil
}
