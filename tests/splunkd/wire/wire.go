package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"tordetect/tests/splunkd/spl"
)

// maxReply bounds one reply; limits.conf has no limit by default, a test machine has.
const maxReply = 1 << 30

// maxHeader bounds a frame's header line: the longest legal one has about 35 bytes.
const maxHeader = 64

// AppendFrame appends one frame: chunked 1.0,<metadata bytes>,<body bytes>⏎<metadata><body>
func AppendFrame(dst, metadata, body []byte) []byte {
	dst = fmt.Appendf(dst, "chunked 1.0,%d,%d\n", len(metadata), len(body))
	dst = append(dst, metadata...)
	return append(dst, body...)
}

// ReadFrame reads one frame; io.EOF is the end between two frames. The header has to be exact: no blanks, no CR, no
// leading zeros.
func ReadFrame(r io.ByteReader, full func([]byte) error) (metadata, body []byte, err error) {
	var line []byte
	for {
		c, err := r.ReadByte()
		if err == io.EOF && len(line) > 0 {
			return nil, nil, fmt.Errorf("stdout ended inside a header line: %q", line)
		}
		if err != nil {
			return nil, nil, err
		}
		line = append(line, c)
		if c == '\n' {
			break
		}
		if len(line) > maxHeader {
			return nil, nil, fmt.Errorf("no frame header on stdout: %q", line)
		}
	}
	var metadataLen, bodyLen int
	_, err = fmt.Sscanf(string(line), "chunked 1.0,%d,%d\n", &metadataLen, &bodyLen)
	if err != nil || fmt.Sprintf("chunked 1.0,%d,%d\n", metadataLen, bodyLen) != string(line) {
		return nil, nil, fmt.Errorf("no frame header on stdout: %q", line)
	}
	if metadataLen < 0 || bodyLen < 0 || metadataLen > maxReply || bodyLen > maxReply {
		return nil, nil, fmt.Errorf("a frame of impossible length: %q", line)
	}
	metadata, body = make([]byte, metadataLen), make([]byte, bodyLen)
	for _, part := range [][]byte{metadata, body} {
		if err := full(part); err != nil {
			return nil, nil, fmt.Errorf("stdout ended inside a frame: %w", err)
		}
	}
	return metadata, body, nil
}

// Searchinfo and getinfoRequest have their keys in the order in which splunkd 8.2.1 writes them.
type Searchinfo struct {
	Args          []string `json:"args"`
	RawArgs       []string `json:"raw_args"`
	DispatchDir   string   `json:"dispatch_dir"`
	SID           string   `json:"sid"`
	App           string   `json:"app"`
	Owner         string   `json:"owner"`
	Username      string   `json:"username"`
	SessionKey    string   `json:"session_key"`
	SplunkdURI    string   `json:"splunkd_uri"`
	SplunkVersion string   `json:"splunk_version"`
	Search        string   `json:"search"` // percent-encoded
	Command       string   `json:"command"`
	MaxResultRows int      `json:"maxresultrows"`
	EarliestTime  string   `json:"earliest_time"`
	LatestTime    string   `json:"latest_time"`
}

type getinfoRequest struct {
	Action      string     `json:"action"`
	Preview     bool       `json:"preview"`
	WillRestart bool       `json:"streaming_command_will_restart"`
	Searchinfo  Searchinfo `json:"searchinfo"`
}

// GetinfoMetadata is the metadata of a getinfo request: compact JSON, `<`, `>` and `&` as they are.
func GetinfoMetadata(preview bool, info Searchinfo) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(getinfoRequest{Action: "getinfo", Preview: preview, Searchinfo: info}); err != nil {
		// Strings, numbers and booleans always encode.
		return nil
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func ExecuteMetadata(finished bool) []byte {
	return fmt.Appendf(nil, `{"action":"execute","finished":%t}`, finished)
}

// PercentEncode writes a search as splunkd does in searchinfo.search: letters, digits and `_` bare (recorded), also `-`,
// `.` and `~` (supposed).
func PercentEncode(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; spl.WordByte(c) || c == '-' || c == '.' || c == '~' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// SplitArguments cuts the text behind a custom command as splunkd does: at blanks and commas outside double quotes.
// args have their double quotes removed and \" and \\ undone; other escapes stay. rawArgs are as typed.
//
//	a=one b = "two" "c"="three"   ->   args a=one, b, =, two, c=three
func SplitArguments(text string) (args, rawArgs []string) {
	var arg, raw strings.Builder
	inside := false
	flush := func() {
		if raw.Len() > 0 {
			args, rawArgs = append(args, arg.String()), append(rawArgs, raw.String())
			arg.Reset()
			raw.Reset()
		}
	}
	args, rawArgs = []string{}, []string{}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			raw.WriteString(text[i : i+2])
			i++
			arg.WriteByte(text[i])
			continue
		case c == '"':
			inside = !inside
			raw.WriteByte(c)
			continue
		case !inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ','):
			flush()
			continue
		}
		arg.WriteByte(c)
		raw.WriteByte(c)
	}
	flush()
	return args, rawArgs
}

// AppendCell writes a cell: bare if it is empty or letters and digits only, else in quotes.
func AppendCell(dst []byte, text string) []byte {
	bare := true
	for i := 0; i < len(text) && bare; i++ {
		bare = spl.WordByte(text[i]) && text[i] != '_'
	}
	if bare {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(text, `"`, `""`)...)
	return append(dst, '"')
}

const multiPrefix = "__mv_"

