package refnode

import (
	"math"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/internal/refnode/command"
	"github.com/slotmesh/slotmesh/internal/refnode/transport"
)

// A pause holds clients back, as CLIENT PAUSE asks. The zero pause holds nobody.
type pause struct {
	kind  pauseKind
	until time.Time
	over  chan struct{} // closed when the present pause ends
	timer transport.Timer
}

type pauseKind int

const (
	pauseNone pauseKind = iota
	pauseWrites
	pauseAll // CLIENT UNPAUSE too
)

// holds reports whether r has to wait for the pause to end.
func (p *pause) holds(r *request) bool {
	switch p.kind {
	case pauseAll:
		return true
	case pauseWrites:
		return heldWithWrites(r.spec) || r.spec.Name == "exec" && r.session.tx.heldWithWrites()
	default:
		return false
	}
}

func heldWithWrites(spec *command.Spec) bool {
	return spec.Flags&(command.Write|command.MayReplicate) != 0
}

// heldWithWrites reports whether any command of a transaction, which may be nil, is.
func (tx *transaction) heldWithWrites() bool {
	if tx == nil {
		return false
	}
	for _, q := range tx.queued {
		if heldWithWrites(q.spec) {
			return true
		}
	}
	return false
}

// maxPause is the longest that a Duration, and so a timer, can tell.
const maxPause = math.MaxInt64 / int64(time.Millisecond)

// clientPause is CLIENT PAUSE timeout [WRITE|ALL].
func (r *request) clientPause() {
	if len(r.args) > 4 {
		r.fail("ERR unknown subcommand or wrong number of arguments for '" + r.arg(1) + "'. Try CLIENT HELP.")
		return
	}
	kind := pauseAll
	if len(r.args) == 4 {
		switch mode := r.arg(3); {
		case strings.EqualFold(mode, "write"):
			kind = pauseWrites
		case !strings.EqualFold(mode, "all"):
			r.fail("ERR CLIENT PAUSE mode must be WRITE or ALL")
			return
		}
	}
	ms, ok := r.milliseconds(2)
	if !ok {
		return
	}
	r.node.hold(kind, time.Duration(min(ms, maxPause))*time.Millisecond)
	r.ok()
}

func (r *request) clientUnpause() {
	r.node.resume()
	r.ok()
}

// hold pauses the clients for d. A pause that is there already becomes longer and stricter
// by it, never shorter or weaker.
func (n *Node) hold(kind pauseKind, d time.Duration) {
	p, now := &n.pause, n.now()
	until := now.Add(d)
	if p.kind == pauseNone {
		if d == 0 {
			return
		}
		p.until, p.over = until, make(chan struct{})
		p.timer = n.cfg.Clock.AfterFunc(d, n.resumeWhenDue)
	} else if until.After(p.until) {
		p.until = until
		p.timer.Reset(d)
	}
	p.kind = max(p.kind, kind)
}

// resumeWhenDue ends the pause if its time has come: it may have been prolonged at the
// last moment.
func (n *Node) resumeWhenDue() {
	if !n.acquire() {
		return
	}
	defer n.release()
	if !n.now().Before(n.pause.until) {
		n.resume()
	}
}

// resume ends the pause, if there is one.
func (n *Node) resume() {
	if n.pause.kind == pauseNone {
		return
	}
	n.pause.timer.Stop()
	close(n.pause.over)
	n.pause = pause{}
}
