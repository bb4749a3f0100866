package main

import (
	"context"
	"time"

	"github.com/slotmesh/slotmesh/internal/realcluster"
)

const startTimeout = time.Minute

// startCluster starts three masters. They are patient with each other: a machine that is
// kept busy, or a node that is stopped on purpose, is no failure.
func startCluster(ctx context.Context) (*realcluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return realcluster.New(ctx, realcluster.Config{NodeTimeout: 2 * time.Minute})
}
