package tordir

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
	"tordetect/tests/tornet"
)

// naive is a second reader of consensuses, written another way and for nothing
// but being plain: the whole document by regular expressions and fields, each
// relay as one line of text.
type naive struct {
	header     map[string]string
	relays     []string // fingerprint nickname address ORPort DirPort [IPv6...] flags, in order
	signatures []string // algorithm identity key
}

var (
	relayLine = regexp.MustCompile(`^r ([a-zA-Z0-9]{1,19}) ([A-Za-z0-9+/]{27}) (?:[A-Za-z0-9+/]{27} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+) (\d+) (\d+)(?: .*)?$`)
	keptFlags = regexp.MustCompile(`\b(Authority|BadExit|Exit|Guard)\b`)
)

func readNaively(t *testing.T, doc []byte) naive {
	t.Helper()
	n := naive{header: map[string]string{}}
	var relay []string
	var six []string
	flags := ""
	flush := func() {
		if relay != nil {
			n.relays = append(n.relays, fmt.Sprint(strings.Join(relay, " "), " ", six, " ", flags))
		}
		relay, six, flags = nil, nil, ""
	}
	lines := bufio.NewScanner(bytes.NewReader(doc))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		switch fields[0] {
		case "network-status-version", "consensus-method", "valid-after", "fresh-until", "valid-until":
			n.header[fields[0]] = strings.Join(fields[1:], " ")
		case "r":
			flush()
			m := relayLine.FindStringSubmatch(lines.Text())
			require.NotNil(t, m, lines.Text())
			id, err := base64.StdEncoding.DecodeString(m[2] + "=")
			require.NoError(t, err)
			relay = []string{strings.ToUpper(hex.EncodeToString(id)), m[1], netip.MustParseAddr(m[3]).String(), m[4], m[5]}
		case "a":
			six = append(six, netip.MustParseAddrPort(fields[1]).String())
		case "s":
			kept := keptFlags.FindAllString(strings.Join(fields[1:], " "), -1)
			sort.Strings(kept)
			flags = strings.Join(kept, " ")
		case "directory-footer":
			flush()
		case "directory-signature":
			flush()
			if len(fields) == 3 {
				fields = []string{"", "sha1", fields[1], fields[2]}
			}
			n.signatures = append(n.signatures, strings.Join(fields[1:], " "))
		}
	}
	require.NoError(t, lines.Err())
	return n
}

// plainly brings what the parser found into the same form.
func plainly(c *Consensus) naive {
	when := func(epoch int64) string { return time.Unix(epoch, 0).UTC().Format(time.DateTime) }
	version := "3"
	if c.Flavour != FlavourNS {
		version += " " + c.Flavour
	}
	n := naive{header: map[string]string{
		"network-status-version": version,
		"consensus-method":       fmt.Sprint(c.Method),
		"valid-after":            when(c.ValidAfter),
		"fresh-until":            when(c.FreshUntil),
		"valid-until":            when(c.ValidUntil),
	}}
	for _, r := range c.Relays {
		n.relays = append(n.relays, fmt.Sprintf("%X %s %s %d %d %s %s", r.Identity, r.Nickname, r.Addr, r.ORPort, r.DirPort, r.IPv6, r.Flags))
	}
	for _, s := range c.Signatures {
		n.signatures = append(n.signatures, fmt.Sprintf("%s %X %X", s.Algorithm, s.V3Ident, s.SigningKeyDigest))
	}
	return n
}

func TestAgreesWithTheNaiveReader(t *testing.T) {
	net := tornet.New(7, 3, tornet.Size(1000))
	for _, flavour := range []string{"ns", "microdesc"} {
		for _, method := range []int{20, 32, 35} {
			doc := net.Consensus(tornet.Spec{Flavour: flavour, Method: method, Relays: net.Relays(hour)})
			c, err := ParseConsensus(doc)
			require.NoError(t, err)
			require.Equal(t, readNaively(t, doc), plainly(c))
		}
	}
}

func TestAgreesWithTheNaiveReaderOnRealConsensuses(t *testing.T) {
	folder := filepath.Dir(shared.File(t, "MANIFEST.md"))
	files, err := filepath.Glob(filepath.Join(folder, "*", "*-consensus*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		doc := sharedFile(t, strings.TrimPrefix(file, folder+string(os.PathSeparator)))
		c, err := ParseConsensus(doc)
		require.NoError(t, err, file)
		want := readNaively(t, doc)
		require.Equal(t, want, plainly(c), file)
		require.NotEmpty(t, want.relays)
	}
	require.GreaterOrEqual(t, len(files), 18)
}
