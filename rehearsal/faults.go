package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Fault is a mistake that a run plants in its copy of the template, or in the
// deployer's rights, to show that the rehearsal finds it.
type Fault struct {
	Kind string
	// Summary says what is wrong then, Check what must find it.
	Summary, Check string

	order    string   // the order of creation in which it shows
	deployer []Policy // what the deployer may do
	plant    func(resources map[string]any) (string, error)
	proof    func(err error) string // the part of the error that shows the check at work, or ""
}

// FaultOutcome says whether a planted fault was found.
type FaultOutcome struct {
	Fault
	// Planted says what was changed.
	Planted string
	// Proof is the error by which the check found it, empty if it did not.
	Proof string
}

// NotCaughtError says that a planted fault went unnoticed, or that something
// else failed before it could be noticed.
type NotCaughtError struct {
	FaultOutcome
	// Run is how the run ended, nil if it was green.
	Run error
}

func (e *NotCaughtError) Error() string {
	if e.Run == nil {
		return fmt.Sprintf("NOT caught: %s (%s); the run was green, though %s should have stopped it", e.Kind, e.Planted, e.Check)
	}
	return fmt.Sprintf("NOT caught: %s (%s); %s should have stopped the run, but it ended with: %v", e.Kind, e.Planted, e.Check, e.Run)
}

func (e *NotCaughtError) Unwrap() error { return e.Run }

// Faults are all kinds, in the order of the alphabet.
func Faults() []Fault {
	return []Fault{
		{
			Kind: "leftover", Summary: "the delete leaves a log group behind", Check: "the leftover check",
			plant: plantLeftover, proof: proveLeftover,
		},
		{
			Kind: "missing-dependency", Summary: "no release waits for its access to the cluster", Check: "the cluster's authentication, with custom resources first",
			order: "custom-first", plant: plantMissingDependency, proof: reasonWith("access entry"),
		},
		{
			Kind: "missing-deployer-permission", Summary: "the deployer may do everything but make clusters", Check: "IAM, for the deployer",
			deployer: allBut("eks:CreateCluster"), proof: reasonWith("is not authorized to perform", "eks:CreateCluster"),
		},
		{
			Kind: "missing-pass-role", Summary: "the deployer may do everything but hand over roles", Check: "IAM, for the deployer",
			deployer: allBut("iam:PassRole"), proof: reasonWith("iam:PassRole"),
		},
		{
			Kind: "missing-permission", Summary: "the installer's role lacks " + installerAction, Check: "IAM, for the function",
			plant: plantMissingPermission, proof: reasonWith("is not authorized to perform", installerAction, "assumed-role/"),
		},
		{
			Kind: "wrong-trust", Summary: "the installer's role trusts EC2 in Lambda's place", Check: "Lambda's look at the role's trust policy",
			plant: plantWrongTrust, proof: reasonWith("cannot be assumed by Lambda"),
		},
	}
}

// FaultKinds are the names of all faults.
func FaultKinds() (kinds []string) {
	for _, f := range Faults() {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// FindFault returns the fault of that kind.
func FindFault(kind string) (*Fault, error) {
	for _, f := range Faults() {
		if f.Kind == kind {
			return &f, nil
		}
	}
	return nil, fmt.Errorf("fault %q: want one of %s", kind, strings.Join(FaultKinds(), ", "))
}

// Plant changes the template's text, and says what it changed. What it returns
// is JSON: YAML's writers leave texts bare that YAML 1.1, which CloudFormation
// reads, takes for something else.
func (f *Fault) Plant(template []byte) (changed []byte, planted string, err error) {
	if f.plant == nil { // the fault is the deployer's
		return template, f.Summary, nil
	}
	var t map[string]any
	if err := yaml.Unmarshal(template, &t); err != nil {
		return nil, "", fmt.Errorf("parse the template: %w", err)
	}
	resources, ok := t["Resources"].(map[string]any)
	if !ok {
		return nil, "", errors.New("the template has no resources")
	}
	if planted, err = f.plant(resources); err != nil {
		return nil, "", fmt.Errorf("fault %s cannot be planted: %w", f.Kind, err)
	}
	changed, err = json.Marshal(t)
	return changed, planted, err
}

// judge tells whether the way in which the run ended shows the fault caught.
func (f *Fault) judge(planted string, run error) (*FaultOutcome, error) {
	o := &FaultOutcome{Fault: *f, Planted: planted}
	if run != nil {
		o.Proof = f.proof(run)
	}
	if o.Proof == "" {
		return o, &NotCaughtError{FaultOutcome: *o, Run: run}
	}
	return o, nil
}

// reasonWith finds the failed resource whose reason has all the words.
func reasonWith(words ...string) func(error) string {
	return func(err error) string {
		var failed *FailedError
		if !errors.As(err, &failed) {
			return ""
		}
		for _, e := range failed.Failures {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Reason, w) }) {
				return e.LogicalID + " (" + e.Type + ") " + e.Status + ": " + e.Reason
			}
		}
		return ""
	}
}

