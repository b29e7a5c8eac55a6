package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// inside tells the second process that it is in the sandbox; its value is the
// folder to work in.
const inside = "TORDETECT_REALTOR_INSIDE"

// play runs the whole in a process that has network, mounts and process numbers of
// its own. When that process ends, however it ends, the kernel ends all that it
// started and takes down namespaces, bridges and mounts; nothing of this machine's
// own is touched.
func play(ctx context.Context, o options, args []string, stdout, stderr io.Writer) error {
	if folder := os.Getenv(inside); folder != "" {
		if err := settle(); err != nil {
			return fmt.Errorf("set up the sandbox: %w", err)
		}
		return scene(ctx, o, folder, stdout)
	}
	if err := equipped(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "tordetect-realtor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	// The kernel ties Pdeathsig to the thread that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), inside+"="+folder)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // with which Go makes the mounts private
		Pdeathsig:    syscall.SIGKILL,
	}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; all that it started has ended")
	case errors.As(err, &exit):
		return errors.New("failed, see above")
	}
	return err
}

// equipped says what this machine lacks.
func equipped() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: network namespaces need root", errMissing)
	}
	for program, from := range map[string]string{"tor": "tor", "tor-gencert": "tor", "ip": "iproute2"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: there is no %s (Debian: %s)", errMissing, program, from)
		}
	}
	return nil
}

// settle gives the sandbox a /proc of its own processes and a place for named
// namespaces.
func settle() error {
	return errors.Join(
		syscall.Mount("proc", "/proc", "proc", 0, ""),
		syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""),
		os.MkdirAll(filepath.Join("/run", "netns"), 0o755),
		os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644),
		command("", "ip", "link", "set", "lo", "up"),
	)
}
