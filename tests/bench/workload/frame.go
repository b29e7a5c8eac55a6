//go:build linux

package workload

import (
	"fmt"
	"strings"

	"tordetect/src/chunked"
)

const (
	getinfo = `{"action":"getinfo","preview":false,"searchinfo":{"args":[%[1]s],"raw_args":[%[1]s],"dispatch_dir":"","sid":"1.1","app":"tordetect","owner":"admin","username":"admin","session_key":"","splunkd_uri":"https://127.0.0.1:8089","splunk_version":"8.2.1","search":"search","command":"tordetect","maxresultrows":50000,"earliest_time":"%[2]d","latest_time":"%[3]d"}}`
	Execute = `{"action":"execute","finished":false}`
	Last    = `{"action":"execute","finished":true}`
)

// FrameOf makes a request.
func FrameOf(metadata string, body []byte) []byte {
	return chunked.AppendFrame(nil, []byte(metadata), body)
}

// Probe is getinfo with these arguments.
func Probe(args ...string) []byte { return ProbeWithin(0, 0, args...) }

// ProbeWithin is that of a search from earliest to latest.
func ProbeWithin(earliest, latest int64, args ...string) []byte {
	quoted := make([]string, len(args))
	for i := range args {
		quoted[i] = `"` + args[i] + `"`
	}
	return FrameOf(fmt.Sprintf(getinfo, strings.Join(quoted, ","), earliest, latest), nil)
}
