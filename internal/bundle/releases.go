package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/intrinsic"
)

// release is a chart as a mode's template installs it.
type release struct {
	chart     chart.Reference // with its public repository
	rendering chart.Rendering
}

// stack is a mode's template with answers, as far as charts depend on them: a
// name whose value only a launch knows is a text made of it.
type stack struct {
	Parameters map[string]parameter
	Conditions map[string]any
	Resources  map[string]struct {
		Type       string
		Properties map[string]any
	}
	answers map[string]string
}

type parameter struct {
	Type    string
	Default any
}

// answer is the default; else a text, which somebody has to give.
func (p parameter) answer(name string) string {
	switch d := p.Default.(type) {
	case nil:
		if name == vpcID {
			return someVPC
		}
		return strings.ToLower(name)
	case float64:
		return strconv.FormatFloat(d, 'f', -1, 64)
	}
	return fmt.Sprint(p.Default)
}

func readStack(templates fs.FS, mode string, answers map[string]string) (*stack, error) {
	text, err := fs.ReadFile(templates, contract.ModeTemplate(mode))
	if err != nil {
		return nil, fmt.Errorf("read the template of mode %s: %w", mode, err)
	}
	s := &stack{answers: answers}
	if err := yaml.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the template of mode %s: %w", mode, err)
	}
	return s, nil
}

// vpcID is how templates call a VPC, and someVPC one, as charts want it written.
const (
	vpcID   = "VpcId"
	someVPC = "vpc-00000000000000000"
)

// pseudo are the pseudo parameters, of no stack that there is.
var pseudo = map[string]any{
	"AWS::NoValue": intrinsic.Absent{}, "AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::URLSuffix": "amazonaws.com",
	"AWS::StackName": "stack", "AWS::StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/stack/00000000-0000-0000-0000-000000000000",
}

// Ref is a parameter's answer, or its default.
func (s *stack) Ref(name string) (any, error) {
	if v, known := pseudo[name]; known {
		return v, nil
	}
	p, isParameter := s.Parameters[name]
	if !isParameter {
		return s.GetAtt(name, "")
	}
	answer, given := s.answers[name]
	if !given {
		answer = p.answer(name)
	}
	if p.Type != "CommaDelimitedList" {
		return answer, nil
	}
	var list []any
	for one := range strings.SplitSeq(answer, ",") {
		list = append(list, strings.TrimSpace(one))
	}
	return list, nil
}

// GetAtt is a text that looks like such an attribute.
func (s *stack) GetAtt(resource, attribute string) (any, error) {
	if _, there := s.Resources[resource]; !there {
		return nil, fmt.Errorf("%s is no parameter and no resource", resource)
	}
	name := strings.ToLower(strings.TrimSuffix(strings.ReplaceAll(resource+"-"+attribute, ".", "-"), "-"))
	switch {
	case strings.HasSuffix(attribute, "Arn"):
		return "arn:aws:service:us-east-1:111122223333:thing/" + name, nil
	case attribute == "Endpoint":
		return "https://" + name + ".invalid", nil
	case strings.HasSuffix(attribute, vpcID):
		return someVPC, nil
	}
	return name, nil
}

// Condition is one of the template's.
func (s *stack) Condition(name string) (bool, error) {
	c, there := s.Conditions[name]
	if !there {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	return intrinsic.Truth(c, s)
}

// text is a property that is left out, or a text.
func (s *stack) text(of map[string]any, name string) (string, error) {
	if of[name] == nil {
		return "", nil
	}
	text, err := intrinsic.Text(of[name], s)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// releases are those of all charts that are not in the function itself, whether
// these answers ask for them or not.
func (s *stack) releases() ([]release, error) {
	var found []release
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(s.Resources)) {
		r := s.Resources[id]
		if r.Type != contract.TypeHelmRelease || r.Properties["Repository"] == "builtin:" {
			continue
		}
		one, err := s.release(r.Properties)
		if err != nil {
			problems = append(problems, fmt.Errorf("release %s of the template: %w", id, err))
		}
		found = append(found, one)
	}
	return found, errors.Join(problems...)
}

func (s *stack) release(properties map[string]any) (r release, err error) {
	var values string
	for name, into := range map[string]*string{
		"Repository": &r.chart.Repository, "Chart": &r.chart.Chart, "ChartVersion": &r.chart.Version, "ReleaseName": &r.rendering.Release,
		"Namespace": &r.rendering.Namespace, "Values": &values,
	} {
		if *into, err = s.text(properties, name); err != nil {
			return r, err
		}
	}
	r.rendering.Values, err = chart.Values(values)
	return r, err
}

// addons are the names of EKS's add-ons that the template has.
func (s *stack) addons() ([]string, error) {
	var names []string
	for _, r := range s.Resources {
		if r.Type != "AWS::EKS::Addon" {
			continue
		}
		name, err := s.text(r.Properties, "AddonName")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
