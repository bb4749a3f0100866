package refnode

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/slotmesh/slotmesh/hashtag"
	"github.com/slotmesh/slotmesh/internal/refnode/decimal"
	"github.com/slotmesh/slotmesh/internal/refnode/view"
)

// clusterHandlers are the subcommands of CLUSTER. Those that need the cluster bus are not
// there yet.
var clusterHandlers = map[string]handler{
	"cluster|slots":                 func(r *request) { r.out = r.known().AppendSlots(r.out, r.session.proto) },
	"cluster|shards":                func(r *request) { r.out = r.known().AppendShards(r.out, r.session.proto) },
	"cluster|nodes":                 func(r *request) { r.verbatim(r.known().NodesText(r.now.UnixMilli())) },
	"cluster|info":                  func(r *request) { r.verbatim(r.known().InfoText(view.Messages{}, view.Messages{}, 0)) },
	"cluster|myid":                  func(r *request) { r.bulk(r.node.view.Myself().ID) },
	"cluster|keyslot":               func(r *request) { r.int(int64(hashtag.SlotBytes(r.args[2]))) },
	"cluster|countkeysinslot":       (*request).countKeysInSlot,
	"cluster|getkeysinslot":         (*request).getKeysInSlot,
	"cluster|addslots":              changeSlots(view.ParseSlots, (*view.View).AddSlots),
	"cluster|delslots":              changeSlots(view.ParseSlots, (*view.View).DelSlots),
	"cluster|addslotsrange":         changeSlots(view.ParseRanges, (*view.View).AddSlots),
	"cluster|delslotsrange":         changeSlots(view.ParseRanges, (*view.View).DelSlots),
	"cluster|flushslots":            (*request).flushSlots,
	"cluster|setslot":               (*request).setSlot,
	"cluster|bumpepoch":             (*request).bumpEpoch,
	"cluster|replicas":              (*request).replicas,
	"cluster|slaves":                (*request).replicas,
	"cluster|count-failure-reports": (*request).failureReports,
}

// known returns the view, for a reply: with how far replication has come by now.
func (r *request) known() *view.View {
	r.node.view.Myself().Offset = r.node.offset
	return r.node.view
}

func (r *request) countKeysInSlot() {
	n, ok := decimal.Parse(r.args[2])
	switch {
	case !ok:
		r.fail("ERR value is not an integer or out of range")
	case n < 0 || n >= hashtag.Slots:
		r.fail("ERR Invalid slot")
	default:
		r.int(int64(r.node.keys.inSlot(uint16(n))))
	}
}

func (r *request) getKeysInSlot() {
	slot, ok1 := decimal.Parse(r.args[2])
	most, ok2 := decimal.Parse(r.args[3])
	switch {
	case !ok1 || !ok2:
		r.fail("ERR value is not an integer or out of range")
		return
	case slot < 0 || slot >= hashtag.Slots || most < 0:
		r.fail("ERR Invalid slot or number of keys")
		return
	}
	keys := r.node.keys.slots[slot]
	n := min(most, int64(len(keys)))
	r.array(int(n))
	for key := range keys {
		if n--; n < 0 {
			return
		}
		r.bulk(key)
	}
}

// changeSlots adds or removes slots: all that are named, or none.
func changeSlots(parse func([][]byte) ([]uint16, error), change func(*view.View, ...uint16) error) handler {
	return func(r *request) {
		slots, err := parse(r.args[2:])
		if errors.Is(err, view.ErrArity) {
			err = fmt.Errorf("wrong number of arguments for '%s' command", r.spec.Name)
		}
		if err == nil {
			err = change(r.node.view, slots...)
		}
		r.changed(err)
	}
}

// changed answers what has become of a change of the view.
func (r *request) changed(err error) {
	if err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	r.node.viewChanged()
	r.ok()
}

func (r *request) flushSlots() {
	r.changed(r.node.view.FlushSlots(r.node.keys.count > 0))
}

// setSlot is CLUSTER SETSLOT. It changes what this node knows, and nobody else.
func (r *request) setSlot() { r.changed(r.node.view.SetSlot(r.args[2:], r.node.hasKeys)) }

// hasKeys reports whether there are keys in slot.
func (n *Node) hasKeys(slot uint16) bool { return n.keys.inSlot(slot) > 0 }

func (r *request) bumpEpoch() {
	epoch, bumped := r.node.view.BumpEpoch()
	word := map[bool]string{true: "BUMPED ", false: "STILL "}[bumped]
	r.simple(word + strconv.FormatUint(epoch, 10))
}

func (r *request) replicas() {
	lines, err := r.known().Replicas(r.arg(2), r.now.UnixMilli())
	if err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	r.array(len(lines))
	for _, line := range lines {
		r.bulk(line)
	}
}

// failureReports is always 0: without the bus nobody reports.
func (r *request) failureReports() {
	if _, err := r.node.view.Known(r.arg(2)); err != nil {
		r.fail("ERR " + err.Error())
		return
	}
	r.int(0)
}
