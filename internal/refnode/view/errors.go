package view

import (
	"fmt"
	"strings"
)

// An Error is why a command is refused: the text of the reply after its code,
// which is ERR.
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

func unknownNode(id string) error { return errorf("Unknown node %s", shown(id)) }

// shown is an ID as the server shows it: it ends at a zero byte, as in C.
func shown(id string) string {
	id, _, _ = strings.Cut(id, "\x00")
	return id
}
