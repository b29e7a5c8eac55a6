package tordir

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/tornet"
)

func exitNodes(nodes []tornet.ExitNode) []ExitNode {
	var out []ExitNode
	for _, n := range nodes {
		want := ExitNode{Identity: n.Identity, Published: n.Published.Unix(), LastStatus: n.LastStatus.Unix()}
		for _, a := range n.Addresses {
			want.Addresses = append(want.Addresses, ExitAddress{a.Addr, a.Scanned.Unix()})
		}
		out = append(out, want)
	}
	return out
}

func TestParseExitList(t *testing.T) {
	net := tornet.New(7, 1, tornet.Size(500))
	nodes := net.ExitNodes(hour)
	doc := net.ExitList(hour, nodes)
	grease := append(bytes.ReplaceAll(doc, []byte("\nPublished"), []byte("\nGrease 1 2 3\nPublished")), "Grease\n"...)
	for name, doc := range map[string][]byte{
		"as it is":  doc,
		"CRLF":      tornet.CRLF(doc),
		"annotated": tornet.Annotated("tordnsel 1.0", doc),
		"greased":   grease,
	} {
		list, err := ParseExitList(doc)
		require.NoError(t, err, name)
		require.Equal(t, hour.Unix(), list.Downloaded)
		require.Equal(t, exitNodes(nodes), list.Nodes, name)
	}
	list, err := ParseExitList(net.ExitList(time.Time{}, nodes))
	require.NoError(t, err)
	require.Zero(t, list.Downloaded)
}

func TestTruncatedExitList(t *testing.T) {
	net := tornet.New(7, 1, tornet.Size(20))
	nodes := net.ExitNodes(hour)
	require.NotEmpty(t, nodes)
	doc := net.ExitList(hour, nodes)
	for n := range len(doc) {
		list, err := ParseExitList(doc[:n:n])
		if err == nil {
			// Nothing says how many nodes there should be.
			require.True(t, bytes.HasPrefix(doc[n:], []byte("Exit")), n)
			require.NotEmpty(t, list.Nodes)
		}
	}
}

func TestBrokenExitList(t *testing.T) {
	const node = "ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2018-10-31 05:08:21\nLastStatus 2018-10-31 06:02:24\nExitAddress 192.0.2.201 2018-10-31 06:03:23\n"
	f := func(doc, want string) {
		t.Helper()
		_, err := ParseExitList([]byte(doc))
		require.ErrorContains(t, err, want)
	}
	_, err := ParseExitList([]byte(node))
	require.NoError(t, err)
	f("", "is empty")
	f("Downloaded 2018-11-01 00:02:01\n", "no ExitNode in it")
	f("192.0.2.1\n192.0.2.2\n", "no ExitNode in it")
	f("Downloaded now\n"+node, "line 1: bad")
	f(node+"Downloaded 2018-11-01 00:02:01\n"+node, "another document begins here")
	f("ExitNode 00\n", "line 1: bad")
	f(node+"ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\n"+node, "line 6: the ExitNode before this line lacks")
	f(node+"ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\n", "cut short")
	f(node+"ExitAddress 192.0.2 2018-10-31 06:03:23\n", "line 5: bad")
	f(node+"ExitAddress 192.0.2.1 2018-10-31\n", "line 5: bad")
	f("Published 2018-10-31 05:08:21\n"+node, "its beginning is missing")
}

func TestRealExitList(t *testing.T) {
	list, err := ParseExitList(sharedFile(t, "exit-lists/2018-11-01-00-02-01"))
	require.NoError(t, err)
	require.Equal(t, time.Date(2018, 11, 1, 0, 2, 1, 0, time.UTC).Unix(), list.Downloaded)
	require.Len(t, list.Nodes, 931)
	addresses, byCount := map[string]bool{}, map[int]int{}
	for _, n := range list.Nodes {
		byCount[len(n.Addresses)]++
		for _, a := range n.Addresses {
			addresses[a.Addr.String()] = true
			require.True(t, a.Scanned >= time.Date(2018, 10, 31, 0, 5, 25, 0, time.UTC).Unix())
			require.True(t, a.Scanned <= time.Date(2018, 10, 31, 22, 15, 59, 0, time.UTC).Unix())
		}
	}
	require.Len(t, addresses, 869)
	require.Equal(t, map[int]int{1: 930, 4: 1}, byCount)
}
