//go:build unix

package doctor

import (
	"io/fs"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// userOf is the number of a file's owner.
func userOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// userName is the name of a user, or the number where there is none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(uid)
}

// alone puts a command into a process group of its own, and returns what ends all of
// that: a script's children outlive it otherwise.
func alone(cmd *exec.Cmd) (stop func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stop = func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	cmd.Cancel = func() error { stop(); return nil }
	return stop
}

// as has a command run as the user that a file belongs to.
func as(cmd *exec.Cmd, info fs.FileInfo) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
	}
}
