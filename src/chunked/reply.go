package chunked

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Type says which rows a command gets and where it runs.
type Type string

// The four types that splunkd knows; any other one is fatal to the search.
const (
	Streaming Type = "streaming" // row by row, on the indexers or the search head
	Stateful  Type = "stateful"  // row by row in order, on the search head
	Events    Type = "events"    // the whole set, which stays a set of events
	Reporting Type = "reporting" // the whole set, which becomes a table
)

// A Declaration is the reply to getinfo: what the command is and what it
// needs. The same arguments must always give the same Declaration, because
// splunkd asks several times and plans the search by the first answer.
type Declaration struct {
	Type           Type     // the zero value means Streaming
	Generating     bool     // makes rows out of nothing; stands first in the search
	RequiredFields []string // fields to be sent; none = all. List the output fields too, see the package comment
	StreamingPreop string   // SPL to run before a reporting command, where that can be distributed
	MaxWait        int      // seconds of silence after which splunkd ends the command; 0 = splunkd's own setting
}

// A Message appears beside the results of the search.
type Message struct {
	Level string // INFO, WARN or ERROR
	Text  string
}

// MarshalJSON writes ["LEVEL","text"].
func (m Message) MarshalJSON() ([]byte, error) { return marshal([2]string{m.Level, m.Text}) }

// Limits of what a command can make splunkd show.
const (
	maxText     = 1000 // bytes of one error or message: a line that a person reads, not a dump
	maxMessages = 20   // messages of one run: more than that is one problem told many times
	minSecret   = 8    // bytes of a session key (real ones have 120); to take out less would garble texts
)

// lastMessage takes the place of message number maxMessages and all after it.
const lastMessage = "More messages were left out."

// reply is the metadata of every reply, with its keys in the order that
// splunkd needs: a message behind the error key would be lost.
type reply struct {
	Inspector      *inspector `json:"inspector,omitempty"`
	Type           Type       `json:"type,omitempty"`
	RequiredFields []string   `json:"required_fields,omitempty"`
	Generating     bool       `json:"generating,omitempty"`
	StreamingPreop string     `json:"streaming_preop,omitempty"`
	MaxWait        int        `json:"maxwait,omitempty"`
	Finished       *bool      `json:"finished,omitempty"`
	Error          string     `json:"error,omitempty"`
}

type inspector struct {
	Messages []Message `json:"messages"`
}

// The replies without anything to tell are by far the most frequent ones.
var (
	finishedFalse = []byte(`{"finished":false}`)
	finishedTrue  = []byte(`{"finished":true}`)
)

func declarationReply(d Declaration) []byte {
	return encode(reply{
		Type:           d.Type,
		RequiredFields: d.RequiredFields,
		Generating:     d.Generating,
		StreamingPreop: d.StreamingPreop,
		MaxWait:        d.MaxWait,
	})
}

func executeReply(finished bool, messages []Message) []byte {
	switch {
	case len(messages) > 0:
		return tell(finished, "", messages)
	case finished:
		return finishedTrue
	default:
		return finishedFalse
	}
}

func errorReply(text string, messages []Message) []byte {
	return tell(true, text, messages)
}

func tell(finished bool, text string, messages []Message) []byte {
	r := reply{Finished: &finished, Error: text}
	if len(messages) > 0 {
		r.Inspector = &inspector{messages}
	}
	return encode(r)
}

// encode cannot fail: a reply is made of strings, numbers and booleans.
func encode(r reply) []byte {
	text, _ := marshal(r)
	return text
}

// marshal is json.Marshal without the escapes for HTML, which would make
// "a < b" unreadable where the text is shown as text.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	// Encode adds a LF. It would have to be counted; there must be none.
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// journal keeps the messages of a run, so that no text is sent twice.
type journal struct {
	secret  string    // never to be shown
	pending []Message // not sent yet
	seen    []string
}

func (j *journal) add(level, text string) {
	text = plain(text, j.secret)
	if len(j.seen) >= maxMessages-1 && !slices.Contains(j.seen, text) {
		text = lastMessage
	}
	if text == "" || slices.Contains(j.seen, text) {
		return
	}
	j.seen = append(j.seen, text)
	j.pending = append(j.pending, Message{level, text})
}

// take returns the messages that were not sent yet.
func (j *journal) take() []Message {
	messages := j.pending
	j.pending = nil
	return messages
}

// plain makes text fit to be shown: one line, valid UTF-8, of bounded length,
// without control characters, and without the secret, however it got there.
func plain(text, secret string) string {
	if len(secret) >= minSecret {
		text = strings.ReplaceAll(text, secret, secretText)
	}
	if len(text) > 2*maxText {
		text = text[:2*maxText] // the rest cannot matter; do not clean megabytes
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		end := maxText - len("…")
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return text
}
