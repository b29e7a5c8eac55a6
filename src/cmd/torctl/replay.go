package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tordetect/src/replay"
	"tordetect/src/replay/recorded"
	"tordetect/src/terminal"
	"tordetect/src/text"
	"tordetect/src/web"
)

// replayOptions is what the flags of replay say.
type replayOptions struct {
	files               []string
	to, url, endpoint   string
	tokenFile, token    string
	channel, tenant     string
	server              web.Server
	meta                recorded.Meta
	ack, gzip           bool
	shift, zone         string
	batch, tries        int
	state, form         string
	timeout, ackTimeout time.Duration
	now                 func() time.Time
}

// Where events can go.
const (
	toHEC = "hec"
	toSCS = "scs"
)

// tokenVariable is the environment variable of the token: it is not shown by ps,
// as a flag would be.
const tokenVariable = "TORCTL_TOKEN"

func replayCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	o := replayOptions{now: now}
	c := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Send recorded events to Splunk, to test a detection",
		Long: `Sends files of events, one a line, plain or gzip, to an HTTP Event Collector
(--to hec) or to the ingest service of Splunk Cloud Services (--to scs). A yml of
splunk/attack_data stands for the files that it names; they have to be there,
nothing is fetched.

Splunk needs the add-on of the source type to make fields of what arrives.
With --shift-to-now the newest event of all files becomes a minute old, or as old
as you say, and the distances between events stay. Each of the app's hourly
searches looks at an hour that ended 10 to 35 minutes before it runs.

The summary counts what the server accepted. With --ack that is what an indexer
wrote, and nothing else is called exactly once; without, what was answered with
success. What was answered by no collector is in doubt and counted as unconfirmed.
If something fails, the same command goes on where it ended: what was accepted is
remembered in a file beside the first one (--state).

Splunk's own certificate of the first start is for no host: compare its fingerprint
on the server and give it by --pin.

The token comes from a file (--token-file) or from TORCTL_TOKEN.`,
		Example: `  torctl replay pan.log --url https://splunk:8088 --token-file token --sourcetype pan:traffic --index main --shift-to-now
  torctl replay pan_tor.yml --url https://splunk:8088 --ca cacert.pem --index attack_data --shift-to-now=20m --ack
  torctl replay pan.log --url https://splunk:8088 --pin sha256:9f86...0a08 --token-file token --index main
  TORCTL_TOKEN=$(cat token) torctl replay eve.json --url https://splunk:8088 --endpoint event --sourcetype suricata -o json
  torctl replay conn.log --to scs --url https://api.scs.example.com --tenant corp --token-file token`,
		Args: func(c *cobra.Command, files []string) error {
			// First, so that nothing else is said where a token was typed.
			if c.Flags().Changed("token") {
				return errTyped
			}
			return cobra.MinimumNArgs(1)(c, files)
		},
		RunE: func(c *cobra.Command, files []string) error {
			o.files = files
			return replayFiles(c.Context(), t, o, c.Flags().Changed)
		},
	}
	f := c.Flags()
	f.StringVar(&o.to, "to", toHEC, "where to: hec (HTTP Event Collector) or scs (Splunk Cloud Services)")
	f.StringVar(&o.url, "url", "", "address of the server, as in https://splunk:8088")
	f.StringVar(&o.tokenFile, "token-file", "", "file that holds the token and nothing else")
	f.StringVar(&o.token, "token", "", "")
	_ = f.MarkHidden("token")
	f.StringVar(&o.meta.Index, "index", "", "index (default: the token's)")
	f.StringVar(&o.meta.Sourcetype, "sourcetype", "", "source type (default: that of the yml, else the token's)")
	f.StringVar(&o.meta.Source, "source", "", "source (default: that of the yml, else the token's)")
	f.StringVar(&o.meta.Host, "host", "", "host (default: the id of the yml, else the server's choice)")
	f.StringVar(&o.endpoint, "endpoint", "raw", "hec: raw (Splunk reads the lines as those of a file) or event (each with its time beside it)")
	f.BoolVar(&o.ack, "ack", false, "hec: wait until the indexers acknowledge; the token must have it turned on")
	f.StringVar(&o.channel, "channel", "", "hec: GUID of the channel (default: a new one)")
	f.BoolVar(&o.gzip, "gzip", false, "hec: compress what is sent")
	f.StringVar(&o.tenant, "tenant", "", "scs: name of the tenant")
	f.StringVar(&o.server.CAFile, "ca", "", "PEM file of the certificate authorities to trust, instead of the system's")
	f.StringVar(&o.server.Name, "server-name", "", "name that the server's certificate must have, instead of the URL's host; with --ca also one without subjectAltName")
	f.StringVar(&o.server.Pin, "pin", "", "the one certificate to trust, as sha256:FINGERPRINT, whoever signed it and whatever name it has")
	f.StringVar(&o.shift, "shift-to-now", "", "move all times so that the newest event is so long ago")
	f.Lookup("shift-to-now").NoOptDefVal = "1m"
	f.StringVar(&o.zone, "zone", "UTC", "time zone of time stamps that name none, as Splunk reads them: UTC, local, +02:00 or a name such as Europe/Berlin")
	f.IntVar(&o.batch, "batch", 0, "most events of a request (default 1000 for hec, 500 for scs)")
	f.StringVar(&o.state, "state", "", `file that remembers what was accepted, or "none" (default: FILE.replay beside the first file)`)
	f.IntVar(&o.tries, "tries", 8, "how often a request is sent that is not answered, or answered with try again")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "longest time of a request")
	f.DurationVar(&o.ackTimeout, "ack-timeout", 5*time.Minute, "hec, with --ack: how long to wait for an acknowledgement before the events are sent again; after three times the replay ends")
	f.StringVarP(&o.form, "output", "o", formText, outputHelp+"text or json")
	return c
}

