package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The networks. Relays and servers share the three for documentation, so that an
// address alone tells nothing.
var world = []string{"192.0.2", "198.51.100", "203.0.113"}

const (
	office        = "10.20.0.0/16"
	officeGateway = "10.20.0.1"
	worldGateway  = "192.0.2.1"

	officeBridge = "office" // where the capture listens
	worldBridge  = "world"
)

// host is a network namespace with one address.
type host struct {
	name string
	addr netip.Addr
	ns   *os.File
}

// border makes the two bridges, and this namespace the router between them.
func border() error {
	var b strings.Builder
	for _, bridge := range []string{officeBridge, worldBridge} {
		fmt.Fprintf(&b, "link add %s type bridge\nlink set %s up\n", bridge, bridge)
	}
	fmt.Fprintf(&b, "addr add %s/16 dev %s\naddr add %s/24 dev %s\n", officeGateway, officeBridge, worldGateway, worldBridge)
	for _, network := range world[1:] {
		fmt.Fprintf(&b, "route add %s.0/24 dev %s\n", network, worldBridge)
	}
	if err := command(b.String(), "ip", "-batch", "-"); err != nil {
		return fmt.Errorf("make the border: %w", err)
	}
	return nil
}

// newHost makes a host; where it lives follows from its address.
func newHost(name, address string) (*host, error) {
	h := &host{name: name, addr: netip.MustParseAddr(address)}
	bridge, length, routes := worldBridge, 24, "route add "+office+" via "+worldGateway+"\n"
	if h.addr.IsPrivate() {
		bridge, length, routes = officeBridge, 16, "route add default via "+officeGateway+"\n"
	} else {
		for _, network := range world {
			if !strings.HasPrefix(address, network+".") {
				routes = "route add " + network + ".0/24 dev eth0\n" + routes
			}
		}
	}
	outer := "v-" + name // at most 15 bytes
	err := errors.Join(
		command("", "ip", "netns", "add", name),
		command(fmt.Sprintf("link add %s type veth peer name eth0 netns %s\nlink set %s master %s up\n", outer, name, outer, bridge), "ip", "-batch", "-"),
		command(fmt.Sprintf("link set lo up\naddr add %s/%d dev eth0\nlink set eth0 up\n%s", address, length, routes), "ip", "-n", name, "-batch", "-"),
	)
	if err != nil {
		return nil, fmt.Errorf("make the host %s: %w", name, err)
	}
	if h.ns, err = os.Open("/run/netns/" + name); err != nil {
		return nil, fmt.Errorf("make the host %s: %w", name, err)
	}
	return h, nil
}

// do runs f in the host's network. The thread is not used again, so nothing else
// ever runs there by mistake.
func (h *host) do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(h.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the network of %s: %w", h.name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// dial connects from the host. An address without a name is dialled in the calling
// thread, so the socket is of its network.
func (h *host) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	failed := h.do(func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, failed
}

func (h *host) listen(port int) (l net.Listener, err error) {
	failed := h.do(func() error {
		l, err = net.Listen("tcp4", fmt.Sprintf("%s:%d", h.addr, port))
		return err
	})
	return l, failed
}

func (h *host) listenUDP(port int) (c net.PacketConn, err error) {
	failed := h.do(func() error {
		c, err = net.ListenPacket("udp4", fmt.Sprintf("%s:%d", h.addr, port))
		return err
	})
	return c, failed
}

// start starts a program on the host.
func (h *host) start(cmd *exec.Cmd) error { return h.do(cmd.Start) }

// run runs a program there to its end.
func (h *host) run(name string, args ...string) (text string, err error) {
	failed := h.do(func() error {
		text, err = output("", name, args...)
		return err
	})
	return text, failed
}
