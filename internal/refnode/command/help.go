package command

import (
	"strings"

	"github.com/slotmesh/slotmesh/internal/resp"
)

const help = `COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
(no subcommand)
    Return details about all Redis commands.
COUNT
    Return the total number of commands in this Redis server.
LIST
    Return a list of all commands in this Redis server.
INFO [<command-name> ...]
    Return details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
DOCS [<command-name> ...]
    Return documentation details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
GETKEYS <full-command>
    Return the keys from a full Redis command.
GETKEYSANDFLAGS <full-command>
    Return the keys and the access flags from a full Redis command.
HELP
    Prints this help.
`

// AppendHelp appends the reply to COMMAND HELP.
func AppendHelp(dst []byte) []byte {
	dst = resp.AppendArray(dst, strings.Count(help, "\n"))
	for line := range strings.Lines(help) {
		dst = resp.AppendSimple(dst, strings.TrimSuffix(line, "\n"))
	}
	return dst
}

// AppendDocs appends the reply to COMMAND DOCS, an error: the table has no
// documentation. redis-cli then makes do with what it knows itself.
func AppendDocs(dst []byte) []byte {
	return resp.AppendError(dst, "ERR COMMAND DOCS is not supported by the reference node")
}
