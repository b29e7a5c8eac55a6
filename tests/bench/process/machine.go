//go:build linux

package process

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine says where and when figures were taken.
type Machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Python     string `json:"python"` // and splunklib; empty without them
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"` // averages of 1, 5 and 15 minutes
}

func ThisMachine(python string) Machine {
	m := Machine{
		Date: time.Now().UTC().Format("2006-01-02T15:04Z"), CPU: "unknown", Cores: runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: strings.TrimPrefix(runtime.Version(), "go"), LoadBefore: Load(),
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	if _, after, ok := strings.Cut(string(info), "model name"); ok {
		line, _, _ := strings.Cut(after, "\n")
		m.CPU = strings.TrimLeft(line, "\t: ")
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", Linux " + strings.TrimSpace(string(release))
	}
	if python != "" {
		const ask = `import importlib.metadata, platform; print(importlib.metadata.version("splunk-sdk"), "on Python", platform.python_version())`
		text, _ := exec.Command(python, "-c", ask).Output()
		m.Python = "splunklib " + strings.TrimSpace(string(text))
	}
	return m
}

func Load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text) + " ? ? ?")[:3], " ")
}

// Heading is what stands above figures that are medians of so many runs.
func (m Machine) Heading(runs int) string {
	python := m.Python
	if python == "" {
		python = "no splunklib"
	}
	return fmt.Sprintf("%s, %d cores (%s), %s, load before %s\nGo %s, %s; medians of %d", m.CPU, m.Cores, m.System, m.Date, m.LoadBefore, m.Go, python, runs)
}
