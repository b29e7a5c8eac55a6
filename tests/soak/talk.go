package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tordetect/tests/splunkd"
)

// largestChunk is the most rows that splunkd hands over at once (maxresultrows).
const largestChunk = 50_000

// samples are how many moments of the search are kept.
const samples = 400

// program is one run of the command.
type program struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func (s *site) start() (*program, error) {
	p := &program{cmd: exec.Command(filepath.Join(s.App.Dir, "bin", "tordetect.sh"))}
	p.cmd.Env = []string{"PATH=/usr/bin:/bin", "SPLUNK_HOME=" + s.App.Home, "TMPDIR=" + s.temporary}
	p.cmd.Dir, p.cmd.Stderr = filepath.Join(s.App.Dir, "bin"), &p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	return p, p.cmd.Start()
}

// ask sends a request and reads the one reply: how many line ends its body has, and how
// many bytes it is.
func (p *program) ask(request []byte) (lines, size int, err error) {
	sent := make(chan error, 1)
	go func() {
		_, err := p.in.Write(request)
		sent <- err
	}()
	head, err := p.out.ReadString('\n')
	if err != nil {
		return 0, 0, errors.Join(fmt.Errorf("read a reply: %w", err), <-sent)
	}
	var metadata, body int
	if _, err := fmt.Sscanf(head, "chunked 1.0,%d,%d\n", &metadata, &body); err != nil {
		return 0, 0, fmt.Errorf("read a reply: it begins with %.100q", head)
	}
	text := make([]byte, metadata)
	if _, err := io.ReadFull(p.out, text); err != nil {
		return 0, 0, fmt.Errorf("read a reply: %w", err)
	}
	if bytes.Contains(text, []byte(`"error"`)) {
		return 0, 0, fmt.Errorf("the command says %s", text)
	}
	for left := body; left > 0; {
		piece, err := p.out.Peek(min(left, 1<<16))
		if err != nil {
			return 0, 0, fmt.Errorf("read a reply: %w", err)
		}
		lines += bytes.Count(piece, []byte{'\n'})
		left -= len(piece)
		if _, err := p.out.Discard(len(piece)); err != nil {
			return 0, 0, err
		}
	}
	return lines, body, <-sent
}

// end closes stdin and wants the program to leave quietly.
func (p *program) end() error {
	p.in.Close()
	rest, err := io.ReadAll(p.out)
	if err = errors.Join(err, p.cmd.Wait()); err != nil {
		return fmt.Errorf("the command ended with %w: %s", err, &p.stderr)
	}
	if len(rest) > 0 || p.stderr.Len() > 0 {
		return fmt.Errorf("the command said more than it was asked: %.200q %.200q", rest, p.stderr.String())
	}
	return nil
}

// long is the one search. Its rows go on from chunk to chunk, so that no source comes
// twice in 16 million.
func (s *site) long(rows int, got *figures) (err error) {
	p, err := s.start()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	}()
	if _, _, err := p.ask(s.GetinfoFrame("tordetect", "")); err != nil {
		return err
	}
	began, next := time.Now(), 0
	r := rand.New(rand.NewPCG(1, 2))
	var body []byte
	for got.Rows < rows {
		n := min(1+r.IntN(largestChunk), rows-got.Rows)
		if r.IntN(10) == 0 {
			n = min(1+r.IntN(5), n) // now and then a few
		}
		body = chunk(body[:0], got.Rows, n, r.IntN(2) == 0)
		got.Rows += n
		lines, size, err := p.ask(splunkd.ExecuteFrame(body, got.Rows == rows))
		if err != nil {
			return err
		}
		if lines != n+1 {
			return fmt.Errorf("%d rows came back for %d", lines-1, n)
		}
		got.Chunks++
		got.LargestChunk, got.LargestReply = max(got.LargestChunk, len(body)), max(got.LargestReply, size)
		if got.Rows < next && got.Rows < rows {
			continue
		}
		now, err := look(p.cmd.Process.Pid)
		if err != nil && got.Rows == rows {
			break // it was the last one: the program may be gone
		} else if err != nil {
			return err
		}
		now.Rows = got.Rows
		got.Samples = append(got.Samples, now)
		got.Most, got.Descriptors, got.Threads = max(got.Most, now.Memory), max(got.Descriptors, now.Descriptors), max(got.Threads, now.Threads)
		if got.Rows <= rows/10 {
			got.AtTenth = got.Most
		}
		next = got.Rows + rows/samples
	}
	got.Seconds = time.Since(began).Seconds()
	// Package chunked promises three times the larger of chunk and reply and 20 MB; the
	// table, which is kept as it is read, takes some four times its text (TestMemory of
	// package relay).
	got.Bound = 3*max(got.LargestChunk, got.LargestReply) + 20<<20 + 4*len(table())
	return p.end()
}

