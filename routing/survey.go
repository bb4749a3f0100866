package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/slotmap"
)

const (
	// askedAtOnce is how many nodes are asked for the slot map at first, while none is known.
	// Later it is one: that of several clients in trouble makes load enough.
	askedAtOnce = 3

	// mostOpinions is how many nodes are asked at most because others disagree.
	mostOpinions = 5

	// askNext is after what time without an end one more node is asked.
	askNext = 250 * time.Millisecond

	// askTimeout is how long one node has to answer.
	askTimeout = 2 * time.Second

	// firstOpinions and opinions are how long, after the first node has told a map, others
	// have to tell theirs, while no map is known, and later.
	firstOpinions = 50 * time.Millisecond
	opinions      = 1500 * time.Millisecond

	// claimTimeout is how long masters have to say what they claim.
	claimTimeout = 500 * time.Millisecond
)

// A survey asks nodes for the slot map. A node that tells what is known already is believed.
// News are believed if most of those who were asked tell them. If there is no majority, or it
// contradicts a MOVED that came of late, the masters themselves are asked, and the greatest
// config epoch counts. One more node is asked whenever one fails, disagrees, or takes long:
// silent nodes hold nobody up.
type survey struct {
	r       *Router
	ctx     context.Context
	known   *slotmap.Map // nil at first
	addrs   []string     // whom to ask, in this order
	asked   int
	pending int
	failed  int
	answers chan opinion
	later   <-chan time.Time // when one more may be asked that is to be
	errs    askErrors        // by position in addrs
	only    *slotmap.Map     // the first opinion
	poll    slotmap.Poll
}

// An opinion is what one node has told.
type opinion struct {
	from  int // position in addrs
	slots *slotmap.Map
	err   error
}

// ask returns the slot map of the cluster. The error tells why no node has told one.
func (r *Router) ask(ctx context.Context) (*slotmap.Map, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &survey{r: r, ctx: ctx, addrs: r.sources()}
	if snap := r.snapshot.Load(); snap != nil {
		s.known = snap.slots
		s.poll.Doubt(s.known, r.cache.Patched())
	}
	s.answers = make(chan opinion, len(s.addrs))
	s.errs = make(askErrors, len(s.addrs))
	return s.run()
}

func (s *survey) run() (*slotmap.Map, error) {
	if s.known != nil {
		s.awaitTurn()
	}
	for range s.first() {
		s.more()
	}
	tick := time.NewTicker(askNext)
	defer tick.Stop()
	var enough <-chan time.Time
	for s.pending > 0 || s.later != nil {
		select {
		case o := <-s.answers:
			if s.take(o); s.settled() {
				return s.result(), nil
			}
			if enough == nil && s.poll.Len() > 0 {
				enough = time.After(s.patience())
			}
		case <-tick.C:
			s.more()
		case <-s.later:
			s.later = nil
			s.more()
		case <-enough:
			return s.result(), nil
		case <-s.ctx.Done():
			if s.poll.Len() == 0 {
				return nil, s.interrupted()
			}
			return s.result(), nil
		}
	}
	if s.poll.Len() == 0 {
		return nil, s.errs
	}
	return s.result(), nil
}

// awaitTurn waits until one more node may be asked, or the survey is over.
func (s *survey) awaitTurn() {
	for d := s.r.questions.pause(); d > 0; d = s.r.questions.pause() {
		if s.r.wait(s.ctx, time.Now().Add(d)) != nil {
			return
		}
	}
}

// first returns how many nodes to ask at first.
func (s *survey) first() int {
	if s.known == nil {
		return askedAtOnce
	}
	return 1
}

// patience returns how long to wait for more opinions when there is one.
func (s *survey) patience() time.Duration {
	if s.known == nil {
		return firstOpinions
	}
	return opinions
}

