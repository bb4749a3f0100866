package refnode

import "github.com/slotmesh/slotmesh/internal/refnode/command"

// commandHandlers are COMMAND and its subcommands.
var commandHandlers = map[string]handler{
	"command":                 (*request).describeCommands,
	"command|count":           (*request).describeCommands,
	"command|docs":            (*request).describeCommands,
	"command|getkeys":         (*request).describeCommands,
	"command|getkeysandflags": (*request).describeCommands,
	"command|help":            (*request).describeCommands,
	"command|info":            (*request).describeCommands,
	"command|list":            (*request).describeCommands,
}

func (r *request) describeCommands() { r.out = command.AppendReply(r.out, r.session.proto, r.args) }
