package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// cast is everybody who plays.
type cast struct {
	tor     *torNetwork
	cache   *node
	late    *node // a relay that joins while clients talk
	leaver  *node // and one that leaves
	bridges [2]*node
	office  []*node // clients inside; the last two use the bridges
	follow  []*node // clients inside that come when the late relay is there
	abroad  *node   // a client outside, which visits the office's server

	www, resolver, ops, visitor *host // outside
	web                         *host // the office's server
	plain                       []*host
}

// scene plays all of it, and judges.
func scene(ctx context.Context, o options, folder string, stdout io.Writer) error {
	began := time.Now()
	say := func(format string, values ...any) {
		fmt.Fprintf(stdout, "%5.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, values...))
	}
	version, err := output("", "tor", "--version")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	version, _, _ = strings.Cut(version, "\n")
	say("%s", version)
	all, err := hire(folder)
	if err != nil {
		return err
	}
	film, err := startCapture(filepath.Join(o.out, "capture.pcap"))
	if err != nil {
		return err
	}
	if err := all.network(ctx, say); err != nil {
		return err
	}
	lists, err := all.follows(ctx, o)
	if err != nil {
		return err
	}
	say("the list is there")
	var noted deeds
	if err := all.talk(ctx, &noted, lists, say); err != nil {
		return err
	}
	lists.stop()
	say("%s", lists)
	if len(lists.failed) > 0 {
		return errors.New("an update of the list failed")
	}
	for _, n := range all.office {
		_ = n.cmd.Process.Kill() // its connections end, and the firewall logs them
	}
	time.Sleep(time.Second)
	if err := film.stop(); err != nil {
		return err
	}
	places := map[netip.Addr]place{}
	for _, n := range append(all.tor.authorities, all.tor.nodes...) {
		places[n.addr] = place{n.role, n.orPort, n.obfs4Port}
	}
	return judged(o, lists.table, &noted, places, map[string]netip.Addr{"joined": all.late.addr, "left": all.leaver.addr}, say, stdout)
}

// hire makes all hosts.
func hire(folder string) (*cast, error) {
	if err := border(); err != nil {
		return nil, err
	}
	c := &cast{tor: &torNetwork{folder: folder}}
	var failed []error
	node := func(r role, name, address string, port int, options ...string) *node {
		n, err := c.tor.newNode(r, name, address, port, options...)
		failed = append(failed, err)
		return n
	}
	plain := func(name, address string) *host {
		h, err := newHost(name, address)
		failed = append(failed, err)
		return h
	}
	for i := range 3 {
		node(authority, fmt.Sprintf("auth%d", i+1), fmt.Sprintf("203.0.113.%d", 11+i), 9001)
	}
	for i, port := range []int{443, 9001, 8443, 9101} {
		node(middle, fmt.Sprintf("relay%d", i+1), fmt.Sprintf("198.51.100.%d", 21+i), port)
	}
	c.cache = node(middle, "cache", "198.51.100.30", 9001)
	c.cache.dirPort = 9030
	for i, port := range []int{443, 9001} {
		node(exit, fmt.Sprintf("exit%d", i+1), fmt.Sprintf("192.0.2.%d", 41+i), port)
	}
	c.late = node(middle, "late", "203.0.113.51", 443)
	c.bridges[0] = node(bridge, "bridge1", "203.0.113.66", 443)
	c.bridges[1] = node(bridge, "bridge2", "203.0.113.67", 9443)
	for i := range 4 {
		c.office = append(c.office, node(client, fmt.Sprintf("client%d", i+1), fmt.Sprintf("10.20.1.%d", 11+i), 0))
	}
	c.office = append(c.office, node(client, "client5", "10.20.1.21", 0), node(client, "client6", "10.20.1.22", 0))
	for i := range 3 {
		c.follow = append(c.follow, node(client, fmt.Sprintf("client%d", i+7), fmt.Sprintf("10.20.1.%d", 31+i), 0))
	}
	c.abroad = node(client, "abroad", "192.0.2.99", 0)
	c.web = plain("web", "10.20.0.80")
	for i := range 3 {
		c.plain = append(c.plain, plain(fmt.Sprintf("desk%d", i+1), fmt.Sprintf("10.20.2.%d", 31+i)))
	}
	c.www, c.resolver = plain("www", "192.0.2.80"), plain("resolver", "192.0.2.53")
	c.ops, c.visitor = plain("ops", "192.0.2.97"), plain("visitor", "192.0.2.98")
	return c, errors.Join(failed...)
}

// network brings up authorities, relays and bridges.
func (c *cast) network(ctx context.Context, say func(string, ...any)) error {
	nodes := append(append([]*node(nil), c.tor.authorities...), c.tor.nodes...)
	for _, n := range nodes {
		if n.role != client {
			if err := c.tor.keys(n); err != nil {
				return err
			}
		}
	}
	say("%d hosts have tor, and their keys", len(nodes))
	second := c.bridges[1]
	if obfs4, err := exec.LookPath("obfs4proxy"); err == nil {
		second.obfs4Port = 8444
		second.options = append(second.options, "ServerTransportPlugin obfs4 exec "+obfs4, "ExtORPort auto",
			fmt.Sprintf("ServerTransportListenAddr obfs4 %s:%d", second.addr, second.obfs4Port))
	} else {
		say("no obfs4proxy: nobody speaks obfs4")
	}
	var wanted []*node
	for _, n := range nodes {
		if n.role == client || n == c.late {
			continue
		}
		if err := c.tor.start(n); err != nil {
			return err
		}
		if n.role != bridge {
			wanted = append(wanted, n)
		}
	}
	if err := c.tor.listed(ctx, wanted...); err != nil {
		return err
	}
	say("a consensus has all %d authorities, relays and exits", len(wanted))
	return nil
}

// lists is what asks for the relay list, as a cron job would.
type lists struct {
	table   string
	ctx     context.Context
	cancel  context.CancelFunc
	ended   sync.WaitGroup
	updates map[string]int // by source
	behind  map[string]int // where the source had only a list that the table knew
	failed  []error
}

// follows begins to ask an authority and the cache in turn, from a host outside, and
// returns when the first list is there.
func (c *cast) follows(ctx context.Context, o options) (*lists, error) {
	trust, err := c.tor.authoritiesFile()
	if err != nil {
		return nil, err
	}
	l := &lists{table: filepath.Join(o.out, "tor_relays.csv"), updates: map[string]int{}, behind: map[string]int{}}
	l.ctx, l.cancel = context.WithCancel(ctx)
	_ = os.Remove(l.table) // of a run before
	sources := []*node{c.tor.authorities[0], c.cache, c.tor.authorities[2]}
	update := func(n *node) error {
		_, err := c.ops.run(o.torctl, "relays", "update", "--relays", l.table, "--authorities", trust,
			"--source", fmt.Sprintf("dir+http://%s:%d", n.addr, n.dirPort))
		return err
	}
	// An authority writes a consensus down before it hands it out.
	var last error
	if err := await(ctx, "the first list", func() bool {
		last = update(sources[0])
		return last == nil
	}); err != nil {
		return nil, errors.Join(err, last)
	}
	l.updates[sources[0].name]++
	l.ended.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(interval / 3):
			}
			n := sources[i%len(sources)]
			err := update(n)
			if err != nil && n == c.cache && (strings.Contains(err.Error(), "older than the table's") || strings.Contains(err.Error(), "no such document")) {
				// A cache has a list later than the authorities do: one that has ended, here
				// where lists are short, or none to give away while its own is too old.
				l.behind[n.name]++
				continue
			}
			if err != nil && l.ctx.Err() == nil {
				l.failed = append(l.failed, fmt.Errorf("%s: %w", n.name, err))
				continue
			}
			l.updates[n.name]++
		}
	})
	return l, nil
}

