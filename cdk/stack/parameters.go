package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// parameter is one question of the template.
type parameter struct {
	Name        string
	Label       string // what the console shows instead of the name
	Description string
	Type        string // empty means String
	Default     any    // nil: the customer must answer
	Values      []string
	Pattern     string // in a list it holds for each element
	Constraint  string // what the customer reads when pattern or limits refuse
	MaxLength   int    // of a text; 0 means no limit
	Min, Max    int    // of a number; 0 means no limit
}

// parameterGroup is a heading of the console's form with its questions.
type parameterGroup struct {
	Label      string
	Parameters []parameter
}

const (
	typeList   = "CommaDelimitedList"
	typeNumber = "Number"
	// typeVPC lets the console offer the account's VPCs; CloudFormation refuses
	// one that does not exist.
	typeVPC = "AWS::EC2::VPC::Id"
)

// addParameters declares the questions, in order, and how the console shows
// them.
func addParameters(s awscdk.Stack, groups []parameterGroup) {
	var shown []any
	labels := map[string]any{}
	for _, g := range groups {
		var names []string
		for _, p := range g.Parameters {
			addParameter(s, p)
			names = append(names, p.Name)
			labels[p.Name] = map[string]any{"default": p.Label}
		}
		shown = append(shown, map[string]any{"Label": map[string]any{"default": g.Label}, "Parameters": names})
	}
	s.TemplateOptions().SetMetadata(&map[string]any{
		"AWS::CloudFormation::Interface": map[string]any{"ParameterGroups": shown, "ParameterLabels": labels},
	})
}

func addParameter(s awscdk.Stack, p parameter) {
	props := &awscdk.CfnParameterProps{
		Type:        text("String"),
		Description: text(p.Description),
		Default:     p.Default,
	}
	if p.Type != "" {
		props.Type = text(p.Type)
	}
	if len(p.Values) > 0 {
		props.AllowedValues = texts(p.Values...)
	}
	if p.Pattern != "" {
		props.AllowedPattern = text(p.Pattern)
	}
	if c := p.constraint(); c != "" {
		props.ConstraintDescription = text(c)
	}
	if p.MaxLength != 0 {
		props.MaxLength = number(p.MaxLength)
	}
	if p.Min != 0 {
		props.MinValue = number(p.Min)
	}
	if p.Max != 0 {
		props.MaxValue = number(p.Max)
	}
	awscdk.NewCfnParameter(s, text(p.Name), props)
}

// constraint is what the customer reads when an answer is refused. Without one
// CloudFormation says of listed values only that the answer is none of them.
func (p parameter) constraint() string {
	if p.Constraint == "" && len(p.Values) > 0 {
		return `One of "` + strings.Join(p.Values, `", "`) + `".`
	}
	return p.Constraint
}

// addRules refuses contradictions before anything is made.
func addRules(s awscdk.Stack, cfg Config, m Mode) {
	if cfg.Engineer == nil {
		publishedRule(s, cfg)
	}
	rule(s, "NamespaceIsOurs",
		not(awscdk.Fn_ConditionContains(texts(reservedNamespaces...), ref("KubernetesNamespace"))),
		"KubernetesNamespace must be a namespace of its own, not one of "+strings.Join(reservedNamespaces, ", ")+".")
	rule(s, "ControllersHaveTheirNamespace",
		awscdk.Fn_ConditionAnd(
			not(equals(ref("KarpenterNamespace"), ref("KubernetesNamespace"))),
			not(equals(ref("LoadBalancerControllerNamespace"), ref("KubernetesNamespace"))),
		),
		"KarpenterNamespace and LoadBalancerControllerNamespace must not be KubernetesNamespace: who may start pods in the workspace's "+
			"namespace could use the controllers' rights there.")
	rule(s, "NoProxyNeedsProxy",
		awscdk.Fn_ConditionOr(equals(ref("NoProxy"), ""), not(equals(ref("HttpsProxy"), ""))),
		"NoProxy says what is reached without the proxy, but HttpsProxy is empty: enter the proxy's address there, or leave both empty.")
	switch m {
	case ExistingVPC:
		addExistingVPCRules(s)
	case ExistingEKS:
		addExistingEKSRules(s)
	case NewVPC:
	}
}

// publishedRule keeps launches out of regions without artefacts.
func publishedRule(s awscdk.Stack, cfg Config) {
	regions := append([]string(nil), cfg.Regions...)
	rule(s, "RegionIsPublished",
		awscdk.Fn_ConditionOr(
			not(equals(ref("ArtifactBucket"), "")),
			awscdk.Fn_ConditionContains(texts(regions...), ref("AWS::Region")),
		),
		"This quickstart is not published in this region. Launch it in one of "+strings.Join(regions, ", ")+
			", or copy its files to a bucket in this region and give that bucket as ArtifactBucket.")
}

// reservedNamespaces belong to Kubernetes or to everybody.
var reservedNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

func rule(s awscdk.Stack, name string, assert awscdk.ICfnConditionExpression, description string) {
	awscdk.NewCfnRule(s, text(name), &awscdk.CfnRuleProps{
		Assertions: &[]*awscdk.CfnRuleAssertion{{Assert: assert, AssertDescription: text(description)}},
	})
}
