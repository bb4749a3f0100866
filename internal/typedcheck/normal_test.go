package typedcheck

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// unordered is for replies whose elements come in any order.
func unordered(values []any) { values[0] = inOrder(values[0]) }

// blurred is for times and durations that pass.
func blurred(values []any) {
	for i := range values {
		values[i] = blur(reflect.ValueOf(&values[i]).Elem()).Interface()
	}
}

// inOrder sorts a slice by what its elements print as.
func inOrder(list any) any {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice || v.Len() < 2 {
		return list
	}
	elements := make([]reflect.Value, v.Len())
	for i := range elements {
		elements[i] = v.Index(i)
	}
	slices.SortFunc(elements, func(x, y reflect.Value) int {
		return cmp.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
	return reflect.Append(reflect.MakeSlice(v.Type(), 0, v.Len()), elements...).Interface()
}

// blur returns a copy of v in which durations are whole minutes and all times that are
// set are the same.
func blur(v reflect.Value) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	switch at := to.Addr().Interface().(type) {
	case *time.Duration:
		*at = at.Round(time.Minute)
		return to
	case *time.Time:
		if !at.IsZero() {
			*at = time.Unix(1, 0)
		}
		return to
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			break
		}
		elem := blur(v.Elem())
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
			to.Index(i).Set(blur(v.Index(i)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				to.Field(i).Set(blur(v.Field(i)))
			}
		}
	}
	return to
}
