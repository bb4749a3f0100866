package typedcheck

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A variant is the data that an example is run on.
type variant string

const (
	right   variant = "right data"
	missing variant = "no data"
	wrong   variant = "data of another type"
)

// variantsOf returns those that make a difference.
func variantsOf(f family, e example) []variant {
	variants := []variant{right}
	if e.data != "" && !waits[e.method] {
		variants = append(variants, missing) // for the others see waits
	}
	if f.wrong != "" {
		variants = append(variants, wrong)
	}
	return variants
}

// A way is how a command is sent.
type way string

const (
	alone     way = "alone"
	pipelined way = "in a pipeline"
	inTx      way = "in a transaction"
)

var ways = []way{alone, pipelined, inTx}

// A run is one example, on one variant of its data, in one way.
type run struct {
	family  family
	example example
	variant variant
	way     way
	place   place
}

func (r run) String() string {
	var args []string
	for _, arg := range r.example.args {
		v := reflect.ValueOf(arg)
		if v.Kind() == reflect.Pointer {
			v = reflect.Indirect(v)
		}
		args = append(args, fmt.Sprintf("%.100s", fmt.Sprintf("%+v", v)))
	}
	return fmt.Sprintf("%s(%s) on %s, %s, data %.200q", r.example.method, strings.Join(args, ", "), r.variant, r.way, r.example.data)
}

// client is what is compared.
type client interface {
	commander
	Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
	TxPipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// commander is what clients and pipelines have in common.
type commander interface {
	redis.Cmdable
	Do(ctx context.Context, args ...any) *redis.Cmd
}

// A duel is two clients of one cluster.
type duel struct {
	reference *redis.ClusterClient
	ours      redis.UniversalClient
	tools     redis.UniversalClient // for the data
}

// compare runs r on both clients and returns what the reference gave.
func (d duel) compare(t *testing.T, r run) (want []outcome) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v\n%s", r, p, debug.Stack())
		}
	}()
	want = d.take(t, d.referenceFor(t, r), r)
	got := d.take(t, d.ours, r)
	if len(want) != len(got) {
		t.Errorf("%s:\nwant %v\ngot  %v", r, want, got)
		return want
	}
	for i := range want {
		if want[i].same(got[i]) || known(i, want, got) {
			continue
		}
		t.Errorf("%s: %s\nwant %v\ngot  %v", r, parts[i], want[i], got[i])
	}
	return want
}

// parts names the outcomes of a run.
var parts = []string{ofCommand: "the command", ofPipeline: "the pipeline", before: "the command before", after: "the command after"}

const (
	ofCommand = iota
	ofPipeline
	before
	after
)

// referenceFor returns the client to compare with. ClusterClient takes another word of
// DEBUG OBJECT for its key, so there it is a client of the node.
func (d duel) referenceFor(t *testing.T, r run) client {
	if r.example.method != "DebugObject" {
		return d.reference
	}
	around, _ := r.place.key("@around")
	node, err := d.reference.MasterForKey(t.Context(), around)
	require.NoError(t, err)
	return node
}

// take makes the data of r, and returns what client gives: the command alone, or the
// command, the pipeline, and the commands before and after it.
func (d duel) take(t *testing.T, client client, r run) []outcome {
	args, keys := r.place.resolve(r.example.args)
	d.reset(t, r, keys)
	if r.way == alone {
		return []outcome{outcomeOf(r.example, call(t, client, r.example.method, args))}
	}
	around, _ := r.place.key("@around")
	var first, cmd, last redis.Cmder
	send := client.Pipelined
	if r.way == inTx {
		send = client.TxPipelined
	}
	_, err := send(t.Context(), func(p redis.Pipeliner) error {
		first = p.Incr(t.Context(), around)
		cmd = call(t, p, r.example.method, args)
		last = p.LRange(t.Context(), around+"list", 0, -1)
		return nil
	})
	return []outcome{outcomeOf(r.example, cmd), {err: err}, outcomeOf(example{}, first), outcomeOf(example{}, last)}
}

// reset removes what was there and makes the data.
func (d duel) reset(t *testing.T, r run, keys []string) {
	data, more := r.place.lines("SET @around 7; RPUSH @aroundlist one two; " + r.example.data)
	switch r.variant {
	case missing:
		data = data[:2]
	case wrong:
		data = data[:2]
		for _, key := range keys {
			data = append(data, []any{r.family.wrong, key, "wrong"})
		}
	}
	keys = append(keys, more...)
	cmds, err := d.tools.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Del(t.Context(), key)
		}
		for _, command := range data {
			p.Do(t.Context(), command...)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil && err != redis.Nil {
				t.Errorf("the data of %s: %v", r, cmd)
			}
		}
	}
}

// call calls a method by its name.
func call(t *testing.T, client commander, method string, args []any) redis.Cmder {
	m := reflect.ValueOf(client).MethodByName(method)
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	for i, arg := range args {
		in = append(in, converted(arg, parameter(m.Type(), i+1)))
	}
	return m.Call(in)[0].Interface().(redis.Cmder)
}

// parameter returns the type of argument i of a call.
func parameter(f reflect.Type, i int) reflect.Type {
	if f.IsVariadic() && i >= f.NumIn()-1 {
		return f.In(f.NumIn() - 1).Elem()
	}
	return f.In(i)
}

// converted makes an argument what the parameter is: constants of the tables are ints.
func converted(arg any, to reflect.Type) reflect.Value {
	v := reflect.ValueOf(arg)
	switch {
	case !v.IsValid():
		return reflect.Zero(to)
	case v.Type().AssignableTo(to):
		return v
	default:
		return v.Convert(to)
	}
}
