package slotmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/slotmap"
)

const clusterNodes = `07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,host-4 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001@31001,,shard-id=69bc myself,master,nofailover - 0 0 17 connected 0-5459 5460 7000-7001 [93-<-292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f] [77->-e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca]
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:30003@31003 master,fail - 0 1426238318243 3 disconnected 10923-16383
`

func TestParseClaim(t *testing.T) {
	c, err := slotmap.ParseClaim(clusterNodes)
	require.NoError(t, err)
	require.EqualValues(t, 17, c.Epoch)
	for slot, want := range map[uint16]bool{0: true, 5459: true, 5460: true, 5461: false, 6999: false, 7000: true, 7001: true, 7002: false, 16383: false} {
		require.Equal(t, want, c.Serves(slot), "slot %d", slot)
	}
}

func TestReplicaClaimsNothing(t *testing.T) {
	c, err := slotmap.ParseClaim("07c37d 127.0.0.1:30004@31004 myself,slave e7d1ee 0 0 4 connected\n")
	require.NoError(t, err)
	require.Equal(t, slotmap.Claim{}, c)
	require.False(t, c.Serves(0))
}

func TestParseBadClaim(t *testing.T) {
	for text, why := range map[string]string{
		"": "no line is about the node itself",
		"67ed2d 127.0.0.1:30002@31002 master - 0 0 2 connected 5461-10922\n": "no line is about the node itself",
		"67ed2d 127.0.0.1:30002@31002 myself,master - 0 0\n":                 "no line is about the node itself",
		"67ed2d :0@0 myself,master - 0 0 two connected 1\n":                  `config epoch "two"`,
		"67ed2d :0@0 myself,master - 0 0 2 connected 1 x-2\n":                `slots "x-2"`,
		"67ed2d :0@0 myself,master - 0 0 2 connected 2-1\n":                  `slots "2-1"`,
		"67ed2d :0@0 myself,master - 0 0 2 connected 16384\n":                `slots "16384"`,
	} {
		_, err := slotmap.ParseClaim(text)
		require.ErrorContains(t, err, why, "%q", text)
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add(clusterNodes)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := slotmap.ParseClaim(text)
		if err != nil {
			require.Equal(t, slotmap.Claim{}, c)
		}
		for _, r := range c.Ranges {
			require.LessOrEqual(t, r.First, r.Last)
			require.True(t, c.Serves(r.First) && c.Serves(r.Last))
		}
	})
}
