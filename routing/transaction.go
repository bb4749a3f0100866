package routing

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// transaction is how one MULTI ... EXEC travels in a pipeline: a status for MULTI
// and for each queued command, and the reply to EXEC as it came, since only when
// EXEC ran does it hold the replies of the commands.
type transaction struct {
	multi  *redis.StatusCmd
	queued []queuedCmd
	exec   *redis.RawCmd
}

// queuedCmd sends the request of another command and reads what the node answers
// when it queues it.
type queuedCmd struct {
	redis.StatusCmd
	cmd redis.Cmder
}

func (q *queuedCmd) Name() string { return q.cmd.Name() }
func (q *queuedCmd) Args() []any  { return q.cmd.Args() }

// appendTransaction appends the commands that carry cmds as one transaction.
func appendTransaction(dst, cmds []redis.Cmder) ([]redis.Cmder, *transaction) {
	ctx := context.Background()
	tx := &transaction{
		multi:  redis.NewStatusCmd(ctx, "multi"),
		queued: make([]queuedCmd, len(cmds)),
		exec:   redis.NewRawCmd(ctx, "exec"),
	}
	dst = append(dst, tx.multi)
	for i, cmd := range cmds {
		tx.queued[i].cmd = cmd
		dst = append(dst, &tx.queued[i])
	}
	return append(dst, tx.exec), tx
}

// result is what became of the transaction. When EXEC ran, each of cmds has its own
// reply, and the first error among them is the result. When the node refused the
// transaction, the refusal is.
func (tx *transaction) result(ctx context.Context, cmds []redis.Cmder, broken error) result {
	if !answered(tx.exec) {
		return unanswered(transportFault(ctx, broken), broken)
	}
	raw := tx.exec.Val()
	if text, ok := bytes.CutPrefix(raw, []byte("-")); ok {
		return tx.refused(cmds, replyError(bytes.TrimRight(text, "\r\n")))
	}
	header, replies, _ := bytes.Cut(raw, []byte("\r\n"))
	n, err := strconv.Atoi(string(bytes.TrimPrefix(header, []byte("*"))))
	switch {
	case string(header) == "_", err == nil && n < 0:
		setErrs(cmds, redis.TxFailedErr)
		return result{answered: true, fault: FaultReply, err: redis.TxFailedErr}
	case err != nil || n != len(cmds):
		err = fmt.Errorf("exec answered %.40q to %d commands", header, len(cmds))
	default:
		err = decodeReplies(replies, cmds)
	}
	if err != nil {
		setErrs(cmds, err)
		return result{answered: true, executed: true, err: err}
	}
	return result{answered: true, executed: true, err: firstErr(cmds)}
}

// refused gives each command the answer that it got while it was queued, or else
// that of EXEC, and returns the one that says why: a redirection of any of them is
// that of all.
func (tx *transaction) refused(cmds []redis.Cmder, exec error) result {
	why := tx.multi.Err()
	for i := range tx.queued {
		err := tx.queued[i].Err()
		if err == nil {
			cmds[i].SetErr(exec)
			continue
		}
		cmds[i].SetErr(err)
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

// replyError is an error reply that was read as raw bytes.
type replyError string

func (e replyError) Error() string { return string(e) }

var _ redis.Error = replyError("")

// RedisError marks a reply of the server, as redis.Error asks for.
func (replyError) RedisError() {}

func setErrs(cmds []redis.Cmder, err error) {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
}

func firstErr(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}
