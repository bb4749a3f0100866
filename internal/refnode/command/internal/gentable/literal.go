package main

import (
	"fmt"
	"log"
	"strings"
)

// A literal is a struct of which the fields that are not zero are written.
type literal struct{ fields []string }

func (l *literal) String() string { return "{" + strings.Join(l.fields, ", ") + "}" }

func (l *literal) add(field, format string, args ...any) {
	l.fields = append(l.fields, field+": "+fmt.Sprintf(format, args...))
}

func (l *literal) addText(field, text string) {
	if text != "" {
		l.add(field, "%q", text)
	}
}

// addInt adds an integer that the server may not have sent.
func (l *literal) addInt(field string, n any) {
	if n, _ := n.(int64); n != 0 {
		l.add(field, "%d", n)
	}
}

// constants returns the expression for flags, none of which may be unknown.
func constants(flags []string, names map[string]string) string {
	var list []string
	for _, flag := range flags {
		constant, ok := names[flag]
		if !ok {
			log.Fatalf("the server has a flag that the package does not know: %s", flag)
		}
		list = append(list, constant)
	}
	return strings.Join(list, " | ")
}

var flagConstants = map[string]string{
	"write": "Write", "readonly": "ReadOnly", "denyoom": "DenyOOM", "admin": "Admin", "pubsub": "PubSub",
	"noscript": "NoScript", "blocking": "Blocking", "loading": "Loading", "stale": "Stale",
	"skip_monitor": "SkipMonitor", "skip_slowlog": "SkipSlowlog", "asking": "Asking", "fast": "Fast",
	"no_auth": "NoAuth", "no_mandatory_keys": "NoMandatoryKeys", "no_async_loading": "NoAsyncLoading",
	"no_multi": "NoMulti", "movablekeys": "MovableKeys", "allow_busy": "AllowBusy",
}

var keyFlagConstants = map[string]string{
	"RO": "RO", "RW": "RW", "OW": "OW", "RM": "RM", "access": "Access", "update": "Update",
	"insert": "Insert", "delete": "Delete", "not_key": "NotKey", "incomplete": "Incomplete",
	"variable_flags": "VariableFlags",
}

func texts(v any) []string {
	var list []string
	for _, e := range v.([]any) {
		list = append(list, e.(string))
	}
	return list
}

// fields returns a map that RESP2 writes as a list of names and values.
func fields(v any) map[string]any {
	list, m := v.([]any), map[string]any{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i].(string)] = list[i+1]
	}
	return m
}
