package slotmap

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/slotmesh/slotmesh/hashtag"
)

// ErrBadReply is what errors of [Parse] unwrap to: the reply is not one that a
// cluster node gives.
var ErrBadReply = errors.New("bad CLUSTER SLOTS reply")

// Parse reads the raw reply to CLUSTER SLOTS as go-redis decodes it for a
// command without a type: integers are int64, strings are string, NULL is nil,
// lists are []any and RESP3 maps map[any]any. origin is the address of the node
// that answered. The reply is not kept.
//
// A node whose host is NULL or empty has the host of origin. A host "?" says that
// the node has no name to be known by, where the cluster prefers names; its IP
// address is used if the reply holds one. A port 0 says that the node has no
// address at present (Redis: "noaddr"), or none for this kind of connection, plain
// or TLS. The slots of a master without an address are uncovered, for nobody
// could send there; a replica without an address is left out. Neither makes the
// rest of the reply worse, so neither is an error.
//
// Entries may come in any order and are merged by the address of their master.
// What servers and services are known to differ in is accepted: node IDs and
// metadata may be missing, metadata may hold more than is known here, several IDs
// may share one address (the first counts), and a node may be listed as a
// replica twice, or beside being a master (then it is a master). A reply without
// entries is that of a node that knows of no slots: everything is uncovered.
//
// Everything else, such as a slot that is claimed twice, a slot or port out of
// range, one ID at two addresses or a value of the wrong type, is an error that
// unwraps to [ErrBadReply] and says where in the reply it was found.
func Parse(reply []any, origin string) (*Map, error) {
	p := parser{
		origin:  origin,
		draft:   newDraft(),
		masters: make(map[string]int),
		nodes:   make(map[string]Node),
		addrs:   make(map[string]string),
	}
	for i, v := range reply {
		if err := p.entry(i, v); err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrBadReply, i, err)
		}
	}
	p.demote()
	return p.draft.build(), nil
}

type parser struct {
	origin  string
	draft   *draft
	claims  [hashtag.Slots]uint16 // entry that named the slot, plus one
	masters map[string]int        // address to position in draft.shards
	nodes   map[string]Node       // by address, as first listed
	addrs   map[string]string     // ID to address
}

func (p *parser) entry(i int, v any) error {
	fields, ok := v.([]any)
	if !ok {
		return fmt.Errorf("want a list, got %s", describe(v))
	}
	if len(fields) < 3 {
		return fmt.Errorf("want first slot, last slot and master, got %s", describe(v))
	}
	slots, err := parseRange(fields[0], fields[1])
	if err != nil {
		return err
	}
	if err := p.claim(i, slots); err != nil {
		return fmt.Errorf("slots %v: %w", slots, err)
	}
	if err := p.shard(slots, fields[2:]); err != nil {
		return fmt.Errorf("slots %v: %w", slots, err)
	}
	return nil
}

func parseRange(first, last any) (Range, error) {
	a, err := parseInt(first, 0, hashtag.Slots-1)
	if err != nil {
		return Range{}, fmt.Errorf("first slot: %w", err)
	}
	b, err := parseInt(last, 0, hashtag.Slots-1)
	if err != nil {
		return Range{}, fmt.Errorf("last slot: %w", err)
	}
	if a > b {
		return Range{}, fmt.Errorf("first slot %d is above last slot %d", a, b)
	}
	return Range{First: uint16(a), Last: uint16(b)}, nil
}

func (p *parser) claim(entry int, slots Range) error {
	for slot := int(slots.First); slot <= int(slots.Last); slot++ {
		if other := p.claims[slot]; other != 0 {
			return fmt.Errorf("slot %d is in entry %d as well", slot, other-1)
		}
		p.claims[slot] = uint16(entry + 1) // fits: each entry before claimed a slot
	}
	return nil
}

// shard reads the nodes of an entry, master first, and gives them the slots.
func (p *parser) shard(slots Range, list []any) error {
	nodes := make([]Node, len(list))
	for i, v := range list {
		n, err := p.node(v)
		if err != nil {
			return fmt.Errorf("%s: %w", role(i), err)
		}
		nodes[i] = n
	}
	master, replicas := nodes[0], nodes[1:]
	if master.Addr == "" {
		return nil
	}
	at, ok := p.masters[master.Addr]
	if !ok {
		at = len(p.draft.shards)
		p.masters[master.Addr] = at
		p.draft.shards = append(p.draft.shards, Shard{Master: master})
	}
	for slot := int(slots.First); slot <= int(slots.Last); slot++ {
		p.draft.m.index[slot] = uint16(at + 1)
	}
	s := &p.draft.shards[at]
	for _, n := range replicas {
		if n.Addr != "" && indexAddr(s.Replicas, n.Addr) < 0 {
			s.Replicas = append(s.Replicas, n)
		}
	}
	return nil
}

func role(i int) string {
	if i == 0 {
		return "master"
	}
	return "replica " + strconv.Itoa(i)
}

