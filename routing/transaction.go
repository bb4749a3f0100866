package routing

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/internal/resp"
	"github.com/slotmesh/slotmesh/internal/wire"
)

// transaction is the replies to one MULTI ... EXEC: a status for MULTI and for each command
// that was queued, and that of EXEC, which only if it ran holds the replies of the commands.
type transaction struct {
	cmds    []redis.Cmder // of the caller
	slot    int           // of their keys
	replies *wire.Exchange
	first   int // the reply to MULTI
	replays *replays
}

func (tx *transaction) reply(i int) []byte { return tx.replies.Reply(tx.first + i) }

// refusal returns the error that the i-th command was answered, nil if it was not: 0 is
// MULTI.
func (tx *transaction) refusal(i int) error {
	raw := tx.reply(i)
	if resp.Kind(raw[0]) != resp.Error {
		return nil
	}
	return tx.replays.decodeAny(raw, redis.NewStatusCmd(context.Background()))
}

// result is what became of the transaction, whose EXEC was answered. If it ran, each
// command has its own reply, and the first error among them is the result. If the
// node refused it, the refusal is.
func (tx *transaction) result() result {
	if err := tx.refusal(0); err != nil && tx.ranAlone() {
		return unanswered(FaultGarbage, fmt.Errorf("multi was refused, and the commands were run one by one: %w", err))
	}
	raw := tx.reply(len(tx.cmds) + 1)
	if err := tx.refusal(len(tx.cmds) + 1); err != nil {
		return tx.refused(err)
	}
	header, replies, _ := bytes.Cut(raw, []byte("\r\n"))
	n, err := strconv.Atoi(string(bytes.TrimPrefix(header, []byte("*"))))
	switch {
	case string(header) == "_", err == nil && n < 0:
		return tx.refused(redis.TxFailedErr)
	case err != nil || n != len(tx.cmds):
		err = setErrs(tx.cmds, fmt.Errorf("exec answered %.40q to %d commands", header, len(tx.cmds)))
	default:
		err = tx.replays.decodeAll(replies, tx.cmds)
	}
	return result{answered: true, executed: true, err: err}
}

// ranAlone reports whether the node may have run a command although it refused MULTI:
// neither was the command queued, nor was its answer a refusal.
func (tx *transaction) ranAlone() bool {
	for i := range tx.cmds {
		if tx.mayHaveRun(i) {
			return true
		}
	}
	return false
}

// mayHaveRun is ranAlone for the i-th command. One that runs code on the server may answer
// the text of a refusal when it has run.
func (tx *transaction) mayHaveRun(i int) bool {
	err := tx.refusal(i + 1)
	if err == nil {
		return string(tx.reply(i+1)) != "+QUEUED\r\n"
	}
	refusal := parseReply(err.Error())
	info, known := lookupArgs(tx.cmds[i].Args())
	if known && info.Flags&Opaque == 0 {
		return refusal.fault == FaultReply
	}
	return !rules[refusal.fault].believe || !refusal.names(tx.slot)
}

// refused gives each command the answer that it got while it was queued, or else
// that of EXEC. The result is the one that says why: the first answer to a command
// that is an error, since that of all the others follows from it.
func (tx *transaction) refused(exec error) result {
	why := tx.refusal(0)
	for i, cmd := range tx.cmds {
		err := tx.refusal(i + 1)
		if err == nil {
			cmd.SetErr(exec)
			continue
		}
		cmd.SetErr(err)
		if why == nil {
			why = err
		}
	}
	if why == nil {
		why = exec
	}
	res := replied(why)
	res.executed = false
	return res
}

// setErrs gives each command err and returns it.
func setErrs(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}