func (l *lists) stop() {
	l.cancel()
	l.ended.Wait()
}

func (l *lists) String() string {
	text := fmt.Sprintf("updates of the list by source: %v, no newer list there: %v, failed: %d", l.updates, l.behind, len(l.failed))
	for _, err := range l.failed {
		text += "\n         " + err.Error()
	}
	return text
}

// talk is the traffic: clients through exits, others beside them, a relay that joins
// and one that leaves.
func (c *cast) talk(ctx context.Context, noted *deeds, l *lists, say func(string, ...any)) error {
	if err := c.servers(); err != nil {
		return err
	}
	line, err := os.ReadFile(filepath.Join(c.bridges[1].folder, "pt_state", "obfs4_bridgeline.txt"))
	plainBridge, obfs4 := c.office[4], c.office[5]
	plainBridge.options = []string{"UseBridges 1", fmt.Sprintf("Bridge %s:%d", c.bridges[0].addr, c.bridges[0].orPort)}
	clients := append([]*node{c.abroad}, c.office[:5]...)
	if c.bridges[1].obfs4Port != 0 {
		if err != nil {
			return fmt.Errorf("read the line of the obfs4 bridge: %w", err)
		}
		obfs4.options = obfs4Options(string(line), c.bridges[1])
		clients = append(clients, obfs4)
	}
	c.office = clients[1:]
	for _, n := range clients {
		if err := c.tor.start(n); err != nil {
			return err
		}
	}
	for _, n := range clients {
		if err := n.up(ctx); err != nil {
			return err
		}
	}
	say("%d clients have come up", len(clients))

	var counts tally
	act := func(round int) {
		var all sync.WaitGroup
		for _, n := range c.office {
			all.Go(func() { counts.add(through(ctx, n, fmt.Sprint(round), c.www.addr.String()+":80")) })
		}
		all.Go(func() { counts.add(through(ctx, c.abroad, fmt.Sprint(round), c.web.addr.String()+":80")) })
		all.Go(func() { counts.add(through(ctx, c.abroad, fmt.Sprint("second", round), c.web.addr.String()+":80")) })
		all.Go(func() { counts.add(c.ordinary(ctx, noted, round)) })
		all.Wait()
	}
	if err := c.tor.start(c.late); err != nil {
		return err
	}
	for round := range 4 {
		act(round)
		time.Sleep(2 * time.Second)
	}
	if err := c.tor.listed(ctx, c.late); err != nil {
		return err
	}
	time.Sleep(interval) // until the caches hand it out, too: a client that finds no such relay waits long before it asks again
	if err := c.pickLeaver(); err != nil {
		return err
	}
	say("%s has joined; %s leaves", c.late.name, c.leaver.name)
	// One is told to use the relay first, in the way that bridges are named: tor picks
	// a young relay seldom by itself.
	c.follow[0].options = []string{"UseBridges 1", fmt.Sprintf("Bridge %s:%d", c.late.addr, c.late.orPort)}
	c.office = append(c.office, c.follow...)
	for _, n := range c.follow {
		if err := errors.Join(c.tor.start(n), n.up(ctx)); err != nil {
			return err
		}
	}
	if err := c.tor.leave(c.leaver); err != nil {
		return err
	}
	for round := range 6 {
		act(10 + round)
		time.Sleep(4 * time.Second)
	}
	if counts.failed*5 > counts.made {
		return fmt.Errorf("%d of %d fetches failed, the last because: %w", counts.failed, counts.made, counts.last)
	}
	say("%d fetches and visits, %d of them failed", counts.made, counts.failed)
	return nil
}

