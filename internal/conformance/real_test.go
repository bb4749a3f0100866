package conformance_test

import (
	"testing"

	"github.com/slotmesh/slotmesh/internal/conformance"
	"github.com/slotmesh/slotmesh/internal/realcluster"
)

func TestRealCluster(t *testing.T) {
	conformance.Run(t, realcluster.Start(t, realcluster.Config{}))
}
