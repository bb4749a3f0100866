package routing

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var testPolicy = Policy{MaxRedirects: 5, MaxRetries: 3, MinBackoff: 8 * time.Millisecond, MaxBackoff: 100 * time.Millisecond}

// protocol is promise 4 and 5, fault by fault: what is done with a write and with a
// read, with an op that runs the user's code when the text is not the server's own
// and when it is, with an op that can be cut into keys, when the budget is spent and
// when the deadline is before the end of the pause.
var protocol = []struct {
	fault                                                  Fault
	outcome                                                Outcome
	write, read, forged, proven, divisible, spent, hurried Action
	learn, refresh, asking, stay                           bool
}{
	{fault: FaultMoved, outcome: NotExecuted, write: Follow, read: Follow, forged: Stop, proven: Follow, divisible: Follow, spent: Stop, hurried: Stop, learn: true, refresh: true},
	{fault: FaultAsk, outcome: NotExecuted, write: Follow, read: Follow, forged: Stop, proven: Follow, divisible: Split, spent: Stop, hurried: Stop, asking: true},
	{fault: FaultTryAgain, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Again, divisible: Split, spent: Stop, hurried: Stop, stay: true},
	{fault: FaultClusterDown, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Again, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultLoading, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Again, divisible: Again, spent: Stop, hurried: Stop, stay: true},
	{fault: FaultMasterDown, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Stop, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultReadOnly, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Stop, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultBusy, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Stop, divisible: Again, spent: Stop, hurried: Stop, stay: true},
	{fault: FaultMaxClients, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Stop, divisible: Again, spent: Stop, hurried: Stop, stay: true},
	{fault: FaultNoAuth, outcome: NotExecuted, write: Again, read: Again, forged: Stop, proven: Stop, divisible: Again, spent: Stop, hurried: Again},
	{fault: FaultRefused, outcome: NotExecuted, write: Stop, read: Stop, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop},
	{fault: FaultReply, outcome: Done, write: Stop, read: Stop, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop},
	{fault: FaultDial, outcome: NotExecuted, write: Again, read: Again, forged: Again, proven: Again, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultNoAnswer, outcome: NotExecuted, write: Again, read: Again, forged: Again, proven: Again, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultCrowded, outcome: NotExecuted, write: Again, read: Again, forged: Again, proven: Again, divisible: Again, spent: Stop, hurried: Stop},
	{fault: FaultUnsent, outcome: NotExecuted, write: Again, read: Again, forged: Again, proven: Again, divisible: Again, spent: Stop, hurried: Stop},
	{fault: FaultUncovered, outcome: NotExecuted, write: Again, read: Again, forged: Again, proven: Again, divisible: Again, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultBroken, outcome: Unknown, write: Stop, read: Again, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultTimeout, outcome: Unknown, write: Stop, read: Again, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop, refresh: true},
	{fault: FaultHeldUp, outcome: Unknown, write: Stop, read: Again, forged: Stop, proven: Stop, divisible: Stop, spent: Again, hurried: Again},
	{fault: FaultGarbage, outcome: Unknown, write: Stop, read: Stop, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop},
	{fault: FaultContext, outcome: Unknown, write: Stop, read: Stop, forged: Stop, proven: Stop, divisible: Stop, spent: Stop, hurried: Stop},
}

