// Package intrinsic evaluates the functions of a CloudFormation template, as the
// template reference describes them, where their answers are known.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
package intrinsic

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Absent is AWS::NoValue: what is left out of objects and lists.
type Absent struct{}

// Names gives what a template's names stand for.
type Names interface {
	// Ref is a parameter's, a pseudo parameter's or a resource's: a text, or a
	// list of texts ([]any), or Absent.
	Ref(name string) (any, error)
	// GetAtt is an attribute of a resource.
	GetAtt(resource, attribute string) (any, error)
	// Condition is a named condition.
	Condition(name string) (bool, error)
}

// functions are those of values. They get their argument as it is written.
var functions map[string]func(n Names, arg any) (any, error)

func init() { // they call each other
	functions = map[string]func(n Names, arg any) (any, error){
		"Ref":        func(n Names, arg any) (any, error) { return n.Ref(fmt.Sprint(arg)) },
		"Fn::GetAtt": getAtt, "Fn::If": choose, "Fn::Join": join, "Fn::Split": split, "Fn::Select": pick, "Fn::Sub": sub,
		"Fn::Base64": func(n Names, arg any) (any, error) {
			text, err := Text(arg, n)
			return base64.StdEncoding.EncodeToString([]byte(text)), err
		},
	}
}

// Function is the name and the argument of a function, or nothing.
func Function(v any) (name string, arg any) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return "", nil
	}
	for k, arg := range m {
		if k == "Ref" || k == "Condition" || strings.HasPrefix(k, "Fn::") {
			return k, arg
		}
	}
	return "", nil
}

// Value evaluates anything. A function that the reference does not have, or one
// with arguments that CloudFormation would refuse, is an error.
func Value(v any, n Names) (any, error) {
	if name, arg := Function(v); name != "" && name != "Condition" {
		f, known := functions[name]
		if !known {
			return nil, fmt.Errorf("%s is no function that is known here", name)
		}
		return f(n, arg)
	}
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			val, err := Value(e, n)
			if err != nil {
				return nil, err
			}
			if val != (Absent{}) {
				out[k] = val
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, e := range x {
			val, err := Value(e, n)
			if err != nil {
				return nil, err
			}
			if val != (Absent{}) {
				out = append(out, val)
			}
		}
		return out, nil
	}
	return v, nil
}

// Text evaluates what must be one text.
func Text(v any, n Names) (string, error) {
	val, err := Value(v, n)
	if err != nil {
		return "", err
	}
	switch val.(type) {
	case map[string]any, []any, Absent:
		return "", fmt.Errorf("%v gives %T, where a text is wanted", v, val)
	}
	return fmt.Sprint(val), nil
}

// Texts evaluates what must be a list of texts.
func Texts(v any, n Names) ([]string, error) {
	val, err := Value(v, n)
	if err != nil {
		return nil, err
	}
	list, ok := val.([]any)
	if !ok {
		return nil, fmt.Errorf("%v gives %T, where a list is wanted", v, val)
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		texts = append(texts, fmt.Sprint(e))
	}
	return texts, nil
}

// arguments wants a list of so many.
func arguments(arg any, count int) ([]any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != count {
		return nil, fmt.Errorf("%v: want %d arguments", arg, count)
	}
	return list, nil
}

func getAtt(n Names, arg any) (any, error) {
	if text, ok := arg.(string); ok { // the short form
		resource, attribute, _ := strings.Cut(text, ".")
		return n.GetAtt(resource, attribute)
	}
	list, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	attribute, err := Text(list[1], n)
	if err != nil {
		return nil, err
	}
	return n.GetAtt(fmt.Sprint(list[0]), attribute)
}

func choose(n Names, arg any) (any, error) {
	list, err := arguments(arg, 3)
	if err != nil {
		return nil, err
	}
	holds, err := n.Condition(fmt.Sprint(list[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return Value(list[1], n)
	}
	return Value(list[2], n)
}

func join(n Names, arg any) (any, error) {
	list, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	texts, err := Texts(list[1], n)
	return strings.Join(texts, fmt.Sprint(list[0])), err
}

func split(n Names, arg any) (any, error) {
	list, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	text, err := Text(list[1], n)
	var out []any
	for s := range strings.SplitSeq(text, fmt.Sprint(list[0])) {
		out = append(out, s)
	}
	return out, err
}

func pick(n Names, arg any) (any, error) {
	list, err := arguments(arg, 2)
	if err != nil {
		return nil, err
	}
	items, err := Texts(list[1], n)
	if err != nil {
		return nil, err
	}
	text, err := Text(list[0], n)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= len(items) {
		return nil, fmt.Errorf("Fn::Select %s of %q", text, items)
	}
	return items[i], nil
}

var placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)

func sub(n Names, arg any) (any, error) {
	body, variables := "", map[string]any{}
	if text, ok := arg.(string); ok {
		body = text
	} else if list, err := arguments(arg, 2); err != nil {
		return nil, err
	} else if variables, ok = list[1].(map[string]any); !ok {
		return nil, fmt.Errorf("Fn::Sub of %v", arg)
	} else {
		body = fmt.Sprint(list[0])
	}
	used := map[string]bool{}
	var failed error
	out := placeholder.ReplaceAllStringFunc(body, func(found string) string {
		name := found[2 : len(found)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var of any = map[string]any{"Ref": name}
		if v, known := variables[name]; known {
			used[name], of = true, v
		} else if strings.Contains(name, ".") {
			of = map[string]any{"Fn::GetAtt": name}
		}
		text, err := Text(of, n)
		if err != nil && failed == nil {
			failed = err
		}
		return text
	})
	for name := range variables {
		if !used[name] && failed == nil {
			failed = fmt.Errorf("Fn::Sub has a variable %s that its text does not use: %s", name, body)
		}
	}
	return out, failed
}

// Truth evaluates a condition, or an assertion of a rule.
func Truth(v any, n Names) (bool, error) {
	name, arg := Function(v)
	list, _ := arg.([]any)
	switch name {
	case "Condition":
		return n.Condition(fmt.Sprint(arg))
	case "Fn::And", "Fn::Or":
		return several(list, name == "Fn::And", n)
	case "Fn::Not":
		if len(list) == 1 {
			holds, err := Truth(list[0], n)
			return !holds, err
		}
	case "Fn::Equals", "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		if len(list) == 2 {
			return compare(name, list[0], list[1], n)
		}
	}
	return false, fmt.Errorf("%v is no condition", v)
}

// several tells whether all conditions hold, or any.
func several(list []any, all bool, n Names) (bool, error) {
	for _, one := range list {
		holds, err := Truth(one, n)
		if err != nil || holds != all {
			return holds, err
		}
	}
	return all, nil
}

func compare(name string, left, right any, n Names) (bool, error) {
	a, err := Value(left, n)
	if err != nil {
		return false, err
	}
	b, err := Value(right, n)
	if err != nil {
		return false, err
	}
	list, _ := a.([]any)
	switch name {
	case "Fn::Contains":
		return slices.Contains(list, b), nil
	case "Fn::EachMemberIn":
		among, _ := b.([]any)
		return !slices.ContainsFunc(list, func(one any) bool { return !slices.Contains(among, one) }), nil
	case "Fn::EachMemberEquals":
		return !slices.ContainsFunc(list, func(one any) bool { return one != b }), nil
	}
	return fmt.Sprint(a) == fmt.Sprint(b), nil
}
