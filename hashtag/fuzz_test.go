package hashtag_test

import (
	"strings"
	"testing"

	"github.com/slotmesh/slotmesh/hashtag"
)

func FuzzSlot(f *testing.F) {
	for _, key := range []string{
		"", "foo", "foo{bar}{zap}", "foo{}{bar}", "foo{{bar}}zap", "}{", "{bar", "bar}", "\x00\xff{\x80}",
	} {
		f.Add([]byte(key))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		tag := tagByCuts(string(key))
		if got := hashtag.Extract(string(key)); got != tag {
			t.Fatalf("Extract(%q) = %q, want %q", key, got, tag)
		}
		want := crcByBits(tag) % hashtag.Slots
		if got := hashtag.Slot(string(key)); got != want {
			t.Fatalf("Slot(%q) = %d, want %d", key, got, want)
		}
		if got := hashtag.SlotBytes(key); got != want {
			t.Fatalf("SlotBytes(%q) = %d, want %d", key, got, want)
		}
		if !hashtag.Same(string(key), hashtag.ForSlot(want)) {
			t.Fatalf("%q and the tag of its slot %d do not share a slot", key, want)
		}
	})
}

// crcByBits is CRC-16/XMODEM as its definition has it, one bit at a time.
func crcByBits(data string) uint16 {
	var crc uint16
	for _, b := range []byte(data) {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func tagByCuts(key string) string {
	_, after, opened := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(after, "}")
	if opened && closed && tag != "" {
		return tag
	}
	return key
}
