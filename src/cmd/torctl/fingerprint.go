package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tordetect/src/capture"
	"tordetect/src/terminal"
	"tordetect/src/text"
	"tordetect/src/tlsname"
)

func fingerprintCommand(t *terminal.Terminal) *cobra.Command {
	var form string
	c := &cobra.Command{
		Use:   "fingerprint FILE...",
		Short: "Say which programs began the TLS connections of a capture",
		Long: `Reads packet captures (pcap and pcapng, plain or gzip; "-" is stdin) and prints of
each TLS ClientHello the server name, JA3 and JA4 with the texts that these are
hashes of, and which build of Tor has such a hello. DTLS is read where a hello is in
one packet; QUIC, IP fragments and hellos of more than 64 KB are not. What could not
be read is counted, QUIC is not.

With it a site measures a build that nobody has measured, and can see whether its
sensors log the same. Let the program connect to an address of your own, as tor does
with UseBridges 1, Bridge [::1]:PORT, SocksPort 0 and a new DataDirectory, and
capture the first packets: tcpdump -i lo -w tor.pcap tcp port PORT.

The keys of json are columns of the search command: torctl scan reads them.
Where a capture holds no ClientHello the exit code is 1.`,
		Example: `  torctl fingerprint tor.pcap
  zcat tor.pcap.gz | torctl fingerprint - -o json
  torctl fingerprint tor.pcap -o json | torctl scan - --relays tor_relays.csv`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if err := checkForm(form, formText, terminal.FormJSON); err != nil {
				return err
			}
			return fingerprints(t, c.InOrStdin(), files, form)
		},
	}
	c.Flags().StringVarP(&form, "output", "o", formText, outputHelp+"text (some lines for each hello) or json (an object for each)")
	return c
}

// fingerprints prints the hellos of all files.
func fingerprints(t *terminal.Terminal, stdin io.Reader, files []string, form string) error {
	var all capture.Summary
	show := showText(t)
	if form == terminal.FormJSON {
		show = showJSON(t)
	}
	for _, name := range files {
		s, err := fingerprintsOf(stdin, name, show)
		all.Packets += s.Packets
		all.Unread += s.Unread
		all.Hellos += s.Hellos
		all.Partial += s.Partial
		all.Broken += s.Broken
		if err != nil {
			return failed(fmt.Errorf("%s: %w", text.Printable(name), err))
		}
	}
	t.Say("read %s and %s from %s", text.Counted(all.Packets, "packet"), text.Counted(all.Hellos, "ClientHello"), text.Counted(len(files), "file"))
	if all.Unread > 0 {
		t.Say("could not read %s: of a link type or protocol that is not known, with a cut or broken header, or an IP fragment", text.Counted(all.Unread, "packet"))
	}
	if all.Partial+all.Broken > 0 {
		t.Say("left out %d of which a part is missing (packets cut or lost, or a hello of more than 64 KB), and %d that are none", all.Partial, all.Broken)
	}
	switch {
	case all.Hellos > 0:
	case all.Unread > 0 && all.Unread == all.Packets:
		return failed(fmt.Errorf("no TLS ClientHello in %s: no packet can be read; capture Ethernet, raw IP, Linux's cooked packets or loopback, with whole packets (tcpdump -s 0)", text.Counted(len(files), "file")))
	default:
		return failed(fmt.Errorf("no TLS ClientHello in %s: the capture must hold the beginning of a connection, with whole packets (tcpdump -s 0)", text.Counted(len(files), "file")))
	}
	return nil
}

func fingerprintsOf(stdin io.Reader, name string, show func(*capture.Hello) error) (capture.Summary, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return capture.Summary{}, err
		}
		defer file.Close()
		in = file
	}
	return capture.Read(in, show)
}

// showText writes a hello as lines, with an empty one between two.
func showText(t *terminal.Terminal) func(*capture.Hello) error {
	first := true
	return func(h *capture.Hello) error {
		if !first {
			if err := t.Print("\n"); err != nil {
				return err
			}
		}
		first = false
		lines := [][2]string{
			{"time", h.Time.UTC().Format("2006-01-02T15:04:05.000000Z")},
			{"from", h.Source.String()},
			{"to", h.Destination.String()},
			{"server name", nameWords(h.Name)},
			{"JA3", h.JA3},
			{"JA3 string", h.JA3Text},
			{"JA4", h.JA4},
			{"JA4 raw", h.JA4Raw},
			{"build", buildWords(h)},
		}
		if h.DTLS {
			lines[2][1] += " (DTLS)"
		}
		return t.Pairs(lines)
	}
}

// showJSON writes a hello as an object whose keys are columns of tordetect.
func showJSON(t *terminal.Terminal) func(*capture.Hello) error {
	columns := []string{"_time", "src_ip", "src_port", "dest_ip", "dest_port", "transport", "sni", "ja3", "ja3_string", "ja4", "ja4_r", "build"}
	return func(h *capture.Hello) error {
		transport := "tcp"
		if h.DTLS {
			transport = "udp"
		}
		at := json.Number(fmt.Sprintf("%d.%06d", h.Time.Unix(), h.Time.Nanosecond()/1000))
		return t.Object(columns, []any{
			at, h.Source.Addr().String(), h.Source.Port(), h.Destination.Addr().String(), h.Destination.Port(), transport,
			h.Name, h.JA3, h.JA3Text, h.JA4, h.JA4Raw, buildWords(h),
		})
	}
}

// nameWords shows a server name, and whether Tor makes up such names.
func nameWords(name string) string {
	fits, madeUp := tlsname.Form([]byte(name))
	switch {
	case name == "":
		return "none"
	case madeUp != 0:
		return name + " (looks made up, as Tor's)"
	case fits != 0:
		return name + " (of the form of Tor's)"
	}
	return name
}

// buildWords says which builds have such a hello, and how sure that is.
func buildWords(h *capture.Hello) string {
	of, byJA3, byJA4 := tlsname.Which(h.JA3, h.JA4)
	var names []string
	for _, b := range of {
		names = append(names, buildName(&b))
	}
	known := strings.Join(names, "; or ")
	own, _ := tlsname.Groups([]byte(h.JA3Text))
	switch {
	case len(of) > 0 && of[0].Client == tlsname.Arti:
		return "perhaps " + known + "; or another program with that library: the server name tells"
	case len(of) > 0 && of[0].Client == tlsname.Snowflake:
		return "perhaps " + known + "; or another program with that library"
	case byJA3 && byJA4:
		return known
	case byJA3:
		return "a build that was not measured: its JA3 alone is that of " + known
	case own:
		return "a build of tor that was not measured: its JA3 holds tor's own list of groups"
	case byJA4:
		return "another program, or a build that was not measured: its JA4 alone is that of " + known
	}
	if _, match := tlsname.JA4([]byte(h.JA4)); match == tlsname.Ciphers {
		return "another program, or a build that was not measured: its JA4 has tor's list of ciphers and no ALPN"
	}
	return "none that is known"
}

// buildName says which build it is, and how sure.
func buildName(b *tlsname.Build) string {
	client := map[tlsname.Client]string{tlsname.CTor: "tor ", tlsname.Arti: "Arti "}[b.Client]
	return fmt.Sprintf("%s%s with %s, %s: %s, %s", client, b.Tor, b.Library, b.Sure, b.What, b.Seen)
}
