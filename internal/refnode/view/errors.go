package view

import "fmt"

// An Error is why a command is refused: the text of the reply after its code,
// which is ERR.
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

func unknownNode(id string) error { return errorf("Unknown node %s", id) }
