package packagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// torctl is for responders, too, whose machines are of any kind: it must compile
// for all that ./build.sh build all makes it for. To compile it six times takes
// minutes where nothing is cached, so only types are checked: of our packages all,
// of others what they export. That finds what is missing on another system.
func TestTorctlOnAllPlatforms(t *testing.T) {
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			system, arch, _ := strings.Cut(platform, "/")
			for _, problem := range checkTypes(t, "./src/cmd/torctl", system, arch) {
				t.Error(problem)
			}
		})
	}
}

// The check itself: what is not there on a system is found.
func TestPlatformsAreToldApart(t *testing.T) {
	require.Empty(t, checkTypes(t, "syscall", "linux", "amd64"))
	set := gotoken.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", "package x\nimport \"syscall\"\nvar _ = syscall.Stat_t{}\n", 0)
	require.NoError(t, err)
	for system, works := range map[string]bool{"linux": true, "windows": false} {
		c := &checker{set: set, system: system, arch: "amd64", done: map[string]*types.Package{}}
		c.load(t, "syscall")
		_, err = (&types.Config{Importer: c}).Check("x", set, []*ast.File{file}, nil)
		require.Equal(t, works, err == nil, "%s: %v", system, err)
	}
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Standard        bool
}

// checker checks packages in the order in which they are imported.
type checker struct {
	set          *gotoken.FileSet
	system, arch string
	done         map[string]*types.Package
	names        map[string]string // of the package that is checked
	problems     []error
}

func checkTypes(t *testing.T, pkg, system, arch string) []error {
	c := &checker{set: gotoken.NewFileSet(), system: system, arch: arch, done: map[string]*types.Package{}}
	c.load(t, pkg)
	return c.problems
}

func (c *checker) load(t *testing.T, pkg string) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Standard", pkg)
	cmd.Dir = projectRoot
	cmd.Env = append(os.Environ(), "GOOS="+c.system, "GOARCH="+c.arch, "CGO_ENABLED=0", "GOFLAGS=")
	out, err := cmd.Output()
	require.NoError(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else {
			require.NoError(t, err)
		}
		c.check(t, p)
	}
}

func (c *checker) check(t *testing.T, p listed) {
	if p.ImportPath == "unsafe" {
		c.done[p.ImportPath] = types.Unsafe
		return
	}
	require.NotEmpty(t, p.GoFiles, "%s has no files on %s/%s", p.ImportPath, c.system, c.arch)
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(c.set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	ours := strings.HasPrefix(p.ImportPath, "tordetect/")
	c.names = p.ImportMap
	config := &types.Config{
		Importer:         c,
		Sizes:            types.SizesFor("gc", c.arch),
		IgnoreFuncBodies: !ours,
		Error: func(err error) {
			if !p.Standard { // the compiler takes liberties there
				c.problems = append(c.problems, err)
			}
		},
	}
	// Errors were told above.
	c.done[p.ImportPath], _ = config.Check(p.ImportPath, c.set, files, nil)
}

// Import finds a package that was checked before.
func (c *checker) Import(path string) (*types.Package, error) {
	if mapped := c.names[path]; mapped != "" {
		path = mapped
	}
	if p := c.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not listed before it was imported", path)
}
