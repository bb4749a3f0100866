package hashtag_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slotmesh/slotmesh/hashtag"
)

func TestForSlot(t *testing.T) {
	all := sha256.New()
	for s := range uint16(hashtag.Slots) {
		tag := hashtag.ForSlot(s)
		if hashtag.Slot(tag) != s || hashtag.Slot("{"+tag+"}x") != s {
			require.Failf(t, "tag in the wrong slot", "slot %d: %q", s, tag)
		}
		require.Regexp(t, "^[0-9a-z]{1,4}$", tag)
		all.Write([]byte(tag + "\n"))
	}
	// Users store keys made of these tags: another sum loses their keys.
	require.Equal(t, "07c98064fa6df084a4c6a93b57e731c7af34debbd1a8ba4f9cfef1fc7b25511f", hex.EncodeToString(all.Sum(nil)))
}

// A slow second search: no shorter tag, and none of the same length before it.
func TestForSlotIsFirstOfTheShortest(t *testing.T) {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	first := map[uint16]string{}
	for queue := []string{""}; len(first) < hashtag.Slots; queue = queue[1:] {
		for _, c := range alphabet {
			tag := queue[0] + string(c)
			s := crcByBits(tag) % hashtag.Slots
			if _, found := first[s]; !found {
				first[s] = tag
			}
			queue = append(queue, tag)
		}
	}
	for s, tag := range first {
		if hashtag.ForSlot(s) != tag {
			require.Equal(t, tag, hashtag.ForSlot(s), "slot %d", s)
		}
	}
}

func TestForSlotPanics(t *testing.T) {
	require.PanicsWithValue(t, "hashtag: slot 16384 is not below 16384", func() { hashtag.ForSlot(16384) })
	require.PanicsWithValue(t, "hashtag: slot 65535 is not below 16384", func() { hashtag.ForSlot(65535) })
}
