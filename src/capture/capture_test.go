package capture

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"tordetect/src/tlsname"
	"tordetect/tests/hellos"
	"tordetect/tests/pace"
	"tordetect/tests/shared"
)

// A hello as tor sends it, in two segments behind a handshake.
func TestTor(t *testing.T) {
	b := hellos.TorBrowser.Records(1 << 14)
	require.Greater(t, len(b), 1460, "with post-quantum keys it needs two segments")
	all, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(
		seg(1000, nil, "S"), seg(1001, nil, ""), seg(1001, b[:1460], ""), seg(2461, b[1460:], ""), seg(2461+uint32(len(b)-1460), []byte("application data"), ""))...))
	require.Equal(t, Summary{Packets: 5, Hellos: 1}, s)
	h := all[0]
	require.Equal(t, []any{hellos.Client, hellos.Server, "www.cdxjgg3hvpu33.com", false}, []any{h.Source, h.Destination, h.Name, h.DTLS})
	require.Equal(t, hellos.Began.Add(3*time.Millisecond), h.Time)
	require.Equal(t, hellos.TorBrowser.Text, h.JA3Text)
	require.Equal(t, hellos.TorBrowserJA3, h.JA3)
	require.Equal(t, hellos.TorBrowserJA4, h.JA4)
	require.Equal(t, "t13d171100_002f,0035,009c,009d,1301,1302,1303,c009,c00a,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_000a,000b,000d,0016,0017,0023,002b,002d,0033,ff01_"+hellos.TorBrowser.Signatures, h.JA4Raw)

	of, byJA3, byJA4 := tlsname.Which(h.JA3, h.JA4)
	require.Len(t, of, 1)
	require.Equal(t, "0.4.9", of[0].Tor)
	require.True(t, byJA3 && byJA4)
}

// Every hello that was measured with two independent programs: made again from the
// text of its JA3, its signatures and ALPN, it has the JA3 and JA4 that they gave.
func TestAsMeasured(t *testing.T) {
	table, err := os.ReadFile(shared.Beside(t, "docs/fingerprints.csv"))
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	require.NoError(t, err)
	at := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	checked := 0
	for _, row := range rows[1:] {
		hash, _, _ := strings.Cut(at(row, "ja3"), " ")
		_, text, found := strings.Cut(at(row, "ja3"), " 7")
		ja4, raw := strings.Fields(at(row, "ja4"))[0], strings.Fields(at(row, "ja4_r"))[0]
		parts := strings.Split(raw, "_")
		if !found || len(parts) < 3 {
			continue
		}
		s := hellos.Hello{Text: "7" + text, Name: "www.example.com", Versions: []uint16{0x0a0a, 0x0304, 0x0303}}
		if len(parts) == 4 {
			s.Signatures = parts[3]
		}
		if at(row, "alpn") != "none" {
			s.ALPN = at(row, "alpn")
		}
		var h clientHello
		require.True(t, h.read(s.Body(), false), row)
		gotHash, gotText := h.ja3()
		gotJA4, gotRaw := h.ja4()
		if strings.Contains(at(row, "ja4"), "one of") && gotRaw != raw {
			continue // the two columns are of different connections
		}
		checked++
		require.Equal(t, "7"+text, gotText, row)
		require.Equal(t, hash, gotHash, row)
		require.Equal(t, raw, gotRaw, row)
		require.Equal(t, ja4, gotJA4, row)
	}
	require.Greater(t, checked, 60)
}

