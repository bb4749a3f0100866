package typedcheck

import (
	"fmt"
	"reflect"

	"github.com/redis/go-redis/v9"
)

// An outcome is what a caller is given of one command.
type outcome struct {
	values []any // of Result, without the error
	also   any
	err    error
}

// outcomeOf takes what cmd gives, as it can be compared.
func outcomeOf(e example, cmd redis.Cmder) outcome {
	var o outcome
	o.values, o.err = result(cmd)
	if e.also != nil {
		o.also = e.also(cmd)
	}
	if e.normal != nil {
		e.normal(o.values)
	}
	return o
}

// result calls the method Result of cmd.
func result(cmd redis.Cmder) (values []any, err error) {
	method := reflect.ValueOf(cmd).MethodByName("Result")
	if !method.IsValid() {
		return nil, fmt.Errorf("%T has no Result", cmd)
	}
	out := method.Call(nil)
	err, _ = out[len(out)-1].Interface().(error)
	for _, v := range out[:len(out)-1] {
		values = append(values, v.Interface())
	}
	return values, err
}

// same reports whether a caller cannot tell o and p apart.
func (o outcome) same(p outcome) bool {
	return o.sameValues(p) && sameError(o.err, p.err)
}

// sameValues compares NaN, which equals nothing, by how it prints.
func (o outcome) sameValues(p outcome) bool {
	return reflect.DeepEqual(o.values, p.values) && reflect.DeepEqual(o.also, p.also) ||
		o.values != nil && fmt.Sprintf("%#v %#v", o.values, o.also) == fmt.Sprintf("%#v %#v", p.values, p.also)
}

func sameError(x, y error) bool {
	if x == nil || y == nil {
		return x == y
	}
	return reflect.TypeOf(x) == reflect.TypeOf(y) && x.Error() == y.Error() && (x == redis.Nil) == (y == redis.Nil)
}

// String shows an outcome as far as it fits in a few lines.
func (o outcome) String() string {
	text := fmt.Sprintf("%#v", o.values)
	if o.also != nil {
		text += fmt.Sprintf(" also %#v", o.also)
	}
	return fmt.Sprintf("%.400s error %T %.300q", text, o.err, fmt.Sprint(o.err))
}
