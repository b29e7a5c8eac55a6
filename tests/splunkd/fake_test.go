package splunkd

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// The commands that these tests start are this test binary itself: bin/fake.sh runs it with the arguments that
// commands.conf gives (command.arg.1 = fake, command.arg.2 = which).

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "fake" {
		os.Exit(fake(os.Args[2], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// fakes are the getinfo replies of the fake commands.
var fakes = map[string]string{
	"doubleage":    `{"type":"streaming","required_fields":["age"]}`,
	"accumages":    `{"type":"stateful","required_fields":["age","accum_age"]}`,
	"eventsecho":   `{"type":"events","required_fields":["age"]}`,
	"average":      `{"type":"reporting","required_fields":["age"]}`,
	"countdouble":  `{"type":"streaming","required_fields":["count"]}`,
	"generate":     `{"type":"stateful","required_fields":["_time","data","generated_index","random_number"],"generating":true}`,
	"numbers":      `{"type":"reporting","generating":true}`,
	"echo":         `{"type":"streaming"}`,
	"statefulecho": `{"type":"stateful"}`,
	"whererun":     `{"type":"streaming"}`,
	"clear":        `{"type":"streaming","required_fields":["word"]}`,
	"insert":       `{"type":"streaming","required_fields":["n"]}`,
	"badinit":      `{"finished":true,"error":"unknown option \"x\""}`,
	"badrun":       `{"type":"streaming"}`,
	"initwarn":     `{"inspector":{"messages":[["WARN","said while parsing"]]},"type":"streaming"}`,
	"changing":     `{"type":"streaming"}`,
	"unsure":       `{"type":"streaming"}`,
	// Commands that break the protocol; each is named after what it does.
	"stderr": `{}`, "tworeplies": `{}`, "noreply": `{}`, "exitcode": `{}`, "nomirror": `{}`, "hang": `{}`, "early": `{}`,
	"stray": `{}`, "leak": `{}`, "leakstderr": `{}`, "saytwice": `{}`, "ragged": `{}`, "twocolumns": `{}`, "halflist": `{}`, "lonelist": `{}`,
	"afterend": `{}`, "lingers": `{}`, "unknownkey": `{}`, "errorfirst": `{}`, "badtype": `{"type":"eventing"}`, "distributed": `{"distributed":true}`,
	"noindex": `{"required_fields":["n"]}`, "foreignindex": `{"required_fields":["n"]}`, "dies": `{}`, "errorexit0": `{}`,
}

// fake plays one command. Everything that it reads is kept in $FAKE_RECORD.
func fake(name string, stdin io.Reader, stdout, stderr io.Writer) int {
	if folder := os.Getenv("FAKE_RECORD"); folder != "" {
		file, err := os.OpenFile(filepath.Join(folder, fmt.Sprintf("%d", os.Getpid())), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 3
		}
		defer file.Close()
		stdin = io.TeeReader(stdin, file)
	}
	in := bufio.NewReader(stdin)
	send := func(metadata, body string) { stdout.Write(wire.AppendFrame(nil, []byte(metadata), []byte(body))) }
	total, turn := 0, 0
	key := ""
	for {
		if name == "early" && turn == 1 && key != "" {
			in.Peek(1)
			send(`{"finished":false}`, "")
		}
		metadata, body, err := wire.ReadFrame(in, func(b []byte) error { _, err := io.ReadFull(in, b); return err })
		if err != nil {
			if name == "lingers" {
				time.Sleep(time.Minute)
			}
			return 0
		}
		turn++
		if strings.Contains(string(metadata), `"getinfo"`) {
			_, key, _ = strings.Cut(string(metadata), `"session_key":"`)
			key, _, _ = strings.Cut(key, `"`)
			reply := fakes[name]
			if name == "changing" && key != "" || name == "unsure" && strings.Contains(string(metadata), `"sid":"tmp"`) {
				reply = `{"type":"stateful"}`
			}
			send(reply, "")
			if name == "badinit" {
				return 1
			}
			continue
		}
		finished := strings.Contains(string(metadata), `"finished":true`)
		done := fmt.Sprintf(`{"finished":%t}`, finished)
		table, err := wire.DecodeBody(body)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 3
		}
		plain := func(columns string, line func(spl.Row) string) string {
			text := columns + "\n"
			for _, row := range table.Rows {
				text += line(row) + "\n"
			}
			return text
		}
		switch name {
		case "doubleage":
			if len(table.Rows) == 0 {
				send(done, "")
				break
			}
			send(done, plain("age,_chunked_idx,__mv_age,__mv__chunked_idx", func(r spl.Row) string {
				age, _ := strconv.Atoi(r.Get("age"))
				return fmt.Sprintf("%d,%s,,", 2*age, r.Get(chunkIndex))
			}))
		case "countdouble":
			send(done, plain("count,_chunked_idx", func(r spl.Row) string { return r.Get("count") + r.Get("count") + "," + r.Get(chunkIndex) }))
		case "accumages":
			if len(table.Rows) == 0 {
				send(done, "")
				break
			}
			send(done, plain("age,accum_age,_chunked_idx,__mv_age,__mv_accum_age,__mv__chunked_idx", func(r spl.Row) string {
				age, _ := strconv.Atoi(r.Get("age"))
				total += age
				return fmt.Sprintf("%d,%d,%s,,,", age, total, r.Get(chunkIndex))
			}))
		case "average":
			sum, n := spl.Sum(nil)
			for _, row := range table.Rows {
				age, _ := spl.Number(row.Get("age"))
				sum, n = sum+age, n+1
			}
			send(done, "average\n"+spl.FormatNumber(sum/float64(n))+"\n")
		case "generate":
			send(`{"finished":true}`, "_time,data,_chunked_idx\n1,x,\n")
		case "numbers":
			if turn == 2 {
				send(`{"finished":false}`, "n\n1\n2\n")
			} else {
				send(`{"finished":true}`, "n\n3\n")
			}
		case "whererun":
			folder, _ := os.Getwd()
			send(done, plain("_time,ran", func(r spl.Row) string { return string(wire.AppendCell(nil, r.Get("_time"))) + `,"` + folder + `"` }))
		case "insert":
			text := plain("n,_chunked_idx,list,__mv_list", func(r spl.Row) string {
				if r.Get("n") == "2" {
					return `drop,"no",,`
				}
				return r.Get("n") + "," + r.Get(chunkIndex) + ",\"a\nb\",$a$;$b$"
			})
			text = strings.ReplaceAll(text, "drop,\"no\",,\n", "")
			send(done, text+"9,,,\n")
		case "clear":
			send(done, plain("word,_chunked_idx", func(r spl.Row) string { return "," + r.Get(chunkIndex) }))
		case "badrun":
			send(`{"inspector":{"messages":[["WARN","no list"]]},"finished":true,"error":"row 3 is bad"}`, "")
			return 1
		case "stderr":
			fmt.Fprintln(stderr, "a line")
			send(done, "")
		case "tworeplies":
			send(done, "")
			send(done, "")
		case "noreply":
			return 0
		case "dies":
			fmt.Fprintln(stderr, "oh no")
			return 7
		case "exitcode":
			send(done, "")
			if finished {
				return 4
			}
		case "nomirror":
			send(`{"finished":true}`, "")
		case "hang":
			time.Sleep(time.Minute)
		case "stray":
			fmt.Fprintln(stdout, "debug: here")
			send(done, "")
		case "leak":
			send(done, "k\n"+key+"\n")
		case "leakstderr":
			fmt.Fprintln(stderr, key)
			return 1
		case "saytwice":
			send(`{"inspector":{"messages":[["WARN","again"]]},`+done[1:], "")
		case "ragged":
			send(done, "a,b\n1\n")
		case "twocolumns":
			send(done, "a,a\n1,1\n")
		case "halflist":
			send(done, "a,__mv_a\n1,$1$;$2$\n")
		case "lonelist":
			send(done, "__mv_a\n$1$;$2$\n")
		case "afterend":
			send(done, "")
			if finished {
				fmt.Fprint(stdout, "bye")
			}
		case "unknownkey":
			send(`{"partial":true,`+done[1:], "")
		case "errorfirst":
			send(`{"error":"x","finished":true}`, "")
			return 1
		case "errorexit0":
			send(`{"finished":true,"error":"x"}`, "")
		case "noindex":
			send(done, plain("n", func(r spl.Row) string { return r.Get("n") }))
		case "foreignindex":
			send(done, plain("n,_chunked_idx", func(r spl.Row) string { return r.Get("n") + ",77" }))
		default:
			send(done, string(body))
		}
	}
}

// newHead installs an app with all fake commands.
func newHead(t *testing.T) *Head {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	source := filepath.Join(t.TempDir(), "fakes")
	write := func(name, text string, mode os.FileMode) {
		file := filepath.Join(source, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), mode))
	}
	write("bin/fake.sh", "#!/bin/sh\nexec \"$FAKE_BINARY\" \"$@\"\n", 0o755)
	conf := ""
	for name := range fakes {
		conf += fmt.Sprintf("[%s]\nchunked = true\nfilename = fake.sh\ncommand.arg.1 = fake\ncommand.arg.2 = %s\n", name, name)
	}
	write("default/commands.conf", conf, 0o644)
	write("default/macros.conf", "[three]\ndefinition = makeresults count=3\n", 0o644)
	write("lookups/numbers.csv", "n,word\n1,one\n2,two\n3,three\n", 0o644)
	app, err := InstallFolder(source, t.TempDir())
	require.NoError(t, err)
	// Under the race detector a program sleeps a second before it exits, unless told not to.
	env := []string{"FAKE_BINARY=" + binary, "GORACE=atexit_sleep_ms=0"}
	return &Head{App: app, Now: time.Unix(1795600000, 0), Timeout: 5 * time.Second, Env: env}
}

