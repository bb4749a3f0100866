package command

import "github.com/slotmesh/slotmesh/internal/resp"

// AppendGetKeys appends the reply to COMMAND GETKEYS request: its keys, or what is
// wrong with it. request is not empty, which the arity of GETKEYS sees to.
//
// The server lists other keys than decide on a redirection, [Spec.Keys]: no channels,
// keys in the order of the KeySpecs, and other ones where the request makes no sense.
func AppendGetKeys(dst []byte, request [][]byte) []byte {
	keys, problem := getKeys(request)
	if problem != "" {
		return resp.AppendError(dst, problem)
	}
	dst = resp.AppendArray(dst, len(keys))
	for _, key := range keys {
		dst = resp.AppendBulk(dst, request[key.Arg])
	}
	return dst
}

// AppendGetKeysAndFlags appends the reply to COMMAND GETKEYSANDFLAGS request: as
// AppendGetKeys, but with each key what is done with it.
func AppendGetKeysAndFlags(dst []byte, proto resp.Protocol, request [][]byte) []byte {
	keys, problem := getKeys(request)
	if problem != "" {
		return resp.AppendError(dst, problem)
	}
	dst = resp.AppendArray(dst, len(keys))
	for _, key := range keys {
		dst = resp.AppendArray(dst, 2)
		dst = resp.AppendBulk(dst, request[key.Arg])
		dst = appendFlags(dst, proto, key.flags, keyFlagNames[:])
	}
	return dst
}

// getKeys returns the keys of request, or an error reply.
func getKeys(request [][]byte) (keys []Key, problem string) {
	s := lookup(request)
	switch {
	case s == nil:
		return nil, "ERR Invalid command specified"
	case !s.listsKeys():
		return nil, "ERR The command has no key arguments"
	case !s.takes(len(request)):
		return nil, "ERR Invalid number of arguments specified for command"
	}
	keys = s.listKeys(request)
	if len(keys) == 0 && !s.Flags.Has(NoMandatoryKeys) {
		return nil, "ERR Invalid arguments specified for command"
	}
	return keys, ""
}
