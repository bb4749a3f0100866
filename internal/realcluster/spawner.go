package realcluster

import (
	"os/exec"
	"runtime"
)

// A spawner starts processes from one OS thread that lives until stop. The kernel
// ties a child's parent-death signal to the thread that forked it, not to the
// process: a child of one of the runtime's threads would die with that thread.
type spawner struct {
	jobs    chan func()
	stopped chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func()), stopped: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.stopped)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range s.jobs {
		job()
	}
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.jobs <- func() { result <- cmd.Start() }
	return <-result
}

// stop gives the thread back. The processes must have ended, and start must not
// be called again.
func (s *spawner) stop() {
	close(s.jobs)
	<-s.stopped
}
