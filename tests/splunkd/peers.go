package splunkd

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tordetect/tests/splunkd/wire"
)

// searchHead is the name of the search head, as peers know it.
const searchHead = "search-head"

func peerName(i int) string { return fmt.Sprintf("indexer%d", i+1) }

// replicatedConfs are the kinds of .conf files that reach the indexers (default distsearch.conf,
// [replicationSettings:refineConf]). commands is known to be there; the others are what a search peer needs, and this
// app would not notice one more or less.
var replicatedConfs = []string{
	"app", "authorize", "commands", "eventtypes", "fields", "literals", "lookups", "multikv", "props", "segmenters", "tags",
	"transactiontypes", "transforms",
}

// pushBundle gives each indexer what Splunk's default allowlist lets through of the app: bin/ and lookups/ with all below
// them, .conf files of certain kinds, .meta files; what the app's own [replicationAllowlist] adds; minus
// [replicationDenylist], which wins. The copies lie where peers have them:
//
//	<root>/indexer1/var/run/searchpeers/<search head>-<epoch>/apps/<app>/
//
// Splunk pushes in the background, so that a search may still see the previous bundle. Here the push is done before, but
// for indexers that are Head.Behind.
func (h *Head) pushBundle() ([]*App, error) {
	conf, err := h.App.Conf("distsearch")
	if err != nil {
		return nil, err
	}
	allow, err := bundlePatterns(conf, "replicationAllowlist", "replicationWhitelist")
	if err != nil {
		return nil, err
	}
	deny, err := bundlePatterns(conf, "replicationDenylist", "replicationBlacklist")
	if err != nil {
		return nil, err
	}
	wanted := func(relative string) bool {
		full := "apps/" + h.App.ID + "/" + relative
		return (inBundle(relative) || matchesAny(allow, full)) && !matchesAny(deny, full)
	}
	h.bundles++
	var peers []*App
	for i := range h.Indexers {
		if h.Behind[i] && i < len(h.peers) {
			peers = append(peers, h.peers[i])
			continue
		}
		home := filepath.Join(h.App.root, peerName(i))
		bundles := filepath.Join(home, "var", "run", "searchpeers")
		// An old bundle is removed, so that nothing can run from it.
		if err := os.RemoveAll(bundles); err != nil {
			return nil, err
		}
		bundle := filepath.Join(bundles, fmt.Sprintf("%s-%d", searchHead, h.Now.Unix()+int64(h.bundles)))
		app := &App{ID: h.App.ID, Dir: filepath.Join(bundle, "apps", h.App.ID), Home: home, root: h.App.root}
		if err := copyTree(h.App.Dir, app.Dir, wanted); err != nil {
			return nil, err
		}
		peers = append(peers, app)
	}
	h.peers = peers
	return peers, nil
}

// Down is an indexer that does not answer at all (Head.Late). One that takes receiveTimeout, its default in
// distsearch.conf, is given up as well.
const (
	Down           = time.Duration(math.MaxInt64)
	receiveTimeout = 600 * time.Second
)

// silence is what Splunk says of an indexer that it goes on without; empty where it answers. The beginnings of both
// sentences are known, and that they are warnings of the job.
func (h *Head) silence(i int) string {
	switch late := h.Late[i]; {
	case late == Down:
		return fmt.Sprintf("Unable to distribute to peer named %s at uri=https://%[1]s:8089 using the uri-scheme=https because peer has status=Down.", peerName(i))
	case late >= receiveTimeout:
		return fmt.Sprintf("Timed out waiting for peer %s. Search results might be incomplete!", peerName(i))
	}
	return ""
}

// answers says which events the search sees: those of indexers that answer. With indexers it waits for the slowest.
func (s *search) answers() func(event) bool {
	h := s.head
	if h.Indexers == 0 || len(h.Late) == 0 {
		return func(event) bool { return true }
	}
	for i := range h.Indexers {
		if text := h.silence(i); text != "" {
			s.silent = text
			s.note([]wire.Message{{Level: "WARN", Text: text}})
		} else {
			s.cost.Waited = max(s.cost.Waited, h.Late[i])
		}
	}
	return func(e event) bool { return h.silence(e.number%h.Indexers) == "" }
}

// inBundle is the default allowlist for a path below the app's folder.
func inBundle(relative string) bool {
	top, rest, nested := strings.Cut(relative, "/")
	if !nested {
		return false
	}
	switch top {
	case "bin", "lookups":
		return true
	case "default", "local":
		kind, isConf := strings.CutSuffix(rest, ".conf")
		return isConf && slices.Contains(replicatedConfs, kind)
	case "metadata":
		return strings.HasSuffix(rest, ".meta")
	}
	return false
}

// bundlePatterns reads the patterns of a list. In Splunk's pattern language `...` is anything, `*` anything but a slash,
// a dot is literal and the rest is a regular expression. An empty value matches everything, and a written `\.` nothing.
func bundlePatterns(conf *Conf, stanzaNames ...string) ([]*regexp.Regexp, error) {
	var patterns []*regexp.Regexp
	for _, stanzaName := range stanzaNames {
		for _, key := range conf.Keys(stanzaName) {
			value, _ := conf.Get(stanzaName, key)
			if strings.Contains(value, `\.`) {
				return nil, fmt.Errorf(`distsearch.conf [%s] %s: never write \. here, it silently matches nothing`, stanzaName, key)
			}
			expression := "^" + strings.NewReplacer("...", ".*", "*", `[^/\\]*`, ".", `\.`).Replace(value) + "$"
			if value == "" {
				expression = ""
			}
			pattern, err := regexp.Compile(expression)
			if err != nil {
				return nil, fmt.Errorf("distsearch.conf [%s] %s: %w", stanzaName, key, err)
			}
			patterns = append(patterns, pattern)
		}
	}
	return patterns, nil
}

func matchesAny(patterns []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}
