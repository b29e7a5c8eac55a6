package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Message is what a command tells the user through the inspector.
type Message struct {
	Level string // DEBUG, INFO, WARN, ERROR, FATAL
	Text  string
}

func (m Message) String() string { return m.Level + ": " + m.Text }

// Reply is the metadata of a reply, taken apart.
type Reply struct {
	keys     []string // in wire order
	Finished *bool
	Fatal    *string
	Messages []Message
	Declaration
}

// Declaration is what a getinfo reply says about the command.
type Declaration struct {
	Type           string
	Generating     bool
	RequiredFields []string // nil: all
	StreamingPreop string
	MaxWait        float64
}

// Selected says whether splunkd sends only the required fields and _chunked_idx.
func (d Declaration) Selected() bool {
	return d.RequiredFields != nil && !reflect.DeepEqual(d.RequiredFields, []string{"*"}) && (d.Type == "streaming" || d.Type == "stateful")
}

var commandTypes = []string{"streaming", "stateful", "events", "reporting"}

var messageLevels = []string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// Keys that a reply may have, and their order: inspector before finished before error, because splunkd adds messages
// only as long as it has not read the error.
var (
	GetinfoKeys = []string{"inspector", "type", "generating", "required_fields", "maxwait", "streaming_preop", "finished", "error"}
	ExecuteKeys = []string{"inspector", "finished", "error"}
)

// parseReply reads the metadata of a reply to getinfo or execute.
func parseReply(metadata []byte, accepted []string) (*Reply, error) {
	if !utf8.Valid(metadata) {
		return nil, fmt.Errorf("metadata is not UTF-8: %q", metadata)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(metadata, &values); err != nil || values == nil {
		return nil, fmt.Errorf("metadata is no JSON object: %q", metadata)
	}
	r := &Reply{Declaration: Declaration{Type: "streaming"}}
	var err error
	if r.keys, err = objectKeys(metadata); err != nil {
		return nil, err
	}
	for i, key := range r.keys {
		if !slices.Contains(accepted, key) {
			return nil, fmt.Errorf("reply key %q, want only %s", key, strings.Join(accepted, ", "))
		}
		if slices.Contains(r.keys[:i], key) {
			return nil, fmt.Errorf("reply key %q comes twice", key)
		}
	}
	if i := slices.Index(r.keys, "inspector"); i > 0 {
		return nil, fmt.Errorf("reply keys %s: inspector has to come first", strings.Join(r.keys, ", "))
	}
	if i := slices.Index(r.keys, "error"); i >= 0 && i != len(r.keys)-1 {
		return nil, fmt.Errorf("reply keys %s: error has to come last", strings.Join(r.keys, ", "))
	}
	targets := map[string]any{
		"type": &r.Type, "generating": &r.Generating, "required_fields": &r.RequiredFields, "maxwait": &r.MaxWait,
		"streaming_preop": &r.StreamingPreop, "finished": &r.Finished, "error": &r.Fatal,
	}
	for key, raw := range values {
		if key == "inspector" {
			if r.Messages, err = parseInspector(raw); err != nil {
				return nil, err
			}
			continue
		}
		if err := json.Unmarshal(raw, targets[key]); err != nil || string(raw) == "null" {
			return nil, fmt.Errorf("reply key %q has the value %s", key, raw)
		}
	}
	if !slices.Contains(commandTypes, r.Type) {
		return nil, fmt.Errorf("splunkd says: Invalid custom search command type: %s", r.Type)
	}
	if r.Fatal != nil && (*r.Fatal == "" || strings.ContainsAny(*r.Fatal, "\r\n")) {
		return nil, fmt.Errorf("the error text has to be one line: %q", *r.Fatal)
	}
	return r, nil
}

// objectKeys returns the keys of a JSON object in their order.
func objectKeys(object []byte) ([]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var keys []string
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return nil, err
		}
		keys = append(keys, fmt.Sprint(key))
	}
	return keys, nil
}

// parseInspector reads {"messages":[["WARN","text"]],"metric.x":[0.1,1,2,3]}.
func parseInspector(raw json.RawMessage) ([]Message, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("inspector is no object: %s", raw)
	}
	var messages []Message
	for key, value := range values {
		if strings.HasPrefix(key, "metric.") {
			var figures []float64
			if err := json.Unmarshal(value, &figures); err != nil || len(figures) != 4 {
				return nil, fmt.Errorf("inspector key %q wants four numbers, has %s", key, value)
			}
			continue
		}
		var pairs [][]string
		if err := json.Unmarshal(value, &pairs); err != nil || key != "messages" {
			return nil, fmt.Errorf("inspector key %q has the value %s", key, value)
		}
		for _, pair := range pairs {
			if len(pair) != 2 || !slices.Contains(messageLevels, pair[0]) || pair[1] == "" {
				return nil, fmt.Errorf("inspector message %q, want [level, text]", pair)
			}
			messages = append(messages, Message{pair[0], pair[1]})
		}
	}
	return messages, nil
}
