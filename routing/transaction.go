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
	cmds   []redis.Cmder // of the caller
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

func newTransaction(cmds []redis.Cmder) *transaction {
	ctx := context.Background()
	tx := &transaction{
		cmds:   cmds,
		multi:  redis.NewStatusCmd(ctx, "multi"),
		queued: make([]queuedCmd, len(cmds)),
		exec:   redis.NewRawCmd(ctx, "exec"),
	}
	for i, cmd := range cmds {
		tx.queued[i].cmd = cmd
	}
	return tx
}

// appendTo appends what is sent for the transaction, EXEC last.
func (tx *transaction) appendTo(cmds []tracked) []tracked {
	cmds = append(cmds, tracked{Cmder: tx.multi})
	for i := range tx.queued {
		cmds = append(cmds, tracked{Cmder: &tx.queued[i]})
	}
	return append(cmds, tracked{Cmder: tx.exec})
}

// result is what became of the transaction, whose EXEC was answered. If it ran, each
// command has its own reply, and the first error among them is the result. If the
// node refused it, the refusal is.
func (tx *transaction) result(replays *replays) result {
	if err := tx.multi.Err(); err != nil && tx.ranAlone() {
		return unanswered(FaultGarbage, fmt.Errorf("multi was refused, and the commands were run one by one: %w", err))
	}
	raw := tx.exec.Val()
	if text, ok := bytes.CutPrefix(raw, []byte("-")); ok {
		return tx.refused(replyError(bytes.TrimRight(text, "\r\n")))
	}
	header, replies, _ := bytes.Cut(raw, []byte("\r\n"))
	n, err := strconv.Atoi(string(bytes.TrimPrefix(header, []byte("*"))))
	switch {
	case string(header) == "_", err == nil && n < 0:
		return tx.refused(redis.TxFailedErr)
	case err != nil || n != len(tx.cmds):
		err = setErrs(tx.cmds, fmt.Errorf("exec answered %.40q to %d commands", header, len(tx.cmds)))
	default:
		err = replays.decode(replies, tx.cmds)
	}
	return result{answered: true, executed: true, err: err}
}

// ranAlone reports whether the node may have run a command although it refused MULTI:
// neither was the command queued, nor was its answer a refusal.
func (tx *transaction) ranAlone() bool {
	for i := range tx.queued {
		q := &tx.queued[i]
		if err := q.Err(); err == nil && q.Val() != "QUEUED" || err != nil && parseReply(err.Error()).fault == FaultReply {
			return true
		}
	}
	return false
}

// refused gives each command the answer that it got while it was queued, or else
// that of EXEC. The result is the one that says why: the first answer to a command
// that is an error, since that of all the others follows from it.
func (tx *transaction) refused(exec error) result {
	why := tx.multi.Err()
	for i := range tx.queued {
		err := tx.queued[i].Err()
		if err == nil {
			tx.cmds[i].SetErr(exec)
			continue
		}
		tx.cmds[i].SetErr(err)
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

// setErrs gives each command err and returns it.
func setErrs(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}
