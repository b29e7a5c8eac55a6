package tordir_test

import (
	"bytes"
	"fmt"
	"time"

	"tordetect/src/tordir"
	"tordetect/tests/tornet"
)

// Example reads a file in which certificates and a consensus stand behind each
// other, and asks whether the consensus can be believed.
func Example() {
	net := tornet.New(1, 5)
	at := time.Date(2026, 6, 27, 4, 0, 0, 0, time.UTC)
	file := append(net.Certificates(), net.Consensus(tornet.Spec{
		ValidAfter: at,
		Relays:     net.Relays(at)[:7],
		Signers:    []int{0, 1, 2, 4},
		Wrong:      []int{3},
	})...)

	trust, err := tordir.ParseAuthorities(net.AuthoritiesFile())
	if err != nil {
		fmt.Println(err)
		return
	}
	var certs tordir.Certificates
	for doc, err := range tordir.Documents("cached", bytes.NewReader(file), tordir.Limits{}) {
		if err != nil {
			fmt.Println(doc.Name, err)
			continue
		}
		switch doc.Kind {
		case tordir.KindCertificates:
			found, err := tordir.ParseCertificates(doc.Bytes)
			if err != nil {
				fmt.Println(err)
			}
			certs = append(certs, found...)
		case tordir.KindConsensus:
			consensus, err := tordir.ParseConsensus(doc.Bytes)
			if err != nil {
				fmt.Println(err)
				continue
			}
			v := consensus.Verify(certs, trust)
			fmt.Println(len(consensus.Relays), "relays, believed:", v.OK)
			fmt.Println(v.Reason)
		}
	}
	// Output:
	// 7 relays, believed: true
	// 3 of 5 authorities signed, 3 are needed. Bad signature: auth5.
}
