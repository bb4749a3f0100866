package routing

import "time"

// DefaultMaxRedirects is how many MOVED and ASK one command of a slotmesh.Client follows
// by default. A Policy has no defaults.
const DefaultMaxRedirects = 5

// Fault is what went wrong with one attempt to run an op.
type Fault uint8

// What a node answers instead of running a command.
const (
	FaultMoved       Fault = iota // MOVED: another node serves the slot
	FaultAsk                      // ASK: another node has the key, while the slot migrates
	FaultTryAgain                 // TRYAGAIN: the keys are on two nodes, while the slot migrates
	FaultClusterDown              // CLUSTERDOWN: the slot is not served, or the cluster is down
	FaultLoading                  // LOADING: the node reads its data set
	FaultMasterDown               // MASTERDOWN: a replica without its master
	FaultReadOnly                 // READONLY: a write reached a replica
	FaultBusy                     // BUSY: a script holds the node
	FaultMaxClients               // the node takes no more connections
	FaultNoAuth                   // NOAUTH: the connection is authenticated no more
	FaultRefused                  // NOPERM, OOM and others that time does not mend
	FaultReply                    // an error reply that is the answer, such as WRONGTYPE
)

// What keeps an attempt from an answer.
const (
	FaultDial      Fault = iota + FaultReply + 1 // the node refused the connection
	FaultNoAnswer                                // the node did not take the connection in time
	FaultCrowded                                 // no connection to the node became free in time
	FaultUnsent                                  // no byte of the op was handed to a connection
	FaultUncovered                               // the map names no node for the slot
	FaultBroken                                  // the connection broke before the reply was there
	FaultTimeout                                 // no reply within the read timeout
	FaultHeldUp                                  // it waited behind what holds up its connection alone
	FaultContext                                 // the context ended before the reply was there
	FaultGarbage                                 // what came is no reply to the command
	faults                                       // how many there are
)

// rule is what one fault proves, and what may help against it.
type rule struct {
	name    string
	outcome Outcome
	follow  bool // go where the reply points
	retry   bool // pause and ask again
	stay    bool // ask the same node: it is the right one
	refresh bool // the map may be at fault
	atOnce  bool // the first time without a pause
	once    bool // a second time would not help
	slow    bool // it took a timeout: no more than maxSilences of them
	cut     bool // the keys of the op are apart, or may be: send them one by one
	text    bool // the proof is a text, which code on the server may answer too
	believe bool // of such code, the server's exact words are believed
}

// rules is the protocol, fault by fault.
var rules = [faults]rule{
	FaultMoved:       {name: "MOVED", outcome: NotExecuted, follow: true, refresh: true, text: true, believe: true},
	FaultAsk:         {name: "ASK", outcome: NotExecuted, follow: true, cut: true, text: true, believe: true},
	FaultTryAgain:    {name: "TRYAGAIN", outcome: NotExecuted, retry: true, stay: true, cut: true, text: true, believe: true},
	FaultClusterDown: {name: "CLUSTERDOWN", outcome: NotExecuted, retry: true, refresh: true, text: true, believe: true},
	FaultLoading:     {name: "LOADING", outcome: NotExecuted, retry: true, stay: true, text: true, believe: true},
	FaultMasterDown:  {name: "MASTERDOWN", outcome: NotExecuted, retry: true, refresh: true, text: true},
	FaultReadOnly:    {name: "READONLY", outcome: NotExecuted, retry: true, refresh: true, text: true},
	FaultBusy:        {name: "BUSY", outcome: NotExecuted, retry: true, stay: true, text: true},
	FaultMaxClients:  {name: "max clients", outcome: NotExecuted, retry: true, stay: true, text: true},
	FaultNoAuth:      {name: "NOAUTH", outcome: NotExecuted, retry: true, once: true, atOnce: true, text: true},
	FaultRefused:     {name: "refused", outcome: NotExecuted, text: true},
	FaultReply:       {name: "reply", outcome: Done},

	FaultDial:      {name: "dial failed", outcome: NotExecuted, retry: true, refresh: true},
	FaultNoAnswer:  {name: "dial timeout", outcome: NotExecuted, retry: true, refresh: true, slow: true},
	FaultCrowded:   {name: "pool timeout", outcome: NotExecuted, retry: true, slow: true},
	FaultUnsent:    {name: "not sent", outcome: NotExecuted, retry: true},
	FaultUncovered: {name: "slot uncovered", outcome: NotExecuted, retry: true, refresh: true},
	FaultBroken:    {name: "connection broke", outcome: Unknown, retry: true, refresh: true},
	FaultTimeout:   {name: "timeout", outcome: Unknown, retry: true, refresh: true, slow: true},
	FaultHeldUp:    {name: "held up", outcome: Unknown, retry: true},
	FaultGarbage:   {name: "undecodable reply", outcome: Unknown},
	FaultContext:   {name: "context ended", outcome: Unknown},
}

// String returns a short name, the error code where the fault is a reply.
func (f Fault) String() string {
	if f < faults {
		return rules[f].name
	}
	return "unknown fault"
}

// NoDeadline is the time left of an op whose context has no deadline.
const NoDeadline time.Duration = 1<<63 - 1

