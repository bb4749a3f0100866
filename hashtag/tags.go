package hashtag

import (
	"fmt"
	"strings"
	"sync"
)

// ForSlot returns a tag that lies in slot: Slot(ForSlot(s)) == s. It has no
// braces, so "{" + ForSlot(s) + "}" + name is a key in slot s whatever name is.
//
// The tag has one to four characters, digits and lower-case letters: of all
// tags for the slot the shortest, and of those the first in ASCII order. That
// never changes, so keys made of it can be stored.
//
// ForSlot panics if slot is not below [Slots]. The first call computes the tags
// of all slots, which takes less than a millisecond and 64 KiB that stay.
func ForSlot(slot uint16) string {
	if slot >= Slots {
		panic(fmt.Sprintf("hashtag: slot %d is not below %d", slot, Slots))
	}
	start := int(slot) * tagWidth
	return strings.TrimRight(tags()[start:start+tagWidth], padding)
}

const (
	tagAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	tagWidth    = 4 // no slot needs a longer tag
	padding     = "\x00"
)

// tags holds the tag of every slot in slot order, each padded to tagWidth: one
// string, so that cutting a tag from it allocates nothing.
var tags = sync.OnceValue(func() string {
	s := tagSearch{cells: []byte(strings.Repeat(padding, Slots*tagWidth)), missing: Slots}
	for length := 1; s.missing > 0; length++ {
		s.extend(0, 0, length)
	}
	return string(s.cells)
})

// tagSearch walks the tags in order. The first to fall into a slot is its tag.
type tagSearch struct {
	cells   []byte
	missing int // slots still without a tag
	tag     [tagWidth]byte
}

// extend visits the tags of the given length that begin with tag[:n], whose CRC
// is crc.
func (s *tagSearch) extend(n int, crc uint16, length int) {
	if n == length {
		s.offer(crc%Slots, s.tag[:n])
		return
	}
	for i := range len(tagAlphabet) {
		if s.missing == 0 {
			return
		}
		s.tag[n] = tagAlphabet[i]
		s.extend(n+1, crcByte(crc, s.tag[n]), length)
	}
}

func (s *tagSearch) offer(slot uint16, tag []byte) {
	cell := s.cells[int(slot)*tagWidth:][:tagWidth]
	if cell[0] == padding[0] {
		copy(cell, tag)
		s.missing--
	}
}
