package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// process is a worker as the driver sees it.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

// patience is how much longer than it should a worker may take for an answer.
const patience = 90 * time.Second

// start starts this program as a worker with one client, under GOMAXPROCS=procs. The
// process is killed when ctx ends.
func start(ctx context.Context, client string, addrs []string, procs int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), workerEnv+"=1", "GOMAXPROCS="+strconv.Itoa(procs))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{client, cmd, in, json.NewDecoder(out)}
	if _, err := p.ask(request{Open: &openRequest{Client: client, Addrs: addrs}}, 0); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// ask waits for the answer, which should come after about takes. After an error the
// process may be of no use: close it.
func (p *process) ask(r request, takes time.Duration) (response, error) {
	late := time.AfterFunc(takes+patience, func() { _ = p.cmd.Process.Kill() })
	var reply response
	err := json.NewEncoder(p.in).Encode(r)
	if err == nil {
		err = p.out.Decode(&reply)
	}
	switch {
	case err != nil && !late.Stop():
		err = errors.New("no answer in time")
	case err != nil:
		err = fmt.Errorf("its process ended: %w", err)
	case reply.Error != "":
		err = errors.New(reply.Error)
	}
	late.Stop()
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, err)
	}
	return reply, err
}

// close ends the process and waits for it.
func (p *process) close() {
	_ = p.in.Close()
	late := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait() // it was told to end, or has failed already
	late.Stop()
}