// Attempt is one attempt that brought no result: the question to Policy.Next.
type Attempt struct {
	Fault     Fault
	Exact     bool          // a reply is in the server's own words, and a redirection names the op's own slot
	Known     bool          // a redirection names an address
	Flags     OpFlags       // of the op
	Divisible bool          // the op can be cut into its keys
	Redirects int           // redirections that the op has followed
	Retries   int           // times that the op was sent again after a pause
	Silences  int           // how many of them were after a timeout
	HeldUps   int           // times that it was sent again because it was held up
	Budget    time.Duration // until the node's budget allows a retry; NoBudget if that is too long
	Left      time.Duration // until the caller's deadline; NoDeadline if there is none
	Rand      float64       // in [0, 1), spreads the pauses of many callers
}

// Action is what to do with an op after a failed attempt.
type Action uint8

const (
	// Stop hands the fault to the caller.
	Stop Action = iota
	// Again asks the node that the map names by then, or with Stay the same one.
	Again
	// Follow asks the node that the redirection names.
	Follow
	// Split sends the keys of the op one by one: where the redirection points, if
	// there is one, or else where the map does.
	Split
)

// Step is the answer of Policy.Next.
type Step struct {
	Action  Action
	Pause   time.Duration // before the op is sent again
	Asking  bool          // ASKING goes ahead of the op
	Learn   bool          // the redirection belongs into the map
	Refresh bool          // the map should be loaded anew
	Stay    bool          // Again asks the same node, with ASKING as before
	Outcome Outcome       // of this attempt
	Spends  bool          // it is a retry, which takes of the node's budget
	TooMany bool          // stopped because too many redirections were followed
	TooLate bool          // stopped because the pause would pass the deadline
}

// Policy decides what happens after a failed attempt. It is a value, knows no
// clock and no socket, and its zero value follows no redirection and retries
// nothing.
type Policy struct {
	MaxRedirects int           // redirections that one op follows
	MaxRetries   int           // times that one op is sent again after a pause
	MinBackoff   time.Duration // longest first pause
	MaxBackoff   time.Duration // longest pause
}

// maxSilences is how many timeouts one op waits out: a node that said nothing for
// that long is not asked as often as one that refuses.
const maxSilences = 1

// maxHeldUps is how many times one op goes over to another connection to the same node.
const maxHeldUps = 8

// Next says what to do after a failed attempt. An op is sent again only when its
// last attempt is proven not to have run, or when it may run twice.
func (p Policy) Next(a Attempt) Step {
	r := rules[a.Fault]
	if r.text && a.Flags&Distrusted != 0 && !(a.Exact && r.believe) {
		return Step{Action: Stop, Outcome: Done}
	}
	step := Step{Outcome: r.outcome, Refresh: r.refresh, Stay: r.stay}
	switch {
	case r.outcome == Unknown && a.Flags&Repeatable == 0:
		return step
	case a.Fault == FaultHeldUp && a.HeldUps < maxHeldUps:
		return step.goOn(Again, 0, a.Left) // it is no failure of the node
	case r.follow && !a.Known:
		return p.again(step, a)
	case r.follow:
		return p.follow(step, a)
	case r.cut && a.Divisible:
		step.Action, step.Stay = Split, false
		return step
	case r.slow && a.Silences >= maxSilences, r.once && a.Retries > 0:
		return step
	case r.retry:
		return p.again(step, a)
	default:
		return step
	}
}

// follow goes where the redirection points: at once the first two times, then
// after a short growing pause, since a third hop means that nodes disagree.
func (p Policy) follow(step Step, a Attempt) Step {
	step.Learn = a.Fault == FaultMoved && a.Exact
	if a.Redirects >= p.MaxRedirects {
		step.TooMany = true
		return step
	}
	step.Asking = a.Fault == FaultAsk
	action := Follow
	if rules[a.Fault].cut && a.Divisible {
		action = Split
	}
	var pause time.Duration
	if a.Redirects >= 2 {
		pause = p.backoff(a.Redirects-2, a.Rand)
	}
	return step.goOn(action, pause, a.Left)
}

// again pauses, longer each time, and asks once more.
func (p Policy) again(step Step, a Attempt) Step {
	if a.Retries >= p.MaxRetries || a.Budget == NoBudget {
		return step
	}
	pause := p.backoff(a.Retries, a.Rand)
	if rules[a.Fault].atOnce && a.Retries == 0 {
		pause = 0
	}
	step.Spends = true
	return step.goOn(Again, max(pause, a.Budget), a.Left)
}

// goOn is action after pause, unless the caller is gone by then.
func (s Step) goOn(action Action, pause, left time.Duration) Step {
	if pause >= left {
		s.TooLate = true
		return s
	}
	s.Action, s.Pause = action, pause
	return s
}

// backoff doubles from MinBackoff to MaxBackoff, and takes between half and all
// of that.
func (p Policy) backoff(n int, random float64) time.Duration {
	d := p.MaxBackoff
	if n < 32 && p.MinBackoff<<n < d && p.MinBackoff<<n > 0 {
		d = p.MinBackoff << n
	}
	return d/2 + time.Duration(random*float64(d/2))
}
