package customresource

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// field is one property of a struct.
type field struct {
	name     string
	typ      reflect.Type
	required bool
}

// fieldsOf lists the properties of a struct type as encoding/json names them.
// A field is required unless its tag says omitempty or omitzero, or it is a
// pointer.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(f.Type)...)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		opts := strings.Split(options, ",")
		optional := slices.Contains(opts, "omitempty") || slices.Contains(opts, "omitzero") || f.Type.Kind() == reflect.Pointer
		fields = append(fields, field{name: name, typ: f.Type, required: !optional})
	}
	return fields
}

// checkNames compares the names in value with those of type t, at every depth:
// one error for each property that is unknown or missing, in the order of their
// names. Values of the wrong shape are left to the conversion.
func checkNames(t reflect.Type, value any, path string) []error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		var all []error
		for i, item := range v {
			all = append(all, checkNames(t.Elem(), item, fmt.Sprintf("%s[%d]", path, i))...)
		}
		return all
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		return checkFields(fieldsOf(t), v, path)
	}
	return nil
}

func checkFields(fields []field, value map[string]any, path string) []error {
	if path != "" {
		path += "."
	}
	known := map[string]bool{}
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		known[f.name] = true
		names = append(names, f.name)
	}
	var all []error
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if known[name] {
			continue
		}
		all = append(all, fmt.Errorf("%s%s is not known%s", path, cutTo(name, 64), meant(name, names)))
	}
	for _, f := range fields {
		v, given := value[f.name]
		switch {
		case given && v != nil:
			all = append(all, checkNames(f.typ, v, path+f.name)...)
		case f.required:
			all = append(all, fmt.Errorf("%s%s is missing", path, f.name))
		}
	}
	return all
}

// meant suggests the name that was probably wanted, or lists all there are.
func meant(name string, names []string) string {
	best, fewest := "", 3 // more than two edits is another word
	for _, n := range names {
		if d := edits(strings.ToLower(name), strings.ToLower(n)); d < fewest {
			best, fewest = n, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(" (did you mean %s?)", best)
	case len(names) > 0:
		return fmt.Sprintf(" (known are %s)", strings.Join(names, ", "))
	}
	return " (none is)"
}

// edits is the Levenshtein distance of two names, in bytes.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
