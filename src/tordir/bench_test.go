package tordir

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/tornet"
)

// benchmarks are the documents to measure with: the largest real one, where it
// is present, and a generated one of that size, in either flavour.
func benchmarks(b *testing.B, run func(b *testing.B, doc []byte, certs func(testing.TB) (Certificates, Trust))) {
	net := tornet.New(7, 9, tornet.Size(10_300))
	for _, flavour := range []string{"ns", "microdesc"} {
		doc := net.Consensus(tornet.Spec{Flavour: flavour, Relays: net.Relays(hour)})
		b.Run("generated-"+flavour, func(b *testing.B) {
			run(b, doc, func(t testing.TB) (Certificates, Trust) { return trustOf(t, net) })
		})
	}
	b.Run("real", func(b *testing.B) {
		run(b, sharedFile(b, "consensus/2026-06-27-04-00-00-consensus-microdesc.gz"),
			func(t testing.TB) (Certificates, Trust) { return realCertificates(t), PublicAuthorities() })
	})
}

func BenchmarkParseConsensus(b *testing.B) {
	benchmarks(b, func(b *testing.B, doc []byte, _ func(testing.TB) (Certificates, Trust)) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseConsensus(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	benchmarks(b, func(b *testing.B, doc []byte, trusted func(testing.TB) (Certificates, Trust)) {
		certs, trust := trusted(b)
		c, err := ParseConsensus(doc)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if !c.Verify(certs, trust).OK {
				b.Fatal("not verified")
			}
		}
	})
}

func BenchmarkParseCertificates(b *testing.B) {
	doc := sharedFile(b, "consensus/2026-06-rotator.cached-certs")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCertificates(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseExitList(b *testing.B) {
	net := tornet.New(7, 1, tornet.Size(10_000))
	doc := net.ExitList(hour, net.ExitNodes(hour))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseExitList(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDocuments finds one document in a file, plain and packed; the bytes
// are those unpacked.
func BenchmarkDocuments(b *testing.B) {
	net := tornet.New(7, 9, tornet.Size(10_300))
	doc := net.Consensus(tornet.Spec{Relays: net.Relays(hour)})
	for name, file := range map[string][]byte{"plain": doc, "gzip": gzipped(doc), "xz": xzed(doc)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				for d, err := range Documents("f", bytes.NewReader(file), Limits{}) {
					if err != nil || len(d.Bytes) != len(doc) {
						b.Fatal(err, len(d.Bytes))
					}
				}
			}
		})
	}
}
