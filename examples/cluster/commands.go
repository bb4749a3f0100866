package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slotmesh/slotmesh/clustertest"
	"github.com/slotmesh/slotmesh/hashtag"
)

// commandTimeout is how long a command may wait for nodes that do not answer.
const commandTimeout = 10 * time.Second

// A verb does something to the cluster. It has as many words as its usage shows.
type verb func(ctx context.Context, c *clustertest.Cluster, words []string) error

// commands are what may be typed.
var commands = []struct {
	name, usage, help string
	do                verb
}{
	{"kill", "NODE", "end it as a crash would: connections break, data is gone", onNode((*clustertest.Cluster).Kill)},
	{"restart", "NODE", "start it again, without data; a replica copies its master", changing((*clustertest.Cluster).Restart)},
	{"pause", "NODE", "let it answer nothing; connections stay", onNode((*clustertest.Cluster).Pause)},
	{"resume", "NODE", "let it go on", onNode((*clustertest.Cluster).Resume)},
	{"promote", "NODE", "make this replica the master of its shard", changing((*clustertest.Cluster).Promote)},
	{"migrate", "SLOT NODE", "move a slot and its keys to this master", migrate},
	{"latency", "NODE DURATION", "make its replies take longer by, say, 20ms; 0 ends it", latency},
	{"cut", "A B", "cut the link between two nodes, or between clients and a node", onLink((*clustertest.Cluster).Cut)},
	{"heal", "A B", "mend it", onLink((*clustertest.Cluster).Heal)},
}

// answer carries out a line and returns what to print: nothing if there is only what the
// events tell.
func answer(ctx context.Context, c *clustertest.Cluster, line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	name := strings.ToLower(words[0])
	if name == "help" {
		return help()
	}
	if err := execute(ctx, c, name, words[1:]); err != nil {
		return fmt.Sprintln("error:", err)
	}
	return ""
}

func execute(ctx context.Context, c *clustertest.Cluster, name string, words []string) error {
	for _, cmd := range commands {
		if cmd.name != name {
			continue
		}
		if len(words) != len(strings.Fields(cmd.usage)) {
			return fmt.Errorf("usage: %s %s", cmd.name, cmd.usage)
		}
		ctx, cancel := context.WithTimeout(ctx, commandTimeout)
		defer cancel()
		return cmd.do(ctx, c, words)
	}
	return fmt.Errorf("unknown command %q: help lists what there is", name)
}

func help() string {
	var text strings.Builder
	for _, cmd := range commands {
		fmt.Fprintf(&text, "  %-7s %-14s  %s\n", cmd.name, cmd.usage, cmd.help)
	}
	text.WriteString("\n  NODE, A and B are addresses, or only their ports; A or B may be the word clients.\n")
	return text.String()
}

// nodeAddr returns the address that a word means.
func nodeAddr(word string) string {
	if _, err := strconv.Atoi(word); err == nil {
		return "127.0.0.1:" + word
	}
	return word
}

func onNode(do func(*clustertest.Cluster, string) error) verb {
	return func(_ context.Context, c *clustertest.Cluster, words []string) error {
		return do(c, nodeAddr(words[0]))
	}
}

// changing is onNode for what changes the topology, and may have to wait.
func changing(do func(*clustertest.Cluster, context.Context, string) error) verb {
	return func(ctx context.Context, c *clustertest.Cluster, words []string) error {
		return do(c, ctx, nodeAddr(words[0]))
	}
}

func onLink(do func(c *clustertest.Cluster, a, b string) error) verb {
	return func(_ context.Context, c *clustertest.Cluster, words []string) error {
		return do(c, nodeAddr(words[0]), nodeAddr(words[1]))
	}
}

func migrate(ctx context.Context, c *clustertest.Cluster, words []string) error {
	slot, err := strconv.ParseUint(words[0], 10, 16)
	if err != nil || slot >= hashtag.Slots {
		return fmt.Errorf("%s is not a slot: there are 0 to %d", words[0], hashtag.Slots-1)
	}
	return c.Migrate(ctx, uint16(slot), nodeAddr(words[1]))
}

func latency(_ context.Context, c *clustertest.Cluster, words []string) error {
	d, err := time.ParseDuration(words[1])
	if err == nil && d < 0 {
		err = errors.New("a latency is not negative")
	}
	if err != nil {
		return err
	}
	return c.Latency(nodeAddr(words[0]), d)
}
