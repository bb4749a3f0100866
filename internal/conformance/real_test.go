package conformance_test

import (
	"testing"

	"github.com/slotmesh/slotmesh/internal/conformance"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

func TestRealCluster(t *testing.T) {
	conformance.Run(t, realcluster.Start(t, realcluster.Config{}))
}

// Replicas matter to the protocol, and to nothing else in the suite.
func TestRealClusterWithReplicas(t *testing.T) {
	conformance.Protocol(t, realcluster.Start(t, realcluster.Config{Replicas: 1}))
}
