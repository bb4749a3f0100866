package difftest

import (
	"bytes"
	"fmt"
	"slices"
)

// A history remembers what was sent last.
type history struct {
	step  int
	lines []line
}

type line struct {
	step  int
	at    place
	c     command
	reply []byte // its beginning, of side A
}

const (
	remembered = 15 // steps
	shown      = 160
)

func (h *history) next() {
	h.step++
	if old := h.step - 2*remembered; len(h.lines) > 0 && h.lines[0].step <= old {
		h.lines = slices.DeleteFunc(h.lines, func(l line) bool { return l.step <= h.step-remembered })
	}
}

func (h *history) add(at place, c command, reply []byte) {
	h.lines = append(h.lines, line{h.step, at, c, bytes.Clone(reply[:min(len(reply), shown)])})
}

func (h *history) String() string {
	var text bytes.Buffer
	for _, l := range h.lines {
		if l.step > h.step-remembered {
			fmt.Fprintf(&text, "step %d: %v %v -> %q\n", l.step, l.at, l.c, l.reply)
		}
	}
	return text.String()
}