var errTyped = errors.New("a token on the command line is seen by everyone on this machine in the process list, and stays in the shell's history: put it into a file for --token-file, or into " + tokenVariable)

// replayFiles checks what flags say, sends, and tells what became of it.
func replayFiles(ctx context.Context, t *terminal.Terminal, o replayOptions, given func(flag string) bool) error {
	if err := o.check(given); err != nil {
		return err
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	token, err := o.readToken(t)
	if err != nil {
		return err
	}
	target, err := o.target(token)
	if err != nil {
		var file *fs.PathError
		if errors.As(err, &file) {
			return failed(err)
		}
		return err
	}
	if replay.Unencrypted(o.url) {
		t.Say("warning: the token and the events go over the network unencrypted")
	}
	files, err := recorded.Open(o.files, o.meta)
	if err != nil {
		return failed(err)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second one ends the program
	bar := t.Bytes(0)
	options.Note = bar.Note
	options.Progress = func(p replay.Progress) {
		bar.Of(p.Total)
		bar.Begin(text.Counted(p.Events, "event") + " accepted")
		bar.Set(p.Bytes)
	}
	summary, err := replay.Run(ctx, target, files, options)
	bar.Done()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if told := tellReplay(t, o.form, summary); told != nil && err == nil {
		err = told
	}
	switch {
	case err != nil && summary.State != "":
		t.Say("hint: the same command goes on where this one ended; %s remembers what was accepted", text.Printable(summary.State))
	case err == nil && summary.Refused > 0:
		err = fmt.Errorf("left out: %s", text.Counted(summary.Refused, "event"))
	}
	return failed(err)
}

func (o *replayOptions) check(given func(flag string) bool) error {
	if err := checkForm(o.form, formText, terminal.FormJSON); err != nil {
		return err
	}
	if o.to != toHEC && o.to != toSCS {
		return fmt.Errorf("bad target --to %q: want %s or %s", o.to, toHEC, toSCS)
	}
	if o.endpoint != "raw" && o.endpoint != "event" {
		return fmt.Errorf("bad endpoint %q: want raw or event", o.endpoint)
	}
	others := map[string][]string{toHEC: {"tenant"}, toSCS: {"endpoint", "ack", "ack-timeout", "channel", "gzip"}}
	for _, flag := range others[o.to] {
		if given(flag) {
			return fmt.Errorf("--%s means nothing with --to %s", flag, o.to)
		}
	}
	if given("batch") && o.batch < 1 {
		return fmt.Errorf("bad batch %d: want a number of events from 1", o.batch)
	}
	if o.tries < 1 {
		return fmt.Errorf("bad number of tries %d: want 1 or more", o.tries)
	}
	if o.timeout <= 0 {
		return fmt.Errorf("bad timeout %v: want a time such as 30s", o.timeout)
	}
	if given("ack-timeout") && !o.ack {
		return errors.New("--ack-timeout means nothing without --ack")
	}
	if o.ackTimeout <= 0 {
		return fmt.Errorf("bad time for acknowledgements %v: want one such as 2m", o.ackTimeout)
	}
	for _, file := range o.files {
		// The flag's value is optional, so it needs the sign.
		if _, err := time.ParseDuration(file); err == nil && given("shift-to-now") {
			return fmt.Errorf("%q is taken for a file: write --shift-to-now=%s, with =", file, file)
		}
	}
	if slices.Contains(o.files, "-") {
		return errors.New("replay cannot read stdin (-): it must be able to go back; write the events to a file")
	}
	return nil
}

// maxAgo bounds --shift-to-now: further back, no search that runs by the clock
// would look.
const maxAgo = 366 * 24 * time.Hour

func (o *replayOptions) options() (replay.Options, error) {
	options := replay.Options{MaxEvents: o.batch, State: o.state, Now: o.now, Retry: replay.Retry{Tries: o.tries}, Ack: replay.Ack{Timeout: o.ackTimeout}}
	var err error
	if options.Zone, err = parseZone(o.zone); err != nil {
		return options, err
	}
	if o.shift != "" {
		options.ShiftToNow = true
		if options.Ago, err = time.ParseDuration(o.shift); err != nil || options.Ago < 0 || options.Ago > maxAgo {
			return options, fmt.Errorf("bad shift %q: want how old the newest event is to be, as in --shift-to-now=20m (with =)", o.shift)
		}
	}
	switch o.state {
	case "":
		options.State = o.files[0] + ".replay"
	case "none":
		options.State = ""
	}
	return options, nil
}

func (o *replayOptions) readToken(t *terminal.Terminal) (replay.Token, error) {
	inVariable, set := os.LookupEnv(tokenVariable)
	switch {
	case o.tokenFile != "":
		token, err := replay.TokenFile(o.tokenFile)
		if errors.Is(err, fs.ErrNotExist) && looksLikeToken(o.tokenFile) {
			return token, errTyped // the name is not to be repeated either
		}
		if err == nil && runtime.GOOS != "windows" && replay.Readable(o.tokenFile) {
			t.Say("warning: others can read %s; chmod 600 keeps it to you", text.Printable(o.tokenFile))
		}
		return token, failed(err)
	case set:
		token, err := replay.NewToken(inVariable)
		if err != nil {
			return token, fmt.Errorf("read %s: %w", tokenVariable, err)
		}
		return token, nil
	}
	return replay.Token{}, fmt.Errorf("no token: put it into a file and name that by --token-file, or into %s", tokenVariable)
}

// looksLikeToken tells a token from a file's name: a collector's is a GUID, that of
// Splunk Cloud Services a JSON Web Token.
func looksLikeToken(name string) bool {
	return len(name) == 36 && strings.Count(name, "-") == 4 || strings.HasPrefix(name, "eyJ") && strings.Count(name, ".") == 2
}

func (o *replayOptions) target(token replay.Token) (replay.Target, error) {
	if o.to == toSCS {
		return replay.NewSCS(replay.SCSConfig{URL: o.url, Tenant: o.tenant, Token: token, Server: o.server, Timeout: o.timeout})
	}
	return replay.NewHEC(replay.HECConfig{URL: o.url, Token: token, Event: o.endpoint == "event", Channel: o.channel,
		Ack: o.ack, Gzip: o.gzip, Server: o.server, Timeout: o.timeout})
}

// tellReplay writes the summary.
func tellReplay(t *terminal.Terminal, form string, s replay.Summary) error {
	if form == terminal.FormJSON {
		return t.Object(
			[]string{"target", "delivery", "complete", "accepted", "accepted_before", "acknowledged", "maybe_twice", "repeats_have_same_id", "refused", "unconfirmed",
				"undated", "skipped", "files", "requests", "retries", "shift_seconds", "oldest", "newest", "state"},
			[]any{s.Target, s.Delivery(), s.Complete, s.Accepted, s.Earlier, s.Acknowledged, s.MaybeTwice, s.DropsRepeats, s.Refused, s.Unconfirmed,
				s.Undated, s.Skipped, s.Files, s.Requests, s.Retries, int64(s.Shift / time.Second), instant(s.Oldest), instant(s.Newest), s.State})
	}
	lines := [][2]string{{"target", text.Printable(s.Target)}}
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	how := "answered with success; --ack tells what was indexed"
	switch {
	case s.Acknowledged:
		how = "acknowledged by the indexers"
	case s.DropsRepeats:
		how = "answered with success"
	}
	add("accepted", "%s (%s)", text.Counted(s.Accepted, "event"), how)
	if s.Earlier > 0 {
		add("before", "%s, by earlier runs", text.Counted(s.Earlier, "event"))
	}
	switch s.Delivery() {
	case replay.ExactlyOnce:
		add("delivery", "each accepted event arrived exactly once")
	case replay.SentOnce:
		add("delivery", "each accepted event was sent once")
	case replay.AtLeastOnce:
		same := ""
		if s.DropsRepeats {
			same = "; both have the same id, by which the service drops repeats"
		}
		add("delivery", "each accepted event arrived at least once, %d of them perhaps twice%s", s.MaybeTwice, same)
	default:
		twice := ""
		if s.MaybeTwice > 0 {
			twice = fmt.Sprintf("; of the accepted events %d arrived perhaps twice", s.MaybeTwice)
		}
		add("delivery", "incomplete%s", twice)
	}
	if s.Unconfirmed > 0 {
		add("unconfirmed", "%s: sent, and not known whether taken", text.Counted(s.Unconfirmed, "event"))
	}
	if s.Refused > 0 {
		add("left out", "%s", text.Counted(s.Refused, "event"))
	}
	if s.Skipped > 0 {
		add("skipped", "%d (empty lines and heads of Zeek logs)", s.Skipped)
	}
	if !s.Newest.IsZero() {
		shift := "not shifted"
		if s.Shift != 0 {
			shift = fmt.Sprintf("shifted by %v", s.Shift)
		}
		add("times", "%s to %s, %s", instant(s.Oldest), instant(s.Newest), shift)
	}
	if s.Undated > 0 {
		add("undated", "%s without a time stamp that is recognised; Splunk dates them as it can", text.Counted(s.Undated, "event"))
	}
	add("requests", "%d, of which %d were repeated", s.Requests, s.Retries)
	return t.Pairs(lines)
}

// instant is a time to the second, empty where there is none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return text.Time(t.Unix())
}
