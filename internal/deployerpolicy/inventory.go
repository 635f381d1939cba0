package deployerpolicy

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/contract"
)

type template struct {
	Parameters map[string]parameter
	Conditions map[string]any
	Resources  map[string]resource
}

type parameter struct{ Type string }

type resource struct {
	Type       string
	Condition  string
	Properties map[string]any
}

const stackType = "AWS::CloudFormation::Stack"

// inventory is all that a mode's stack, and those nested in it, can hold.
type inventory struct {
	mode       string
	resources  []resource // in the order of their logical IDs
	parameters map[string]parameter
}

func readInventory(templates fs.FS, mode string) (inventory, error) {
	file := contract.ModeTemplate(mode)
	if file == "" {
		return inventory{}, fmt.Errorf("mode %q: want one of %s", mode, strings.Join(contract.Modes(), ", "))
	}
	main, err := readTemplate(templates, file)
	if err != nil {
		return inventory{}, err
	}
	i := inventory{mode: mode, parameters: main.Parameters}
	for _, id := range slices.Sorted(maps.Keys(main.Resources)) {
		r := main.Resources[id]
		i.resources = append(i.resources, r)
		if r.Type != stackType {
			continue
		}
		nested, err := readTemplate(templates, nestedFile(r))
		if err != nil {
			return inventory{}, err
		}
		for _, id := range slices.Sorted(maps.Keys(nested.Resources)) {
			if one := nested.Resources[id]; !never(nested.Conditions[one.Condition], r, main.Parameters) {
				i.resources = append(i.resources, one)
			}
		}
	}
	return i, nil
}

func readTemplate(templates fs.FS, file string) (template, error) {
	text, err := fs.ReadFile(templates, file)
	if err != nil {
		return template{}, fmt.Errorf("read the template: %w", err)
	}
	var t template
	if err := yaml.Unmarshal(text, &t); err != nil {
		return template{}, fmt.Errorf("read the template %s: %w", file, err)
	}
	return t, nil
}

// nestedFile is the file of a nested stack's template, by the end of its URL.
func nestedFile(r resource) string {
	var urls []string
	walk(r.Properties["TemplateURL"], func(text string) {
		if strings.HasSuffix(text, ".yaml") {
			urls = append(urls, text)
		}
	})
	if len(urls) != 1 {
		return ""
	}
	return "templates/" + path.Base(urls[0])
}

// never tells a condition of a nested template that is false whatever the
// answers are: it wants a parameter to be empty to which the parent gives an ID
// that it has by a parameter of an AWS type, and these cannot be empty.
func never(condition any, nested resource, parameters map[string]parameter) bool {
	sides, _ := at(condition, "Fn::Equals").([]any)
	if len(sides) != 2 || sides[1] != "" {
		return false
	}
	name, _ := at(sides[0], "Ref").(string)
	given, _ := at(nested.Properties, "Parameters", name, "Ref").(string)
	return strings.HasPrefix(parameters[given].Type, "AWS::")
}

// has tells whether any resource of the type sets one of the properties, such
// as Code.S3Key.
func (i inventory) has(typ string, properties []string) bool {
	for _, r := range i.resources {
		if r.Type != typ {
			continue
		}
		for _, p := range properties {
			if at(r.Properties, strings.Split(p, ".")...) != nil {
				return true
			}
		}
	}
	return false
}

// names are patterns for a property that names resources of a type; where one
// of them has no such property, own is CloudFormation's name for it.
func (i inventory) names(typ, property, own string, s Settings) []string {
	var out []string
	cluster := i.clusterName()
	for _, r := range i.resources {
		if r.Type != typ {
			continue
		}
		if v := r.Properties[property]; v != nil {
			out = append(out, pattern(v, cluster, s))
		} else {
			out = append(out, own)
		}
	}
	return set(out)
}

// clusterName is the value that the template gives to its cluster as its name.
func (i inventory) clusterName() any {
	for _, r := range i.resources {
		if r.Type == "AWS::EKS::Cluster" {
			return r.Properties["Name"]
		}
	}
	return nil
}

// pattern is what a text of a template can become, with * for what it cannot
// tell.
func pattern(v, cluster any, s Settings) string {
	if cluster != nil && reflect.DeepEqual(v, cluster) {
		return s.ClusterNamePrefix + anything
	}
	if text, ok := v.(string); ok {
		return text
	}
	if text, ok := at(v, "Fn::Sub").(string); ok {
		return placeholders(text, s)
	}
	if join, ok := at(v, "Fn::Join").([]any); ok && len(join) == 2 {
		separator, _ := join[0].(string)
		parts, _ := join[1].([]any)
		texts := make([]string, 0, len(parts))
		for _, p := range parts {
			texts = append(texts, pattern(p, cluster, s))
		}
		return strings.Join(texts, separator)
	}
	return anything
}

// placeholders fills in a Fn::Sub text. Each setting may be a placeholder itself.
func placeholders(text string, s Settings) string {
	known := map[string]string{"AWS::Partition": s.Partition, "AWS::Region": s.Region, "AWS::AccountId": s.Account}
	return os.Expand(text, func(name string) string { return cmp.Or(known[name], anything) })
}

// at is the value below keys, nil if there is none.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// walk visits all texts in a value.
func walk(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case []any:
		for _, one := range v {
			walk(one, visit)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			walk(v[k], visit)
		}
	}
}
