package clustertest_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
)

// The nodes of these tests die on purpose: go-redis need not say so.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}