func TestPolicyIsTheProtocol(t *testing.T) {
	require.Len(t, protocol, int(faults), "every fault has a row")
	for _, p := range protocol {
		t.Run(p.fault.String(), func(t *testing.T) {
			base := Attempt{Fault: p.fault, Exact: true, Known: true, Left: NoDeadline}
			ask := func(change func(*Attempt)) Step {
				a := base
				change(&a)
				return testPolicy.Next(a)
			}
			step := ask(func(*Attempt) {})
			require.Equal(t, p.write, step.Action, "write")
			require.Equal(t, p.outcome, step.Outcome, "outcome")
			require.Equal(t, p.learn, step.Learn, "learn")
			require.Equal(t, p.refresh, step.Refresh, "refresh")
			require.Equal(t, p.asking, step.Asking, "asking")
			require.Equal(t, p.stay, step.Stay, "stay")
			require.Equal(t, p.read, ask(func(a *Attempt) { a.Flags = Repeatable }).Action, "read")
			require.Equal(t, p.proven, ask(func(a *Attempt) { a.Flags = Distrusted }).Action, "proven")
			require.Equal(t, p.divisible, ask(func(a *Attempt) { a.Divisible = true }).Action, "divisible")

			forged := ask(func(a *Attempt) { a.Flags, a.Exact = Distrusted, a.Fault >= FaultDial })
			require.Equal(t, p.forged, forged.Action, "forged")
			if p.fault <= FaultReply {
				require.Equal(t, Done, forged.Outcome, "a text that is no proof is the answer")
				require.False(t, forged.Refresh || forged.Learn, "and says nothing about the cluster")
			}
			spent := ask(func(a *Attempt) { a.Flags, a.Redirects, a.Retries = Repeatable, 5, 3 })
			require.Equal(t, p.spent, spent.Action, "spent")
			require.Equal(t, p.fault == FaultMoved || p.fault == FaultAsk, spent.TooMany)
			hurried := ask(func(a *Attempt) { a.Flags, a.Redirects, a.Left = Repeatable, 2, time.Microsecond })
			require.Equal(t, p.hurried, hurried.Action, "hurried")
			require.Equal(t, p.read != Stop && p.hurried == Stop, hurried.TooLate)
		})
	}
}

// A redirection without an address ("?") is waited out, and asks for a new map.
func TestPolicyWaitsForAnUnknownTarget(t *testing.T) {
	for _, f := range []Fault{FaultMoved, FaultAsk} {
		step := testPolicy.Next(Attempt{Fault: f, Exact: true, Left: NoDeadline})
		require.Equal(t, Again, step.Action)
		require.False(t, step.Learn)
		require.False(t, step.Asking)
		require.Positive(t, step.Pause)
	}
}

// The first two redirections are followed at once, from the third on after a pause
// that grows, and the sixth not at all.
func TestPolicyPausesFromTheThirdRedirection(t *testing.T) {
	for _, f := range []Fault{FaultMoved, FaultAsk} {
		var last time.Duration
		for followed := range 5 {
			step := testPolicy.Next(Attempt{Fault: f, Exact: true, Known: true, Redirects: followed, Left: NoDeadline})
			require.Equal(t, Follow, step.Action)
			if followed < 2 {
				require.Zero(t, step.Pause)
				continue
			}
			require.Greater(t, step.Pause, last)
			last = step.Pause
		}
		step := testPolicy.Next(Attempt{Fault: f, Exact: true, Known: true, Redirects: 5, Left: NoDeadline})
		require.Equal(t, Stop, step.Action)
		require.True(t, step.TooMany)
		require.Equal(t, NotExecuted, step.Outcome)
		require.Equal(t, f == FaultMoved, step.Learn, "what the last MOVED said is true all the same")
	}
}

// One silence of a node is waited out, not sixteen.
func TestPolicyGivesUpOnASilentNode(t *testing.T) {
	for _, f := range []Fault{FaultTimeout, FaultNoAnswer, FaultCrowded} {
		a := Attempt{Fault: f, Exact: true, Flags: Repeatable, Left: NoDeadline}
		require.Equal(t, Again, testPolicy.Next(a).Action)
		a.Retries = 1
		require.Equal(t, Again, testPolicy.Next(a).Action, "another fault is no silence")
		a.Silences = 1
		require.Equal(t, Stop, testPolicy.Next(a).Action)
	}
}

