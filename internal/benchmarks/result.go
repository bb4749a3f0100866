package main

import "strings"

// result is what a cell came to.
type result struct {
	Name    string
	Cell    cell
	Clients []*clientResult
}

// clientResult is what one client came to in one cell.
type clientResult struct {
	Client string
	Median sample
	Rounds []sample
	Error  string `json:",omitempty"`

	spec spec
}

func (r *result) failed() bool {
	for _, c := range r.Clients {
		if c.Error != "" {
			return true
		}
	}
	return false
}

func (r *result) client(name string) *clientResult {
	for _, c := range r.Clients {
		if c.Client == name && c.Error == "" {
			return c
		}
	}
	return nil
}

// best returns the peer of the highest throughput among those whose names begin so, or
// nil.
func (r *result) best(prefix string) *clientResult {
	var best *clientResult
	for _, c := range r.Clients {
		if !c.spec.peer || c.Error != "" || !strings.HasPrefix(c.Client, prefix) {
			continue
		}
		if best == nil || c.Median.PerSec > best.Median.PerSec {
			best = c
		}
	}
	return best
}

// verdict is slotmesh beside the best of the peers that its goal names.
type verdict struct {
	ours, peer *clientResult
	ratio      float64 // of the medians
	perRound   float64 // median of the ratios of each round
	goal       float64
}

func (v verdict) met() bool { return v.ratio >= v.goal }

// verdict is there if the cell has a goal and both ran it.
func (r *result) verdict() (verdict, bool) {
	g, ok := goalOf(r.Cell)
	if !ok {
		return verdict{}, false
	}
	v := verdict{ours: r.client(slotmeshName), peer: r.best(g.peers), goal: g.ratio}
	if v.ours == nil || v.peer == nil {
		return v, false
	}
	v.ratio = v.ours.Median.PerSec / v.peer.Median.PerSec
	round := -1
	v.perRound = median(v.ours.Rounds, func(s sample) float64 {
		round++
		return s.PerSec / v.peer.Rounds[round].PerSec
	})
	return v, true
}