// The hello of Snowflake's DTLS.
func TestDTLS(t *testing.T) {
	all, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole,
		hellos.UDP(hellos.Client6, hellos.Server6, hellos.Snowflake.Datagram()),
		hellos.UDP(hellos.Client6, hellos.Server6, hellos.Snowflake.Datagram()[:60]),
		hellos.UDP(hellos.Client6, hellos.Server6, []byte("a question"))))
	require.Equal(t, Summary{Packets: 3, Hellos: 1, Partial: 1}, s)
	first := hellos.Snowflake.Datagram()
	first[lenDTLSRecord+11]-- // a fragment that lacks the last byte
	_, s = read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.UDP(hellos.Client6, hellos.Server6, first)))
	require.Equal(t, Summary{Packets: 1, Partial: 1}, s)
	require.True(t, all[0].DTLS)
	require.Equal(t, hellos.Client6, all[0].Source)
	require.Equal(t, hellos.Snowflake.Text, all[0].JA3Text)
	require.Equal(t, hellos.SnowflakeJA3, all[0].JA3)
	require.Equal(t, hellos.SnowflakeJA4, all[0].JA4)
}

// What Go's own client says, read beside what it was told to offer.
func TestGoClient(t *testing.T) {
	first := func(c *tls.Config) []byte {
		here, there := net.Pipe()
		defer there.Close()
		go func() {
			_ = tls.Client(here, c).Handshake() // nobody answers
			here.Close()
		}()
		b := make([]byte, 1<<14)
		require.NoError(t, there.SetDeadline(time.Now().Add(10*time.Second)))
		n, err := there.Read(b)
		require.NoError(t, err)
		return b[:n]
	}
	f := func(c *tls.Config, name, ja4 string) {
		t.Helper()
		all, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(seg(0xfffffff0, nil, "S"), seg(0xfffffff1, first(c), ""))...))
		require.Equal(t, Summary{Packets: 2, Hellos: 1}, s)
		require.Equal(t, name, all[0].Name)
		require.Regexp(t, ja4, all[0].JA4)
		require.Regexp(t, "^771,", all[0].JA3Text)
	}
	f(&tls.Config{ServerName: "www.example.com"}, "www.example.com", "^t13d[0-9]{4}00_")
	f(&tls.Config{ServerName: "example.org", NextProtos: []string{"h2", "http/1.1"}}, "example.org", "^t13d[0-9]{4}h2_")
	f(&tls.Config{ServerName: "example.org", MaxVersion: tls.VersionTLS12, NextProtos: []string{"\xab\xcd"}}, "example.org", "^t12d[0-9]{4}ad_")
	f(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"x"}}, "", "^t13i[0-9]{4}xx_")
}

