package realcluster

import (
	"errors"
	"os"
	"os/exec"
)

// A process is a redis-server that was started, and may have ended since.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has been reaped; then cmd.ProcessState is set
}

// startProcess runs binary in dir with the configuration file there. What it
// prints is appended to logPath.
func startProcess(s *spawner, binary, dir, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	cmd := exec.Command(binary, configName)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill returns when the process has ended, which it may have done before.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

func (p *process) stop() error { return stopProcess(p.cmd.Process) }
func (p *process) cont() error { return continueProcess(p.cmd.Process) }