// more asks one more node, if there is one, and if there are not opinions enough.
func (s *survey) more() {
	if s.asked == len(s.addrs) || s.poll.Len() > 0 && s.asked-s.failed >= mostOpinions {
		return
	}
	if d := s.r.questions.pause(); d > 0 && s.poll.Len() > 0 {
		if s.later == nil {
			s.later = time.After(d)
		}
		return
	}
	s.r.questions.note()
	i := s.asked
	s.asked++
	s.pending++
	s.r.spawn(func() {
		slots, err := s.r.askNode(s.ctx, s.addrs[i])
		s.answers <- opinion{i, slots, err}
	})
}

// take takes what a node has told, and asks another if that settles nothing.
func (s *survey) take(o opinion) {
	s.pending--
	if o.err != nil {
		s.errs[o.from] = o.err
		s.failed++
		if !isReply(errors.Unwrap(o.err)) {
			s.r.questions.forget() // no node was bothered
		}
		s.more()
		return
	}
	if s.poll.Add(o.slots); s.only == nil {
		s.only = o.slots
	}
	if s.pending == 0 && !s.settled() {
		s.more()
	}
}

// settled reports whether no further opinion is needed.
func (s *survey) settled() bool {
	switch n := s.poll.Len(); {
	case n == 0:
		return false
	case n == 1 && s.known == nil:
		return s.pending == 0
	case n == 1:
		return s.sameAsKnown()
	default:
		return len(s.poll.Undecided()) == 0
	}
}

// sameAsKnown reports whether the only opinion is what is known.
func (s *survey) sameAsKnown() bool {
	var both slotmap.Poll
	both.Add(s.only)
	both.Add(s.known)
	return len(both.Undecided()) == 0
}

// result is what the opinions come to.
func (s *survey) result() *slotmap.Map {
	if s.poll.Len() == 1 && s.known != nil {
		s.poll.Add(s.known) // one against what is known, of which a part may be younger
	}
	undecided := s.poll.Undecided()
	if len(undecided) == 0 {
		return s.poll.Result(nil)
	}
	claims := s.r.claims(s.ctx, undecided)
	return s.poll.Result(func(slot uint16, masters []string) string {
		return strongest(claims, slot, masters, s.known.Master(slot))
	})
}

// strongest returns the master that claims slot with the greatest epoch: of equal ones the
// one that is known, and the first if none claims it. One that does not answer claims
// nothing: it may have been failed over, and is of no use if not.
func strongest(claims map[string]slotmap.Claim, slot uint16, masters []string, known string) string {
	best, found := masters[0], false
	for _, addr := range masters {
		c := claims[addr]
		if c.Serves(slot) && (!found || c.Epoch > claims[best].Epoch || c.Epoch == claims[best].Epoch && addr == known) {
			best, found = addr, true
		}
	}
	return best
}

// interrupted is the error of a survey whose context has ended.
func (s *survey) interrupted() error {
	for i, addr := range s.addrs[:s.asked] {
		if s.errs[i] == nil {
			s.errs[i] = fmt.Errorf("%s: no answer: %w", addr, s.ctx.Err())
		}
	}
	errs := s.errs[:s.asked]
	if rest := len(s.addrs) - s.asked; rest > 0 {
		errs = append(errs, fmt.Errorf("%d more were not asked", rest))
	}
	return errs
}

// claims asks masters what they claim, and returns what those say that answer in time.
func (r *Router) claims(ctx context.Context, masters []string) map[string]slotmap.Claim {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	masters = slices.DeleteFunc(masters, func(addr string) bool { return addr == "" })
	found := make([]slotmap.Claim, len(masters))
	var asking sync.WaitGroup
	for i, addr := range masters {
		asking.Go(func() {
			cmd := redis.NewStringCmd(ctx, "cluster", "nodes")
			if r.question(ctx, addr, cmd) == nil {
				found[i], _ = slotmap.ParseClaim(cmd.Val()) // what cannot be read claims nothing
			}
		})
	}
	asking.Wait()
	claims := make(map[string]slotmap.Claim, len(masters))
	for i, addr := range masters {
		claims[addr] = found[i]
	}
	return claims
}
