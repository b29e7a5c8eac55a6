package tordetect

import (
	"strconv"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/rows"
)

// Fields are the output fields of tordetect, in the order in which they are
// appended. The names are fixed: searches, dashboards and detections use them.
var Fields = []rows.Field{
	{Name: "tor_verdict"},
	{Name: "tor_score"},
	{Name: "tor_state"},
	{Name: "tor_direction"},
	{Name: "tor_role"},
	{Name: "tor_evidence", List: true},
	{Name: "tor_reason"},
	{Name: "tor_relay", List: true},
	{Name: "tor_nickname", List: true},
	{Name: "tor_first_seen"},
	{Name: "tor_last_seen"},
	{Name: "tor_coverage"},
	{Name: "tor_list_time"},
	{Name: "tor_host"},
	{Name: "tor_peer"},
}

// InfoFields are added behind them by the option info: what judged the row, so
// that an admin sees the indexer whose bundle is old.
var InfoFields = []rows.Field{
	{Name: "tor_node"},
	{Name: "tor_version"},
	{Name: "tor_arch"},
	{Name: "tor_list_age"},
}

// The places of Fields, and behind them those of InfoFields.
const (
	cellVerdict = iota
	cellScore
	cellState
	cellDirection
	cellRole
	cellEvidence
	cellReason
	cellRelay
	cellNickname
	cellFirstSeen
	cellLastSeen
	cellCoverage
	cellListTime
	cellHost
	cellPeer
	cellNode
	cellVersion
	cellArch
	cellListAge
	cellCount
)

// cells renders findings, each into the same buffer.
type cells struct {
	row  [cellCount]rows.Cell
	text []byte
	side []byte // an end, before it is a cell
	list rows.List
	// The newest list is the same for nearly all rows.
	listTime     int64
	listTimeText []byte

	info *infoCells // nil without the option
	age  [20]byte   // room for a number
}

// infoCells is what the option info says of the node.
type infoCells struct {
	node, version, arch []byte // as cells
	now                 int64
}

// render returns the cells of a finding, valid until the next call.
func (c *cells) render(f *flow.Flow, found *detect.Finding) []rows.Cell {
	c.text = c.text[:0]
	c.row = [cellCount]rows.Cell{
		cellVerdict:   {Plain: c.word(found.Verdict.String())},
		cellScore:     {Plain: c.number(int64(found.Score))},
		cellState:     {Plain: c.word(found.State.String())},
		cellDirection: {Plain: c.word(found.Direction.String())},
		cellCoverage:  {Plain: c.word(f.Coverage.String())},
	}
	if f.NewestList != 0 {
		if f.NewestList != c.listTime || c.listTimeText == nil {
			c.listTime = f.NewestList
			c.listTimeText = strconv.AppendInt(c.listTimeText[:0], f.NewestList, 10)
		}
		c.row[cellListTime].Plain = c.listTimeText
	}
	if c.info != nil {
		c.row[cellNode].Plain, c.row[cellVersion].Plain, c.row[cellArch].Plain = c.info.node, c.info.version, c.info.arch
		if f.NewestList != 0 {
			c.row[cellListAge].Plain = c.from(rows.AppendCell(c.text, strconv.AppendInt(c.age[:0], c.info.now-f.NewestList, 10)))
		}
	}
	if len(found.Evidence) > 0 {
		c.list.Reset()
		for _, e := range found.Evidence {
			c.list.AddString(e.Name())
		}
		c.row[cellEvidence] = c.take()
	}
	if len(found.Reason) > 0 {
		c.row[cellReason].Plain = c.from(rows.AppendCell(c.text, found.Reason))
	}
	c.row[cellHost].Plain, c.row[cellPeer].Plain = c.end(found.Host), c.end(found.Peer)
	if d := found.Deciding; d != nil {
		c.row[cellRole].Plain = c.from(rows.AppendCell(c.text, []byte(found.Role.String())))
		c.list.Reset()
		for _, s := range found.Relays {
			c.list.AddString(s.Fingerprint)
		}
		c.row[cellRelay] = c.take()
		c.list.Reset()
		for _, s := range found.Relays {
			c.list.AddString(s.Nickname)
		}
		c.row[cellNickname] = c.take()
		if !d.BuiltIn() {
			c.row[cellFirstSeen].Plain = c.number(d.First)
			c.row[cellLastSeen].Plain = c.number(d.Last)
		}
	}
	if c.info == nil {
		return c.row[:cellNode]
	}
	return c.row[:]
}

// take renders the list into its two cells.
func (c *cells) take() rows.Cell {
	return rows.Cell{
		Plain: c.from(c.list.AppendPlain(c.text)),
		Multi: c.from(c.list.AppendMulti(c.text)),
	}
}

// word renders a word of letters, which needs no quotes.
func (c *cells) word(w string) []byte { return c.from(append(c.text, w...)) }

// end renders one of the two ends. A name is the row's own text.
func (c *cells) end(e flow.End) []byte {
	if c.side = e.AppendTo(c.side[:0]); len(c.side) == 0 {
		return nil
	}
	return c.from(rows.AppendCell(c.text, c.side))
}

func (c *cells) number(n int64) []byte { return c.from(strconv.AppendInt(c.text, n, 10)) }

// from takes over the text with something appended to it, and returns what was
// appended. Cells that were returned before stay as they are when the text
// moves: they keep the memory in which they lie.
func (c *cells) from(longer []byte) []byte {
	start := len(c.text)
	c.text = longer
	return longer[start:len(longer):len(longer)]
}
