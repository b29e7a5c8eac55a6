package splunkd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// The commands that begin a search without data model or events, and outputlookup.

// compileMakeresults: `makeresults count=3` gives rows with _time and nothing else.
func compileMakeresults(s *search, text string) (spl.Operator, error) {
	tokens, err := spl.Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, rest, err := spl.KeyValues("makeresults", tokens, "count")
	if err != nil {
		return nil, err
	}
	count := 1
	if value, given := options["count"]; given {
		if count, err = strconv.Atoi(value); err != nil || count < 0 {
			return nil, spl.SearchErrorf("Error in 'makeresults' command: Invalid count '%s'.", value)
		}
	}
	if len(rest) > 0 {
		return nil, spl.SearchErrorf("Error in 'makeresults' command: unexpected %q.", rest[0].Raw)
	}
	return func(*spl.Table) (*spl.Table, error) {
		table := &spl.Table{Columns: []string{"_time"}}
		for range count {
			table.Rows = append(table.Rows, spl.Row{"_time": spl.Value{spl.EpochText(s.context.Now)}})
		}
		return table, nil
	}, nil
}

// lookupFile finds a lookup by its definition in transforms.conf or by its file name.
func lookupFile(s *search, command, name string) (string, error) {
	if strings.HasSuffix(name, ".csv") {
		if strings.ContainsAny(name, `/\`) {
			return "", spl.SearchErrorf("Error in '%s' command: The lookup table '%s' is invalid.", command, name)
		}
		return s.head.App.Lookup(name), nil
	}
	transforms, err := s.head.App.Conf("transforms")
	if err != nil {
		return "", err
	}
	file, ok := transforms.Get(name, "filename")
	if !ok || !strings.HasSuffix(file, ".csv") {
		return "", spl.SearchErrorf("Error in '%s' command: The lookup table '%s' requires a .csv or KV store lookup definition.", command, name)
	}
	return s.head.App.Lookup(file), nil
}

func compileInputlookup(s *search, text string) (spl.Operator, error) {
	name := strings.TrimSpace(text)
	if name == "" || strings.ContainsAny(name, " =\"") {
		return nil, spl.SearchErrorf("Error in 'inputlookup' command: one lookup name is wanted; options are not played by this stand-in.")
	}
	file, err := lookupFile(s, "inputlookup", name)
	return func(*spl.Table) (*spl.Table, error) {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, spl.SearchErrorf("Error in 'inputlookup' command: The lookup table '%s' does not exist or is not available.", name)
		}
		if len(body) > 0 && body[len(body)-1] != '\n' {
			body = append(body, '\n')
		}
		table, err := wire.DecodeBody(body)
		if err != nil {
			return nil, fmt.Errorf("lookup %s: %w", name, err)
		}
		return table, nil
	}, err
}

// compileOutputlookup writes the rows into the app's lookups folder, and passes them on.
func compileOutputlookup(s *search, text string) (spl.Operator, error) {
	tokens, err := spl.Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := spl.KeyValues("outputlookup", tokens, "override_if_empty", "create_empty")
	if err != nil {
		return nil, err
	}
	if len(tokens) != 1 || !tokens[0].Word() {
		return nil, spl.SearchErrorf("Error in 'outputlookup' command: one lookup name is wanted.")
	}
	overrideIfEmpty := true
	if value, given := options["override_if_empty"]; given {
		var ok bool
		if overrideIfEmpty, ok = confBool(value); !ok {
			return nil, spl.SearchErrorf("Error in 'outputlookup' command: Invalid boolean '%s' for override_if_empty.", value)
		}
	}
	file, err := lookupFile(s, "outputlookup", tokens[0].Text)
	return func(in *spl.Table) (*spl.Table, error) {
		if len(in.Rows) == 0 && !overrideIfEmpty {
			return in, nil
		}
		return in, writeLookup(file, in)
	}, err
}

// writeLookup writes a table as a lookup file, complete or not at all.
func writeLookup(file string, table *spl.Table) error {
	var body []byte
	for i, name := range table.Columns {
		if i > 0 {
			body = append(body, ',')
		}
		body = wire.AppendCell(body, name)
	}
	body = append(body, '\n')
	for _, row := range table.Rows {
		for i, name := range table.Columns {
			if i > 0 {
				body = append(body, ',')
			}
			body = wire.AppendCell(body, row[name].Text())
		}
		body = append(body, '\n')
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", body, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}
