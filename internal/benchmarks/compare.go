package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

var errFailed = errors.New("cells failed, see above")

// compare runs the cells and prints what they came to, also when ctx ends before the last.
func compare(ctx context.Context, s *settings, stdout, stderr io.Writer) (err error) {
	addrs := s.addrs
	if addrs == nil {
		cluster, err := startCluster(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Close()) }()
		addrs = cluster.Addrs()
	}
	text := choose(s.markdown, stderr, stdout)
	if err := preloadFor(ctx, addrs, s.cells); err != nil {
		return err
	}
	d := &driver{addrs: addrs, clients: s.clients, rounds: s.rounds, slice: s.slice, errors: stderr}
	defer d.close()
	results, err := runAll(ctx, d, s.cells, text)
	printGoals(text, results)
	if s.markdown {
		printMarkdown(stdout, results)
	}
	return errors.Join(err, save(s.out, results))
}

// preloadFor sets the keys that the cells ask for.
func preloadFor(ctx context.Context, addrs []string, cells []cell) error {
	loaded := map[int]bool{}
	for _, c := range cells {
		if loaded[c.Size] {
			continue
		}
		loaded[c.Size] = true
		if err := preload(ctx, addrs, c.Size); err != nil {
			return err
		}
	}
	return nil
}

// runAll prints each cell as it comes, and returns those that ran to their end.
func runAll(ctx context.Context, d *driver, cells []cell, text io.Writer) ([]*result, error) {
	fmt.Fprintf(text, "%d cells, %d rounds, at least %v\n", len(cells), d.rounds, d.estimate(cells).Round(time.Second))
	var results []*result
	var failed error
	for _, c := range cells {
		r, err := d.run(ctx, c)
		if err != nil {
			return results, err
		}
		results = append(results, r)
		printResult(text, r)
		if r.failed() {
			failed = errFailed
		}
	}
	return results, failed
}

// estimate returns how long the slices take, if every call ends with its slice.
func (d *driver) estimate(cells []cell) time.Duration {
	var rounds time.Duration
	for _, c := range cells {
		for _, s := range d.clients {
			if s.runs(c) {
				rounds += c.window(d.slice) * 9 / 8
			}
		}
	}
	return rounds*time.Duration(d.rounds) + rounds/4
}

func save(path string, results []*result) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
