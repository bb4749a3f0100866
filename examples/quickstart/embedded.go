package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/slotmesh/slotmesh"
	"github.com/slotmesh/slotmesh/clustertest"
)

// embedded shows the tour on a cluster in this process, which ends with it, or, if it is
// held, with ctx.
func embedded(ctx context.Context, migrate, hold bool, out io.Writer) (err error) {
	c, err := clustertest.New(clustertest.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	fmt.Fprintf(out, "No -addrs: on a cluster in this process, %d masters\n", len(c.Masters()))
	if err := quickstart(ctx, slotmesh.Options{Addrs: c.Addrs()}, migrate, out); err != nil || !hold {
		return err
	}
	_, port, err := net.SplitHostPort(c.Addrs()[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe cluster stays up until ^C, at %s:\n\n  redis-cli -c -p %s\n", strings.Join(c.Addrs(), ", "), port)
	<-ctx.Done()
	return nil
}