// node reads [host, port, id, metadata], of which the last two may be missing.
// The Node has no Addr if the reply gives no address to dial.
func (p *parser) node(v any) (Node, error) {
	fields, ok := v.([]any)
	if !ok {
		return Node{}, fmt.Errorf("want a list, got %s", describe(v))
	}
	if len(fields) < 2 {
		return Node{}, fmt.Errorf("want host and port, got %s", describe(v))
	}
	var host, id string
	var meta metadata
	if fields[0] != nil {
		if host, ok = fields[0].(string); !ok {
			return Node{}, fmt.Errorf("host: want a string or NULL, got %s", describe(fields[0]))
		}
	}
	port, err := parseInt(fields[1], 0, 65535)
	if err != nil {
		return Node{}, fmt.Errorf("port: %w", err)
	}
	if len(fields) > 2 {
		if id, ok = fields[2].(string); !ok {
			return Node{}, fmt.Errorf("id: want a string, got %s", describe(fields[2]))
		}
	}
	if len(fields) > 3 {
		if meta, err = parseMetadata(fields[3]); err != nil {
			return Node{}, fmt.Errorf("metadata: %w", err)
		}
	}
	addr, err := p.addr(host, port, meta)
	if err != nil || addr == "" {
		return Node{}, err
	}
	return p.known(Node{ID: id, Addr: addr, Hostname: hostname(host, meta)})
}

// addr returns the address to dial, or "" when the reply does not tell it.
func (p *parser) addr(host string, port int, meta metadata) (string, error) {
	if port == 0 {
		return "", nil
	}
	if host == "?" {
		if host = cmp.Or(meta.ip, meta.hostname); host == "" {
			return "", nil
		}
	}
	if host == "" {
		return p.addrAtOrigin(port)
	}
	if err := checkHost(host); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

func (p *parser) addrAtOrigin(port int) (string, error) {
	host, _, err := net.SplitHostPort(p.origin)
	if err != nil {
		return "", fmt.Errorf("no host given, and none in the address %.100q of the node that answered", p.origin)
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// known returns the node as it was first listed.
func (p *parser) known(n Node) (Node, error) {
	if n.ID != "" {
		if addr, ok := p.addrs[n.ID]; ok && addr != n.Addr {
			return Node{}, fmt.Errorf("id %.100q is at %s and at %s", n.ID, addr, n.Addr)
		}
		p.addrs[n.ID] = n.Addr
	}
	if first, ok := p.nodes[n.Addr]; ok {
		return first, nil
	}
	p.nodes[n.Addr] = n
	return n, nil
}

// demote removes masters from the replicas.
func (p *parser) demote() {
	for i := range p.draft.shards {
		s := &p.draft.shards[i]
		s.Replicas = slices.DeleteFunc(s.Replicas, func(n Node) bool {
			_, master := p.masters[n.Addr]
			return master
		})
	}
}

// metadata is what is used of a node's metadata; "" is missing or unknown.
type metadata struct {
	ip, hostname string
}

// parseMetadata accepts a RESP3 map, the flat list that RESP2 makes of one, and
// NULL. Entries that are not known here may hold anything.
func parseMetadata(v any) (metadata, error) {
	var m metadata
	switch v := v.(type) {
	case nil:
	case map[any]any:
		for key, value := range v {
			if err := m.set(key, value); err != nil {
				return m, err
			}
		}
	case []any:
		if len(v)%2 != 0 {
			return m, fmt.Errorf("want pairs, got %s", describe(v))
		}
		for i := 0; i < len(v); i += 2 {
			if err := m.set(v[i], v[i+1]); err != nil {
				return m, err
			}
		}
	default:
		return m, fmt.Errorf("want a map or a list, got %s", describe(v))
	}
	return m, nil
}

func (m *metadata) set(key, value any) error {
	var field *string
	switch key {
	case "ip":
		field = &m.ip
	case "hostname":
		field = &m.hostname
	default:
		return nil
	}
	s, ok := value.(string)
	if !ok && value != nil {
		return fmt.Errorf("%s: want a string, got %s", key, describe(value))
	}
	if s == "?" {
		s = ""
	}
	*field = s
	return nil
}

// hostname prefers the announced name; a cluster that prefers names sends it as
// the host instead.
func hostname(host string, meta metadata) string {
	if meta.hostname != "" || host == "" || host == "?" {
		return meta.hostname
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	return host
}

// checkHost refuses what cannot be dialled, and would make a mess of a log.
func checkHost(host string) error {
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("host %.100q is neither a name nor an IP address", host)
		}
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '[' || r == ']' }) {
		return fmt.Errorf("host %.100q is neither a name nor an IP address", host)
	}
	return nil
}

func parseInt(v any, low, high int64) (int, error) {
	n, ok := v.(int64)
	if !ok {
		return 0, fmt.Errorf("want an integer, got %s", describe(v))
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d is not in %d..%d", n, low, high)
	}
	return int(n), nil
}

// describe names a value of the reply in a few words on one line.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return fmt.Sprintf("%.100q", v)
	case int64:
		return strconv.FormatInt(v, 10)
	case error:
		return fmt.Sprintf("the error %.100q", v.Error())
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[any]any:
		return fmt.Sprintf("a map of %d", len(v))
	default:
		return fmt.Sprintf("a %T", v)
	}
}
