package splunkd

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// sessionKey stands for the secret that splunkd hands to every command. It is easy to find in what a command writes.
var sessionKey = strings.Repeat("sessionkey", 12)

const (
	splunkdURI    = "https://127.0.0.1:8089"
	splunkVersion = "8.2.1" // of the recordings
	maxResultRows = 50000
	chunkIndex    = "_chunked_idx"
	user          = "admin"
)

// probes are the getinfo-only processes that splunkd starts while it parses a search: session key empty, sid and
// dispatch directory in the forms that Splunk's own apps look for.
var probes = []struct{ sid, dispatchDir string }{
	{"", ""},
	{"tmp", ""},
	{"searchparsetmp_1", os.TempDir()},
}

// place is where a command runs: the search head, or a search peer with its copy of the app.
type place struct {
	app    *App
	remote bool
	sid    string
}

// custom is a custom command in a search.
type custom struct {
	s       *search
	name    string
	args    []string
	rawArgs []string
	search  string // as getinfo shows it
	decl    wire.Declaration
	// set by the plan
	fromEvents bool // its rows come from an event search without a transforming command between
	stopAfter  int  // `head N` follows: close the pipes after so many rows; 0: never
}

// newCustom looks a command up and probes it. An error in a getinfo reply fails the search while it is parsed.
func newCustom(s *search, st spl.Stage, searchText string) (*custom, error) {
	c := &custom{s: s, name: st.Name, search: searchText}
	c.args, c.rawArgs = wire.SplitArguments(st.Text)
	known := st.Name + " " + st.Text
	if decl, ok := s.head.probed[known]; ok && s.head.ProbeOnce {
		c.decl = decl
		return c, nil
	}
	local := place{app: s.head.App}
	for i, probe := range probes {
		info := c.info(local)
		info.SessionKey, info.SID, info.DispatchDir = "", probe.sid, probe.dispatchDir
		p, err := c.start(local)
		if err != nil {
			return nil, err
		}
		decl, err := c.getinfo(p, info)
		if err != nil {
			return nil, err
		}
		if err := p.End(0); err != nil {
			return nil, err
		}
		if i > 0 && !reflect.DeepEqual(decl, c.decl) {
			return nil, &wire.ProtocolError{Command: c.name, Text: fmt.Sprintf("getinfo answers differ: %+v, then %+v", c.decl, decl)}
		}
		c.decl = decl
	}
	if c.decl.StreamingPreop != "" {
		return nil, fmt.Errorf("command %s: streaming_preop is not played by this stand-in", c.name)
	}
	if s.head.ProbeOnce {
		if s.head.probed == nil {
			s.head.probed = map[string]wire.Declaration{}
		}
		s.head.probed[known] = c.decl
	}
	return c, nil
}

// commandFile finds the program of a command as splunkd does: first in <app>/<PLATFORM>/bin, then in <app>/bin.
func commandFile(app *App, name string) (file string, args []string, err error) {
	conf, err := app.Conf("commands")
	if err != nil {
		return "", nil, err
	}
	if value, _ := conf.Get(name, "chunked"); value != "" {
		if chunked, ok := confBool(value); !ok || !chunked {
			return "", nil, fmt.Errorf("commands.conf [%s]: chunked = %s is not played by this stand-in", name, value)
		}
	} else {
		return "", nil, fmt.Errorf("commands.conf [%s]: chunked = true is missing", name)
	}
	filename, ok := conf.Get(name, "filename")
	if !ok {
		return "", nil, fmt.Errorf("commands.conf [%s]: filename is missing", name)
	}
	if filename != filepath.Base(filename) || strings.HasSuffix(filename, ".py") || strings.HasSuffix(filename, ".path") {
		return "", nil, fmt.Errorf("commands.conf [%s]: filename %q: a program right in bin is wanted", name, filename)
	}
	for n := 1; ; n++ {
		arg, ok := conf.Get(name, fmt.Sprintf("command.arg.%d", n))
		if !ok {
			break
		}
		args = append(args, os.ExpandEnv(arg))
	}
	folders := []string{"bin"}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		folders = []string{filepath.Join("linux_x86_64", "bin"), "bin"}
	}
	for _, folder := range folders {
		file = filepath.Join(app.Dir, folder, filename)
		if _, err := os.Stat(file); err == nil {
			return file, args, nil
		}
	}
	return "", nil, spl.SearchErrorf("Error in '%s' command: Cannot find program '%s' or script '%s'.", name, name, filename)
}

func (c *custom) start(at place) (*wire.Process, error) {
	file, args, err := commandFile(at.app, c.name)
	if err != nil {
		return nil, err
	}
	c.s.processes++
	return wire.Start(wire.Program{Command: c.name, File: file, Args: args, Dir: filepath.Join(at.app.Dir, "bin"), Env: c.s.head.environment(at.app),
		Timeout: c.s.head.timeout(), Hold: c.s.head.Hold, Secret: sessionKey})
}