// The link types and kinds of files.
func TestFiles(t *testing.T) {
	b := hellos.TorBrowser.Records(1 << 14)
	four, six := seg(1, b, "").Packet(hellos.Client, hellos.Server), seg(1, b, "").Packet(hellos.Client6, hellos.Server6)
	ethernet := func(p []byte, kind ...byte) []byte { return slices.Concat(make([]byte, 12), kind, p) }
	cooked := func(p []byte, kind ...byte) []byte {
		return slices.Concat([]byte{0, 0, 0, 1, 0, 6}, make([]byte, 8), kind, p)
	}
	cooked2 := func(p []byte, kind ...byte) []byte {
		return slices.Concat(kind, []byte{0, 0, 0, 0, 0, 1, 0, 1, 0, 6}, make([]byte, 8), p)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, four))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	big := hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw, layers.LinkTypeEthernet}, four, ethernet(six, 0x86, 0xdd))

	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"raw":              {hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, four), "4"},
		"raw, IPv6":        {hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, six), "6"},
		"IPv4":             {hellos.Pcap(layers.LinkTypeIPv4, hellos.Whole, four), "4"},
		"IPv6":             {hellos.Pcap(layers.LinkTypeIPv6, hellos.Whole, six), "6"},
		"Ethernet":         {hellos.Pcap(layers.LinkTypeEthernet, hellos.Whole, ethernet(four, 8, 0), ethernet(six, 0x86, 0xdd)), "46"},
		"two VLANs":        {hellos.Pcap(layers.LinkTypeEthernet, hellos.Whole, ethernet(four, 0x88, 0xa8, 0, 9, 0x81, 0, 0, 7, 8, 0)), "4"},
		"Linux cooked":     {hellos.Pcap(layers.LinkTypeLinuxSLL, hellos.Whole, cooked(four, 8, 0), cooked(six, 0x86, 0xdd)), "46"},
		"Linux cooked, 2":  {hellos.Pcap(layers.LinkTypeLinuxSLL2, hellos.Whole, cooked2(four, 8, 0), cooked2(six, 0x86, 0xdd)), "46"},
		"loopback of BSD":  {hellos.Pcap(layers.LinkTypeNull, hellos.Whole, slices.Concat([]byte{2, 0, 0, 0}, four)), "4"},
		"pcapng":           {hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw}, four, six), "46"},
		"pcapng, mixed":    {big, "46"},
		"pcapng, joined":   {slices.Concat(big, big), "4646"},
		"gzip":             {zipped.Bytes(), "4"},
		"not IP":           {hellos.Pcap(layers.LinkTypeEthernet, hellos.Whole, ethernet([]byte{1, 2, 3}, 8, 6)), ""},
		"nothing":          {hellos.Pcap(layers.LinkTypeRaw, hellos.Whole), ""},
		"unknown link":     {hellos.Pcap(147, hellos.Whole, four), ""},
		"pcapng, a secret": {slices.Concat(section(big), block(10, make([]byte, 64)), big[len(section(big)):]), "46"},
	} {
		t.Run(name, func(t *testing.T) {
			all, _ := read(t, c.file)
			got := ""
			for _, h := range all {
				require.Equal(t, hellos.TorBrowserJA4, h.JA4)
				if h.Source == hellos.Client {
					got += "4"
				} else {
					require.Equal(t, hellos.Server6, h.Destination)
					got += "6"
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

// What cannot be read is counted, and what holds no TCP or UDP is not.
func TestUnread(t *testing.T) {
	b := hellos.TorBrowser.Records(1 << 14)
	four, six := seg(1, b, "").Packet(hellos.Client, hellos.Server), seg(1, b, "").Packet(hellos.Client6, hellos.Server6)
	datagram := hellos.UDP(hellos.Client, hellos.Server, hellos.Snowflake.Datagram())
	fragment := func(p []byte, flags, offset byte) []byte {
		p = slices.Clone(p)
		p[6], p[7] = flags<<5, offset
		return p
	}
	fragment6 := slices.Concat(six[:6], []byte{44}, six[7:40], []byte{6, 0, 0, 1, 0, 0, 0, 1}, six[40:])
	binary.BigEndian.PutUint16(fragment6[4:], uint16(len(fragment6)-40))
	protocol := func(p []byte, protocol byte) []byte {
		p = slices.Clone(p)
		p[9] = protocol
		return p
	}
	broken := slices.Clone(four)
	broken[20+12] = 4 << 4 // a header of 16 bytes
	ethernet := func(p []byte, kind ...byte) []byte { return slices.Concat(make([]byte, 12), kind, p) }
	raw := func(packets ...[]byte) []byte { return hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, packets...) }
	for name, c := range map[string]struct {
		file []byte
		want Summary
	}{
		"unknown link":          {hellos.Pcap(147, hellos.Whole, four, six), Summary{Packets: 2, Unread: 2}},
		"pcapng, one unknown":   {hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw, 147}, four, six), Summary{Packets: 2, Unread: 1, Hellos: 1}},
		"wrong link":            {hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, ethernet(four, 8, 0)), Summary{Packets: 1, Unread: 1}},
		"unknown on Ethernet":   {hellos.Pcap(layers.LinkTypeEthernet, hellos.Whole, ethernet(four, 0x12, 0x34)), Summary{Packets: 1, Unread: 1}},
		"ARP":                   {hellos.Pcap(layers.LinkTypeEthernet, hellos.Whole, ethernet(slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)), 8, 6)), Summary{Packets: 1}},
		"ICMP":                  {raw(protocol(seg(1, nil, "").Packet(hellos.Client, hellos.Server), 1)), Summary{Packets: 1}},
		"a datagram of DNS":     {raw(hellos.UDP(hellos.Client, netipPort(hellos.Server, 53), []byte("none"))), Summary{Packets: 1}},
		"the first fragment":    {raw(fragment(four, 1, 0)), Summary{Packets: 1, Unread: 1}},
		"another fragment":      {raw(fragment(four, 0, 9)), Summary{Packets: 1, Unread: 1}},
		"may not be fragmented": {raw(fragment(four, 2, 0)), Summary{Packets: 1, Hellos: 1}},
		"a fragment of IPv6":    {raw(fragment6, six), Summary{Packets: 2, Unread: 1, Hellos: 1}},
		"cut in IP":             {hellos.Pcap(layers.LinkTypeRaw, 19, four, six, datagram), Summary{Packets: 3, Unread: 3}},
		"cut in TCP and UDP":    {hellos.Pcap(layers.LinkTypeRaw, 25, four, datagram), Summary{Packets: 2, Unread: 2}},
		"a header too short":    {raw(broken), Summary{Packets: 1, Unread: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := read(t, c.file)
			require.Equal(t, c.want, s)
		})
	}
}

