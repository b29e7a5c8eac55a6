package doctor

import (
	"debug/elf"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// architectures are those that the package has programs for.
var architectures = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkPrograms looks at the programs in bin/: there, executable, whole, and of
// the architecture that their names say.
func (e *exam) checkPrograms() (where, fine string) {
	seen := map[string]bool{}
	for _, l := range e.launchers() {
		for _, name := range l.programs() {
			if seen[name] || !l.script && !e.there(name) {
				continue // what commands.conf names and is not there, checkLaunchers tells
			}
			seen[name] = true
			e.checkProgram(name)
		}
	}
	if len(seen) == 0 {
		return "", ""
	}
	if _, known := architectures[e.Arch]; e.OS == "linux" && !known {
		e.add(Error, "bin", "search from a machine with x86_64 or arm64", "there is no program for this machine's architecture, %s", e.Arch)
	}
	return "bin", text.Counted(len(seen), "program") + ", each whole and of the architecture that its name says"
}

func (e *exam) checkProgram(name string) {
	again := "install the package anew; copy apps with tar, not with zip"
	x, found := e.find(name)
	arch := name[strings.LastIndexByte(name, '-')+1:]
	if !found {
		if e.place.name == placeBundle.name && strings.HasPrefix(name, "bin/torrelays-") {
			return // kept from the bundle on purpose
		}
		severity, whom := Error, "this machine"
		if e.OS == "linux" && arch != e.Arch {
			severity, whom = Warning, "indexers and search heads of the architecture "+arch
		} else if e.OS != "linux" {
			whom = "machines of the architecture " + arch
		}
		e.add(severity, name, "install the package anew", "the program is missing: the command does not start on %s", whom)
		return
	}
	info, err := os.Stat(e.path(name))
	if err != nil || !info.Mode().IsRegular() {
		e.add(Error, name, again, "this is no file")
		return
	}
	e.notExecutable(x)
	if why := e.notFor(name, arch, info.Size()); why != "" {
		e.add(Error, name, again, "%s", why)
	}
}

// notExecutable complains about a mode that does not let the owner start a file.
func (e *exam) notExecutable(x entry) {
	if !e.modes() || !x.mode.IsRegular() || x.mode&0o100 != 0 {
		return
	}
	e.add(Error, x.name, "chmod 755 "+e.path(x.name)+" (and copy apps with tar: zip loses that)", "it is not executable (mode %03o), so the command does not start", x.mode.Perm())
}

// notFor says why a file is no program for an architecture.
func (e *exam) notFor(name, arch string, size int64) string {
	want, known := architectures[arch]
	if !known || size > maxProgram {
		return ""
	}
	text := e.read(e.path(name), maxProgram)
	if text == "" && size > 0 {
		return "" // it may not be read; that is said elsewhere
	}
	if bounded.IsPointer([]byte(text[:min(len(text), 64)])) || strings.HasPrefix(text, "oid sha256:") {
		return "it is the pointer to a large file and not the file"
	}
	got, whole := readELF(text)
	switch {
	case got == elf.EM_NONE:
		return "it is no Linux program"
	case got != want:
		return fmt.Sprintf("it is a program for %s, but its name says %s", machine(got), arch)
	case !whole:
		return "the program is cut: its end is missing"
	}
	return ""
}

// readELF tells the architecture of a Linux program, and whether all of it is
// there. debug/elf is not made for files that somebody broke on purpose, hence the
// net below it.
func readELF(text string) (m elf.Machine, whole bool) {
	defer func() {
		if recover() != nil {
			whole = false
		}
	}()
	file, err := elf.NewFile(strings.NewReader(text))
	if err != nil {
		// The header alone is enough to tell a cut program from something else. Its
		// e_machine: two bytes at 18, in the order that EI_DATA says.
		if len(text) < 20 || !strings.HasPrefix(text, elf.ELFMAG) {
			return elf.EM_NONE, false
		}
		if text[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
			return elf.Machine(uint16(text[18])<<8 | uint16(text[19])), false
		}
		return elf.Machine(uint16(text[19])<<8 | uint16(text[18])), false
	}
	m, whole = file.Machine, len(file.Progs) > 0
	for _, part := range file.Progs {
		if part.Off > uint64(len(text)) || part.Filesz > uint64(len(text))-part.Off {
			whole = false
		}
	}
	return m, whole
}

func machine(m elf.Machine) string {
	for arch, is := range architectures {
		if is == m {
			return arch
		}
	}
	return strings.TrimPrefix(m.String(), "EM_")
}

// programNames are the names of a program for each architecture.
func programNames(name string) []string {
	var names []string
	for arch := range architectures {
		names = append(names, path.Join("bin", name+"-linux-"+arch))
	}
	slices.Sort(names)
	return names
}