// AppendBody writes rows as the body of a request: first all plain columns, then a __mv_ column for each, LF row ends.
// Without columns it is empty.
func AppendBody(dst []byte, columns []string, rows []spl.Row) []byte {
	if len(columns) == 0 {
		return dst
	}
	cell := func(i int, text string) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendCell(dst, text)
	}
	for i, name := range columns {
		cell(i, name)
	}
	for _, name := range columns {
		cell(1, multiPrefix+name)
	}
	dst = append(dst, '\n')
	for _, row := range rows {
		for i, name := range columns {
			cell(i, row[name].Text())
		}
		for _, name := range columns {
			cell(1, encodeMulti(row[name]))
		}
		dst = append(dst, '\n')
	}
	return dst
}

// encodeMulti is the __mv_ cell of a value: empty unless it is a list of two or more.
func encodeMulti(value spl.Value) string {
	if len(value) < 2 {
		return ""
	}
	var parts []string
	for _, text := range value {
		parts = append(parts, "$"+strings.ReplaceAll(text, "$", "$$")+"$")
	}
	return strings.Join(parts, ";")
}

// decodeMulti reads a __mv_ cell. Anything but $value$;$value$ is an error.
func decodeMulti(cell string) (spl.Value, error) {
	var list spl.Value
	for rest := cell; ; {
		if !strings.HasPrefix(rest, "$") {
			return nil, fmt.Errorf("malformed list %q", cell)
		}
		var value strings.Builder
		i := 1
		for ; i < len(rest); i++ {
			if rest[i] != '$' {
				value.WriteByte(rest[i])
			} else if i+1 < len(rest) && rest[i+1] == '$' {
				value.WriteByte('$')
				i++
			} else {
				break
			}
		}
		if i >= len(rest) {
			return nil, fmt.Errorf("malformed list %q", cell)
		}
		list = append(list, value.String())
		rest = rest[i+1:]
		if rest == "" {
			return list, nil
		}
		if rest[0] != ';' {
			return nil, fmt.Errorf("malformed list %q", cell)
		}
		rest = rest[1:]
	}
}

// parseCSV reads RFC 4180 with LF or CRLF row ends. Every row has as many cells as the first; what stands inside quotes
// stays as it is; a quote inside a bare cell or text behind a closing quote is an error.
func parseCSV(body []byte) ([][]string, error) {
	var rows [][]string
	var row []string
	for i := 0; i < len(body); {
		var cell []byte
		if body[i] == '"' {
			i++
			for {
				end := bytes.IndexByte(body[i:], '"')
				if end < 0 {
					return nil, fmt.Errorf("row %d: unclosed quote", len(rows)+1)
				}
				cell = append(cell, body[i:i+end]...)
				i += end + 1
				if i >= len(body) || body[i] != '"' {
					break
				}
				cell = append(cell, '"')
				i++
			}
		} else {
			end := i
			for end < len(body) && body[end] != ',' && body[end] != '\n' {
				if body[end] == '"' {
					return nil, fmt.Errorf("row %d: quote inside a bare cell", len(rows)+1)
				}
				end++
			}
			cell = body[i:end]
			if end < len(body) && body[end] == '\n' {
				cell = bytes.TrimSuffix(cell, []byte("\r"))
			}
			i = end
		}
		row = append(row, string(cell))
		if bytes.HasPrefix(body[i:], []byte("\r\n")) {
			i++
		}
		switch {
		case i >= len(body):
			return nil, errors.New("the last row has no row end")
		case body[i] == ',':
			i++
			if i >= len(body) {
				return nil, errors.New("the last row has no row end")
			}
			// A comma right before the row end: one more empty cell, read in the next turn.
		case body[i] == '\n':
			i++
			if len(rows) > 0 && len(row) != len(rows[0]) {
				return nil, fmt.Errorf("row %d has %d cells, the header has %d", len(rows)+1, len(row), len(rows[0]))
			}
			rows, row = append(rows, row), nil
		default:
			return nil, fmt.Errorf("row %d: text behind a closing quote", len(rows)+1)
		}
	}
	return rows, nil
}

// DecodeBody reads the body of a reply. Beyond CSV it wants: no column twice, no __mv_ column without its plain one, and
// plain cells that hold the values of their list joined by LF (splunkd would show the list and search the plain cell).
func DecodeBody(body []byte) (*spl.Table, error) {
	cells, err := parseCSV(body)
	if err != nil || len(cells) == 0 {
		return &spl.Table{}, err
	}
	table := &spl.Table{}
	header := cells[0]
	at := map[string]int{}
	for i, name := range header {
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("column %q comes twice", name)
		}
		if name == "" {
			return nil, errors.New("a column without name")
		}
		at[name] = i
		if !strings.HasPrefix(name, multiPrefix) {
			table.Columns = append(table.Columns, name)
		}
	}
	for name := range at {
		if plain, multi := strings.CutPrefix(name, multiPrefix); multi {
			if _, ok := at[plain]; !ok {
				return nil, fmt.Errorf("column %q without column %q", name, plain)
			}
		}
	}
	for number, line := range cells[1:] {
		row := make(spl.Row, len(table.Columns))
		for _, name := range table.Columns {
			value := spl.One(line[at[name]])
			if m, ok := at[multiPrefix+name]; ok && line[m] != "" {
				list, err := decodeMulti(line[m])
				if err != nil {
					return nil, fmt.Errorf("row %d, column %q: %w", number+1, multiPrefix+name, err)
				}
				if list.Text() != line[at[name]] {
					return nil, fmt.Errorf("row %d, column %q: the plain cell is %q, the list %q", number+1, name, line[at[name]], list.Text())
				}
				value = list
			}
			if value != nil {
				row[name] = value
			}
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}
