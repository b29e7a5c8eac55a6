package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// most bytes of a packet that are kept. Between namespaces segments are cut late, so a
// packet may have 64 kB.
const snapLength = 1 << 17

// capture writes what the office's bridge carries to and from the border.
type capture struct {
	handle   *pcapgo.EthernetHandle
	stopping atomic.Bool
	done     chan error
}

func startCapture(path string) (*capture, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	c := &capture{done: make(chan error, 1)}
	if c.handle, err = pcapgo.NewEthernetHandle(officeBridge); err != nil {
		return nil, fmt.Errorf("capture on the border: %w", err)
	}
	if err := c.handle.SetCaptureLength(snapLength); err != nil {
		return nil, fmt.Errorf("capture on the border: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	w := pcapgo.NewWriterNanos(out)
	if err := w.WriteFileHeader(snapLength, layers.LinkTypeEthernet); err != nil {
		return nil, err
	}
	go func() {
		for {
			data, info, err := c.handle.ZeroCopyReadPacketData()
			if err != nil && c.stopping.Load() { // reading from what was closed
				c.done <- errors.Join(out.Flush(), file.Close())
				return
			}
			if err == nil {
				err = w.WritePacket(info, data)
			}
			if err != nil {
				c.done <- err
				return
			}
		}
	}()
	return c, nil
}

// stop ends the capture. Packets that it missed are an error: a flow could lack its
// beginning.
func (c *capture) stop() error {
	stats, err := c.handle.Stats()
	if err != nil {
		return err
	}
	c.stopping.Store(true)
	c.handle.Close()
	if err := <-c.done; err != nil {
		return fmt.Errorf("capture on the border: %w", err)
	}
	if stats.Drops > 0 {
		return fmt.Errorf("capture on the border: %d packets were missed of %d: the machine is too busy", stats.Drops, stats.Packets)
	}
	return nil
}