// environment is what a command finds: little, and splunkd's own libraries first.
func (h *Head) environment(app *App) []string {
	return append([]string{
		"PATH=" + filepath.Join(app.Home, "bin") + ":/usr/local/bin:/usr/bin:/bin",
		"SPLUNK_HOME=" + app.Home,
		"LD_LIBRARY_PATH=" + filepath.Join(app.Home, "lib"),
		"HOME=" + app.Home,
	}, h.Env...)
}

// info is the searchinfo of a real run at that place.
func (c *custom) info(at place) wire.Searchinfo {
	s := c.s
	return wire.Searchinfo{
		Args: c.args, RawArgs: c.rawArgs,
		DispatchDir: filepath.Join(at.app.Home, "var", "run", "splunk", "dispatch", at.sid), SID: at.sid,
		App: s.head.App.ID, Owner: user, Username: user, SessionKey: sessionKey,
		SplunkdURI: splunkdURI, SplunkVersion: splunkVersion, Search: wire.PercentEncode(c.search), Command: c.name,
		MaxResultRows: maxResultRows, EarliestTime: boundText(s.earliest), LatestTime: boundText(s.latest),
	}
}

// getinfo asks for the declaration; the process lives on unless there is an error.
func (c *custom) getinfo(p *wire.Process, info wire.Searchinfo) (wire.Declaration, error) {
	r, body, err := p.Ask(wire.GetinfoMetadata(c.s.head.Preview, info), nil, wire.GetinfoKeys)
	if err != nil {
		return wire.Declaration{}, err
	}
	if len(body) > 0 {
		p.Kill()
		return wire.Declaration{}, p.Fault("the reply to getinfo has a body of %d bytes", len(body))
	}
	c.s.note(r.Messages)
	if r.Fatal != nil {
		return wire.Declaration{}, c.fatal(p, *r.Fatal)
	}
	if r.Finished != nil && *r.Finished {
		p.Kill()
		return wire.Declaration{}, p.Fault("the reply to getinfo says finished")
	}
	return r.Declaration, nil
}

// fatal ends a process that sent an error, and turns it into what the user sees.
func (c *custom) fatal(p *wire.Process, text string) error {
	if err := p.End(1); err != nil {
		return err
	}
	return spl.SearchErrorf("Error in '%s' command: %s", c.name, text)
}

// run starts the real process and sends it the rows.
func (c *custom) run(at place, in *spl.Table) (*spl.Table, error) {
	p, err := c.start(at)
	if err != nil {
		return nil, err
	}
	info := c.info(at)
	if err := os.MkdirAll(info.DispatchDir, 0o700); err != nil {
		p.Kill()
		return nil, err
	}
	decl, err := c.getinfo(p, info)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(decl, c.decl) {
		p.Kill()
		return nil, p.Fault("getinfo answers differ: %+v in a probe, %+v in the run", c.decl, decl)
	}
	if c.decl.Generating {
		return c.generate(p)
	}
	return c.transform(p, in)
}

// generate asks again and again until the command says finished. splunkd says finished:true from the first request on.
func (c *custom) generate(p *wire.Process) (*spl.Table, error) {
	var header []string
	if c.decl.RequiredFields != nil && !reflect.DeepEqual(c.decl.RequiredFields, []string{"*"}) {
		header = append(append(header, c.decl.RequiredFields...), chunkIndex)
	}
	request := wire.AppendBody(nil, header, nil)
	out := &spl.Table{}
	for {
		r, body, err := p.Ask(wire.ExecuteMetadata(true), request, wire.ExecuteKeys)
		if err != nil {
			return nil, err
		}
		c.s.note(r.Messages)
		if r.Fatal != nil {
			return nil, c.fatal(p, *r.Fatal)
		}
		rows, err := wire.DecodeBody(body)
		if err != nil {
			p.Kill()
			return nil, p.Fault("the reply's body: %v", err)
		}
		if len(rows.Rows) > maxResultRows {
			p.Kill()
			return nil, p.Fault("%d rows in one reply, maxresultrows is %d", len(rows.Rows), maxResultRows)
		}
		rows.Remove(chunkIndex)
		out.Add(rows.Columns...)
		out.Rows = append(out.Rows, rows.Rows...)
		if r.Finished != nil && *r.Finished {
			return out, p.End(0)
		}
		if len(rows.Rows) == 0 {
			p.Kill()
			return nil, p.Fault("a generating command replied with no rows and without finished: it would be asked for ever")
		}
	}
}

