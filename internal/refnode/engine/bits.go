package engine

import (
	"math/bits"
	"strings"

	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
)

// bitNatives work on the bits of strings. miniredis knows no ranges of bits, and no most
// offset.
var bitNatives = map[string]native{
	"setbit":   (*cmd).setbit,
	"getbit":   (*cmd).getbit,
	"bitcount": (*cmd).bitcount,
	"bitpos":   (*cmd).bitpos,
	"bitop":    (*cmd).bitop,
}

// bit returns a bit of text, counted from the highest of the first byte; 0 behind its end.
func bit(text string, i int64) int {
	if i>>3 >= int64(len(text)) {
		return 0
	}
	return int(text[i>>3]>>(7-i&7)) & 1
}

func (c *cmd) bitOffset() (int64, error) {
	n, ok := decimal.Parse(c.args[2])
	if !ok || n < 0 || n>>3 >= maxString {
		return 0, failure("ERR bit offset is not an integer or out of range")
	}
	return n, nil
}

func (c *cmd) getbit() error {
	offset, err := c.bitOffset()
	if err != nil {
		return err
	}
	text, _, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	return c.count(bit(text, offset))
}

func (c *cmd) setbit() error {
	offset, err := c.bitOffset()
	if err != nil {
		return err
	}
	on, ok := decimal.Parse(c.args[3])
	if !ok || on&^1 != 0 {
		return failure("ERR bit is not an integer or out of range")
	}
	text, _, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	all := make([]byte, max(len(text), int(offset>>3)+1))
	copy(all, text)
	mask := byte(1) << (7 - offset&7)
	all[offset>>3] &^= mask
	if on == 1 {
		all[offset>>3] |= mask
	}
	if string(all) != text {
		c.update(c.args[1], string(all))
	}
	return c.count(bit(text, offset))
}

// bitRange returns the bits that arguments from i on name, without the last: a start, an
// end if there is one, and whether they count bits or bytes.
func (c *cmd) bitRange(i int, text string) (from, to int64, err error) {
	start, err := c.int(i)
	if err != nil {
		return 0, 0, err
	}
	end, unit := int64(-1), int64(8)
	if c.left(i) >= 2 {
		switch {
		case c.is(i+2, "bit"):
			unit = 1
		case !c.is(i+2, "byte"):
			return 0, 0, errSyntax
		}
	}
	if c.left(i) >= 1 {
		if end, err = c.int(i + 1); err != nil {
			return 0, 0, err
		}
	}
	from, to = textSpan(start, end, len(text)*8/int(unit))
	return from * unit, to * unit, nil
}

// bitcount looks at its arguments only if there is something to count.
func (c *cmd) bitcount() error {
	text, found, err := c.str(c.args[1])
	if err != nil {
		return err
	}
	from, to := int64(0), int64(8*len(text))
	switch {
	case !found:
		return c.count(0)
	case len(c.args) == 2:
	case len(c.args) == 4, len(c.args) == 5:
		if _, _, err := c.ints(2); err != nil {
			return err
		}
		if from, to, err = c.bitRange(2, text); err != nil {
			return err
		}
	default:
		return errSyntax
	}
	return c.count(countBits(text, from, to))
}

// countBits counts the bits of text that are set. Of the bytes at the ends not all may
// count.
func countBits(text string, from, to int64) int {
	n := 0
	for i := from; i < to; {
		if i&7 == 0 && i+8 <= to {
			n += bits.OnesCount8(text[i>>3])
			i += 8
			continue
		}
		n += bit(text, i)
		i++
	}
	return n
}

func (c *cmd) bitpos() error {
	want, err := c.int(2)
	if err != nil {
		return err
	}
	if want&^1 != 0 {
		return failure("ERR The bit argument must be 1 or 0.")
	}
	text, found, err := c.str(c.args[1])
	switch {
	case err != nil:
		return err
	case !found:
		return c.count(-int(want))
	case len(c.args) > 6:
		return errSyntax
	}
	from, to := int64(0), int64(8*len(text))
	if len(c.args) > 3 {
		if from, to, err = c.bitRange(3, text); err != nil {
			return err
		}
	}
	return c.count(findBit(text, int(want), from, to, len(c.args) > 4))
}

// findBit returns where the first bit is that is as wanted, -1 if there is none. Behind a
// string whose end was not given there are zeros.
func findBit(text string, want int, from, to int64, endGiven bool) int {
	for i := from; i < to; i++ {
		if bit(text, i) == want {
			return int(i)
		}
	}
	if want == 0 && !endGiven && from < to {
		return int(to)
	}
	return -1
}

// bitOperations are those on more than one string.
var bitOperations = map[string]func(a, b byte) byte{
	"and": func(a, b byte) byte { return a & b },
	"or":  func(a, b byte) byte { return a | b },
	"xor": func(a, b byte) byte { return a ^ b },
}

func (c *cmd) bitop() error {
	name := strings.ToLower(c.args[1])
	operation := bitOperations[name]
	switch {
	case name == "not" && len(c.args) != 4:
		return failure("ERR BITOP NOT must be called with a single source key.")
	case name != "not" && operation == nil:
		return errSyntax
	}
	texts, longest := make([]string, 0, len(c.args)-3), 0
	for _, key := range c.args[3:] {
		text, _, err := c.str(key)
		if err != nil {
			return err
		}
		texts, longest = append(texts, text), max(longest, len(text))
	}
	result := make([]byte, longest)
	copy(result, texts[0])
	for i := range result {
		if operation == nil {
			result[i] = ^result[i]
		}
		for _, text := range texts[1:] {
			result[i] = operation(result[i], byteAt(text, i))
		}
	}
	c.del(c.args[2])
	if longest > 0 {
		c.put(c.args[2], string(result))
	}
	return c.count(longest)
}

// byteAt returns a byte of text, 0 behind its end.
func byteAt(text string, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}