// chunk writes rows as splunkd does. A tenth of them is of relays.
func chunk(dst []byte, from, n int, wide bool) []byte {
	dst = append(dst, "_time,src_ip,dest_ip,dest_port,transport"...)
	if wide {
		dst = append(dst, ",app,user,bytes_in,bytes_out"...)
	}
	dst = append(dst, '\n')
	for i := from; i < from+n; i++ {
		dst = strconv.AppendInt(dst, noon.Unix()+int64(i%7200), 10)
		dst = append(dst, ",10."...)
		dst = strconv.AppendInt(dst, int64(i>>16&255), 10)
		dst = append(dst, '.')
		dst = strconv.AppendInt(dst, int64(i>>8&255), 10)
		dst = append(dst, '.')
		dst = strconv.AppendInt(dst, int64(i&255), 10)
		if i%10 == 0 {
			dst = append(dst, ",198.51.100."...)
			dst = strconv.AppendInt(dst, int64(i/10&255), 10)
			dst = append(dst, ',')
			dst = strconv.AppendInt(dst, int64(9001+i/2560%100), 10)
		} else {
			dst = append(dst, ",203.0.113."...)
			dst = strconv.AppendInt(dst, int64(i/10&255), 10)
			dst = append(dst, ',')
			dst = strconv.AppendInt(dst, int64(1+i%65535), 10)
		}
		dst = append(dst, ",tcp"...)
		if wide {
			dst = append(dst, ",ssl,user"...)
			dst = strconv.AppendInt(dst, int64(i), 10)
			dst = append(dst, ",5000,700"...)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// short are searches of a few rows, two at a time.
func (s *site) short(searches int, got *figures) error {
	return twice(searches, s.GetinfoFrame("tordetect", ""), func(getinfo []byte, i int) error {
		p, err := s.start()
		if err != nil {
			return err
		}
		_, _, err = p.ask(getinfo)
		if err == nil {
			var lines int
			lines, _, err = p.ask(splunkd.ExecuteFrame(chunk(nil, i*10, 20, i%2 == 0), true))
			if err == nil && lines != 21 {
				err = fmt.Errorf("%d rows came back for 20", lines-1)
			}
		}
		return errors.Join(err, p.end())
	}, &got.Searches)
}

// probe are processes that are asked what they are, and no more.
func (s *site) probe(probes int, got *figures) error {
	return twice(probes, s.GetinfoFrame("tordetect", "min_score=50"), func(getinfo []byte, _ int) error {
		p, err := s.start()
		if err != nil {
			return err
		}
		_, _, err = p.ask(getinfo)
		return errors.Join(err, p.end())
	}, &got.Probes)
}

// twice does something n times, two at a time.
func twice(n int, getinfo []byte, do func(getinfo []byte, i int) error, done *int) error {
	var both sync.WaitGroup
	var failed [2]error
	for half := range failed {
		both.Go(func() {
			for i := half; i < n && failed[half] == nil; i += 2 {
				failed[half] = do(getinfo, i)
			}
		})
	}
	both.Wait()
	*done = n
	return errors.Join(failed[:]...)
}

// look reads what /proc says of a process.
func look(pid int) (sample, error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return sample{}, err
	}
	number := func(key string) int {
		_, rest, _ := strings.Cut(string(status), "\n"+key+":")
		n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
		return n
	}
	open, err := os.ReadDir(filepath.Join(folder, "fd"))
	if err != nil {
		return sample{}, err
	}
	now := sample{Memory: number("VmRSS") << 10, Descriptors: len(open), Threads: number("Threads")}
	if now.Memory == 0 {
		return now, errors.New("the process has no memory any more")
	}
	return now, nil
}