// request is one execute request: rows in[from:to].
type request struct {
	from, to int
	finished bool
}

// requests cuts n rows into chunks. ChunkRows 0 is as recorded: after an event search a chunk of all rows and an empty
// last one (stateful: one more empty chunk between); else, and for events and reporting, all in one last chunk.
// With ChunkRows there are many chunks, an empty one among them, and an empty last one, for every type.
func (c *custom) requests(n int) []request {
	size := c.s.head.ChunkRows
	if size <= 0 {
		if !c.fromEvents || c.decl.Type == "events" || c.decl.Type == "reporting" {
			return []request{{0, n, true}}
		}
		var list []request
		if n > 0 {
			list = append(list, request{0, n, false})
			if c.decl.Type == "stateful" {
				list = append(list, request{n, n, false})
			}
		}
		return append(list, request{n, n, true})
	}
	var list []request
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		list = append(list, request{from, to, false})
		if from == 0 {
			list = append(list, request{to, to, false})
		}
	}
	return append(list, request{n, n, true})
}

// columns are the fields that the command gets.
func (c *custom) columns(in *spl.Table, rows []spl.Row) []string {
	switch {
	case c.decl.Selected():
		return append(slices.Clone(c.decl.RequiredFields), chunkIndex)
	case c.decl.Type == "reporting" && c.decl.RequiredFields != nil && !reflect.DeepEqual(c.decl.RequiredFields, []string{"*"}):
		return c.decl.RequiredFields
	case !c.s.head.VaryColumns:
		return in.Columns
	}
	var present []string
	for _, name := range in.Columns {
		if slices.ContainsFunc(rows, func(r spl.Row) bool { return len(r[name]) > 0 }) {
			present = append(present, name)
		}
	}
	return present
}

// transform sends all chunks and puts the replies together.
func (c *custom) transform(p *wire.Process, in *spl.Table) (*spl.Table, error) {
	selected := c.decl.Selected()
	out := &spl.Table{}
	if selected {
		out.Add(in.Columns...)
	}
	for _, q := range c.requests(len(in.Rows)) {
		rows := in.Rows[q.from:q.to]
		columns := c.columns(in, rows)
		if selected {
			indexed := make([]spl.Row, len(rows))
			for i, row := range rows {
				indexed[i] = row.Clone()
				indexed[i][chunkIndex] = spl.Value{strconv.Itoa(q.from + i)}
			}
			rows = indexed
		}
		r, body, err := p.Ask(wire.ExecuteMetadata(q.finished), wire.AppendBody(nil, columns, rows), wire.ExecuteKeys)
		if err != nil {
			return nil, err
		}
		c.s.note(r.Messages)
		if r.Fatal != nil {
			return nil, c.fatal(p, *r.Fatal)
		}
		if r.Finished == nil || *r.Finished != q.finished {
			p.Kill()
			return nil, p.Fault("the request says finished:%t, the reply does not mirror it", q.finished)
		}
		replied, err := wire.DecodeBody(body)
		if err != nil {
			p.Kill()
			return nil, p.Fault("the reply's body: %v", err)
		}
		if selected {
			if replied, err = merge(in, q, replied); err != nil {
				p.Kill()
				return nil, p.Fault("%v", err)
			}
		}
		out.Add(replied.Columns...)
		out.Rows = append(out.Rows, replied.Rows...)
		if c.stopAfter > 0 && !q.finished && len(out.Rows) >= c.stopAfter {
			return out, p.Abandon()
		}
	}
	return out, p.End(0)
}

// merge lays the rows of a reply over the rows that splunkd kept, by _chunked_idx. A row with an empty index is new.
func merge(in *spl.Table, q request, replied *spl.Table) (*spl.Table, error) {
	if len(replied.Rows) > 0 && !replied.Has(chunkIndex) {
		return nil, fmt.Errorf("selected fields: the reply has no column %s", chunkIndex)
	}
	merged := &spl.Table{}
	for i, row := range replied.Rows {
		index := row.Get(chunkIndex)
		base := spl.Row{}
		if index != "" {
			n, err := strconv.Atoi(index)
			if err != nil || n < q.from || n >= q.to {
				return nil, fmt.Errorf("selected fields: row %d of the reply has %s %q, which this chunk did not have", i+1, chunkIndex, index)
			}
			base = in.Rows[n].Clone()
		}
		for _, name := range replied.Columns {
			if name == chunkIndex {
				continue
			}
			if value := row[name]; len(value) > 0 {
				base[name] = value
			} else {
				delete(base, name)
			}
		}
		merged.Rows = append(merged.Rows, base)
	}
	merged.Add(replied.Columns...)
	merged.Remove(chunkIndex)
	return merged, nil
}