func proveLeftover(err error) string {
	var left *LeftoverError
	if errors.As(err, &left) && len(left.Items) == 1 && left.Items[0].Type == "AWS::Logs::LogGroup" {
		return left.Error()
	}
	return ""
}

func allBut(action string) []Policy {
	return []Policy{{"all-but-one", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"` + action + `","Resource":"*"}]}`}}
}

func plantLeftover(resources map[string]any) (string, error) {
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		if r["Type"] == "AWS::Logs::LogGroup" && r["DeletionPolicy"] == nil && r["Condition"] == nil {
			r["DeletionPolicy"] = "Retain"
			return "DeletionPolicy of " + id + " is Retain", nil
		}
	}
	return "", errors.New("no log group is deleted with the stack")
}

func plantMissingDependency(resources map[string]any) (string, error) {
	var taken []string
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		needs, _ := r["DependsOn"].([]any)
		rest := slices.DeleteFunc(slices.Clone(needs), func(need any) bool {
			name, _ := need.(string)
			other, _ := resources[name].(map[string]any)
			return other["Type"] == "AWS::EKS::AccessEntry"
		})
		if r["Type"] == "Custom::HelmRelease" && len(rest) < len(needs) {
			r["DependsOn"] = rest
			taken = append(taken, id)
		}
	}
	if len(taken) == 0 {
		return "", errors.New("no release depends on an access entry")
	}
	return "DependsOn of " + strings.Join(taken, ", ") + " has no access entry any more", nil
}

// installerAction is what the function behind the releases needs first.
const installerAction = "eks:DescribeCluster"

func plantMissingPermission(resources map[string]any) (string, error) {
	id, role, err := installerRole(resources)
	if err != nil {
		return "", err
	}
	taken := 0
	for _, s := range allowStatements(role["Properties"]) {
		actions, _ := s["Action"].([]any)
		if s["Action"] == installerAction || slices.Contains(actions, any(installerAction)) {
			rest := slices.DeleteFunc(slices.Clone(actions), func(a any) bool { return a == installerAction })
			if len(rest) == 0 { // a statement needs an action; this one needs no permission
				rest = []any{"sts:GetCallerIdentity"}
			}
			s["Action"], taken = rest, taken+1
		}
	}
	if taken == 0 {
		return "", fmt.Errorf("role %s does not grant %s", id, installerAction)
	}
	return "role " + id + " does not grant " + installerAction + " any more", nil
}

func plantWrongTrust(resources map[string]any) (string, error) {
	id, role, err := installerRole(resources)
	if err != nil {
		return "", err
	}
	properties, _ := role["Properties"].(map[string]any)
	trust, _ := properties["AssumeRolePolicyDocument"].(map[string]any)
	statements, _ := trust["Statement"].([]any)
	for _, s := range statements {
		if s, ok := s.(map[string]any); ok {
			s["Principal"] = map[string]any{"Service": "ec2.amazonaws.com"}
		}
	}
	if len(statements) == 0 {
		return "", fmt.Errorf("role %s has no trust policy in the template", id)
	}
	return "role " + id + " trusts ec2.amazonaws.com", nil
}

// installerRole is the role of the function that serves the releases.
func installerRole(resources map[string]any) (id string, role map[string]any, err error) {
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[name].(map[string]any)
		if r["Type"] != "Custom::HelmRelease" {
			continue
		}
		properties, _ := r["Properties"].(map[string]any)
		function, _ := resources[attributeOf(properties["ServiceToken"])].(map[string]any)
		properties, _ = function["Properties"].(map[string]any)
		id = attributeOf(properties["Role"])
		if role, ok := resources[id].(map[string]any); ok {
			return id, role, nil
		}
	}
	return "", nil, errors.New("no function with a role of the template serves a Custom::HelmRelease")
}

// attributeOf is the resource that a Fn::GetAtt names.
func attributeOf(v any) string {
	m, _ := v.(map[string]any)
	switch at := m["Fn::GetAtt"].(type) {
	case []any:
		name, _ := at[0].(string)
		return name
	case string:
		name, _, _ := strings.Cut(at, ".")
		return name
	}
	return ""
}

// allowStatements finds every statement of an identity policy below v.
func allowStatements(v any) (found []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if v["Action"] != nil && v["Effect"] == "Allow" && v["Principal"] == nil {
			return []map[string]any{v}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			found = append(found, allowStatements(v[k])...)
		}
	case []any:
		for _, e := range v {
			found = append(found, allowStatements(e)...)
		}
	}
	return found
}
