package dirclient

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/text"
)

func TestParseSource(t *testing.T) {
	f := func(text, want string, k kind, base string) {
		t.Helper()
		source, err := ParseSource(text)
		require.NoError(t, err, text)
		require.Equal(t, want, source.String())
		require.Equal(t, k, source.kind)
		if base != "" {
			require.Equal(t, base, source.base.String())
		}
		again, err := ParseSource(source.String())
		require.NoError(t, err)
		require.Equal(t, source, again, "its own text means the same")
	}
	f("", "collector", kindArchive, "https://collector.torproject.org/")
	f(" collector ", "collector", kindArchive, "https://collector.torproject.org/")
	f("authorities", "authorities", kindAuthorities, "")
	f("dir+http://192.0.2.1:9030", "dir+http://192.0.2.1:9030", kindCache, "http://192.0.2.1:9030/")
	f("dir+http://[2001:db8::1]:80/", "dir+http://[2001:db8::1]:80", kindCache, "http://[2001:db8::1]:80/")
	f("https://mirror.example", "https://mirror.example/", kindArchive, "https://mirror.example/")
	f("https://mirror.example:8443/tor/collector", "https://mirror.example:8443/tor/collector/", kindArchive, "https://mirror.example:8443/tor/collector/")
	f("https://mirror.example/a/../b/", "https://mirror.example/b/", kindArchive, "https://mirror.example/b/")
	f("HTTPS://mirror.example/", "https://mirror.example/", kindArchive, "https://mirror.example/")
	f("/data/lists", "/data/lists", kindFolder, "")
	f("./lists", "./lists", kindFolder, "")
	f("lists/", "lists/", kindFolder, "")
	f("..", "..", kindFolder, "")
	f("/data/with blank/ä", "/data/with blank/ä", kindFolder, "")
}

func TestParseSourceRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		source, err := ParseSource(text)
		require.ErrorContains(t, err, want, text)
		require.Equal(t, Source{}, source)
		require.NotContains(t, err.Error(), "hunter2", "no password in an error")
		require.Less(t, len(err.Error()), 300)
	}
	f("http://mirror.example/", "plain http is refused")
	f("https://user:hunter2@mirror.example/", "user or password")
	f("https://user:hunter2@mirror.example:bad/", "not a URL")
	f("dir+http://user:hunter2@192.0.2.1:80", "user or password")
	f("https://mirror.example/?token=hunter2", "? or #")
	f("https://mirror.example/?", "? or #")
	f("https://mirror.example/#x", "? or #")
	f("https:///recent", "names no host")
	f("https://", "names no host")
	f("https://mirror.example:0/", "bad port")
	f("https://mirror.example:99999/", "bad port")
	f("dir+http://192.0.2.1", "needs its port")
	f("dir+http://192.0.2.1:", "needs its port")
	f("dir+http://192.0.2.1:80/tor", "has no path")
	f("dir+https://192.0.2.1:80", `unknown scheme "dir+https"`)
	f("ftp://mirror.example/", `unknown scheme "ftp"`)
	f("file:///data/lists", "without file://")
	f("colector", `unknown word "colector": want "collector", "authorities"`)
	f("./a\nb", "control character")
	f("./a\x00b", "control character")
	f(strings.Repeat("x", 5000)+"/", "longer than 4096 bytes")
	f(strings.Repeat("x", 4000), "...")
}

func TestSourceKinds(t *testing.T) {
	cache, err := ParseSource("dir+http://192.0.2.1:80")
	require.NoError(t, err)
	authorities, err := ParseSource("authorities")
	require.NoError(t, err)
	folder, err := ParseSource("./x")
	require.NoError(t, err)

	require.True(t, Collector().Encrypted())
	require.False(t, cache.Encrypted())
	require.False(t, authorities.Encrypted())
	require.False(t, folder.Encrypted())
	require.True(t, folder.IsFolder())
	require.False(t, Collector().IsFolder())
	require.True(t, authorities.IsAuthorities())

	addrs := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80")}
	require.Equal(t, addrs, authorities.WithAuthorities(addrs).addrs)
	require.Empty(t, authorities.addrs, "the source itself is not changed")
	require.Equal(t, cache, cache.WithAuthorities(addrs), "only authorities have any")
}

func TestParseProxy(t *testing.T) {
	for _, text := range []string{"http://proxy.example:3128", "https://user:hunter2@proxy.example", "socks5://192.0.2.1:1080", "socks5h://[2001:db8::1]:1080"} {
		u, err := ParseProxy(text)
		require.NoError(t, err)
		require.Equal(t, text, u.String())
	}
	for _, text := range []string{"", "proxy.example:3128", "user:hunter2@proxy.example:3128", "hunter2:user@proxy.example:3128", "ftp://proxy.example", "http://", "http://user:hunter2@proxy.example:bad"} {
		_, err := ParseProxy(text)
		require.ErrorContains(t, err, "http://host:port", text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// FuzzParseSource: no panic, a source's text means the same source, and no URL
// with a user or a query gets through.
func FuzzParseSource(f *testing.F) {
	for _, seed := range []string{
		"collector", "authorities", "dir+http://[2001:db8::1]:80", "https://mirror.example:8443/a%2fb/", "./lists",
		"https://user:hunter2@mirror.example/", // a secret
		"https://mirror.example/%zz",           // not a URL
		"https://mirror.example//../..//x",     // a path to clean
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source, err := ParseSource(text)
		if err != nil {
			return
		}
		again, err := ParseSource(source.String())
		if err != nil || again.String() != source.String() || again.kind != source.kind {
			t.Fatalf("%q is %q, which is read as %q, %v", text, source.String(), again.String(), err)
		}
		if source.base != nil && (source.base.User != nil || source.base.RawQuery != "" || source.base.Host == "") {
			t.Fatalf("%q gave %q", text, source.base)
		}
	})
}

// A path of the admin's, or one that was handed to him, does not play with the
// terminal that its error is shown on.
func TestErrorsArePrintable(t *testing.T) {
	source, err := ParseSource("/none/\u202egpj.exe\u200b")
	require.NoError(t, err)
	_, errs := all(newClient(t, nil).Files(context.Background(), source))
	require.Len(t, errs, 1)
	require.Contains(t, errs[0].Error(), "/none/?gpj.exe?: the folder cannot be read")
	require.Equal(t, "a?b?c?d é世", text.Foreign("a\x1bb\u009bc\u2066d é世"))
}
