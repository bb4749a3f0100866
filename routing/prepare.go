package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/resp"
)

// prepared is a command as ops.
type prepared struct {
	ops   []*Op        // what to run; none if err is set
	parts func() error // puts the results of the ops together, if there are several
	err   error        // why the command cannot be sent

	op   Op     // the only op, for most commands
	one  [1]*Op // ops, then
	keys [8]int // room for positions
}

// reset lets go of all that belongs to the caller.
func (p *prepared) reset() {
	p.ops, p.parts, p.err = nil, nil, nil
	p.op = Op{}
}

// prepare fills p with what cmd is as ops.
func (r *Router) prepare(ctx context.Context, cmd redis.Cmder, p *prepared) {
	info, keys, slot, err := r.resolve(ctx, cmd, p.keys[:0])
	if errors.Is(err, ErrCrossSlot) && r.opts.Split != nil {
		if ops, finish, ok := r.opts.Split(cmd, keys); ok {
			p.ops, p.parts = ops, finish
			return
		}
	}
	if err != nil {
		p.err = refuse(cmd, err)
		return
	}
	p.op = Op{Cmd: cmd, Slot: slot, Flags: info.opFlags()}
	if d, blocks := blockTimeout(info, cmd.Args()); blocks {
		p.op.Flags |= Exclusive
		p.op.Block = d
		if d == 0 {
			p.op.Block = -1
		}
	} else if info.learned && info.Flags&Blocking != 0 {
		p.op.Block = -1 // nobody knows how long
	}
	p.one[0] = &p.op
	p.ops = p.one[:]
}

// finish gives cmd its error, once its ops have run, and returns it.
func (p *prepared) finish(cmd redis.Cmder) error {
	switch {
	case p.err != nil:
		cmd.SetErr(p.err)
		return p.err
	case p.parts != nil:
		return p.parts()
	default:
		return p.op.Err
	}
}

// resolve returns what is known of cmd, where its keys are, and the slot of all of
// them. The error says why the command cannot be sent as it is.
func (r *Router) resolve(ctx context.Context, cmd redis.Cmder, buf []int) (info *Command, keys []int, slot int, err error) {
	args := cmd.Args()
	if info, err = r.lookup(ctx, args); err != nil {
		return nil, nil, 0, err
	}
	if why := info.Refusal(); why != "" {
		return nil, nil, 0, fmt.Errorf("%w: %s", ErrUnsupported, why)
	}
	if err = encodable(args); err != nil {
		return nil, nil, 0, err
	}
	if keys, err = info.appendKeys(buf, args); err != nil {
		return nil, nil, 0, err
	}
	slot, err = slotOf(info, args, keys)
	if err == nil && slot == AnySlot && info.Flags&(Keyless|AnyNode) == Keyless {
		err = keyless(info)
	}
	return info, keys, slot, err
}

// keyless is the error of a command that has no keys and is not done when one node has
// run it.
func keyless(info *Command) error {
	if info.Name == "wait" || info.Name == "waitaof" {
		return fmt.Errorf("%w: %s is about what its own connection wrote, and connections are shared", ErrUnsupported, info.Name)
	}
	if info.Flags&NodeLocal != 0 {
		return fmt.Errorf("%w: %s concerns the node that runs it: connect to that node", ErrUnsupported, info.Name)
	}
	return fmt.Errorf("%w: %s concerns the whole cluster, and there is no cluster-wide form of it yet", ErrUnsupported, info.Name)
}

// isTransaction reports whether cmds are what go-redis makes of a TxPipeline.
func isTransaction(cmds []redis.Cmder) bool {
	return len(cmds) > 2 && cmds[0].Name() == "multi" && cmds[len(cmds)-1].Name() == "exec"
}