// block makes a block of pcapng.
func block(kind uint32, data []byte) []byte {
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(data)+12))
	return slices.Concat(binary.LittleEndian.AppendUint32(nil, kind), size, data, size)
}

// section is the first block of a pcapng file.
func section(file []byte) []byte { return file[:binary.LittleEndian.Uint32(file[4:])] }

// What is no capture, or not to its end, is said; what was read before counts.
func TestBadFiles(t *testing.T) {
	p := seg(1, hellos.TorBrowser.Records(1<<14), "").Packet(hellos.Client, hellos.Server)
	plain := hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, p, p)
	ng := hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw}, p, p)
	huge := slices.Clone(plain)
	binary.LittleEndian.PutUint32(huge[24+8:], 1<<30)
	binary.LittleEndian.PutUint32(huge[24+12:], 1<<30)
	lying := slices.Clone(huge)
	binary.LittleEndian.PutUint32(lying[16:], 1<<31)
	var twice bytes.Buffer
	z := gzip.NewWriter(&twice)
	_, err := z.Write([]byte{0x1f, 0x8b, 8, 0})
	require.NoError(t, err)
	require.NoError(t, z.Close())
	interfaces := slices.Clone(section(ng))
	for range maxInterfaces + 1 {
		interfaces = append(interfaces, block(blockInterface, []byte{101, 0, 0, 0, 0, 0, 4, 0})...)
	}
	zipped := func(file []byte) []byte { // not packed, so that it can be cut anywhere
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
		require.NoError(t, err)
		_, err = z.Write(file)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	const zip = 10 + 5 // what gzip puts before the file
	checksum := func(file []byte) []byte {
		file = zipped(file)
		file[len(file)-8] ^= 1
		return file
	}
	trailer := func(file []byte) []byte { return zipped(file)[:len(zipped(file))-8] }
	second, block2 := 24+16+len(p), len(ng)-len(hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw}, p))
	require.Equal(t, len(plain), 2*second-24)
	for name, c := range map[string]struct {
		file  []byte
		read  int64
		error string
	}{
		"empty":                            {nil, 0, "open the capture: it is empty"},
		"a text":                           {[]byte("no capture at all, but a text of some length"), 0, "open the capture: want pcap or pcapng, plain or gzip: Unknown magic"},
		"short":                            {plain[:10], 0, "open the capture: want pcap or pcapng, plain or gzip: unexpected EOF"},
		"cut":                              {plain[:len(plain)-10], 1, "read packet 2 of the capture: the file ends too soon"},
		"cut in a head":                    {plain[:second+10], 1, "read packet 2 of the capture: the file ends too soon"},
		"cut behind it":                    {plain[:second+16], 1, "read packet 2 of the capture: the file ends too soon"},
		"pcapng cut in a head":             {ng[:len(ng)-block2+8], 1, "read packet 2 of the capture: the file ends too soon"},
		"gzip, cut in its head":            {zipped(plain)[:5], 0, "open the capture, which begins like a gzip file: unexpected EOF"},
		"gzip, cut behind it":              {zipped(plain)[:zip], 0, "open the capture, which begins like a gzip file: the file ends too soon"},
		"gzip, nothing, checksum":          {checksum(nil), 0, "open the capture, which begins like a gzip file: gzip: invalid checksum"},
		"gzip, cut before a packet":        {zipped(plain)[:zip+second], 1, "read packet 2 of the capture: the file ends too soon"},
		"gzip, cut behind a head":          {zipped(plain)[:zip+second+16], 1, "read packet 2 of the capture: the file ends too soon"},
		"gzip, checksum":                   {checksum(plain), 2, "read packet 3 of the capture: gzip: invalid checksum"},
		"gzip, no trailer":                 {trailer(plain), 2, "read packet 3 of the capture: the file ends too soon"},
		"gzip, junk behind":                {append(zipped(plain), "junk behind it"...), 2, "read packet 3 of the capture: gzip: invalid header"},
		"pcapng, gzip, cut before a block": {zipped(ng)[:zip+len(ng)-block2], 1, "read packet 2 of the capture: the file ends too soon"},
		"pcapng, gzip, checksum":           {checksum(ng), 2, "read packet 3 of the capture: gzip: invalid checksum"},
		"pcapng, gzip, no trailer":         {trailer(ng), 2, "read packet 3 of the capture: the file ends too soon"},
		"a huge packet":                    {huge, 0, "read packet 1 of the capture: capture length exceeds snap length"},
		"and a huge limit":                 {lying, 0, "read packet 1 of the capture: capture length exceeds snap length"},
		"pcapng cut":                       {ng[:len(ng)-10], 1, "read packet 2 of the capture: the file ends too soon"},
		"pcapng, others cut":               {append(slices.Clip(ng), block(10, make([]byte, 64))[:50]...), 2, "read packet 3 of the capture: the file ends too soon"},
		"pcapng, huge block":               {append(slices.Clip(ng), block(blockEnhanced, make([]byte, maxBlock))...), 2, "read packet 3 of the capture: a block of the pcapng file has 1048588 bytes"},
		"pcapng, interfaces":               {interfaces, 0, "read packet 1 of the capture: the pcapng file has more than 4096 interfaces"},
		"pcapng, no order":                 {append(slices.Clip(magicNG), make([]byte, 100)...), 0, "open the capture, which begins like pcapng: a section of the pcapng file has no byte order"},
		"gzip, broken":                     {[]byte{0x1f, 0x8b, 1, 2}, 0, "open the capture, which begins like a gzip file: "},
		"gzip, twice":                      {twice.Bytes(), 0, "open the capture: it is compressed twice; unpack it once"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(bytes.NewReader(c.file), func(*Hello) error { return nil })
			require.ErrorContains(t, err, c.error)
			require.Equal(t, c.read, s.Packets)
		})
	}
	folder, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer folder.Close()
	_, err = Read(folder, func(*Hello) error { return nil })
	require.ErrorContains(t, err, "open the capture: read ", "and not that it is empty")
	enough := errors.New("enough")
	s, err := Read(bytes.NewReader(plain), func(*Hello) error { return enough })
	require.ErrorIs(t, err, enough)
	require.Equal(t, int64(1), s.Hellos)
}

