package tlsname_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/tlsname"
	"tordetect/tests/shared"
)

// The hellos of the private network's capture: those of tor, and no others, have
// the fingerprints of the table, which are computed here from the bytes; and
// their names have C tor's form.
func TestCapture(t *testing.T) {
	capture := shared.Bytes(t, "privnet/handshakes.pcap")
	tor, other, madeUp := 0, 0, 0
	for at := range capture {
		h, ok := readHello(capture[at:])
		if !ok {
			continue
		}
		fits, looks := tlsname.Form([]byte(h.name))
		require.Equal(t, tlsname.JA4([]byte(h.ja4())), tlsname.JA3([]byte(h.ja3())), "%s %s", h.ja4(), h.ja3())
		if tlsname.JA4([]byte(h.ja4())) == 0 {
			other++
			require.Zero(t, fits, h.name)
			continue
		}
		tor++
		require.NotZero(t, fits&tlsname.CTor, h.name)
		if looks != 0 {
			madeUp++
		}
	}
	require.Equal(t, []int{7, 26, 6}, []int{tor, other, madeUp})
}

// clientHello holds what the fingerprints are made of, in the order of the
// message (RFC 8446, section 4.1.2).
type clientHello struct {
	ciphers, extensions, groups, signatures []uint16
	formats                                 []byte
	name                                    string
	alpn                                    string
	tls13                                   bool
}

// readHello reads a TLS record that begins a handshake with a whole ClientHello.
func readHello(b []byte) (h clientHello, ok bool) {
	if len(b) < 50 || b[0] != 22 || b[1] != 3 || b[5] != 1 || b[6] != 0 || b[9] != 3 {
		return h, false
	}
	size := int(binary.BigEndian.Uint16(b[3:]))
	if len(b) < 5+size || size < 45 || int(b[7])<<8|int(b[8]) != size-4 {
		return h, false
	}
	b = b[5+4+2+32 : 5+size] // behind the random
	b = b[1+int(b[0]):]      // session id
	ciphers, b := take(b, 2)
	h.ciphers = words(ciphers)
	b = b[1+int(b[0]):] // compression methods
	extensions, _ := take(b, 2)
	for len(extensions) >= 4 {
		kind := binary.BigEndian.Uint16(extensions)
		var data []byte
		data, extensions = take(extensions[2:], 2)
		h.extensions = append(h.extensions, kind)
		switch kind {
		case 0:
			list, _ := take(data, 2)
			name, _ := take(list[1:], 2)
			h.name = string(name)
		case 10:
			list, _ := take(data, 2)
			h.groups = words(list)
		case 11:
			h.formats, _ = take(data, 1)
		case 13:
			list, _ := take(data, 2)
			h.signatures = words(list)
		case 16:
			list, _ := take(data, 2)
			first, _ := take(list, 1)
			h.alpn = string(first)
		case 43:
			list, _ := take(data, 1)
			h.tls13 = bytes.Contains(list, []byte{3, 4})
		}
	}
	return h, true
}

// take reads a field with its length in front.
func take(b []byte, length int) (field, rest []byte) {
	n := 0
	for _, c := range b[:length] {
		n = n<<8 | int(c)
	}
	return b[length : length+n], b[length+n:]
}

func words(b []byte) (out []uint16) {
	for ; len(b) >= 2; b = b[2:] {
		out = append(out, binary.BigEndian.Uint16(b))
	}
	return out
}

// ja3 is JA3's hash: version, ciphers, extensions, groups and point formats.
func (h *clientHello) ja3() string {
	list := func(all []uint16) string {
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(all), "[]"), " ", "-")
	}
	formats := make([]uint16, len(h.formats))
	for i, f := range h.formats {
		formats[i] = uint16(f)
	}
	sum := md5.Sum([]byte(strings.Join([]string{"771", list(h.ciphers), list(h.extensions), list(h.groups), list(formats)}, ",")))
	return hex.EncodeToString(sum[:])
}

// ja4 is JA4, without what these hellos have not: GREASE, more than 99 of anything,
// versions but 1.2 and 1.3.
func (h *clientHello) ja4() string {
	list := func(all []uint16) string {
		var out []string
		for _, n := range all {
			out = append(out, fmt.Sprintf("%04x", n))
		}
		return strings.Join(out, ",")
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])[:12]
	}
	version, name, alpn := "12", "i", "00"
	if h.tls13 {
		version = "13"
	}
	if slices.Contains(h.extensions, 0) {
		name = "d"
	}
	if h.alpn != "" {
		alpn = h.alpn[:1] + h.alpn[len(h.alpn)-1:]
	}
	ciphers := slices.Sorted(slices.Values(h.ciphers))
	var extensions []uint16
	for _, e := range slices.Sorted(slices.Values(h.extensions)) {
		if e != 0 && e != 16 {
			extensions = append(extensions, e)
		}
	}
	return fmt.Sprintf("t%s%s%02d%02d%s_%s_%s", version, name, len(h.ciphers), len(h.extensions), alpn,
		hash(list(ciphers)), hash(list(extensions)+"_"+list(h.signatures)))
}