// pickLeaver takes a relay that a client of the office is connected to: its leaving
// shall be felt.
func (c *cast) pickLeaver() error {
	for _, n := range c.office {
		sockets, err := n.run("ss", "-Htn")
		if err != nil {
			return err
		}
		for _, relay := range c.tor.nodes[:4] {
			if strings.Contains(sockets, fmt.Sprintf(" %s:%d", relay.addr, relay.orPort)) {
				c.leaver = relay
				return nil
			}
		}
	}
	c.leaver = c.tor.nodes[3] // all are at other relays: it is not felt, and the output says so
	return nil
}

// tally counts what was tried.
type tally struct {
	mu           sync.Mutex
	made, failed int
	last         error
}

func (t *tally) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made++
	if err != nil {
		t.failed++
		t.last = err
	}
}

// servers are those that are no tor's. On relays' machines they have ports of their
// own, or the number of the OR port over UDP.
func (c *cast) servers() error {
	relays := c.tor.nodes
	return errors.Join(
		serve(c.www, 80, false), serve(c.www, 443, true), serve(c.www, 9001, true), serve(c.web, 80, false),
		echo(c.resolver, 53),
		serve(relays[0].host, 80, false), serve(relays[1].host, 443, true), serve(relays[2].host, 8080, false),
		serve(c.bridges[0].host, 80, false), echo(relays[1].host, relays[1].orPort),
	)
}

// ordinary is a round of what has nothing to do with Tor.
func (c *cast) ordinary(ctx context.Context, noted *deeds, round int) error {
	relays := c.tor.nodes
	at := func(n *host, port int) string { return fmt.Sprintf("%s:%d", n.addr, port) }
	return errors.Join(
		noted.fetch(ctx, c.plain[0], at(c.www, 443), true, ordinaryWeb),
		noted.fetch(ctx, c.plain[1], at(c.www, 80), false, ordinaryWeb),
		noted.fetch(ctx, c.plain[2], at(c.www, 9001), true, ordinaryWeb), // a port that relays like
		noted.fetch(ctx, c.office[0].host, at(c.www, 443), true, ordinaryWeb),
		noted.datagrams(ctx, c.plain[0], at(c.resolver, 53), ordinaryDNS),
		noted.fetch(ctx, c.plain[0], at(relays[0].host, 80), false, relaysWeb),
		noted.fetch(ctx, c.plain[1], at(relays[1].host, 443), true, relaysWeb),
		noted.fetch(ctx, c.plain[2], at(relays[2].host, 8080), false, relaysWeb),
		noted.fetch(ctx, c.plain[2], at(c.bridges[0].host, 80), false, relaysWeb),
		noted.datagrams(ctx, c.plain[1], at(relays[1].host, relays[1].orPort), relaysUDP),
		noted.knock(ctx, c.plain[0], 30000+round, at(relays[0].host, 22)),
		noted.fetch(ctx, c.visitor, at(c.web, 80), false, visitor),
		noted.fetch(ctx, c.cache.host, at(c.web, 80), false, relaysVisit),
	)
}
