package typedcheck

import (
	"reflect"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// An example is a call of a method, on data.
type example struct {
	method string
	args   []any  // without the context; "@x" and "=x" are keys, see place
	data   string // commands that are run before, separated by "; "; no words with blanks

	fails  bool                      // the reply is an error, or nil, also on this data
	normal func(values []any)        // makes values the same that may differ: unordered, blurred
	also   func(cmd redis.Cmder) any // what else the caller may ask of the command
}

// A family is the examples of commands of one type.
type family struct {
	name     string
	wrong    string // a command that makes a key of another type, the key left out
	examples []example
}

// The keys of the examples.
const (
	a = "@a"
	b = "@b"
	c = "@c"
)

// failing is an example whose reply is an error, or nil.
func failing(e example) example {
	e.fails = true
	return e
}

// args is a list of arguments.
func args(list ...any) []any { return list }

// A place is where one run of an example has its keys: "@x" is a key in one slot with all
// others of this form, "=x" one in a slot of its own.
type place string

func (p place) key(text string) (key string, ok bool) {
	switch {
	case len(text) < 2:
		return text, false
	case text[0] == '@':
		return "{" + string(p) + "}" + text[1:], true
	case text[0] == '=':
		return string(p) + ":" + text[1:], true
	default:
		return text, false
	}
}

// lines returns the commands of data, and the keys in them.
func (p place) lines(data string) (commands [][]any, keys []string) {
	for line := range strings.SplitSeq(data, ";") {
		var words []any
		for word := range strings.FieldsSeq(line) {
			key, ok := p.key(word)
			words = append(words, key)
			if ok {
				keys = append(keys, key)
			}
		}
		if len(words) > 0 {
			commands = append(commands, words)
		}
	}
	return commands, keys
}

// resolve returns a copy of args with keys in place, and the keys.
func (p place) resolve(args []any) (resolved []any, keys []string) {
	replace := func(text string) string {
		key, ok := p.key(text)
		if ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		return key
	}
	for _, arg := range args {
		resolved = append(resolved, copyOf(reflect.ValueOf(&arg).Elem(), replace).Interface())
	}
	return resolved, keys
}

// copyOf returns a copy of v in which each string has been replaced.
func copyOf(v reflect.Value, replace func(string) string) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	if v.Type() == reflect.TypeFor[[]byte]() {
		to.SetBytes([]byte(replace(string(v.Bytes()))))
		return to
	}
	switch v.Kind() {
	case reflect.String:
		to.SetString(replace(v.String()))
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			break
		}
		elem := copyOf(v.Elem(), replace)
		if v.Kind() == reflect.Interface {
			to.Set(elem)
		} else {
			to.Set(reflect.New(elem.Type()))
			to.Elem().Set(elem)
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		to.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			to.Index(i).Set(copyOf(v.Index(i), replace))
		}
	case reflect.Map:
		to.Set(reflect.MakeMap(v.Type()))
		for key, value := range v.Seq2() {
			to.SetMapIndex(copyOf(key, replace), copyOf(value, replace))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				to.Field(i).Set(copyOf(v.Field(i), replace))
			}
		}
	}
	return to
}
