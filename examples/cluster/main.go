// Cluster is a Redis Cluster for clients in any language, without a redis-server:
//
//	go run ./examples/cluster
//
// It listens on 127.0.0.1: the masters on the ports from 7000 on, then their replicas.
// -masters, -replicas and -port say otherwise; -port 0 is free ports. Data lives in memory.
//
// Nothing happens to such a cluster by itself, nobody takes over when a master dies. What
// happens is typed, a command to a line: kill 7000, then promote 7003, and see how your
// client takes it. help lists the commands. Every event of the cluster is a line of output.
//
// It ends on ^C or SIGTERM, with 0, and not when its input ends: without a terminal, give
// it /dev/null. It exits with 1 if the cluster could not be started, with 2 if the
// arguments were wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/slotmesh/slotmesh/clustertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	stdin, typed := io.Pipe()
	go func() { // until the process ends: nothing interrupts a Read from a terminal
		_, err := io.Copy(typed, os.Stdin)
		_ = typed.CloseWithError(err)
	}()
	os.Exit(run(ctx, os.Args[1:], stdin, os.Stdout, os.Stderr))
}

// run is the program; it returns the exit code. It closes stdin, which must end a Read.
func run(ctx context.Context, args []string, stdin io.ReadCloser, stdout, stderr io.Writer) int {
	cfg, err := config(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := serve(ctx, cfg, stdin, stdout); err != nil {
		fmt.Fprintln(stderr, "cluster:", err)
		return 1
	}
	return 0
}

// config returns what the arguments ask for. It has told stderr of the error.
func config(args []string, stderr io.Writer) (cfg clustertest.Config, err error) {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&cfg.Masters, "masters", 3, "`number` of masters")
	flags.IntVar(&cfg.Replicas, "replicas", 1, "`number` of replicas of each master")
	flags.IntVar(&cfg.Port, "port", 7000, "`port` of the first node, the others have those that follow; 0 for free ones")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	} else {
		err = check(cfg)
	}
	if err != nil {
		fmt.Fprintln(stderr, "cluster:", err)
	}
	return cfg, err
}

// maxNodes keeps the start short: each node hears of each other one.
const maxNodes = 200

func check(cfg clustertest.Config) error {
	nodes := cfg.Masters * (1 + cfg.Replicas)
	switch {
	case cfg.Masters < 1 || cfg.Masters > maxNodes:
		return fmt.Errorf("-masters %d: there must be 1 to %d", cfg.Masters, maxNodes)
	case cfg.Replicas < 0 || cfg.Replicas > maxNodes || nodes > maxNodes:
		return fmt.Errorf("-replicas %d: there must be at least 0, and at most %d nodes in all", cfg.Replicas, maxNodes)
	case cfg.Port < 0 || cfg.Port > 65535:
		return fmt.Errorf("-port %d: there is no such port", cfg.Port)
	case cfg.Port > 0 && cfg.Port+nodes-1 > 65535:
		return fmt.Errorf("-port %d: there are no %d ports from there on", cfg.Port, nodes)
	}
	return nil
}
