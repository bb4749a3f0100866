package transport

import (
	"sync"
	"time"
)

// A monitor is a mutex, and a condition: that what the mutex guards has changed.
// A goroutine that waits for it holds no lock, so a synctest bubble takes it as
// durably blocked. init comes before use.
type monitor struct {
	sync.Mutex
	changed sync.Cond
}

func (m *monitor) init() { m.changed.L = &m.Mutex }

// sleep waits for a change, or until d has passed. The caller holds the lock and
// looks again at what it waits for, since it may wake for nothing.
func (m *monitor) sleep(d *deadline) {
	d.arm(m)
	m.changed.Wait()
}

// setDeadline sets d to t, and has those who sleep look at it.
func (m *monitor) setDeadline(d *deadline, t time.Time) {
	m.Lock()
	defer m.Unlock()
	d.at = t
	m.changed.Broadcast()
}

// A deadline ends the sleep of those who wait on a monitor, which guards it. Its
// timer runs only for a sleeper, and once it runs, a later deadline leaves it
// alone: it goes off too early then, and the sleeper arms it again. So moving the
// deadline on, as clients do with each command, costs no timer.
type deadline struct {
	at    time.Time // zero for none
	timer *time.Timer
	rings time.Time // the timer goes off by then; zero if it may not be running
}

// passed says whether there is a deadline and it is over.
func (d *deadline) passed() bool { return !d.at.IsZero() && time.Until(d.at) <= 0 }

// arm has m's sleepers woken when d passes, or before.
func (d *deadline) arm(m *monitor) {
	if d.at.IsZero() || !d.rings.IsZero() && !d.at.Before(d.rings) {
		return
	}
	d.rings = d.at
	if d.timer != nil {
		d.timer.Reset(time.Until(d.at))
		return
	}
	d.timer = time.AfterFunc(time.Until(d.at), func() {
		m.Lock()
		defer m.Unlock()
		d.rings = time.Time{}
		m.changed.Broadcast()
	})
}

// drop ends the deadline, for a connection that is closed.
func (d *deadline) drop() {
	d.at = time.Time{}
	if d.timer != nil {
		d.timer.Stop()
	}
}
