package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Times of the network. tor's shortest interval between consensuses in a testing
// network is 10 s; 20 leaves a busy machine time to vote. A consensus is valid for
// three intervals.
const (
	interval = 20 * time.Second
	patience = 150 * time.Second // for the network, and each client, to come up
)

// node is a host on which tor runs.
type node struct {
	*host
	role        role
	orPort      int
	dirPort     int // of authorities and the cache
	obfs4Port   int // of the bridge that speaks it
	options     []string
	fingerprint string
	v3ident     string // of authorities

	folder string
	cmd    *exec.Cmd
}

// torNetwork is all of them.
type torNetwork struct {
	folder      string
	authorities []*node
	nodes       []*node // without the authorities
}

// common is in every torrc. TestingTorNetwork shortens timers and lets private
// addresses be.
const common = `TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.67
ShutdownWaitLength 0
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
`

const voting = `AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
V3AuthNIntervalsValid 3
TestingDirAuthVoteGuard 198.51.100.0/24,203.0.113.51
TestingMinExitFlagThreshold 0
ExitPolicy reject *:*
ContactInfo nobody
`

// newNode makes the host of a tor; its options come behind those of its role.
func (t *torNetwork) newNode(r role, name, address string, orPort int, options ...string) (*node, error) {
	h, err := newHost(name, address)
	if err != nil {
		return nil, err
	}
	n := &node{host: h, role: r, orPort: orPort, options: options, folder: filepath.Join(t.folder, name)}
	if r == authority {
		n.dirPort = 9030
		t.authorities = append(t.authorities, n)
	} else {
		t.nodes = append(t.nodes, n)
	}
	return n, os.MkdirAll(filepath.Join(n.folder, "keys"), 0o700)
}

