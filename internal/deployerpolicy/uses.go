package deployerpolicy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// use is why an action is needed: a handler of a type calls it, on a kind of
// resource ("" for none) that is the type's own or another.
type use struct {
	typ, handler string
	action, kind string
	own          bool
}

// The handlers that create, update and delete a stack's resources, and a
// pseudo-handler: what CloudFormation or the caller does besides.
const (
	create = "create"
	read   = "read"
	update = "update"
	remove = "delete"
	caller = "launch"
)

// uses are all uses of the actions that the stack's resources and parameters
// need.
func (i inventory) uses(f facts) []use {
	var out []use
	for _, typ := range i.types() {
		if strings.HasPrefix(typ, "Custom::") {
			out = append(out, use{typ: typ, handler: caller, action: "lambda:InvokeFunction", kind: "function"})
			continue
		}
		t := f.Types[typ]
		for _, handler := range []string{create, read, update, remove} {
			for _, action := range t.Handlers[handler] {
				if !i.calls(f, typ, action) {
					continue
				}
				for _, kind := range i.kinds(f, typ, action) {
					out = append(out, use{typ, handler, action, kind, kind == t.Own})
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.parameters)) {
		if i.parameters[name].Type == "AWS::EC2::VPC::Id" {
			out = append(out, use{typ: i.parameters[name].Type, handler: caller, action: "ec2:DescribeVpcs"})
		}
	}
	return out
}

func (i inventory) types() []string {
	found := map[string]bool{}
	for _, r := range i.resources {
		found[r.Type] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// unknown are the types of which nobody knows what their handlers call.
func (i inventory) unknown(f facts) []error {
	var out []error
	for _, typ := range i.types() {
		if _, ok := f.Types[typ]; !ok && !strings.HasPrefix(typ, "Custom::") {
			out = append(out, fmt.Errorf("no handler permissions of %s: run rehearsal/aws/handler_rights.py", typ))
		}
	}
	return out
}

// calls tells whether a handler calls an action for what the template sets. A
// handler reads more of its own type than that.
func (i inventory) calls(f facts, typ, action string) bool {
	properties, bound := f.Types[typ].Belongs[action]
	if action == "iam:PassRole" && typ == "AWS::Events::Rule" {
		properties = []string{"RoleArn"} // no target of ours has a role
	}
	if !bound || i.has(typ, properties) {
		return true
	}
	own := f.Types[typ].Own
	_, judgedOnOwn := f.Actions[action][own]
	isOwn := serviceOf(action) == iamPrefix(typ) && (judgedOnOwn || !f.judgedOnAny(action))
	return reads(action) && isOwn && action != "s3:GetObject"
}

// iamPrefix is a type's service, in IAM's words.
func iamPrefix(typ string) string { return strings.ToLower(strings.Split(typ, "::")[1]) }

// judgedOnAny tells whether an action is judged on any kind of resource.
func (f facts) judgedOnAny(action string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(f.Actions[action])), func(j judged) bool { return j.Always })
}

// kinds are the kinds of resources that a call is judged on: those that it
// always has, the type's own, and in EC2 what the properties name.
func (i inventory) kinds(f facts, typ, action string) []string {
	t, judgements := f.Types[typ], f.Actions[action]
	switch {
	case typ == "AWS::EKS::Nodegroup" && action == "ec2:CreateTags":
		return launched // the try of the launch template tags what it would launch
	case action == "s3:GetObject":
		return []string{"object"} // of a function's code
	}
	var out []string
	for kind, j := range judgements {
		if kind != "" && (j.Always || kind == t.Own) {
			out = append(out, kind)
		}
	}
	if serviceOf(action) == "ec2" && !tags(action) {
		out = append(out, i.referred(t, typ, judgements)...)
	}
	if action == "ec2:RunInstances" {
		out = append(out, "launch-template", "volume")
	}
	if len(out) == 0 {
		return []string{""}
	}
	return set(out)
}

// referred are the kinds that the type's properties name, as far as the action
// is judged on them.
func (i inventory) referred(t typeFacts, typ string, judgements map[string]judged) []string {
	var out []string
	for property, kind := range t.Refers {
		if _, ok := judgements[kind]; ok && i.has(typ, []string{property}) {
			out = append(out, kind)
		}
	}
	return out
}

// launched are the kinds that a launch template has tags for.
var launched = []string{"instance", "network-interface", "volume"}

func tags(action string) bool { return action == "ec2:CreateTags" || action == "ec2:DeleteTags" }

// stackActions are a caller's own calls on a stack, nested ones included.
var stackActions = []string{
	"CancelUpdateStack", "ContinueUpdateRollback", "CreateChangeSet", "CreateStack", "DeleteChangeSet", "DeleteStack",
	"DescribeChangeSet", "DescribeEvents", "DescribeStackEvents", "DescribeStackResource", "DescribeStackResources", "DescribeStacks",
	"ExecuteChangeSet", "GetTemplate", "GetTemplateSummary", "ListChangeSets", "ListStackResources", "RollbackStack",
	"TagResource", "UntagResource", "UpdateStack", "UpdateTerminationProtection",
}

// callersOwn are the calls that start it all.
func callersOwn() []use {
	var out []use
	for _, name := range stackActions {
		out = append(out, use{typ: stackType, handler: caller, action: "cloudformation:" + name, kind: "stack", own: true})
	}
	for _, name := range []string{"GetTemplateSummary", "ListStacks", "ValidateTemplate"} {
		out = append(out, use{typ: stackType, handler: caller, action: "cloudformation:" + name})
	}
	return append(out, use{typ: stackType, handler: caller, action: "s3:GetObject", kind: "object"})
}