// record makes the fakes keep what they are sent; the function returned gives, of the one process of that command that
// got an execute request, its getinfo and all bytes behind that.
func record(t *testing.T, h *Head) func(command string) (getinfo, execute string) {
	folder := t.TempDir()
	h.Env = append(h.Env, "FAKE_RECORD="+folder)
	return func(command string) (string, string) {
		var found [][2]string
		files, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, file := range files {
			content, err := os.ReadFile(filepath.Join(folder, file.Name()))
			require.NoError(t, err)
			if at := strings.Index(string(content), `{"action":"execute"`); at >= 0 && strings.Contains(string(content[:at]), `"command":"`+command+`"`) {
				at = strings.LastIndex(string(content[:at]), "chunked 1.0,")
				found = append(found, [2]string{string(content[:at]), string(content[at:])})
			}
		}
		require.Len(t, found, 1, "processes that got an execute request")
		return found[0][0], found[0][1]
	}
}

// rowsOf makes a table of lines, first the header.
func rowsOf(lines ...string) *spl.Table {
	table := &spl.Table{Columns: strings.Split(lines[0], ",")}
	for _, line := range lines[1:] {
		row := spl.Row{}
		for i, cell := range strings.Split(line, ",") {
			row[table.Columns[i]] = spl.One(cell)
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// texts shows a table as lines, first the header; lists have `+` between their values.
func texts(table spl.Table) []string {
	lines := []string{strings.Join(table.Columns, ",")}
	for _, row := range table.Rows {
		var cells []string
		for _, name := range table.Columns {
			cells = append(cells, strings.Join(row[name], "+"))
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	return lines
}
