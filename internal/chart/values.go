package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Values reads a release's values: one JSON object as text. Empty text means
// no values. Numbers become int64 where they are whole and fit, float64
// otherwise, so that a large whole number does not turn into an exponent in a
// manifest. Errors name line and column, never the text: it may hold secrets.
func Values(text string) (map[string]any, error) {
	if len(bytes.TrimSpace([]byte(text))) == 0 {
		return map[string]any{}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var parsed any
	if err := decoder.Decode(&parsed); err != nil {
		return nil, valuesError(text, decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		line, column := position(text, decoder.InputOffset())
		return nil, fmt.Errorf("values: there is more text after the JSON object, at line %d, column %d", line, column)
	}
	values, ok := parsed.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("values: want one JSON object ({...}), got %s", kindOf(parsed))
	}
	return plain(values).(map[string]any), nil
}

func valuesError(text string, offset int64, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset - 1 // it counts the bytes up to and with the wrong one
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		offset = int64(len(text))
		err = errors.New("the text ends too early")
	}
	line, column := position(text, offset)
	return fmt.Errorf("values: not JSON at line %d, column %d: %w", line, column, err)
}

// position turns a byte offset into a line and a column, both from 1.
func position(text string, offset int64) (line, column int) {
	before := text[:min(max(offset, 0), int64(len(text)))]
	return 1 + bytes.Count([]byte(before), []byte("\n")), len(before) - bytes.LastIndexByte([]byte(before), '\n')
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	}
	return "a number"
}

// plain replaces json.Number, which chart templates would see as text.
func plain(v any) any {
	switch t := v.(type) {
	case map[string]any:
		for k, e := range t {
			t[k] = plain(e)
		}
	case []any:
		for i, e := range t {
			t[i] = plain(e)
		}
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n
		}
		f, err := t.Float64()
		if err != nil {
			return t.String()
		}
		return f
	}
	return v
}