// keys makes those of a relay, and what an authority signs with. Fingerprints are
// needed before anything starts: every torrc names the authorities.
func (t *torNetwork) keys(n *node) error {
	none := filepath.Join(t.folder, "none")
	if err := os.WriteFile(none, nil, 0o644); err != nil {
		return err
	}
	if err := command("", "tor", "--list-fingerprint", "--hush", "-f", none, "--defaults-torrc", none,
		"--DataDirectory", n.folder, "--ORPort", fmt.Sprint(n.orPort)); err != nil {
		return fmt.Errorf("make the keys of %s: %w", n.name, err)
	}
	line, err := os.ReadFile(filepath.Join(n.folder, "fingerprint"))
	if err != nil {
		return fmt.Errorf("make the keys of %s: %w", n.name, err)
	}
	_, text, _ := strings.Cut(string(line), " ")
	n.fingerprint = strings.TrimSpace(text)
	if n.role != authority {
		return nil
	}
	keys := filepath.Join(n.folder, "keys")
	if err := command("none\n", "tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12",
		"-a", fmt.Sprintf("%s:%d", n.addr, n.dirPort), "-i", filepath.Join(keys, "authority_identity_key"),
		"-s", filepath.Join(keys, "authority_signing_key"), "-c", filepath.Join(keys, "authority_certificate")); err != nil {
		return fmt.Errorf("make the keys of %s: %w", n.name, err)
	}
	certificate, err := os.ReadFile(filepath.Join(keys, "authority_certificate"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(certificate)) {
		if ident, ok := strings.CutPrefix(line, "fingerprint "); ok {
			n.v3ident = strings.TrimSpace(ident)
		}
	}
	return nil
}

// authoritiesFile is what torctl trusts instead of the public network's.
func (t *torNetwork) authoritiesFile() (string, error) {
	var b strings.Builder
	for _, a := range t.authorities {
		fmt.Fprintf(&b, "%s %s %s %d %d\n", a.v3ident, a.name, a.addr, a.dirPort, a.orPort)
	}
	path := filepath.Join(t.folder, "authorities.txt")
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}

// start writes a node's torrc and starts its tor.
func (t *torNetwork) start(n *node) error {
	var b strings.Builder
	b.WriteString(common)
	for _, a := range t.authorities {
		fmt.Fprintf(&b, "DirAuthority %s orport=%d v3ident=%s %s:%d %s\n", a.name, a.orPort, a.v3ident, a.addr, a.dirPort, a.fingerprint)
	}
	fmt.Fprintf(&b, "DataDirectory %s\nLog notice file %s\nNickname %s\n", n.folder, n.log(), n.name)
	if n.role == client {
		b.WriteString("ClientOnly 1\nNumEntryGuards 3\nSocksPort 127.0.0.1:9050\n")
	} else {
		fmt.Fprintf(&b, "Address %s\nORPort %s:%d\nSocksPort 0\n", n.addr, n.addr, n.orPort)
	}
	if n.dirPort != 0 {
		fmt.Fprintf(&b, "DirPort %s:%d\n", n.addr, n.dirPort)
	}
	switch n.role {
	case authority:
		b.WriteString(voting)
	case middle:
		b.WriteString("ExitRelay 0\nExitPolicy reject *:*\n")
	case exit:
		b.WriteString("ExitRelay 1\nExitPolicyRejectPrivate 0\nExitPolicy accept *:*\nServerDNSDetectHijacking 0\n")
	case bridge:
		b.WriteString("BridgeRelay 1\nPublishServerDescriptor 0\nExitRelay 0\n")
	}
	for _, option := range n.options {
		b.WriteString(option + "\n")
	}
	torrc := filepath.Join(n.folder, "torrc")
	if err := os.WriteFile(torrc, []byte(b.String()), 0o600); err != nil {
		return err
	}
	n.cmd = exec.Command("tor", "--quiet", "-f", torrc, "--defaults-torrc", filepath.Join(t.folder, "none"))
	if err := n.host.start(n.cmd); err != nil {
		return fmt.Errorf("start tor on %s: %w", n.name, err)
	}
	go n.cmd.Wait()
	return nil
}

func (n *node) log() string { return filepath.Join(n.folder, "notices.log") }

// up waits until a tor says that it can build circuits.
func (n *node) up(ctx context.Context) error {
	var text []byte
	err := await(ctx, "tor on "+n.name+" to come up", func() bool {
		text, _ = os.ReadFile(n.log()) // not there yet: not up
		return strings.Contains(string(text), "Bootstrapped 100%")
	})
	if err != nil {
		return fmt.Errorf("%w; its log:\n%s", err, text[max(0, len(text)-2000):])
	}
	return nil
}

// leave takes a relay off the network, as its operator and the authorities would: it
// ends, and they no longer vote for it. (Where all is assumed to be reachable they
// would for long not notice.)
func (t *torNetwork) leave(n *node) error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	for _, a := range t.authorities {
		if err := os.WriteFile(filepath.Join(a.folder, "approved-routers"), []byte("!reject "+n.fingerprint+"\n"), 0o600); err != nil {
			return err
		}
		if err := a.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
	}
	return nil
}

// listed waits until an authority's consensus has all of these relays.
func (t *torNetwork) listed(ctx context.Context, relays ...*node) error {
	return await(ctx, "a consensus with all relays", func() bool {
		text, err := os.ReadFile(filepath.Join(t.authorities[0].folder, "cached-consensus"))
		return err == nil && !slices.ContainsFunc(relays, func(n *node) bool {
			return !strings.Contains(string(text), fmt.Sprintf(" %s %d ", n.addr, n.orPort))
		})
	})
}

// await asks again and again.
func await(ctx context.Context, what string, there func() bool) error {
	late := time.After(patience)
	for !there() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("waited %s for %s", patience, what)
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// obfs4Options are those of a client of the bridge, made of the line that obfs4proxy
// left for its operator, which has placeholders for all that it does not know.
func obfs4Options(line string, b *node) []string {
	var keys []string
	for word := range strings.FieldsSeq(line[max(0, strings.LastIndex(line, "\nBridge ")):]) {
		if strings.Contains(word, "=") {
			keys = append(keys, word)
		}
	}
	return []string{
		"UseBridges 1", "ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy",
		fmt.Sprintf("Bridge obfs4 %s:%d %s %s", b.addr, b.obfs4Port, b.fingerprint, strings.Join(keys, " ")),
	}
}