// prepareTransaction returns the op for MULTI, the commands, EXEC. All must agree on
// a slot.
func (r *Router) prepareTransaction(ctx context.Context, cmds []redis.Cmder) (*Op, error) {
	exec, cmds := cmds[len(cmds)-1], cmds[1:len(cmds)-1]
	op := &Op{Cmd: exec, Tx: cmds, Slot: AnySlot, Flags: Repeatable}
	var first, firstKey string
	for _, cmd := range cmds {
		info, keys, slot, err := r.resolve(ctx, cmd, nil)
		if err != nil {
			return nil, refuse(cmd, err)
		}
		if info.Flags&ReadOnly == 0 {
			op.Flags &^= Repeatable
		}
		op.Flags |= info.opFlags() & Exclusive
		switch {
		case slot == AnySlot, slot == op.Slot:
		case op.Slot == AnySlot:
			op.Slot, first, firstKey = slot, cmd.Name(), keyName(cmd.Args(), keys)
		default:
			return nil, refuse(cmd, fmt.Errorf("%w: in one transaction, %s of key %s is for slot %d and %s of key %s for slot %d",
				ErrCrossSlot, first, firstKey, op.Slot, cmd.Name(), keyName(cmd.Args(), keys), slot))
		}
	}
	return op, nil
}

// refuse is the error of a command that was not sent.
func refuse(cmd redis.Cmder, cause error) error {
	return &Error{Op: cmd.Name(), Slot: AnySlot, Outcome: NotExecuted, Err: cause}
}

// slotOf returns the slot of a command: that of all its keys, the one it names as an
// argument, or AnySlot. Keys of different slots are ErrCrossSlot, naming two of them.
func slotOf(info *Command, args []any, keys []int) (int, error) {
	if info.SlotArg > 0 {
		return slotArg(info, args)
	}
	if len(keys) == 0 {
		return AnySlot, nil
	}
	slot, err := keySlot(args[keys[0]])
	if err != nil {
		return 0, err
	}
	for _, k := range keys[1:] {
		other, err := keySlot(args[k])
		if err != nil {
			return 0, err
		}
		if other != slot {
			return 0, fmt.Errorf("%w: key %s is in slot %d, key %s in slot %d",
				ErrCrossSlot, keyName(args, keys), slot, keyName(args, []int{k}), other)
		}
	}
	return int(slot), nil
}

// keySlot returns the slot of a key as it would be sent.
func keySlot(arg any) (uint16, error) {
	switch key := arg.(type) {
	case string:
		return hashtag.Slot(key), nil
	case []byte:
		return hashtag.SlotBytes(key), nil
	}
	b, err := resp.AppendText(nil, arg)
	if err != nil {
		return 0, err
	}
	return hashtag.SlotBytes(b), nil
}

// ArgText returns an argument of a command as the text that is sent for it. The error
// names a type that cannot be sent.
func ArgText(arg any) (string, error) {
	if text, ok := arg.(string); ok {
		return text, nil
	}
	b, err := resp.AppendText(nil, arg)
	return string(b), err
}

// slotArg returns the slot that a command has as an argument.
func slotArg(info *Command, args []any) (int, error) {
	if info.SlotArg >= len(args) {
		return AnySlot, nil // the server says what is missing
	}
	slot, ok := argInt(args[info.SlotArg])
	if !ok || slot < 0 || slot >= hashtag.Slots {
		return 0, fmt.Errorf("%s: %.20q is no slot: want 0 to %d", info.Name, argText(args[info.SlotArg]), hashtag.Slots-1)
	}
	return slot, nil
}

// encodable reports the first argument that cannot be sent. Found only when it is
// written, it would take the commands around it with it.
func encodable(args []any) error {
	for i, arg := range args {
		switch arg.(type) {
		case string, []byte, *string, int, int64, float64, bool:
			continue
		}
		if _, err := resp.AppendText(nil, arg); err != nil {
			return fmt.Errorf("argument %d: %w", i, err)
		}
	}
	return nil
}

// keyName quotes the first of the keys for an error, shortened if it is long.
func keyName(args []any, keys []int) string {
	const most = 64
	if len(keys) == 0 {
		return "(none)"
	}
	key := argText(args[keys[0]])
	if len(key) > most {
		return fmt.Sprintf("%q... (%d bytes)", key[:most], len(key))
	}
	return fmt.Sprintf("%q", key)
}
