package command

import (
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

// AppendReply appends to dst the reply to a request for which [Find] returned the
// command "command" or one of its subcommands.
func AppendReply(dst []byte, proto resp.Protocol, args [][]byte) []byte {
	if len(args) == 1 {
		return AppendCommand(dst, proto)
	}
	switch rest := args[2:]; {
	case is(args[1], "count"):
		return AppendCount(dst)
	case is(args[1], "info"):
		return AppendInfo(dst, proto, rest)
	case is(args[1], "list"):
		return AppendList(dst, rest)
	case is(args[1], "getkeys"):
		return AppendGetKeys(dst, rest)
	case is(args[1], "getkeysandflags"):
		return AppendGetKeysAndFlags(dst, proto, rest)
	case is(args[1], "help"):
		return AppendHelp(dst)
	default:
		return AppendDocs(dst)
	}
}

// AppendCommand appends the reply to COMMAND, all there is to know about every
// command.
func AppendCommand(dst []byte, proto resp.Protocol) []byte {
	indexed() // the table is complete only then
	dst = resp.AppendArray(dst, len(table))
	for i := range table {
		dst = table[i].append(dst, proto)
	}
	return dst
}

// AppendCount appends the reply to COMMAND COUNT. Subcommands do not count.
func AppendCount(dst []byte) []byte { return resp.AppendInt(dst, int64(len(table))) }

// AppendInfo appends the reply to COMMAND INFO names, in any case and such as
// "cluster|slots": null for each that does not exist, everything if there are none.
func AppendInfo(dst []byte, proto resp.Protocol, names [][]byte) []byte {
	if len(names) == 0 {
		return AppendCommand(dst, proto)
	}
	dst = resp.AppendArray(dst, len(names))
	for _, name := range names {
		if s := named(name); s != nil {
			dst = s.append(dst, proto)
		} else {
			dst = proto.AppendNull(dst)
		}
	}
	return dst
}

// append appends the ten things that COMMAND says about s.
func (s *Spec) append(dst []byte, proto resp.Protocol) []byte {
	dst = resp.AppendArray(dst, 10)
	dst = resp.AppendBulk(dst, s.Name)
	dst = resp.AppendInt(dst, int64(s.Arity))
	dst = appendFlags(dst, proto, s.Flags, flagNames[:])
	dst = resp.AppendInt(dst, int64(s.First))
	dst = resp.AppendInt(dst, int64(s.Last))
	dst = resp.AppendInt(dst, int64(s.Step))
	dst = proto.AppendSet(dst, words(s.Categories))
	for category := range strings.FieldsSeq(s.Categories) {
		dst = resp.AppendSimple(dst, "@"+category)
	}
	dst = proto.AppendSet(dst, words(s.Tips))
	for tip := range strings.FieldsSeq(s.Tips) {
		dst = resp.AppendBulk(dst, tip)
	}
	dst = proto.AppendSet(dst, len(s.KeySpecs))
	for i := range s.KeySpecs {
		dst = s.KeySpecs[i].append(dst, proto)
	}
	if len(s.Subcommands) == 0 {
		return proto.AppendSet(dst, 0) // the server's way: those that there are, are an array
	}
	dst = resp.AppendArray(dst, len(s.Subcommands))
	for i := range s.Subcommands {
		dst = s.Subcommands[i].append(dst, proto)
	}
	return dst
}

// words returns how many words list has, with a space between any two.
func words(list string) int {
	if list == "" {
		return 0
	}
	return strings.Count(list, " ") + 1
}

func (k *KeySpec) append(dst []byte, proto resp.Protocol) []byte {
	if k.Notes == "" {
		dst = proto.AppendMap(dst, 3)
	} else {
		dst = proto.AppendMap(dst, 4)
		dst = resp.AppendBulk(dst, "notes")
		dst = resp.AppendBulk(dst, k.Notes)
	}
	dst = resp.AppendBulk(dst, "flags")
	dst = appendFlags(dst, proto, k.Flags, keyFlagNames[:])
	dst = resp.AppendBulk(dst, "begin_search")
	dst = k.appendBegin(dst, proto)
	dst = resp.AppendBulk(dst, "find_keys")
	return k.appendFind(dst, proto)
}

func (k *KeySpec) appendBegin(dst []byte, proto resp.Protocol) []byte {
	switch {
	case k.Keyword != "":
		dst = appendSearch(dst, proto, "keyword", 2)
		dst = resp.AppendBulk(dst, "keyword")
		dst = resp.AppendBulk(dst, k.Keyword)
		return appendBound(dst, "startfrom", k.From)
	case k.Index > 0:
		dst = appendSearch(dst, proto, "index", 1)
		return appendBound(dst, "index", k.Index)
	default:
		return appendSearch(dst, proto, "unknown", 0)
	}
}

func (k *KeySpec) appendFind(dst []byte, proto resp.Protocol) []byte {
	switch {
	case k.Counted:
		dst = appendSearch(dst, proto, "keynum", 3)
		dst = appendBound(dst, "keynumidx", k.Count)
		dst = appendBound(dst, "firstkey", k.FirstKey)
		return appendBound(dst, "keystep", k.Step)
	case k.Step > 0:
		dst = appendSearch(dst, proto, "range", 3)
		dst = appendBound(dst, "lastkey", k.Last)
		dst = appendBound(dst, "keystep", k.Step)
		return appendBound(dst, "limit", k.Limit)
	default:
		return appendSearch(dst, proto, "unknown", 0)
	}
}

// appendSearch appends how something is searched for, up to the bounds that are to
// follow.
func appendSearch(dst []byte, proto resp.Protocol, kind string, bounds int) []byte {
	dst = proto.AppendMap(dst, 2)
	dst = resp.AppendBulk(dst, "type")
	dst = resp.AppendBulk(dst, kind)
	dst = resp.AppendBulk(dst, "spec")
	return proto.AppendMap(dst, bounds)
}

func appendBound(dst []byte, name string, n int) []byte {
	dst = resp.AppendBulk(dst, name)
	return resp.AppendInt(dst, int64(n))
}
