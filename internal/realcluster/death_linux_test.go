package realcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const mortalEnv = "REALCLUSTER_TEST_MORTAL"

// TestMain lets TestProcessesEndWithTheirParent run this binary as a program that
// starts a server, says where, and waits for its end.
func TestMain(m *testing.M) {
	if os.Getenv(mortalEnv) == "" {
		os.Exit(m.Run())
	}
	c, err := New(context.Background(), Config{Standalone: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Addrs()[0])
	select {}
}

func TestProcessesEndWithTheirParent(t *testing.T) {
	t.Parallel()
	Require(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), mortalEnv+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	lines.Scan()
	addr := lines.Text()
	dial := func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err
	}
	running := dial()
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	require.NoError(t, running, "the server ran before")
	require.NoError(t, poll(testContext(t), func(context.Context) (bool, error) {
		if dial() != nil {
			return true, nil
		}
		return false, errors.New("the server still runs")
	}))
}
