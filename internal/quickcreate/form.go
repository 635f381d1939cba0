// Package quickcreate makes quick-create links: addresses of the CloudFormation
// console that show a stack's template with the answers filled in.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html
package quickcreate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Form is what a template asks, as the console shows it: its parameters, under
// the headings and in the order of the metadata AWS::CloudFormation::Interface.
type Form struct {
	Description string  `json:"description"`
	Groups      []Group `json:"groups"`
}

// Group is a heading of the form with its questions.
type Group struct {
	Label      string      `json:"label"`
	Parameters []Parameter `json:"parameters"`
}

// Parameter is one question, in the words of the template.
type Parameter struct {
	Name        string   `json:"name"`
	Label       string   `json:"label"`
	Type        string   `json:"type"`              // String, Number, CommaDelimitedList, or a type of AWS's
	Default     *string  `json:"default,omitempty"` // nil: it must be answered
	Values      []string `json:"values,omitempty"`  // nil: any
	Pattern     string   `json:"pattern,omitempty"` // of the whole answer, or of each element of a list
	Constraint  string   `json:"constraint,omitempty"`
	Description string   `json:"description"`
	MaxLength   int      `json:"maxLength,omitempty"` // characters; 0: CloudFormation's own limit
	Min         *float64 `json:"min,omitempty"`
	Max         *float64 `json:"max,omitempty"`
	NoEcho      bool     `json:"noEcho,omitempty"` // a secret, which no link may have
}

// maxLength is the longest value of a parameter, in bytes
// (CloudFormation User Guide, "Understand CloudFormation quotas").
const maxLength = 4096

const typeList = "CommaDelimitedList"

// ReadForm reads a template in YAML or JSON. It fails if a parameter stands in
// no group, or in two.
func ReadForm(template []byte) (Form, error) {
	var t struct {
		Description string `yaml:"Description"`
		Metadata    struct {
			Interface struct {
				ParameterGroups []struct {
					Label      label    `yaml:"Label"`
					Parameters []string `yaml:"Parameters"`
				} `yaml:"ParameterGroups"`
				ParameterLabels map[string]label `yaml:"ParameterLabels"`
			} `yaml:"AWS::CloudFormation::Interface"`
		} `yaml:"Metadata"`
		Parameters map[string]declared `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(template, &t); err != nil {
		return Form{}, fmt.Errorf("read the template: %w", err)
	}
	f := Form{Description: t.Description}
	asked := map[string]bool{}
	for _, g := range t.Metadata.Interface.ParameterGroups {
		group := Group{Label: g.Label.Text}
		for _, name := range g.Parameters {
			d, there := t.Parameters[name]
			if !there || asked[name] {
				return Form{}, fmt.Errorf("the template's form asks for %s, which is no parameter or stands there twice", name)
			}
			asked[name] = true
			p, err := d.parameter(name)
			if err != nil {
				return Form{}, err
			}
			if p.Label = t.Metadata.Interface.ParameterLabels[name].Text; p.Label == "" {
				p.Label = name
			}
			group.Parameters = append(group.Parameters, p)
		}
		f.Groups = append(f.Groups, group)
	}
	if len(asked) != len(t.Parameters) {
		return Form{}, fmt.Errorf("the template has %d parameters, its form asks for %d", len(t.Parameters), len(asked))
	}
	return f, nil
}

// label is a text of the form.
type label struct {
	Text string `yaml:"default"`
}

// declared is a parameter as it stands in the template, where numbers may be
// texts.
type declared struct {
	Type                  string   `yaml:"Type"`
	Default               *string  `yaml:"Default"`
	AllowedValues         []string `yaml:"AllowedValues"`
	AllowedPattern        string   `yaml:"AllowedPattern"`
	ConstraintDescription string   `yaml:"ConstraintDescription"`
	Description           string   `yaml:"Description"`
	MaxLength             int      `yaml:"MaxLength"`
	MinValue              *float64 `yaml:"MinValue"`
	MaxValue              *float64 `yaml:"MaxValue"`
	NoEcho                bool     `yaml:"NoEcho"`
}

func (d declared) parameter(name string) (Parameter, error) {
	if _, err := regexp.Compile(d.AllowedPattern); err != nil {
		return Parameter{}, fmt.Errorf("pattern of %s: %w", name, err)
	}
	return Parameter{
		Name: name, Type: d.Type, Default: d.Default, Values: d.AllowedValues, Pattern: d.AllowedPattern,
		Constraint: d.ConstraintDescription, Description: d.Description, MaxLength: d.MaxLength, Min: d.MinValue, Max: d.MaxValue, NoEcho: d.NoEcho,
	}, nil
}

// Parameters are all questions, in the order of the form.
func (f Form) Parameters() []Parameter {
	var all []Parameter
	for _, g := range f.Groups {
		all = append(all, g.Parameters...)
	}
	return all
}

// Check says what CloudFormation would refuse an answer for.
func (p Parameter) Check(answer string) error {
	why := p.refusal(answer)
	switch {
	case why == "":
		return nil
	case p.Constraint != "":
		why = p.Constraint
	}
	return fmt.Errorf("%s (%s) cannot be %q: %s", p.Name, p.Label, answer, why)
}

// refusal is why an answer is refused, without the template's own sentence.
func (p Parameter) refusal(answer string) string {
	if len(answer) > maxLength {
		return fmt.Sprintf("at most %d bytes", maxLength)
	}
	if p.MaxLength > 0 && utf8.RuneCountInString(answer) > p.MaxLength {
		return fmt.Sprintf("at most %d characters", p.MaxLength)
	}
	if p.Type == "Number" && !p.inRange(answer) {
		return "not a number of its range"
	}
	for _, part := range p.parts(answer) {
		if p.Values != nil && !slices.Contains(p.Values, part) {
			return "want one of " + strings.Join(p.Values, ", ")
		}
		if p.Pattern != "" && !regexp.MustCompile(p.Pattern).MatchString(part) {
			return "it does not match " + p.Pattern
		}
	}
	return ""
}

func (p Parameter) inRange(answer string) bool {
	n, err := strconv.ParseFloat(answer, 64)
	return err == nil && (p.Min == nil || n >= *p.Min) && (p.Max == nil || n <= *p.Max)
}

// parts are what a pattern and allowed values hold for: the elements of a list,
// from which CloudFormation takes the spaces around, or the whole answer.
func (p Parameter) parts(answer string) []string {
	if p.Type != typeList {
		return []string{answer}
	}
	parts := strings.Split(answer, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
