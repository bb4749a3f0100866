package realcluster

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// A node is one place in the cluster: an address and a directory. The process
// that fills it comes and goes.
type node struct {
	// Set by launch, constant once New has returned.
	port int
	addr string
	dir  string

	mu      sync.Mutex
	proc    *process // the last one started; nil before the first
	paused  bool
	retired bool // the cluster is closed: no process may start any more
}

var errNotRunning = errors.New("the node is not running")

// live reports whether the node can be expected to answer.
func (n *node) live() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running() && !n.paused
}

// running needs n.mu.
func (n *node) running() bool { return n.proc != nil && !n.proc.hasEnded() }

func (n *node) start(s *spawner, binary string) (*process, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.retired {
		return nil, errClosed
	}
	if err := n.end(); err != nil {
		return nil, err
	}
	p, err := startProcess(s, binary, n.dir, n.logPath())
	if err != nil {
		return nil, err
	}
	n.proc = p
	return p, nil
}

func (n *node) kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.end()
}

func (n *node) retire() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.retired = true
	return n.end()
}

// end leaves the node without a running process. It needs n.mu.
func (n *node) end() error {
	if n.proc == nil {
		return nil
	}
	n.paused = false
	return n.proc.kill()
}

func (n *node) pause() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return errNotRunning
	}
	if err := n.proc.stop(); err != nil {
		return err
	}
	n.paused = true
	return nil
}

func (n *node) resume() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return errNotRunning
	}
	if err := n.proc.cont(); err != nil {
		return err
	}
	n.paused = false
	return nil
}

func (n *node) logPath() string { return filepath.Join(n.dir, "log") }

// logTail returns the last lines that the node's processes have printed.
func (n *node) logTail() string {
	const lines = 30
	log, err := os.ReadFile(n.logPath())
	if err != nil {
		return err.Error()
	}
	log = bytes.TrimSpace(log)
	start := len(log)
	for range lines {
		start = bytes.LastIndexByte(log[:start], '\n')
		if start < 0 {
			break
		}
	}
	return string(log[start+1:])
}
