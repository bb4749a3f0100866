// Quickstart shows what cluster-wide MGET and MSET are and cost:
//
//	go run ./examples/quickstart -migrate
//
// It sets 1,000 keys that lie all over the cluster and reads them back serial, pipelined
// and parallel, and a group of keys that share a hash tag with one native command. With
// -migrate it moves the slot of that group to another node and back meanwhile. It writes
// under a prefix of its own and deletes its keys.
//
// The cluster is one of package clustertest, in this process; with -hold it stays up
// afterwards, for other clients, until ^C. With -addrs it is one that runs already, of
// which one node is enough:
//
//	go run ./examples/quickstart -addrs 127.0.0.1:7000,127.0.0.1:7001
//
// It exits with 1 if a value was wrong or the cluster failed it, with 2 if the arguments
// were.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/slotmesh/slotmesh"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addrs := flags.String("addrs", "", "nodes of the cluster, `host:port,...`, or one redis:// or rediss:// URL (default a cluster in this process)")
	migrate := flags.Bool("migrate", false, "move one slot to another node and back meanwhile")
	hold := flags.Bool("hold", false, "keep the cluster in this process up afterwards, until ^C")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	switch {
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "quickstart: unexpected argument %q: addresses are separated by commas, without blanks\n", flags.Arg(0))
		return 2
	case *hold && *addrs != "":
		fmt.Fprintln(stderr, "quickstart: -hold keeps the cluster in this process up: it does not go with -addrs")
		return 2
	}
	if err := show(ctx, *addrs, *migrate, *hold, stdout); err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	return 0
}

// show shows the tour on the cluster at addrs, or on one of its own.
func show(ctx context.Context, addrs string, migrate, hold bool, out io.Writer) error {
	if addrs == "" {
		return embedded(ctx, migrate, hold, out)
	}
	opts, err := options(addrs)
	if err != nil {
		return err
	}
	return quickstart(ctx, opts, migrate, out)
}

func options(addrs string) (slotmesh.Options, error) {
	if strings.Contains(addrs, "://") {
		return slotmesh.ParseURL(addrs)
	}
	return slotmesh.Options{Addrs: strings.Split(addrs, ",")}, nil
}
