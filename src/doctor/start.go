package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tordetect/src/bounded"
	"tordetect/src/chunked"
	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// checkStart starts each launcher as splunkd does when a search is parsed, and
// asks it what it is. A check of the files alone does not see a folder that is
// mounted without execution, a shell that fails, or a security module.
//
// Nothing that others can write is started. What is started by root runs as the
// owner of the file: the app's owner must not become root by way of this.
func (e *exam) checkStart() (where, fine string) {
	switch {
	case e.NoRun:
		return "bin", "not tried, as asked"
	case e.OS != "linux":
		e.add(Note, "bin", "run this on a Linux machine, too", "the programs run on Linux only, so they were not started here")
		return "", ""
	case e.place.name == placeDeployer.name:
		return "", "" // nothing runs there
	}
	asked := 0
	for _, l := range e.launchers() {
		if x, found := e.find(l.file); found && e.barred(x) {
			e.add(Note, l.file, "run this as "+userName(x.uid), "it is not for you to execute, so it was not started")
			return "", ""
		}
		if !e.startable(l) {
			continue
		}
		asked++
		why := e.ask(l)
		if why == "" {
			continue
		}
		e.silent[l.file] = true
		e.add(Error, l.file, "start it by hand as the user that Splunk runs as: "+e.path(l.file)+" --help", "the command %s does not answer as it should: %s", l.command, why)
	}
	if asked == 0 {
		return "", ""
	}
	return "bin", text.Counted(asked, "command") + " answered when started"
}

// startable reports whether starting a launcher can tell something new, and is
// safe. What stands in the way has been said. A link is one that all can write: so
// its mode says.
func (e *exam) startable(l launcher) bool {
	files := []string{l.file}
	if l.script {
		if l.program == "" || strings.Contains(l.text, "\r") || !strings.HasPrefix(l.text, "#!") {
			return false
		}
		files = append(files, "bin/"+l.program+"-linux-"+e.Arch)
	}
	files = append(files, "bin", ".")
	for _, name := range files {
		x, found := e.find(name)
		if !found || e.barred(x) || x.mode&0o002 != 0 || x.mode&0o100 == 0 {
			return false
		}
	}
	return true
}

// barred reports whether a file's mode keeps the one who asks from starting it,
// which says nothing of Splunk.
func (e *exam) barred(x entry) bool {
	user := os.Geteuid()
	return user > 0 && x.uid >= 0 && x.uid != user && x.mode&0o001 == 0
}

// ask starts a launcher with a getinfo request and says what is wrong with the
// answer.
func (e *exam) ask(l launcher) string {
	request := map[string]any{
		"action": "getinfo", "preview": false,
		"searchinfo": map[string]any{"args": []string{}, "raw_args": []string{}, "sid": "doctor", "app": splunkhome.App, "command": l.command},
	}
	meta, err := json.Marshal(request)
	if err != nil {
		return err.Error()
	}
	stdout, stderr, err := e.start(l, string(chunked.AppendFrame(nil, meta, nil)))
	if why := failure(err, stderr); why != "" && stdout == "" {
		if errors.Is(err, fs.ErrPermission) {
			why += "; is the folder mounted without the right to execute (noexec)?"
		}
		return why
	}
	answer, _, err := chunked.NewReader(strings.NewReader(stdout)).Next()
	if err != nil {
		return "its answer is no frame of the protocol"
	}
	var reply struct {
		Type  string `json:"type"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return "its answer cannot be read"
	}
	switch {
	case reply.Error != "":
		return "it answers with the error " + reply.Error
	case reply.Type == "":
		return "its answer does not say what kind of command it is"
	}
	return ""
}

// failure says why a start failed; nil is none.
func failure(err error, stderr string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	var exit *exec.ExitError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, exec.ErrWaitDelay):
		return "it did not end in time"
	case errors.As(err, &exit) && line != "":
		return line
	case errors.As(err, &exit):
		return exit.String()
	}
	return bounded.Cause(err).Error()
}

// start runs a launcher with an input, bounded in time and output.
func (e *exam) start(l launcher, input string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.Timeout)
	defer cancel()
	file := e.path(l.file)
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Dir = filepath.Dir(file)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = time.Second // a child of it may hold the output open
	out, complaints := &beginning{}, &beginning{}
	cmd.Stdout, cmd.Stderr = out, complaints
	stop := alone(cmd)
	if info, statErr := os.Stat(file); statErr == nil && os.Geteuid() == 0 {
		as(cmd, info)
	}
	if err = cmd.Run(); err != nil {
		stop()
	}
	if ctx.Err() != nil {
		err = context.DeadlineExceeded
	}
	return out.kept.String(), complaints.kept.String(), err
}

// beginning keeps the beginning of what is written, and swallows the rest.
type beginning struct{ kept bytes.Buffer }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), max(0, maxReply-b.kept.Len()))])
	return len(p), nil
}

// sayVersion is how a program of ours names itself when it is started by hand.
var sayVersion = regexp.MustCompile(`^(tordetect|torrelays) ([0-9A-Za-z.+-]{1,64}): Splunk runs this program`)

// checkVersion compares what the files and the programs say.
func (e *exam) checkVersion() (where, fine string) {
	versions := map[string]string{}
	var order []string
	note := func(where, version string) {
		if version != "" {
			versions[where] = version
			order = append(order, where)
		}
	}
	def := e.layer("default", "app")
	note("default/app.conf [launcher]", def.Text("launcher", "version"))
	note("default/app.conf [id]", def.Text("id", "version"))
	var manifest struct {
		Info struct {
			ID struct{ Version string }
		}
	}
	if text := e.read(e.path("app.manifest"), maxScript); text != "" {
		if json.Unmarshal([]byte(text), &manifest) != nil {
			e.add(Warning, "app.manifest", "install the package anew", "the file cannot be read")
		}
		note("app.manifest", manifest.Info.ID.Version)
	}
	for _, l := range e.launchers() {
		if e.NoRun || e.OS != "linux" || e.place.name == placeDeployer.name || e.silent[l.file] || !e.startable(l) {
			continue
		}
		_, stderr, _ := e.start(l, "", "--help")
		if m := sayVersion.FindStringSubmatch(stderr); m != nil {
			note(l.file, m[2])
		}
	}
	if len(order) == 0 {
		return "", ""
	}
	want := versions[order[0]]
	var differ []string
	for _, at := range order {
		if versions[at] != want {
			differ = append(differ, at+" is of "+versions[at])
		}
	}
	if len(differ) > 0 {
		e.add(Error, order[0], "install the package anew over the old one and restart Splunk", "it is of version %s, but %s: an update was done only in part", want, some(differ))
	}
	if v := e.layer("local", "app").Text("launcher", "version"); v != "" && v != want {
		e.add(Warning, "local/app.conf", "remove version from [launcher] in it", "it says version %s, so Splunk does not show the real one, %s", v, want)
	}
	if e.Version != "" && e.Version != "dev" && e.Version != want {
		e.add(Note, "", "use the torctl of the same version", "this torctl is of version %s, the app of %s", e.Version, want)
	}
	return "", "version " + want + ", the same in " + text.Counted(len(order), "place")
}
