package chunked

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Info is what splunkd tells a command about its search, in getinfo. Every
// field may be empty: splunkd starts a command several times for one search,
// and the first runs, made while the search is parsed, know little.
type Info struct {
	Preview bool // a preview of a search that is still running

	Args    []string // the words after the command's name, quotes removed
	RawArgs []string // the same words as the user typed them

	SID         string // search id; "" or searchparsetmp_… while the search is parsed
	App         string // of the search, not of the command
	Owner       string
	Username    string
	DispatchDir string // the job's directory; may be empty or a temporary one

	SplunkdURI    string // https://127.0.0.1:8089
	SplunkVersion string // 8.2.1
	Search        string // the search, percent-decoded; for messages only, its form varies
	Command       string // name of the stanza; absent in 6.3

	SessionKey    Secret  // empty while the search is parsed
	MaxResultRows int     // rows a reply may hold, always > 0; see DefaultMaxResultRows
	Earliest      float64 // epoch seconds with fraction; 0 = unbounded or unknown
	Latest        float64 // the same

	raw object // of searchinfo, without the session key
}

// Raw returns the JSON value of a key of searchinfo, for keys that are newer than
// this package. The session key is not among them.
func (i *Info) Raw(key string) (json.RawMessage, bool) {
	value, ok := i.raw[key]
	return value, ok
}

// DefaultMaxResultRows is maxresultrows in splunkd's own limits.conf. It
// stands in when splunkd sends 0 (seen in 8.0.5) or nothing (6.3).
const DefaultMaxResultRows = 50000

// Remote reports whether this process runs on an indexer, where the search id
// begins with "remote_".
func (i *Info) Remote() bool { return strings.HasPrefix(i.SID, "remote_") }

// End returns the end of the search's window, or now where the window has no end
// or ends later: the time that "how old is this" is asked for.
func (i *Info) End(now time.Time) time.Time {
	if latest := time.Unix(int64(i.Latest), 0); i.Latest > 0 && latest.Before(now) {
		return latest
	}
	return now
}

// A Secret is a text that must not get into any log, message or dump: it
// prints as "(secret)" with every verb of fmt and in JSON. The text is kept
// behind a pointer, so that even an unexported field of this type, whose
// methods fmt does not call, shows an address and no text.
type Secret struct{ text *string }

// NewSecret returns text as a Secret; the empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// secretText is all that a Secret ever shows.
const secretText = "(secret)"

// Reveal returns the text. The only way to get it has a name to search for.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format writes "(secret)", whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) { io.WriteString(f, secretText) }

// String returns "(secret)".
func (s Secret) String() string { return secretText }

// MarshalText returns "(secret)", for JSON and for structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretText), nil }

// object is a JSON object whose values are not looked at yet.
type object map[string]json.RawMessage

// info reads a getinfo request. Unknown keys are ignored, missing ones leave
// zero values, and a value of another type is taken for what it can mean:
// versions and times have been seen as strings and as numbers.
func (o object) info() *Info {
	var search object
	if json.Unmarshal(o["searchinfo"], &search) != nil {
		search = nil
	}
	info := &Info{
		Preview:       o.flag("preview"),
		Args:          search.texts("args"),
		RawArgs:       search.texts("raw_args"),
		SID:           search.text("sid"),
		App:           search.text("app"),
		Owner:         search.text("owner"),
		Username:      search.text("username"),
		DispatchDir:   search.text("dispatch_dir"),
		SplunkdURI:    search.text("splunkd_uri"),
		SplunkVersion: search.text("splunk_version"),
		Search:        search.text("search"),
		Command:       search.text("command"),
		SessionKey:    NewSecret(search.text("session_key")),
		MaxResultRows: DefaultMaxResultRows,
		Earliest:      search.number("earliest_time"),
		Latest:        search.number("latest_time"),
		raw:           search,
	}
	key := info.SessionKey.Reveal()
	delete(search, "session_key")
	for name, value := range search {
		if len(key) >= minSecret && bytes.Contains(value, []byte(key)) {
			delete(search, name)
		}
	}
	// PathUnescape, because splunkd writes + as %2B and a blank as %20.
	if search, err := url.PathUnescape(info.Search); err == nil {
		info.Search = search
	}
	if rows := search.number("maxresultrows"); rows >= 1 && rows <= math.MaxInt32 {
		info.MaxResultRows = int(rows)
	}
	return info
}

func (o object) text(key string) string { return textOf(o[key]) }

// texts reads a list of strings. A single value is a list of one.
func (o object) texts(key string) []string {
	var list []json.RawMessage
	if json.Unmarshal(o[key], &list) != nil {
		if text := o.text(key); text != "" {
			return []string{text}
		}
		return nil
	}
	var texts []string
	for _, value := range list {
		texts = append(texts, textOf(value))
	}
	return texts
}

// number reads a finite number, also one in quotes. Anything else is 0.
func (o object) number(key string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(o.text(key)), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

// flag reads a boolean, also one in quotes or as a number.
func (o object) flag(key string) bool {
	text := strings.ToLower(strings.TrimSpace(o.text(key)))
	return text == "true" || text == "t" || text != "" && o.number(key) != 0
}

// textOf returns a JSON string's text, or a number or boolean as it is
// written. null, lists and objects have no text.
func textOf(value json.RawMessage) string {
	if len(value) == 0 || value[0] == 'n' || value[0] == '[' || value[0] == '{' {
		return ""
	}
	if value[0] != '"' {
		return string(value)
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}
