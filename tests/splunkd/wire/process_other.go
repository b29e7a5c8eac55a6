//go:build !unix

package wire

import "os/exec"

// The packaged programs are for Linux: elsewhere this has to compile, no more.

func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
