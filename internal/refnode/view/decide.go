package view

import (
	"bytes"

	"github.com/slotmesh/slotmesh/hashtag"
)

// A Query is one command about which to decide, or for EXEC all that were queued
// together.
type Query struct {
	// Keys are the command's keys in order, those of all queued commands for EXEC;
	// for sharded pub/sub its channels. They are neither kept nor changed.
	Keys [][]byte

	Write       bool // the command is a write; EXEC itself is none
	QueuedWrite bool // for EXEC: a queued command is a write
	ShardPubSub bool // SSUBSCRIBE, SUNSUBSCRIBE or SPUBLISH; EXEC is none whatever was queued
	Migrate     bool // MIGRATE

	Asking   bool // the connection has sent ASKING, or the command implies it
	ReadOnly bool // the connection has sent READONLY

	// Exists reports whether there is a key here; one that has expired is not. It is
	// only asked about keys of slots that are migrating or importing, and must be set
	// if any is. It must have no side effects.
	Exists func(key []byte) bool
}

// A Kind says what becomes of a command.
type Kind int

const (
	Serve        Kind = iota // here
	Moved                    // the slot is another node's
	Ask                      // its keys are already at another node
	TryAgain                 // its keys are partly here, partly not
	CrossSlot                // its keys are of several slots
	Unserved                 // its slot has no owner
	Down                     // the cluster is down
	DownReadOnly             // the cluster is down, and the command writes
)

// A Decision says what becomes of a command.
type Decision struct {
	Kind Kind
	Slot uint16 // of the first key, if Kind is Moved or Ask
	Node *Node  // where to go, if Kind is Moved or Ask
}

// Decide says whether a command is served here, and if not, why. It allocates nothing.
//
// The rules are those of the redirection decision in their order. Which slot it is, that it
// has an owner and that no key is of another is found before any of them is asked.
func (v *View) Decide(q *Query) Decision {
	k, refusal := v.scan(q)
	if refusal != Serve {
		return Decision{Kind: refusal}
	}

	// Rule 1: a command without keys is served anywhere.
	if len(q.Keys) == 0 {
		return Decision{Kind: Serve}
	}

	// Rule 2: what is served while the cluster is down, is for the settings to say.
	if refusal := v.refusalWhenDown(q); v.State() == Fail && refusal != Serve {
		return Decision{Kind: refusal}
	}

	// Rule 3: MIGRATE is about the keys that are here, if the slot is open.
	if q.Migrate && k.phase != closed {
		return Decision{Kind: Serve}
	}

	// Rule 4: what has left a migrating slot is at the target, unless part of it is here. If
	// somebody made the slot migrate to where it is, that is here too.
	if k.phase == migrating && k.missing > 0 {
		if k.existing > 0 {
			return Decision{Kind: TryAgain}
		}
		if target := v.migrating[k.slot]; target != v.me {
			return Decision{Ask, k.slot, target}
		}
		return Decision{Kind: Serve}
	}

	// Rule 5: who was sent to an importing slot is served, if no key is still on its way.
	if k.phase == importing && q.Asking {
		if k.several && k.missing > 0 {
			return Decision{Kind: TryAgain}
		}
		return Decision{Kind: Serve}
	}

	// Rule 6: a replica serves reads of its master's slots to those who said they want it.
	if v.replicates(k.owner) && !q.Write && !q.QueuedWrite && (q.ReadOnly || q.ShardPubSub) {
		return Decision{Kind: Serve}
	}

	// Rule 7: everything else is the owner's.
	if k.owner == v.me {
		return Decision{Kind: Serve}
	}
	return Decision{Moved, k.slot, k.owner}
}

// keys is what there is to know about the keys of a command.
type keys struct {
	slot              uint16
	owner             *Node
	phase             phase
	several           bool // not just one key, however often
	missing, existing int  // counted only if the slot is open, and not for channels
}

// A phase says whether a slot is open, and to which side.
type phase int

const (
	closed phase = iota
	migrating
	importing
)

// scan looks at the keys in order, up to the first that refuses the command.
func (v *View) scan(q *Query) (k keys, refusal Kind) {
	for i, key := range q.Keys {
		slot := hashtag.SlotBytes(key)
		switch {
		case i == 0:
			k.slot, k.owner, k.phase = slot, v.owners[slot], v.phase(slot)
			if k.owner == nil {
				return k, Unserved
			}
		case slot != k.slot:
			return k, CrossSlot
		case !bytes.Equal(key, q.Keys[0]):
			k.several = true
		}
		if k.phase != closed && !q.ShardPubSub {
			k.count(q.Exists(key))
		}
	}
	return k, Serve
}

func (k *keys) count(exists bool) {
	if exists {
		k.existing++
	} else {
		k.missing++
	}
}

func (v *View) phase(slot uint16) phase {
	switch {
	case v.owners[slot] == v.me && v.migrating[slot] != nil:
		return migrating
	case v.importing[slot] != nil:
		return importing
	default:
		return closed
	}
}

func (v *View) refusalWhenDown(q *Query) Kind {
	switch {
	case q.ShardPubSub && v.settings.AllowPubSubShardWhenDown:
		return Serve
	case q.ShardPubSub, !v.settings.AllowReadsWhenDown:
		return Down
	case q.Write:
		return DownReadOnly
	default:
		return Serve
	}
}

// Recheck says whether a client that is blocked on key may go on waiting, which is
// [Serve], or what it must be told. ReadOnly is that of its connection, isRead says
// that its command is not a write. To be asked after every change of the view.
func (v *View) Recheck(key []byte, readOnly, isRead bool) Decision {
	slot := hashtag.SlotBytes(key)
	owner := v.owners[slot]
	switch {
	case v.State() == Fail:
		return Decision{Kind: Down}
	case owner == v.me, v.importing[slot] != nil:
		return Decision{Kind: Serve}
	case owner == nil:
		return Decision{Kind: Unserved}
	case readOnly && isRead && v.replicates(owner):
		return Decision{Kind: Serve}
	default:
		return Decision{Moved, slot, owner}
	}
}
