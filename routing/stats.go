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

// counters are Stats in the making.
type counters struct {
	commands, exchanges, moved, asked, retries, splits, refreshes, refreshErrors atomic.Int64
}

func (c *counters) read() Stats {
	return Stats{
		Commands:      c.commands.Load(),
		Exchanges:     c.exchanges.Load(),
		Moved:         c.moved.Load(),
		Asked:         c.asked.Load(),
		Retries:       c.retries.Load(),
		Splits:        c.splits.Load(),
		Refreshes:     c.refreshes.Load(),
		RefreshErrors: c.refreshErrors.Load(),
	}
}
