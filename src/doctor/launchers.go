package doctor

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// searchCommand is one of the app's commands, the program that answers it, and the
// word by which that program knows what it is called for.
type searchCommand struct{ name, program, word string }

var commands = []searchCommand{{"tordetect", "tordetect", ""}, {"torrelays", "torrelays", "torrelays"}, {"torupdate", "torrelays", "torupdate"}}

// launcher is what a stanza of commands.conf starts: a script, or a program
// itself where the site wants no shell.
type launcher struct {
	command string
	file    string // below the app
	from    string // the conf file that names it
	script  bool
	text    string
	program string // what the script starts, without architecture; "" if that is not seen
	word    string // the first argument that it adds
}

// execLine is the line that starts the program, as in exec "$folder/tordetect-linux-$arch" "$@".
var execLine = regexp.MustCompile(`(?m)^\s*exec\s+"?[^"\s]*/([A-Za-z0-9_.-]+)-linux-\$\{?arch\}?"?\s+([a-z]*)`)

// launchers are those of the app's commands that commands.conf has.
func (e *exam) launchers() []launcher {
	c := e.conf("commands")
	var all []launcher
	for _, command := range commands {
		name, ok := c.Get(command.name, "filename")
		if !ok || name.Text == "" {
			continue
		}
		l := launcher{command: command.name, file: path.Join("bin", path.Base(name.Text)), from: name.File, script: strings.HasSuffix(name.Text, ".sh")}
		if l.script {
			l.text = e.read(e.path(l.file), maxScript)
			if m := execLine.FindStringSubmatch(l.text); m != nil {
				l.program, l.word = m[1], m[2]
			}
		}
		all = append(all, l)
	}
	return all
}

// programs are the files that a launcher may start.
func (l *launcher) programs() []string {
	switch {
	case !l.script:
		return []string{l.file}
	case l.program != "":
		return programNames(l.program)
	}
	return nil
}

// checkLaunchers looks at commands.conf and at the scripts that it names.
func (e *exam) checkLaunchers() (where, fine string) {
	c := e.conf("commands")
	scripts := 0
	for _, command := range commands {
		if !c.Has(command.name) && e.place.complete {
			e.add(Error, "default/commands.conf", "install the package anew", "the command %s is not in it", command.name)
		}
	}
	for _, l := range e.launchers() {
		if !c.Is(l.command, "chunked", false) {
			e.add(Error, l.from, "set chunked = true under ["+l.command+"]", "the command %s is not marked as chunked: Splunk would speak an older protocol with it", l.command)
		}
		x, found := e.find(l.file)
		kept := e.place.name == placeBundle.name && l.command != splunkhome.App
		switch {
		case !found && kept:
			continue
		case !found && strings.HasPrefix(l.from, "local/"):
			e.add(Error, l.from, "remove filename from ["+l.command+"] in it, or name a file that is in bin/", "the command %s shall start %s, which does not exist", l.command, l.file)
			continue
		case !found:
			e.add(Error, l.file, "install the package anew", "the launcher is missing: the command %s does not start", l.command)
			continue
		case !l.script:
			e.checkBare(l)
			continue
		}
		scripts++
		e.checkScript(l, x)
	}
	return "bin", text.Counted(scripts, "launcher") + ", each starts the program that it should"
}

// checkBare looks at a program that local/commands.conf names instead of a
// launcher. Whether it is whole, checkPrograms says.
func (e *exam) checkBare(l launcher) {
	arch := l.file[strings.LastIndexByte(l.file, '-')+1:]
	if _, known := architectures[arch]; !known || e.OS != "linux" {
		return
	}
	if arch != e.Arch {
		e.add(Error, l.from, "remove filename from ["+l.command+"] in it, so that the launcher picks the program", "the command %s shall start the program for %s, but this machine is %s", l.command, arch, e.Arch)
	} else {
		e.add(Note, l.from, "make sure that no indexer or search head has another architecture", "the command %s starts the program for %s everywhere", l.command, arch)
	}
}

func (e *exam) checkScript(l launcher, x entry) {
	again := "take it from the package again; unpack with tar, and on Linux"
	e.notExecutable(x)
	if l.text == "" {
		if x.size == 0 || x.size > maxScript {
			e.add(Error, l.file, again, "the launcher is empty or no script")
		}
		return
	}
	first, _, _ := strings.Cut(l.text, "\n")
	switch {
	case strings.Contains(l.text, "\r"):
		e.add(Error, l.file, again, "it has Windows line ends, so Linux cannot start it")
		return
	case strings.HasPrefix(l.text, "\ufeff"):
		e.add(Error, l.file, again, "it begins with a byte order mark, so Linux cannot start it")
		return
	case !strings.HasPrefix(first, "#!"):
		e.add(Error, l.file, again, "its first line does not name a shell (#!/bin/sh), so Splunk cannot start it")
		return
	}
	if shell := strings.Fields(strings.TrimPrefix(first, "#!")); e.OS == "linux" && e.place.name != placePackage.name && len(shell) > 0 {
		if _, err := os.Stat(shell[0]); err != nil {
			e.add(Error, l.file, "name the program itself in local/commands.conf (manual, Install)", "its shell %s does not exist on this machine", shell[0])
		}
	}
	want := commands[slices.IndexFunc(commands, func(c searchCommand) bool { return c.name == l.command })]
	switch {
	case l.program == "":
		e.add(Note, l.file, "", "it is not the package's launcher: what it starts was not looked at")
	case l.program != want.program:
		e.add(Error, l.file, again, "it starts %s for the command %s; %s is the program for it", l.program, l.command, want.program)
	case l.word != want.word:
		e.add(Error, l.file, again, "it does not start its program as the command %s", l.command)
	}
}
