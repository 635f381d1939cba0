package rehearsal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Template is a CloudFormation template as far as a rehearsal must know it.
type Template struct {
	Parameters map[string]any
	Resources  map[string]TemplateResource
}

// TemplateResource is one resource of a template.
type TemplateResource struct {
	Type           string
	Condition      string
	DeletionPolicy string
	Properties     map[string]any
}

// ParseTemplate reads a template in JSON or in YAML without short tags (!Ref).
func ParseTemplate(text []byte) (*Template, error) {
	var t Template
	if err := yaml.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	return &t, nil
}

// Types are the resource types that the template can make, sorted.
func (t *Template) Types() []string {
	types := map[string]bool{}
	for _, r := range t.Resources {
		types[r.Type] = true
	}
	return slices.Sorted(maps.Keys(types))
}

// Answered are the given parameters and, of the others, the defaults.
func (t *Template) Answered(given map[string]string) map[string]string {
	all := maps.Clone(given)
	if all == nil {
		all = map[string]string{}
	}
	for name, p := range t.Parameters {
		declared, _ := p.(map[string]any)
		if _, there := all[name]; !there && declared["Default"] != nil {
			all[name] = fmt.Sprint(declared["Default"])
		}
	}
	return all
}

// Unconditional counts, by stage, the resources that the template always makes.
func (t *Template) Unconditional() map[string]int {
	count := map[string]int{}
	for _, r := range t.Resources {
		if r.Condition == "" {
			count[StageOf(r.Type)]++
		}
	}
	return count
}

// Retained are the things that stay when a stack with these physical IDs (by
// logical ID) is deleted, in the order of Since.
func (t *Template) Retained(physicalIDs map[string]string) []Item {
	var items []Item
	for logicalID, r := range t.Resources {
		id := physicalIDs[logicalID]
		if id == "" || !strings.HasPrefix(r.DeletionPolicy, "Retain") {
			continue
		}
		if r.Type == "AWS::S3::BucketPolicy" { // a bucket's policy has the bucket's name, whatever its physical ID is
			if ref, ok := r.Properties["Bucket"].(map[string]any); ok {
				if name, ok := ref["Ref"].(string); ok {
					id = physicalIDs[name]
				}
			}
		}
		items = append(items, Item{r.Type, id})
	}
	slices.SortFunc(items, compareItems)
	return items
}

// namesRoles tells whether the template gives a role a name of its own, which
// CloudFormation wants acknowledged as CAPABILITY_NAMED_IAM.
func (t *Template) namesRoles() bool {
	for _, r := range t.Resources {
		if r.Type == "AWS::IAM::Role" && r.Properties["RoleName"] != nil {
			return true
		}
	}
	return false
}

// nested are the files, below a published version, of the nested stacks'
// templates.
func (t *Template) nested() []string {
	var files []string
	for _, r := range t.Resources {
		if r.Type != stackType {
			continue
		}
		if _, below, ok := strings.Cut(fmt.Sprint(r.Properties["TemplateURL"]), "/${Version}/"); ok {
			file, _, _ := strings.Cut(below, ".yaml")
			files = append(files, file+".yaml")
		}
	}
	slices.Sort(files)
	return files
}
