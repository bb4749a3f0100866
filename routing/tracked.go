package routing

import "github.com/redis/go-redis/v9"

// tracked is a command on its way through go-redis, which notes how far it came.
// go-redis asks for the arguments of a command when it writes them, to a connection
// that is open and past its handshake, and sets the command's error when it has read
// its reply. When the connection breaks it also sets the errors of commands that
// were answered before: that is ignored.
//
// The error is kept here, since a command of an asynchronous auto-pipeline makes who
// asks it for its error wait until it is done.
type tracked struct {
	redis.Cmder
	err      error
	written  bool // its bytes may have been handed to the connection
	answered bool // its reply was read
}

func (t *tracked) Args() []any {
	t.written = true
	return t.Cmder.Args()
}

func (t *tracked) SetErr(err error) {
	if t.answered {
		return
	}
	t.answered = t.written && (err == nil || isReply(err))
	t.err = err
	t.Cmder.SetErr(err)
}

// result is what became of the command; broken is the error of the exchange.
func (t *tracked) result(broken error) result {
	switch {
	case t.answered:
		return replied(t.err)
	case t.written:
		return unanswered(lost(broken), broken)
	default:
		return unsent(broken)
	}
}
