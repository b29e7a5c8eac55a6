package wire

import "fmt"

// ProtocolError is a command that broke the chunked protocol, or a rule of our own that goes further than splunkd does
// (nothing on stderr, exit code 0, equal getinfo replies). Splunk might shrug it off; the stand-in never does.
type ProtocolError struct {
	Command string // stanza of commands.conf
	Text    string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("command %s broke the protocol: %s", e.Command, e.Text)
}
