package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// command runs a program to its end, with input if there is any; an error has what it
// said.
func command(input, name string, args ...string) error {
	_, err := output(input, name, args...)
	return err
}

// output is command, and what the program wrote.
func output(input, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return text.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, bytes.TrimSpace(text.Bytes()))
	}
	return text.String(), nil
}
