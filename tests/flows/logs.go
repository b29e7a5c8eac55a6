package flows

import (
	"cmp"
	"slices"
	"strings"
)

// Log is a kind of log other than that of the border's firewall: who writes it
// has other columns, sees less, or sees a thing from elsewhere. Each is judged
// by itself, and none has a part in the border's figures.
type Log struct {
	Name    string // of its file; its cases' names begin with it
	Means   string
	Columns []string // of its rows; behind them stand TruthColumns
	Cases   []Case   // PerMillion is of this log's own records, Flows counts conversations
	Flows   []Flow   // its records, in the order of time; only in those of a Set

	writer  *vendor                      // nil: the border's firewall
	records func(s *site, f Flow) []Flow // what it writes of a conversation; nil: one record
}

// Logs returns the table of the other logs, without flows.
func Logs() []Log {
	var out []Log
	for _, l := range logs {
		cases := make([]Case, len(l.Cases))
		for i, c := range l.Cases {
			c.Name = l.Name + "_" + c.Name
			cases[i] = c
		}
		l.Cases = cases
		out = append(out, l)
	}
	return out
}

// Logs makes what the other logs hold of the set's week, in the order of the table.
func (s *Set) Logs() []Log {
	out := Logs()
	for i := range out {
		out[i].fill(s.Seed, s.network, s.border)
	}
	return out
}

var logs = []Log{
	{
		Name: "netflow", Means: "NetFlow: two one-way records a connection, each with the counts of its own direction",
		Columns: strings.Fields("_time duration src_ip src_port dest_ip dest_port transport packets_out bytes_out"),
		Cases:   oneWayCases, writer: &exporter, records: halves,
	},
	{
		Name: "netflow_noport", Means: "NetFlow without source ports, as collectors keep it to save space",
		Columns: strings.Fields("_time duration src_ip dest_ip dest_port transport packets bytes"),
		Cases:   oneWayCases, writer: &exporter, records: halves,
	},
	{
		Name: "vpc", Means: "VPC flow logs of AWS (version 2), both halves, a record for each minute",
		Columns: vpcColumns, Cases: oneWayCases, writer: &cloud, records: everyMinute,
	},
	{
		Name: "vpc_10m", Means: "VPC flow logs of AWS, a record for each 10 minutes, as is preset",
		Columns: vpcColumns, Cases: oneWayCases, writer: &cloud, records: everyTenMinutes,
	},
	{
		Name: "proxy", Means: "an explicit proxy, and the web servers of the site: the destination stands in the URL",
		Columns: strings.Fields("_time duration src dest dest_port http_method url status action bytes_out bytes_in"),
		Cases:   proxyCases, writer: &webProxy,
	},
	{
		Name: "nat64", Means: "a firewall of an IPv6-only network: IPv4 destinations as 64:ff9b::/96 (RFC 6052)",
		Columns: Columns, Cases: nat64Cases,
	},
	{
		Name: "signin", Means: "sign-in logs of several services: the client under each one's own name, often with its port",
		Columns: strings.Fields("_time user action app ClientIP ipAddress sourceIPAddress c_ip client.ip requestParameters.ipAddress"),
		Cases:   signInCases, writer: &identity,
	},
}

// Those who write the other logs: none recognises an application.
var (
	exporter = vendor{name: "NetFlow", allowed: "allowed", blocked: []string{"blocked"}, bytes: true, packets: true}
	cloud    = vendor{name: "VPC", allowed: "ACCEPT", blocked: []string{"REJECT"}, bytes: true, packets: true}
	webProxy = vendor{name: "proxy", allowed: "allowed", blocked: []string{"blocked", "denied"}, bytes: true}
	identity = vendor{name: "sign-in", allowed: "success", blocked: []string{"failure"}}
)

// fill makes the records of all cases. The draws are of sources that bear the
// log's name, so that the border's flows stay as they are.
func (l *Log) fill(seed uint64, n *network, border vendor) {
	v := border
	if l.writer != nil {
		v = *l.writer
	}
	s := newSite(seed, l.Name+" records", n, v)
	conversation := 0
	for _, c := range l.Cases {
		for _, f := range c.flows(seed, n, v) {
			conversation++
			f.Conversation = conversation
			if l.records == nil {
				l.Flows = append(l.Flows, f)
				continue
			}
			l.Flows = append(l.Flows, l.records(s, f)...)
		}
	}
	byTime(l.Flows)
}

// borderNames are the border's names of what other logs call otherwise.
var borderNames = map[string]string{
	"src": "src_ip", "srcaddr": "src_ip", "srcport": "src_port",
	"dest": "dest_ip", "dstaddr": "dest_ip", "dstport": "dest_port",
	"packets": "packets_out", "bytes": "bytes_out",
}

// Cells returns a record's row, in the order of the log's Columns and of
// TruthColumns. The case of an answer says so.
func (l *Log) Cells(f *Flow) []string {
	border := f.Cells()
	out := make([]string, 0, len(l.Columns)+len(TruthColumns))
	for _, column := range l.Columns {
		text, ok := f.more[column]
		if i := slices.Index(Columns, cmp.Or(borderNames[column], column)); !ok && i >= 0 {
			text = border[i]
		}
		out = append(out, text)
	}
	return append(out, f.Truth, f.Direction, f.State, f.CaseAndHalf())
}

// CSV returns the log's rows with a header.
func (l *Log) CSV() []byte { return written(l.Columns, l.Flows, l.Cells) }

// CaseAndHalf is the flow's case, and whether it is an answer.
func (f *Flow) CaseAndHalf() string {
	if f.Answer {
		return f.Case + " answer"
	}
	return f.Case
}