// The zero Policy neither follows nor repeats.
func TestZeroPolicy(t *testing.T) {
	rng, _ := seeded(t)
	for range 20_000 {
		a := anyAttempt(rng)
		step := Policy{}.Next(a)
		require.Zero(t, step.Pause, "%+v", a)
		if a.Fault == FaultTryAgain && a.Divisible {
			continue // cut into its keys, which costs no pause and no retry
		}
		if a.Fault == FaultHeldUp && a.HeldUps < maxHeldUps && a.Flags&Repeatable != 0 && a.Left > 0 {
			continue // goes over another connection, which costs neither
		}
		require.Equal(t, Stop, step.Action, "%+v", a)
	}
}

func TestPolicyProperties(t *testing.T) {
	rng, _ := seeded(t)
	for range 200_000 {
		p := Policy{
			MaxRedirects: rng.IntN(8), MaxRetries: rng.IntN(20),
			MinBackoff: time.Duration(rng.Int64N(int64(2 * time.Second))),
			MaxBackoff: time.Duration(rng.Int64N(int64(4 * time.Second))),
		}
		a := anyAttempt(rng)
		s := p.Next(a)
		again := s.Action != Stop
		if s.Outcome == Unknown && a.Flags&Repeatable == 0 {
			require.False(t, again, "sent twice though it may have run: %+v %+v", a, s)
		}
		if s.Outcome == Done {
			require.False(t, again, "sent twice though it ran: %+v %+v", a, s)
		}
		if a.Flags&Distrusted != 0 && !a.Exact && a.Fault <= FaultReply {
			require.False(t, again, "believed a text that code can forge: %+v %+v", a, s)
		}
		if a.Fault == FaultMoved || a.Fault == FaultAsk {
			if a.Known && a.Redirects >= p.MaxRedirects {
				require.False(t, again, "followed too many: %+v %+v", a, s)
			}
		} else {
			require.NotEqual(t, Follow, s.Action)
			require.False(t, s.Asking || s.Learn || s.TooMany, "%+v %+v", a, s)
		}
		if s.Action == Again && a.Fault == FaultHeldUp && a.HeldUps < maxHeldUps {
			require.Zero(t, s.Pause)
		} else if s.Action == Again {
			require.Less(t, a.Retries, p.MaxRetries, "%+v %+v", a, s)
		}
		if s.Action == Split {
			require.True(t, a.Divisible)
		}
		require.GreaterOrEqual(t, s.Pause, time.Duration(0), "%+v %+v", p, a)
		require.LessOrEqual(t, s.Pause, p.MaxBackoff, "%+v %+v", p, a)
		if again && s.Pause > 0 {
			require.Less(t, s.Pause, a.Left, "pauses past the deadline: %+v %+v", a, s)
		}
		if s.TooMany || s.TooLate {
			require.False(t, again)
		}
	}
}

// Pauses never wrap around, however often an op was sent.
func TestPolicyBackoffStaysInBounds(t *testing.T) {
	rng, _ := seeded(t)
	for range 100_000 {
		p := Policy{MinBackoff: time.Duration(rng.Int64()), MaxBackoff: time.Duration(rng.Int64())}
		d := p.backoff(rng.IntN(1000), rng.Float64())
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, p.MaxBackoff)
	}
}

func anyAttempt(rng *rand.Rand) Attempt {
	lefts := []time.Duration{NoDeadline, 0, -time.Second, time.Duration(rng.Int64N(int64(5 * time.Second)))}
	return Attempt{
		Fault: protocol[rng.IntN(len(protocol))].fault,
		Exact: rng.IntN(2) == 0, Known: rng.IntN(2) == 0, Divisible: rng.IntN(2) == 0,
		Flags:     OpFlags(rng.IntN(8)),
		Redirects: rng.IntN(10), Retries: rng.IntN(40), HeldUps: rng.IntN(12),
		Left: lefts[rng.IntN(len(lefts))],
		Rand: rng.Float64(),
	}
}

// seeded returns a source of random numbers and prints its seed.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}
