package refnode

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// redisVersion is what the node says it is: the version whose replies it gives.
const redisVersion = "7.0.15"

// serverHandlers are commands about the server as a whole.
var serverHandlers = map[string]handler{
	"info":             (*request).info,
	"config|get":       (*request).configGet,
	"config|set":       (*request).configSet,
	"config|resetstat": (*request).configResetStat,
	"config|rewrite":   (*request).ok, // no file to write: what is set lasts as long as the node
	"config|help":      func(r *request) { r.help(configHelp) },
	"role":             (*request).role,
	"wait":             (*request).waitReplicas,
	"time":             (*request).time,
	"lastsave":         func(r *request) { r.int(r.node.started.Unix()) },
	"debug":            (*request).debug,
	"swapdb":           func(r *request) { r.fail("ERR SWAPDB is not allowed in cluster mode") },
	"replicaof":        func(r *request) { r.fail("ERR REPLICAOF not allowed in cluster mode.") },
	"slaveof":          func(r *request) { r.fail("ERR REPLICAOF not allowed in cluster mode.") },
	"failover": func(r *request) {
		r.fail("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.")
	},
}

func (r *request) configResetStat() {
	r.node.stats = stats{}
	r.ok()
}

// time is TIME, the only command that shows more of the time than milliseconds.
func (r *request) time() {
	now := r.node.cfg.Clock.Now()
	r.array(2)
	r.bulk(strconv.FormatInt(now.Unix(), 10))
	r.bulk(strconv.Itoa(now.Nanosecond() / int(time.Microsecond)))
}

// debug is DEBUG SLEEP seconds: the whole node does nothing for that long.
func (r *request) debug() {
	sub := strings.ToUpper(r.arg(1))
	switch {
	case sub != "SLEEP":
		r.fail("ERR DEBUG " + sub + " is not supported by the reference node")
	case len(r.args) != 3:
		r.fail("ERR unknown subcommand or wrong number of arguments for '" + r.arg(1) + "'. Try DEBUG HELP.")
	default:
		seconds, _ := strconv.ParseFloat(r.arg(2), 64) // what is no number is 0, as it is there
		r.node.sleep(seconds)
		r.ok()
	}
}

// sleep returns when that time has passed, or the node is closed.
func (n *Node) sleep(seconds float64) {
	if !(seconds > 0) {
		return
	}
	over := make(chan struct{})
	d := time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
	timer := n.cfg.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-n.closed:
	}
}
