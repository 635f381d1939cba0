package customresource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// decodeStrict reads the properties of a Create or an Update into a P, whose
// fields are named by their json tags. CloudFormation sends every scalar as
// text: "3" and "true" become the field's type. It fails, with all problems at
// once and each with the property's name, for a property that P does not have,
// for a missing one whose tag has no omitempty, and for text that is not of the
// field's type. ServiceToken and ServiceTimeout are CloudFormation's own.
func decodeStrict[P any](text json.RawMessage) (P, error) {
	var p P
	props, err := propertiesOf(text)
	if err != nil {
		return p, err
	}
	names := checkNames(reflect.TypeFor[P](), props, "")
	if err := errors.Join(errors.Join(names...), convert(props, &p)); err != nil {
		var zero P
		return zero, fmt.Errorf("properties: %w", oneLine(err))
	}
	return p, nil
}

// decodeLenient reads properties that may have been made by another version: it
// ignores what P does not have and returns the zero value for what it cannot
// read.
func decodeLenient[P any](ctx context.Context, log *slog.Logger, text json.RawMessage) P {
	var p, zero P
	props, err := propertiesOf(text)
	if err == nil {
		err = convert(props, &p)
	}
	if err != nil {
		log.WarnContext(ctx, "ignoring properties that cannot be read", "error", err)
		return zero
	}
	return p
}

// propertiesOf parses the properties object and takes CloudFormation's own off.
func propertiesOf(text json.RawMessage) (map[string]any, error) {
	props := map[string]any{}
	if len(text) == 0 || string(text) == "null" {
		return props, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // numbers that were not made text keep their digits
	if err := dec.Decode(&props); err != nil {
		return nil, fmt.Errorf("properties: %w", errNotJSON(err))
	}
	delete(props, "ServiceToken")
	delete(props, "ServiceTimeout")
	return props, nil
}

// convert fills the struct that into points to. Unknown names are not its
// business: checkNames names them better.
func convert(props map[string]any, into any) error {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName:    "json",
		Squash:     true,
		MatchName:  func(property, field string) bool { return property == field },
		DecodeHook: fromText,
		Result:     into,
	})
	if err != nil {
		return fmt.Errorf("decode into %T: %w", into, err)
	}
	return errors.Join(problems(dec.Decode(props))...)
}

// textError is text that is not of its field's type.
type textError struct{ text, want string }

func (e textError) Error() string { return fmt.Sprintf("%q is not %s", cutTo(e.text, 100), e.want) }

// fromText turns the text of a scalar into the type of its field. It is used
// instead of mapstructure's weak typing, which takes "" for 0, "010" for 8, "T"
// for true and a single value for a list. Only the empty text is taken for a
// list, the empty one: a template's Fn::If often says "" where it means none.
func fromText(from, to reflect.Value) (any, error) {
	if to.Kind() == reflect.Slice && from.Kind() == reflect.String && from.Len() == 0 {
		return []any{}, nil
	}
	if got, want := shape(from.Kind()), shape(elem(to.Type()).Kind()); got != want && to.Kind() != reflect.Interface {
		return nil, shapeError{got, want}
	}
	var text string
	switch from.Kind() {
	case reflect.String:
		text = from.String()
	case reflect.Bool:
		text = strconv.FormatBool(from.Bool())
	default:
		return from.Interface(), nil
	}
	return parseText(text, to.Type())
}

// parseText reads text as a value of a type that is a scalar.
func parseText(text string, t reflect.Type) (any, error) {
	if t == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		return d, wrong(err, text, "a duration such as 90s or 15m")
	}
	switch t.Kind() { //nolint:exhaustive // the rest is text
	case reflect.Bool:
		if text != "true" && text != "false" {
			return nil, textError{text, "true or false"}
		}
		return text == "true", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, t.Bits())
		return n, wrong(err, text, "a whole number")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, t.Bits())
		return n, wrong(err, text, "a whole number of 0 or more")
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, t.Bits())
		return f, wrong(err, text, "a number")
	}
	return text, nil
}

func wrong(err error, text, want string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		want += " in the range of this property"
	}
	return textError{text, want}
}

// problems rewrites mapstructure's errors, one for each property.
func problems(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, problems(e)...)
		}
		return all
	}
	at, ok := err.(*mapstructure.DecodeError) //nolint:errorlint // each level is looked at by itself
	if !ok {
		if inner := errors.Unwrap(err); inner != nil { // a heading
			return problems(inner)
		}
		return []error{err}
	}
	inner := at.Unwrap()
	if bad, ok := errors.AsType[textError](inner); ok {
		inner = bad
	} else if bad, ok := errors.AsType[shapeError](inner); ok {
		inner = bad
	}
	return []error{fmt.Errorf("%s: %w", at.Name(), inner)}
}

// shapeError is a value of another shape than its property's.
type shapeError struct{ got, want string }

func (e shapeError) Error() string { return fmt.Sprintf("%s was given, %s is wanted", e.got, e.want) }

// shape says in words what a value of a kind is in JSON.
func shape(k reflect.Kind) string {
	switch k { //nolint:exhaustive // the rest are scalars
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "a single value"
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// oneLine joins the lines of a joined error: a reason is one line.
func oneLine(err error) error {
	return lineError{strings.ReplaceAll(err.Error(), "\n", "; "), err}
}

type lineError struct {
	text string
	err  error
}

func (e lineError) Error() string { return e.text }
func (e lineError) Unwrap() error { return e.err }
