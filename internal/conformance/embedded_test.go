package conformance

import (
	"testing"

	"github.com/slotmesh/slotmesh/clustertest"
)

func TestEmbedded(t *testing.T) { Run(t, clustertest.Start(t, clustertest.Config{Replicas: 1})) }
