package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printResult prints a cell, a line for each client.
func printResult(w io.Writer, r *result) {
	fmt.Fprintf(w, "\n%s\n", r.Name)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "client\tcalls/s\tspread\tp50\tp99\tCPU/call\tallocs/call\tB/call\tto best peer\t")
	best := r.best("")
	for _, c := range r.Clients {
		if c.Error != "" {
			fmt.Fprintf(table, "%s\tfailed\t\t\t\t\t\t\t\t\n", c.Client)
			continue
		}
		m := c.Median
		fmt.Fprintf(table, "%s\t%s\t%.0f%%\t%s\t%s\t%s\t%.1f\t%s\t%s\t\n", c.Client, count(m.PerSec),
			100*spread(c.Rounds), short(m.P50), short(m.P99), cpu(m.CPU), m.Allocs, count(m.Bytes), ratioTo(best, c))
	}
	_ = table.Flush()
}

func ratioTo(best, c *clientResult) string {
	if best == nil || c.Client == floorName {
		return ""
	}
	return fmt.Sprintf("%.2f", c.Median.PerSec/best.Median.PerSec)
}

// printGoals prints slotmesh beside the best peer in each cell that has a goal.
func printGoals(w io.Writer, results []*result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	met, all := 0, 0
	for _, r := range results {
		v, ok := r.verdict()
		if !ok {
			continue
		}
		if all++; all == 1 {
			fmt.Fprintln(table, "\ncell\tslotmesh\tbest peer\t\tratio\tby round\tgoal\t\t")
		}
		if v.met() {
			met++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%s\t\n", r.Name, count(v.ours.Median.PerSec),
			v.peer.Client, count(v.peer.Median.PerSec), v.ratio, v.perRound, v.goal, choose(v.met(), "met", "MISSED"))
	}
	_ = table.Flush()
	if all > 0 {
		fmt.Fprintf(w, "\n%d of %d goals met. ratio: of the medians; by round: median of each round's ratio.\n", met, all)
	}
}

// count prints a number with three digits or so.
func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", n/1e6)
	case n >= 1e5:
		return fmt.Sprintf("%.0fk", n/1e3)
	case n >= 1e4:
		return fmt.Sprintf("%.1fk", n/1e3)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}

// short prints a duration with three digits or so.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		if d < 1000*unit {
			text := fmt.Sprintf("%.3g", float64(d)/float64(unit))
			if strings.Contains(text, "e") { // rounded up to 1000
				text = "1000"
			}
			return text + " " + strings.ReplaceAll(unit.String()[1:], "µ", "u")
		}
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func cpu(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return short(d)
}