// The hellos of the private network's capture: those of tor, and no others, have the
// fingerprints of the table, and their names have C tor's form.
func TestPrivateNetwork(t *testing.T) {
	all, s := read(t, shared.Bytes(t, "privnet/handshakes.pcap"))
	require.Zero(t, s.Partial+s.Broken)
	tor, other, madeUp := 0, 0, 0
	for _, h := range all {
		fits, looks := tlsname.Form([]byte(h.Name))
		client, match := tlsname.JA3([]byte(h.JA3))
		byJA4, _ := tlsname.JA4([]byte(h.JA4))
		own, _ := tlsname.Groups([]byte(h.JA3Text))
		require.Equal(t, client, byJA4, "%s %s", h.JA4, h.JA3)
		require.Equal(t, match == tlsname.Own, own, h.JA3Text)
		if client == 0 {
			other++
			require.Zero(t, fits, h.Name)
			continue
		}
		tor++
		require.NotZero(t, fits&tlsname.CTor, h.Name)
		if looks != 0 {
			madeUp++
		}
	}
	require.Equal(t, []int{7, 26, 6}, []int{tor, other, madeUp})
}

// tshark, which others wrote, sees the same. Its JA4 came with version 4.2.
func TestAgainstTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("skipped: no tshark")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var packets [][]byte
	for i := range 40 {
		s := hellos.TorBrowser
		s.Name, s.ALPN = "www.example.com", "h2 http/1.1"
		parts := strings.Split(s.Text, ",")
		extensions := append(hellos.Numbers(parts[2], 10, "-"), 16, 0x1a1a, 18)
		r.Shuffle(len(extensions), func(i, j int) { extensions[i], extensions[j] = extensions[j], extensions[i] })
		parts[1], parts[2], parts[3] = "2570-"+parts[1], hellos.List(extensions[:r.IntN(len(extensions))+1]), "6682-"+parts[3]
		s.Text = strings.Join(parts, ",")
		from := hellos.Client
		if i > 0 {
			from = netipPort(hellos.Client, uint16(41000+i))
		}
		b := s.Records(300 + r.IntN(2000))
		packets = append(packets, seg(1, nil, "S").Packet(from, hellos.Server))
		for at := 0; at < len(b); {
			n := min(len(b)-at, 200+r.IntN(1200))
			packets = append(packets, seg(uint32(2+at), b[at:at+n], "").Packet(from, hellos.Server))
			at += n
		}
	}
	file := filepath.Join(t.TempDir(), "hellos.pcap")
	content := hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, packets...)
	require.NoError(t, os.WriteFile(file, content, 0o600))
	fields := []string{"ja3", "ja3_full"}
	if known, err := exec.Command(tshark, "-G", "fields").Output(); err == nil && bytes.Contains(known, []byte("\ttls.handshake.ja4\t")) {
		fields = append(fields, "ja4", "ja4_r")
	} else {
		t.Log("this tshark has no JA4: checked by fingerprints.csv only")
	}
	args := []string{"-r", file, "-d", "tcp.port==9001,tls", "-Y", "tls.handshake.type==1", "-T", "fields", "-e", "tcp.srcport"}
	for _, field := range fields {
		args = append(args, "-e", "tls.handshake."+field)
	}
	out, err := exec.Command(tshark, args...).Output()
	require.NoError(t, err)
	var want, got []string
	for line := range strings.Lines(string(out)) {
		want = append(want, strings.TrimSpace(line))
	}
	all, _ := read(t, content)
	for _, h := range all {
		line := []string{itoa(h.Source.Port()), h.JA3, h.JA3Text, h.JA4, h.JA4Raw}
		got = append(got, strings.Join(line[:1+len(fields)], "\t"))
	}
	require.Len(t, got, 40)
	require.Equal(t, want, got)
}

// Any bytes are read within bounds, in any kind of file.
func FuzzCapture(f *testing.F) {
	p := seg(1, hellos.TorBrowser.Records(700), "").Packet(hellos.Client, hellos.Server)
	f.Add(hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, p))
	f.Add(hellos.Pcap(layers.LinkTypeEthernet, 100, slices.Concat(make([]byte, 12), []byte{8, 0}, p)))
	f.Add(hellos.Pcapng([]layers.LinkType{layers.LinkTypeRaw}, p))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, file []byte) {
		pace.Hold(t, file, func(file []byte) { _, _ = Read(bytes.NewReader(file), func(*Hello) error { return nil }) })
		s, err := Read(bytes.NewReader(file), func(h *Hello) error {
			require.Len(t, h.JA3, 32)
			return nil
		})
		require.NotErrorIs(t, err, io.EOF)
		require.LessOrEqual(t, s.Hellos+s.Unread, s.Packets)
	})
}
