package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// This file is where plain Go becomes CDK: pointers, intrinsic functions and
// tokens are made here and nowhere else. A returned *string may be a token: it
// is handed on, or put into a contract's struct as it is, but never compared
// or cut.

func text(s string) *string { return jsii.String(s) }

func texts(values ...string) *[]*string { return jsii.Strings(values...) }

func number(n int) *float64 { return jsii.Number(float64(n)) }

// ref is {"Ref": name}: a parameter, a pseudo parameter or a resource.
func ref(name string) *string { return awscdk.Fn_Ref(jsii.String(name)) }

// sub is {"Fn::Sub": body}.
func sub(body string) *string { return awscdk.Fn_Sub(jsii.String(body), nil) }

// subWith is {"Fn::Sub": [body, variables]}.
func subWith(body string, variables map[string]*string) *string {
	if len(variables) == 0 {
		return sub(body)
	}
	return awscdk.Fn_Sub(jsii.String(body), &variables)
}

// join is {"Fn::Join": [delimiter, parts]}.
func join(delimiter string, parts ...*string) *string {
	return awscdk.Fn_Join(jsii.String(delimiter), &parts)
}

// joinList joins a list that CloudFormation knows at deployment only.
func joinList(delimiter string, list *[]*string) *string {
	return awscdk.Fn_Join(jsii.String(delimiter), list)
}

// listRef is {"Ref": name} of a parameter that is a list.
func listRef(name string) *[]*string { return awscdk.Token_AsList(intrinsic("Ref", name), nil) }

// numberRef is {"Ref": name} of a parameter that is a number.
func numberRef(name string) *float64 { return awscdk.Token_AsNumber(intrinsic("Ref", name)) }

// split is {"Fn::Split": [delimiter, source]}.
func split(delimiter string, source *string) *[]*string {
	return awscdk.Token_AsList(intrinsic("Fn::Split", []any{delimiter, source}), nil)
}

// pick is {"Fn::Select": [index, {"Fn::Split": [delimiter, source]}]}.
func pick(index int, delimiter string, source *string) *string {
	list := map[string]any{"Fn::Split": []any{delimiter, source}}
	return awscdk.Token_AsString(intrinsic("Fn::Select", []any{index, list}), nil)
}

// pickOf is {"Fn::Select": [index, parts]}. It waits for all of the parts.
func pickOf(index int, parts ...*string) *string {
	return awscdk.Token_AsString(intrinsic("Fn::Select", []any{index, parts}), nil)
}

// either is {"Fn::If": [condition, yes, no]} for a property of any type.
// Objects in it carry the names of the template, not those of the Go structs.
func either(condition string, yes, no any) awscdk.IResolvable {
	return awscdk.Fn_ConditionIf(jsii.String(condition), yes, no)
}

// eitherText is either for text.
func eitherText(condition string, yes, no *string) *string {
	return awscdk.Token_AsString(either(condition, yes, no), nil)
}

// onlyIf is either with nothing (AWS::NoValue) on the other side.
func onlyIf(condition string, yes any) awscdk.IResolvable {
	return either(condition, yes, noValue())
}

func noValue() *string { return awscdk.Aws_NO_VALUE() }

func intrinsic(name string, value any) awscdk.Intrinsic {
	return awscdk.NewIntrinsic(map[string]any{name: value}, nil)
}

// anyList turns a token list or plain texts into the type that properties with
// references to other resources take.
func anyList(list *[]*string) *[]any {
	out := make([]any, 0, len(*list))
	for _, v := range *list {
		out = append(out, v)
	}
	return &out
}

// plain reads the pointers of a list into a Go slice. A token list keeps its
// one marker, which becomes the list again in the template.
func plain(list *[]*string) []string {
	out := make([]string, 0, len(*list))
	for _, v := range *list {
		out = append(out, *v)
	}
	return out
}

// tag is one resource tag.
func tag(key string, value *string) *awscdk.CfnTag {
	return &awscdk.CfnTag{Key: jsii.String(key), Value: value}
}

// dependOn makes r wait for each of the others, and go before them on delete.
func dependOn(r awscdk.CfnResource, others ...awscdk.CfnResource) {
	for _, o := range others {
		r.AddResourceDependency(o, nil)
	}
}

// under has every resource that declare adds be there only if the condition
// holds.
func under(s awscdk.Stack, conditionName string, declare func()) {
	already := len(*s.Node().Children())
	declare()
	holds := s.Node().FindChild(text(conditionName)).(awscdk.CfnCondition)
	for _, child := range (*s.Node().Children())[already:] {
		if r, ok := child.(awscdk.CfnResource); ok {
			r.CfnOptions().SetCondition(holds)
		}
	}
}

// condition adds a condition to the template under exactly this name.
func condition(s awscdk.Stack, name string, expression awscdk.ICfnConditionExpression) awscdk.CfnCondition {
	return awscdk.NewCfnCondition(s, jsii.String(name), &awscdk.CfnConditionProps{Expression: expression})
}

func equals(a, b any) awscdk.ICfnConditionExpression { return awscdk.Fn_ConditionEquals(a, b) }

func not(e awscdk.ICfnConditionExpression) awscdk.ICfnConditionExpression {
	return awscdk.Fn_ConditionNot(e)
}
