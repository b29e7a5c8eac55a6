package splunkd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tordetect/tests/splunkd/spl"
)

// model is a data model of the CIM add-on, as far as it is played: one data set, with the fields that it has.
type model struct {
	name, dataset string
	always        map[string]string // fields that are always there, with what stands in for a missing value
	maybe         []string          // fields that may be missing
}

// models are those that our searches read.
func models() []*model {
	return []*model{
		{
			name: "Network_Traffic", dataset: "All_Traffic",
			always: map[string]string{
				"action": "unknown", "dest": "unknown", "dvc": "unknown", "rule": "unknown", "src": "unknown", "user": "unknown",
				"dest_port": "0", "src_port": "0", "transport": "unknown", "vendor_product": "unknown",
			},
			maybe: strings.Fields(`app src_ip dest_ip protocol protocol_version direction bytes bytes_in bytes_out
				packets packets_in packets_out duration session_id flow_id src_translated_ip src_translated_port
				dest_translated_ip dest_translated_port src_zone dest_zone src_mac dest_mac src_interface dest_interface
				icmp_type icmp_code tcp_flag rule_id process_id vlan tag`),
		},
		{
			name: "Authentication", dataset: "Authentication",
			always: map[string]string{"action": "unknown", "app": "unknown", "dest": "unknown", "src": "unknown", "src_user": "unknown", "user": "unknown"},
			maybe:  strings.Fields("authentication_method authentication_service duration reason response_time signature signature_id src_nt_domain dest_nt_domain user_agent user_id vendor_account tag"),
		},
		{
			name: "Network_Resolution", dataset: "DNS",
			always: map[string]string{"dest": "unknown", "src": "unknown", "message_type": "unknown", "query": "unknown", "answer": "unknown", "reply_code": "unknown", "vendor_product": "unknown"},
			maybe:  strings.Fields("src_port dest_port transport record_type query_type query_count answer_count ttl transaction_id duration response_time name tag"),
		},
	}
}

// findModel takes a name as tstats does: the model's, or the model's and the data set's.
func findModel(name string) *model {
	for _, m := range models() {
		if name == m.name || name == m.name+"."+m.dataset {
			return m
		}
	}
	return nil
}

// row is the event as the data model holds it, or false where the event is not in it. The fields have the data set's
// name before them.
func (m *model) row(e event) (spl.Row, bool) {
	names := []string{"_time", "host", "source", "sourcetype", "index"}
	for _, name := range append(slices.Collect(maps.Keys(m.always)), m.maybe...) {
		names = append(names, m.dataset+"."+name)
	}
	return m.cells(e, names)
}

// cells are some fields of the event's row.
func (m *model) cells(e event, names []string) (spl.Row, bool) {
	if e.model != m.name {
		return nil, false
	}
	row := make(spl.Row, len(names)+1)
	for _, name := range names {
		bare, ours := strings.CutPrefix(name, m.dataset+".")
		switch value := e.fields[bare]; {
		case name == "_time":
			row[name] = spl.Value{spl.EpochText(e.time)}
		case value == "" && ours:
			row[name] = spl.One(m.always[bare])
		default:
			row[name] = spl.One(value)
		}
	}
	return row, true
}

// check refuses a field that the model does not have. Splunk would silently find nothing.
func (m *model) check(name string) error {
	switch name {
	case "_time", "host", "source", "sourcetype", "index":
		return nil
	}
	bare, ok := strings.CutPrefix(name, m.dataset+".")
	if _, known := m.always[bare]; ok && (known || slices.Contains(m.maybe, bare)) {
		return nil
	}
	return fmt.Errorf("tstats: data model %s has no field %q", m.name, name)
}
