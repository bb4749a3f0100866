package main

import (
	"fmt"
	"io"
	"strings"
)

// printMarkdown prints the table of the README: a row for each cell, a column for each
// client.
func printMarkdown(w io.Writer, results []*result) {
	columns := columnsOf(results)
	row(w, append(append([]string{"calls/s"}, columns...), "ratio", "goal", ""))
	row(w, append([]string{"---"}, strings.Split(strings.Repeat("--:,", len(columns)+2)+"---", ",")...))
	for _, r := range results {
		cells := []string{"`" + r.Name + "`"}
		for _, name := range columns {
			cells = append(cells, throughput(r, name))
		}
		row(w, append(cells, verdictCells(r)...))
	}
}

// columnsOf returns the clients that ran any of the cells.
func columnsOf(results []*result) []string {
	var columns []string
	for _, name := range clientNames() {
		for _, r := range results {
			if r.client(name) != nil {
				columns = append(columns, name)
				break
			}
		}
	}
	return columns
}

// throughput is bold for the best peer, which the ratio is to.
func throughput(r *result, name string) string {
	c := r.client(name)
	if c == nil {
		return ""
	}
	text := count(c.Median.PerSec)
	g, _ := goalOf(r.Cell)
	if c == r.best(g.peers) {
		text = "**" + text + "**"
	}
	return text
}

func verdictCells(r *result) []string {
	if v, ok := r.verdict(); ok {
		return []string{fmt.Sprintf("%.2f", v.ratio), fmt.Sprintf("%.2f", v.goal), choose(v.met(), "met", "missed")}
	}
	ours, best := r.client(slotmeshName), r.best("")
	if ours == nil || best == nil {
		return []string{"", "", ""}
	}
	return []string{ratioTo(best, ours), "", ""}
}

func row(w io.Writer, cells []string) {
	fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |")
}
