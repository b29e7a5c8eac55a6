package tordir

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"tordetect/src/bounded"
	"tordetect/tests/tornet"
)

func gzipped(data []byte) []byte {
	return packed(data, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(data []byte) []byte {
	return packed(data, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func xzed(data []byte) []byte { return xzedWith(data, xz.WriterConfig{DictCap: 1 << 16}) }

func xzedWith(data []byte, config xz.WriterConfig) []byte {
	return packed(data, func(w io.Writer) io.WriteCloser {
		x, err := config.NewWriter(w)
		if err != nil {
			panic(err)
		}
		return x
	})
}

func packed(data []byte, with func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := with(&b)
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// tarred packs files, given as name, content, name, content.
func tarred(files ...string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// found lists what Documents finds, as "kind name", and keeps the bytes.
func found(r io.Reader, limits Limits) (list []string, docs [][]byte) {
	for d, err := range Documents("f", r, limits) {
		if err != nil {
			list = append(list, fmt.Sprintf("error %s: %v", d.Name, err))
			continue
		}
		list = append(list, fmt.Sprintf("%s %s", d.Kind, d.Name))
		docs = append(docs, d.Bytes)
	}
	return list, docs
}

// samples are one document of each kind.
func samples() (consensus, vote, certs, exits []byte) {
	net, relays := small()
	return net.Consensus(tornet.Spec{Relays: relays}), net.Vote(1, tornet.Spec{Relays: relays}),
		net.Certificates(), net.ExitList(hour, tornet.New(7, 1, tornet.Size(30)).ExitNodes(hour))
}

func TestDocumentsKinds(t *testing.T) {
	consensus, vote, certs, exits := samples()
	for kind, doc := range map[string][]byte{"consensus": consensus, "vote": vote, "certificates": certs, "exit list": exits} {
		for name, file := range map[string][]byte{
			"plain":           doc,
			"CRLF":            tornet.CRLF(doc),
			"annotated":       tornet.Annotated("anything 1.0", doc),
			"after a mark":    append([]byte("\ufeff"), doc...),
			"gzip":            gzipped(doc),
			"zlib":            zlibbed(doc),
			"xz":              xzed(doc),
			"gzip of an xz":   gzipped(xzed(doc)),
			"gzip of CRLF":    gzipped(tornet.CRLF(tornet.Annotated("anything 1.0", doc))),
			"behind rubbish":  append([]byte("HTTP/1.0 200 OK\r\n\r\n"), doc...),
			"behind a cutoff": append([]byte("Valid\nv Tor 0.4.9.9\nr half a relay\n"), doc...),
		} {
			list, docs := found(bytes.NewReader(file), Limits{})
			require.Equal(t, []string{kind + " f"}, list, "%s, %s", kind, name)
			got := bytes.ReplaceAll(docs[0], []byte("\r\n"), []byte("\n"))
			require.Equal(t, string(doc), string(got), "%s, %s", kind, name)
			// However the bytes arrive.
			list, _ = found(iotest.OneByteReader(bytes.NewReader(file)), Limits{})
			require.Equal(t, []string{kind + " f"}, list, "%s, %s", kind, name)
		}
	}
}

func TestDocumentsBehindEachOther(t *testing.T) {
	consensus, vote, certs, exits := samples()
	half := consensus[:len(consensus)/2]
	half = half[:bytes.LastIndexByte(half, '\n')+1]
	type doc struct {
		kind string
		text []byte
	}
	for _, docs := range [][]doc{
		{{"consensus", consensus}, {"consensus", consensus}},
		{{"consensus", consensus}, {"certificates", certs}, {"consensus", consensus}},
		{{"certificates", certs}, {"vote", vote}, {"certificates", certs}},
		{{"vote", vote}, {"vote", vote}, {"consensus", consensus}},
		{{"exit list", exits}, {"exit list", exits}, {"consensus", consensus}, {"exit list", exits}},
		{{"consensus", half}, {"consensus", consensus}},
		{{"consensus", half}, {"certificates", certs}, {"exit list", exits}},
		{{"certificates", append(bytes.Clone(certs), certs...)}, {"exit list", exits}},
	} {
		for _, annotated := range []bool{false, true} {
			var file []byte
			var want []string
			var texts []string
			for _, d := range docs {
				text := d.text
				if annotated {
					text = tornet.Annotated("something 1.0", text)
				}
				file = append(file, text...)
				want = append(want, d.kind+" f")
				texts = append(texts, string(d.text))
			}
			list, got := found(bytes.NewReader(file), Limits{})
			require.Equal(t, want, list)
			for i := range got {
				require.Equal(t, texts[i], string(got[i]))
			}
		}
	}
	// Packed files behind each other are one file, too.
	for name, pack := range map[string]func([]byte) []byte{"gzip": gzipped, "zlib": zlibbed, "xz": xzed} {
		list, _ := found(bytes.NewReader(append(pack(consensus), pack(certs)...)), Limits{})
		require.Equal(t, []string{"consensus f", "certificates f"}, list, name)
	}
	// xz files may have zeros between them.
	file := append(xzed(consensus), 0, 0, 0, 0, 0, 0, 0, 0)
	list, _ := found(bytes.NewReader(append(file, xzed(certs)...)), Limits{})
	require.Equal(t, []string{"consensus f", "certificates f"}, list)
}

func TestDocumentsOfArchives(t *testing.T) {
	consensus, vote, certs, exits := samples()
	archive := tarred("2026/27/a-consensus", string(consensus), "micro/0/0/abc", "onion-key\n", "README", "",
		"certs/x", string(certs), "votes\x1b[31m\n", string(vote), "packed.gz", string(gzipped(exits)), "both.xz", string(xzed(append(bytes.Clone(consensus), exits...))))
	want := []string{"consensus f:2026/27/a-consensus", "certificates f:certs/x", "vote f:votes?[31m?",
		"exit list f:packed.gz", "consensus f:both.xz", "exit list f:both.xz"}
	for name, file := range map[string][]byte{"tar": archive, "tar.gz": gzipped(archive), "tar.xz": xzed(archive), "tar.z": zlibbed(archive)} {
		list, _ := found(bytes.NewReader(file), Limits{})
		require.Equal(t, want, list, name)
	}
	// One bad member is told of, the rest is read.
	archive = tarred("a", string(consensus), "b.gz", string(gzipped(certs)[:300]), "c.zst", "\x28\xb5\x2f\xfdxxxx", "d", string(exits))
	list, _ := found(bytes.NewReader(archive), Limits{})
	require.Equal(t, []string{"consensus f:a", "error f:b.gz: bad gzip file: it ends too early: it was cut short",
		"error f:c.zst: this is a zstd file, which is not read: unpack it first", "exit list f:d"}, list)
	// An archive that is cut short.
	list, _ = found(bytes.NewReader(archive[:len(consensus)+700]), Limits{})
	require.Equal(t, []string{"consensus f:a", "error f: bad tar file: it ends too early: it was cut short"}, list[:2])
	// A name of a member, and of the file, is kept in part.
	long := strings.Repeat("n", 3*maxName)
	for d := range Documents(long, bytes.NewReader(tarred("a", string(consensus))), Limits{}) {
		require.LessOrEqual(t, len(d.Name), maxName+len(":a"))
		require.Contains(t, d.Name, "nnn")
	}
	// One in which there is nothing.
	list, _ = found(bytes.NewReader(tarred("a", "x", "b", "y")), Limits{})
	require.Equal(t, []string{"unknown f"}, list)
}

// TestTarEnds: what archive/tar takes for the end is one, and what stands behind it is
// read too.
func TestTarEnds(t *testing.T) {
	consensus, _, certs, exits := samples()
	one, two := tarred("a", string(consensus), "b", string(certs)), tarred("c", string(exits))
	members := len(one) - 1024
	blank := tarred("a", string(consensus), "b", strings.Repeat("\x00", 2048)) // whose last member looks like an end
	changed := func(file []byte, fromEnd int) []byte {
		file = bytes.Clone(file)
		file[len(file)-fromEnd] ^= 1
		return file
	}
	zeros := func(file []byte, n int) []byte { return append(bytes.Clone(file), make([]byte, n)...) }
	const cut = "it ends too early: it was cut short"
	const more = "bad tar file: something else follows its end"
	for name, c := range map[string]struct {
		file []byte
		want string // the error
	}{
		"whole":                     {one, ""},
		"in blocks of 10 KB":        {zeros(one, 10240-len(one)%10240), ""},
		"by more than a buffer":     {zeros(one, 1<<20), ""},
		"no end":                    {one[:members], "bad tar file: " + cut},
		"half an end":               {one[:members+512], "bad tar file: " + cut},
		"a piece of an end":         {one[:members+1000], "bad tar file: " + cut},
		"no padding":                {one[:members-1], "bad tar file: " + cut},
		"no end behind zeros":       {blank[:len(blank)-1024], "bad tar file: " + cut},
		"another behind":            {append(bytes.Clone(one), two...), more},
		"another behind some zeros": {append(zeros(one, 1<<20), two...), more},
		"a letter behind":           {append(bytes.Clone(one), 'x'), more},
		"gzip":                      {gzipped(one), ""},
		"gzip in two pieces":        {append(gzipped(one[:2000]), gzipped(one[2000:])...), ""},
		"gzip, no end":              {gzipped(one[:members]), "bad tar file: " + cut},
		"gzip, another behind":      {append(gzipped(one), gzipped(two)...), more},
		"gzip, checksum":            {changed(gzipped(one), 8), "bad gzip file: gzip: invalid checksum"},
		"gzip, no trailer":          {gzipped(one)[:len(gzipped(one))-8], "bad gzip file: " + cut},
		"gzip, junk behind":         {append(gzipped(one), "junk behind it"...), "bad gzip file: gzip: invalid header"},
		"zlib, checksum":            {changed(zlibbed(one), 1), "bad zlib file: zlib: invalid checksum"},
		"xz, no footer":             {xzed(one)[:len(xzed(one))-12], "bad xz file: " + cut},
	} {
		want := []string{"consensus f:a", "certificates f:b"}
		if name == "no end behind zeros" {
			want = want[:1]
		}
		if c.want != "" {
			want = append(want, "error f: "+c.want)
		}
		list, docs := found(bytes.NewReader(c.file), Limits{})
		require.Equal(t, want, list, name)
		require.Equal(t, string(consensus), string(docs[0]), name)
		list, _ = found(iotest.OneByteReader(bytes.NewReader(c.file)), Limits{})
		require.Equal(t, want, list, name)
	}
	// The bounds hold for what stands behind, too.
	list, _ := found(bytes.NewReader(gzipped(zeros(one, 1<<20))), Limits{Output: 1 << 20})
	require.Equal(t, []string{"consensus f:a", "certificates f:b", "error f: unpacked it is larger than the 1048576 bytes that are read"}, list)
}

func TestUnknownDocuments(t *testing.T) {
	for _, text := range []string{"", "hello", "{\"relays\":[]}", strings.Repeat("x", 1000), "@type server-descriptor 1.0\nrouter x\n"} {
		list, docs := found(strings.NewReader(text), Limits{})
		require.Equal(t, []string{"unknown f"}, list)
		require.LessOrEqual(t, len(docs[0]), maxUnknown)
		require.True(t, strings.Contains(text, string(docs[0])) || text[:1] == "@")
	}
	for magic, want := range map[string]string{"\x28\xb5\x2f\xfd": "zstd", "BZh91AY": "bzip2", "PK\x03\x04": "zip", "\x5d\x00\x00\x80": "lzma", "7z\xbc\xaf\x27\x1c": "7z"} {
		list, _ := found(strings.NewReader(magic+"xxxxxxxx"), Limits{})
		require.Equal(t, []string{"error f: this is a " + want + " file, which is not read: unpack it first"}, list)
	}
}

// TestLongLines: a keyword within a line is none, wherever a buffer ends.
func TestLongLines(t *testing.T) {
	consensus, _, _, exits := samples()
	list, _ := found(strings.NewReader(strings.Repeat("x", 64<<10)+string(consensus)), Limits{})
	require.Equal(t, []string{"unknown f"}, list)
	long := string(exits) + "Grease " + strings.Repeat("x", 3*64<<10) + "\n"
	list, docs := found(strings.NewReader(long), Limits{})
	require.Equal(t, []string{"exit list f"}, list)
	require.Equal(t, long, string(docs[0]))
}

// TestCutFiles cuts packed files at every byte: what was not read to its end is
// never handed out.
func TestCutFiles(t *testing.T) {
	_, _, _, exits := samples()
	for name, file := range map[string][]byte{"gzip": gzipped(exits), "zlib": zlibbed(exits), "xz": xzed(exits), "tar.xz": xzed(tarred("a", string(exits)))} {
		for n := range len(file) {
			list, docs := found(bytes.NewReader(file[:n:n]), Limits{})
			require.NotEmpty(t, list)
			if list[0] == "exit list f:a" { // the member is whole, the archive is not
				require.Len(t, docs[0], len(exits))
			}
			last := list[len(list)-1]
			require.True(t, strings.HasPrefix(last, "error") || strings.HasPrefix(last, "unknown"), "%s cut at %d: %s", name, n, last)
		}
	}
}

func TestFailingReader(t *testing.T) {
	consensus, _, _, _ := samples()
	r := io.MultiReader(bytes.NewReader(consensus), iotest.ErrReader(fmt.Errorf("the line broke")))
	list, _ := found(r, Limits{})
	require.Equal(t, []string{"error f: the line broke"}, list)
	list, _ = found(iotest.ErrReader(fmt.Errorf("the line broke")), Limits{})
	require.Equal(t, []string{"error f: the line broke"}, list)
}

func TestLimits(t *testing.T) {
	consensus, _, certs, _ := samples()
	size := int64(len(consensus))
	f := func(file []byte, limits Limits, want ...string) {
		t.Helper()
		list, _ := found(bytes.NewReader(file), limits)
		require.Equal(t, want, list)
	}
	f(consensus, Limits{Input: size}, "consensus f")
	f(consensus, Limits{Input: size - 1}, fmt.Sprintf("error f: the file is larger than the %d bytes that are read", size-1))
	f(consensus, Limits{Document: size}, "consensus f")
	f(consensus, Limits{Document: size - 1}, fmt.Sprintf("error f: a document is larger than the %d bytes that are read", size-1))
	f(gzipped(consensus), Limits{Output: size}, "consensus f")
	f(gzipped(consensus), Limits{Output: size - 1}, fmt.Sprintf("error f: unpacked it is larger than the %d bytes that are read", size-1))
	f(gzipped(gzipped(consensus)), Limits{Output: size}, fmt.Sprintf("error f: unpacked it is larger than the %d bytes that are read", size))
	for _, file := range [][]byte{gzipped(consensus), xzed(consensus), tarred("a", string(consensus))} {
		// In small pieces, so that the layers are open when the limit is met.
		list, _ := found(iotest.OneByteReader(bytes.NewReader(file)), Limits{Input: 1000})
		require.Equal(t, "the file is larger than the 1000 bytes that are read", list[0][strings.LastIndex(list[0], ": ")+2:])
		require.NotContains(t, list[0], "bad")
		require.Len(t, list, 1)
	}
	f(sparse(1<<40, 9), Limits{Output: 4 << 20, Document: 1 << 20}, "error f:a: unpacked it is larger than the 4194304 bytes that are read")
	f(gzipped(gzipped(gzipped(gzipped(gzipped(consensus))))), Limits{}, "error f: packed more than 4 times")
	f(bytes.Repeat([]byte("x\n"), 1000), Limits{Document: 1000}, "unknown f")
	f(append(bytes.Clone(certs), append([]byte("@\n"), bytes.Repeat([]byte("x"), 5000)...)...), Limits{Document: int64(len(certs))},
		"certificates f", fmt.Sprintf("error f: no other document begins within %d bytes behind the last one", len(certs)))
	// Many broken members.
	var files []string
	for i := range 300 {
		files = append(files, fmt.Sprint(i), "BZh9")
	}
	list, _ := found(bytes.NewReader(tarred(files...)), Limits{})
	require.Len(t, list, maxFailures)
}

// zeros are bytes that are not there.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.left)
	z.left -= n
	clear(p[:n])
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

// TestJunkFiles: of junk, no more is read than one document may have.
func TestJunkFiles(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"zeros": &zeros{100 << 20},
		"lines": io.MultiReader(strings.NewReader(strings.Repeat("2026-06-27,192.0.2.1,443\n", 1_400_000)), &zeros{65 << 20}),
	} {
		left := int64(100 << 20)
		list, docs := found(&bounded.Stream{R: r, Left: &left, Err: io.ErrShortBuffer}, Limits{})
		require.Equal(t, []string{"unknown f"}, list, name)
		require.Len(t, docs[0], maxUnknown, name)
		require.Greater(t, left, int64(60<<20), name)
	}
}

// TestBombs: what unpacks to far more than it is stops at a limit, with memory
// for one document at most.
func TestBombs(t *testing.T) {
	pack := func(with func(io.Writer) io.WriteCloser, r io.Reader) []byte {
		var b bytes.Buffer
		w := with(&b)
		if _, err := io.Copy(w, r); err != nil {
			panic(err)
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	flat := pack(gz, &zeros{48 << 20})
	line := pack(gz, io.MultiReader(strings.NewReader("network-status-version 3\nvote-status consensus\n"), &zeros{48 << 20}))
	for name, file := range map[string][]byte{
		"zeros":             flat,
		"zeros in zeros":    pack(gz, bytes.NewReader(flat)),
		"a long consensus":  line,
		"a long member":     gzipped(tarred("a", string(line))),
		"packed in members": tarred("a", string(flat), "b", string(flat), "c", string(line)),
		"a sparse member":   sparse(1<<40, 1),
	} {
		require.Less(t, len(file), 2<<20)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for d, err := range Documents("f", bytes.NewReader(file), Limits{Output: 16 << 20, Document: 2 << 20}) {
			require.LessOrEqual(t, len(d.Bytes), maxUnknown, name)
			if err != nil {
				require.Regexp(t, "larger than the (16777216|2097152) bytes", err.Error(), name)
			}
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), name)
	}
}

// sparse makes a tar file with members of so many bytes, nearly all of them in a
// hole (PAX format 1.0 of GNU tar), which archive/tar reads but does not write.
func sparse(size int64, members int) []byte {
	member := func(name string, kind byte, data []byte) []byte {
		h := make([]byte, 512, 1024+len(data))
		copy(h, name)
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(data)))
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		h = append(h, data...)
		return append(h, make([]byte, (512-len(data)%512)%512)...)
	}
	var records []byte
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=a", fmt.Sprintf("GNU.sparse.realsize=%d", size)} {
		n := len(r) + 2
		n += len(fmt.Sprint(n + 2))
		records = fmt.Appendf(records, "%d %s\n", n, r)
	}
	data := make([]byte, 512)
	copy(data, fmt.Sprintf("1\n%d\n1\n", size-1))
	data = append(data, 'x')
	file := append(member("x", 'x', records), member("a", '0', data)...)
	return append(bytes.Repeat(file, members), make([]byte, 1024)...)
}

// TestXZDictionary: a dictionary is allocated when a header asks for it, so a
// large one is refused before, in the first block and in a later one.
func TestXZDictionary(t *testing.T) {
	consensus, _, certs, _ := samples()
	list, _ := found(bytes.NewReader(xzedWith(consensus, xz.WriterConfig{DictCap: maxDictionary})), Limits{})
	require.Equal(t, []string{"consensus f"}, list)
	large := xzedWith(consensus, xz.WriterConfig{DictCap: maxDictionary + 1<<20})
	refusal := "error f: bad xz file: xz: it asks for a dictionary of 96 MB, more than the 64 that are allowed"
	list, _ = found(bytes.NewReader(large), Limits{})
	require.Equal(t, []string{refusal}, list)
	list, _ = found(bytes.NewReader(append(xzed(certs), large...)), Limits{})
	require.Equal(t, refusal, list[len(list)-1])

	// Several blocks in one stream, with every kind of checksum and of chunk.
	for _, check := range []byte{xz.None, xz.CRC32, xz.CRC64, xz.SHA256} {
		file := xzedWith(bytes.Repeat(consensus, 20), xz.WriterConfig{DictCap: 1 << 16, BlockSize: 10_001, CheckSum: check, NoCheckSum: check == xz.None})
		list, docs := found(bytes.NewReader(file), Limits{})
		require.Len(t, list, 20, list)
		require.Equal(t, string(consensus), string(docs[19]))
	}
}

// TestStopping: whoever stops early gets no more.
func TestStopping(t *testing.T) {
	consensus, _, _, _ := samples()
	n := 0
	for range Documents("f", bytes.NewReader(tarred("a", string(bytes.Repeat(consensus, 3)), "b", "BZh", "c", string(consensus))), Limits{}) {
		if n++; n == 2 {
			break
		}
	}
	require.Equal(t, 2, n)
}
