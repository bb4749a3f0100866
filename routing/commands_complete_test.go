package routing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// uncalled lists the methods of redis.Cmdable that send no command when called.
var uncalled = map[string]string{
	"JSONDebugMemory": "panics: go-redis has not implemented it",
	"Quit":            "panics: go-redis has not implemented it",
	"Pipeline":        "returns a pipeline",
	"Pipelined":       "calls a function",
	"TxPipeline":      "returns a pipeline",
	"TxPipelined":     "calls a function",
}

// byHand calls the methods that check their arguments before they send anything, or
// whose keys depend on how many arguments there are.
var byHand = map[string]func(ctx context.Context, c redis.Cmdable){
	"FTCreate": func(ctx context.Context, c redis.Cmdable) {
		c.FTCreate(ctx, "index", &redis.FTCreateOptions{}, &redis.FieldSchema{FieldName: "f", FieldType: redis.SearchFieldTypeText})
	},
	"FTHybrid": func(ctx context.Context, c redis.Cmdable) {
		c.FTHybrid(ctx, "index", "*", "field", &redis.VectorFP32{Val: []byte("1234")})
	},
	"FTHybridWithArgs": func(ctx context.Context, c redis.Cmdable) {
		c.FTHybridWithArgs(ctx, "index", &redis.FTHybridOptions{
			SearchExpressions: []redis.FTHybridSearchExpression{{Query: "*"}},
			VectorExpressions: []redis.FTHybridVectorExpression{{VectorField: "field", VectorData: &redis.VectorFP32{Val: []byte("1234")}}},
		})
	},
	"GeoRadius": func(ctx context.Context, c redis.Cmdable) {
		c.GeoRadius(ctx, "key", 1, 2, &redis.GeoRadiusQuery{Radius: 3})
	},
	"GeoRadiusByMember": func(ctx context.Context, c redis.Cmdable) {
		c.GeoRadiusByMember(ctx, "key", "member", &redis.GeoRadiusQuery{Radius: 3})
	},
	"JSONMSet": func(ctx context.Context, c redis.Cmdable) {
		c.JSONMSet(ctx, "k1", "$", 1, "k2", "$", 2)
	},
	"JSONSetMode": func(ctx context.Context, c redis.Cmdable) {
		c.JSONSetMode(ctx, "key", "$", 1, "NX")
	},
	"JSONSetWithArgs": func(ctx context.Context, c redis.Cmdable) {
		c.JSONSetWithArgs(ctx, "key", "$", 1, &redis.JSONSetArgsOptions{Mode: "NX"})
	},
	"TSMAdd": func(ctx context.Context, c redis.Cmdable) {
		c.TSMAdd(ctx, [][]any{{"k1", 1, 1.5}, {"k2", 1, 2.5}})
	},
}

// TestTableKnowsEveryMethodOfGoRedis calls every method of redis.Cmdable, and wants
// what it sends to be in the table, and its keys to be found, among them the one that
// go-redis routes by if it names one.
func TestTableKnowsEveryMethodOfGoRedis(t *testing.T) {
	rec := new(recorder)
	client := redis.NewClient(&redis.Options{
		Addr:                     "nowhere",
		Protocol:                 2,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer client.Close()
	client.AddHook(rec)

	methods := reflect.TypeFor[redis.Cmdable]()
	for m := range methods.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			rec.sent = nil
			callMethod(t.Context(), client, m, rec)
			if why, ok := uncalled[m.Name]; ok {
				require.Empty(t, rec.sent, "expected no command: it %s", why)
				return
			}
			require.NotEmpty(t, rec.sent, "sent no command: call it by hand")
			for _, cmd := range rec.sent {
				c, ok := lookupArgs(cmd.Args())
				require.True(t, ok, "%v is not in the table", cmd.Args())
				keys, err := c.appendKeys(nil, cmd.Args())
				require.NoError(t, err, "%v", cmd.Args())
				if pos := keyPos(t, cmd); pos > 0 {
					require.Contains(t, keys, pos, "keys of %v", cmd.Args())
				}
				_, _ = blockTimeout(c, cmd.Args())
			}
		})
	}
}

// keyPos is the position of the key that go-redis routes cmd by, 0 if the method that
// made cmd leaves it open.
func keyPos(t *testing.T, cmd redis.Cmder) int {
	field := reflect.ValueOf(cmd).Elem().FieldByName("keyPos")
	require.True(t, field.IsValid(), "go-redis keeps the position of the key elsewhere")
	return int(field.Int())
}

// callMethod calls a method with samples of all its arguments, or if that sends nothing,
// with as few and as small arguments as it takes.
func callMethod(ctx context.Context, c redis.Cmdable, m reflect.Method, rec *recorder) {
	if f, ok := byHand[m.Name]; ok {
		f(ctx, c)
		return
	}
	for _, bare := range []bool{false, true} {
		if len(rec.sent) > 0 || uncalled[m.Name] != "" && bare {
			return
		}
		in := make([]reflect.Value, m.Type.NumIn())
		for i := range in {
			typ := m.Type.In(i)
			if bare && typ.Kind() != reflect.Interface {
				in[i] = reflect.Zero(typ)
				continue
			}
			in[i] = sample(ctx, typ, fmt.Sprintf("arg%d", i))
		}
		func() {
			defer func() { _ = recover() }()
			f := reflect.ValueOf(c).MethodByName(m.Name)
			if m.Type.IsVariadic() {
				f.CallSlice(in)
			} else {
				f.Call(in)
			}
		}()
	}
}

// sample returns a value of a type that is as full as can be.
func sample(ctx context.Context, typ reflect.Type, name string) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(ctx)
	case reflect.TypeFor[redis.Vector]():
		return reflect.ValueOf(&redis.VectorValues{Val: []float64{1, 2}})
	case reflect.TypeFor[time.Duration]():
		return reflect.ValueOf(time.Second)
	case reflect.TypeFor[time.Time]():
		return reflect.ValueOf(time.Unix(1, 0))
	}
	switch typ.Kind() {
	case reflect.String:
		v.SetString(name)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(typ, 2, 2))
		for i := range 2 {
			v.Index(i).Set(sample(ctx, typ.Elem(), fmt.Sprintf("%s.%d", name, i)))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(typ))
		v.SetMapIndex(sample(ctx, typ.Key(), name+".key"), sample(ctx, typ.Elem(), name+".value"))
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(sample(ctx, typ.Elem(), name))
	case reflect.Struct:
		for i := range typ.NumField() {
			if f := typ.Field(i); f.IsExported() {
				v.Field(i).Set(sample(ctx, f.Type, name+"."+f.Name))
			}
		}
	case reflect.Interface:
		if typ.NumMethod() == 0 {
			v.Set(reflect.ValueOf(name))
		}
	}
	return v
}

// recorder is a hook that keeps the commands, and sends none of them.
type recorder struct{ sent []redis.Cmder }

var errRecorded = errors.New("recorded, not sent")

func (r *recorder) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errRecorded }
}

func (r *recorder) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		r.sent = append(r.sent, cmd)
		return errRecorded
	}
}

func (r *recorder) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		r.sent = append(r.sent, cmds...)
		return errRecorded
	}
}
