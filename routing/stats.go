package routing

import "sync/atomic"

// Stats counts what a Router has done since it was made.
type Stats struct {
	Commands      int64 // commands and transactions handed to nodes, repetitions included
	Exchanges     int64 // times that a node was written to and waited for
	Moved         int64 // MOVED followed
	Asked         int64 // ASK followed
	Retries       int64 // commands sent again after a pause
	Splits        int64 // multi-key commands cut into their keys during a migration
	Refreshes     int64 // slot maps loaded
	RefreshErrors int64 // attempts to load the slot map that failed
}

// counters are Stats in the making, but for what every command counts.
type counters struct {
	moved, asked, retries, splits, refreshes, refreshErrors atomic.Int64
}

func (c *counters) read(s *stripes) Stats {
	return Stats{
		Commands:      s.sum(func(s *stripe) *atomic.Int64 { return &s.commands }),
		Exchanges:     s.sum(func(s *stripe) *atomic.Int64 { return &s.exchanges }),
		Moved:         c.moved.Load(),
		Asked:         c.asked.Load(),
		Retries:       c.retries.Load(),
		Splits:        c.splits.Load(),
		Refreshes:     c.refreshes.Load(),
		RefreshErrors: c.refreshErrors.Load(),
	}
}
