package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sensor reads the capture and writes a log that torctl scan reads.
type sensor struct {
	program string
	version []string
	log     string // below the folder
	read    func(pcap, folder string) error
}

// sensors are those that are asked where they are installed.
var sensors = []sensor{
	{"suricata", []string{"-V"}, "eve.json", suricata},
	{"tshark", []string{"--version"}, "tshark.csv", tshark},
}

// suricata reads with the configuration that it was installed with, no rules, and
// without checksums, which the kernel leaves out between namespaces.
func suricata(pcap, folder string) error {
	return command("", "suricata", "-r", pcap, "-l", folder, "-k", "none", "-S", "/dev/null")
}

// tshark writes each ClientHello as a row: no flows, but what a client showed.
func tshark(pcap, folder string) error {
	text, err := exec.Command("tshark", "-r", pcap, "-Y", "tls.handshake.type == 1", "-T", "fields", "-E", "separator=,", "-E", "quote=d",
		"-e", "frame.time_epoch", "-e", "ip.src", "-e", "tcp.srcport", "-e", "ip.dst", "-e", "tcp.dstport",
		"-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.ja3").Output()
	if err != nil {
		return fmt.Errorf("tshark: %w", err)
	}
	header := "_time,src_ip,src_port,dest_ip,dest_port,ssl_sni,ja3,transport\n"
	rows := strings.ReplaceAll(string(text), "\n", ",tcp\n")
	return os.WriteFile(filepath.Join(folder, "tshark.csv"), []byte(header+rows), 0o644)
}

// sensed lets each sensor that is there read the capture, and scan its log. A sensor
// has no word on flows that it did not log; one that logged no client of a relay, whose
// hellos all of them read, is wrong, or we read its log wrongly.
func sensed(o options, table string, all []*judgedFlow) (string, []string, error) {
	var text strings.Builder
	var wrong []string
	for _, s := range sensors {
		if _, err := exec.LookPath(s.program); errors.Is(err, exec.ErrNotFound) {
			fmt.Fprintf(&text, "%s: not run, it is not installed\n", s.program)
			continue
		}
		version, _ := output("", s.program, s.version...) // only to print it
		// Some warn first that they run as root.
		if _, after, ok := strings.Cut(version, "\nTShark"); ok {
			version = "TShark" + after
		}
		version, _, _ = strings.Cut(version, "\n")
		folder := filepath.Join(o.out, s.program)
		if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
			return "", nil, err
		}
		if err := s.read(filepath.Join(o.out, "capture.pcap"), folder); err != nil {
			return "", nil, err
		}
		verdicts, err := scanned(o, filepath.Join(folder, s.log), table)
		if err != nil {
			return "", nil, err
		}
		of, hits := map[string]int{}, map[string]int{}
		var order []string
		for _, f := range all {
			verdict, ok := verdicts[keyOf(f.connection)]
			if !ok {
				continue
			}
			f.sensor[s.program] = verdict
			if of[f.kind] == 0 {
				order = append(order, f.kind)
			}
			of[f.kind]++
			if found(verdict) {
				hits[f.kind]++
			}
		}
		if of[toRelay] == 0 {
			wrong = append(wrong, s.program+" logged no client of a relay")
		}
		fmt.Fprintf(&text, "%s, and torctl scan on its log:\n", version)
		for _, kind := range order {
			fmt.Fprintf(&text, "  %-60s %4d of %4d likely or tor\n", kind, hits[kind], of[kind])
		}
		if s.program == "tshark" {
			same, more, err := fingerprinted(o, filepath.Join(folder, s.log))
			if err != nil {
				return "", nil, err
			}
			wrong = append(wrong, more...)
			fmt.Fprintf(&text, "  torctl fingerprint has the same JA3 of %d ClientHellos\n", same)
		}
	}
	return text.String(), wrong, nil
}

// fingerprinted holds torctl fingerprint on the capture against the JA3s of a log, by
// the source of each hello.
func fingerprinted(o options, log string) (same int, wrong []string, err error) {
	file, err := os.Open(log)
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", log, err)
	}
	ours, err := exec.Command(o.torctl, "fingerprint", filepath.Join(o.out, "capture.pcap"), "-o", "json").Output()
	if err != nil {
		return 0, nil, fmt.Errorf("torctl fingerprint: %w", err)
	}
	type hello struct {
		Src  string `json:"src_ip"`
		Port int    `json:"src_port"`
		JA3  string `json:"ja3"`
	}
	found := map[string]string{}
	for line := range bytes.Lines(ours) {
		var h hello
		if err := json.Unmarshal(line, &h); err != nil {
			return 0, nil, fmt.Errorf("read what torctl fingerprint says: %w", err)
		}
		found[fmt.Sprintf("%s:%d", h.Src, h.Port)] = h.JA3
	}
	const src, port, ja3 = 1, 2, 6 // columns of what tshark writes
	for _, row := range rows[1:] {
		from := row[src] + ":" + row[port]
		if found[from] != row[ja3] {
			wrong = append(wrong, fmt.Sprintf("the JA3 of the hello of %s is %q by torctl fingerprint, %q by tshark", from, found[from], row[ja3]))
			continue
		}
		same++
	}
	return same, wrong, nil
}
