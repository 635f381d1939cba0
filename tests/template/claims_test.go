package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A claim is one cell "must hold" of docs/from-terraform.md: that a property of
// a template has a value, or that a role has exactly a statement. It is checked
// on the template as CloudFormation evaluates it; what is not given stays as
// written, such as ${VpcCidr} and ${Cluster.Arn}.
type claim interface {
	// check returns why the claim does not hold, empty if it does.
	check(all templates) string
	// mutations are ways to break what the claim names, by name. After each of
	// them the claim must not hold.
	mutations(t *testing.T, all templates) map[string]templates
	String() string
}

// templates are all templates, by file.
type templates map[string]object

// clone is a copy in which one resource or output may be changed.
func (all templates) clone(tb testing.TB, file, part, id string) templates {
	tb.Helper()
	out := maps.Clone(all)
	template := maps.Clone(all[file])
	entries := maps.Clone(section(template, part))
	entries[id] = plain(tb, entries[id])
	template[part], out[file] = entries, template
	return out
}

// broken is what the evaluation of a broken template ends with.
type broken struct{ why string }

// judge is a testing.TB that ends an evaluation and not the test.
type judge struct{ testing.TB }

func (judge) Helper() {}

func (judge) Fatalf(format string, args ...any) { panic(broken{fmt.Sprintf(format, args...)}) }

func (judge) Fatal(args ...any) { panic(broken{fmt.Sprint(args...)}) }

// symbolicRun evaluates a template of all.
func symbolicRun(all templates, file string, given map[string]string) *stackRun {
	r := &stackRun{
		t: judge{}, template: all[file], given: map[string]string{}, symbolic: true,
		pseudo: map[string]string{
			"AWS::Region": "${Region}", "AWS::Partition": "${Partition}", "AWS::URLSuffix": "${URLSuffix}", "AWS::AccountId": "${AccountId}",
			"AWS::StackName": "${StackName}",
			"AWS::StackId":   "arn:${Partition}:cloudformation:${Region}:${AccountId}:stack/demo/${StackUuid}",
		},
		attributes: map[string]string{
			"Cluster.OpenIdConnectIssuerUrl": "https://${Issuer}", "Cluster.Endpoint": "https://${Endpoint}",
			"ClusterFacts.ClusterArn": "arn:${Partition}:eks:${Region}:${AccountId}:cluster/${ExistingClusterName}",
		},
	}
	if strings.HasPrefix(file, "templates/network") {
		for name := range section(all[file], "Parameters") {
			if strings.HasSuffix(name, "Cidrs") || strings.HasSuffix(name, "AvailabilityZones") {
				slot := "${" + strings.TrimSuffix(name, "s")
				r.given[name] = slot + "1}," + slot + "2}," + slot + "3}," + slot + "4}," + slot + "5}," + slot + "6}"
			}
		}
	}
	if strings.HasPrefix(file, "templates/network") {
		r.given["VpcId"], r.given["InternetGatewayId"] = "", ""
	}
	maps.Copy(r.given, given)
	return r
}

// evaluated runs f and turns the end of a broken evaluation into a reason.
func evaluated(f func() string) (why string) {
	defer func() {
		if caught := recover(); caught != nil {
			b, ours := caught.(broken)
			if !ours {
				b.why = fmt.Sprint(caught) // a shape that the evaluator does not expect
			}
			why = b.why
		}
	}()
	return f()
}

// place is where a claim looks.
type place struct {
	file  string
	given map[string]string
	// part is Resources, Outputs or Parameters, and id what it has of that name.
	// path leads on in a resource's properties, an output's value, a parameter.
	part, id string
	path     []string
}

// value claims that a place has a value, or that it is absent.
type value struct {
	place
	text string // as in the page
	want any
}

func (v value) String() string { return v.text }

func (v value) check(all templates) string {
	return evaluated(func() string {
		return v.judge(v.at(symbolicRun(all, v.file, v.given)))
	})
}

// judge compares what stands at the claim's place, or why nothing does, with
// what is wanted.
func (v value) judge(got any, why string) string {
	switch {
	case isAbsent(v.want):
		return v.judgeAbsence(why)
	case why != "":
		return why
	case !same(v.want, got):
		text, _ := json.Marshal(got)
		return fmt.Sprintf("it is %s", text)
	}
	return ""
}

// same compares as CloudFormation and its texts do: scalars by their text.
func same(want, got any) bool {
	switch w := want.(type) {
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, same)
	case object:
		g, ok := got.(object)
		return ok && maps.EqualFunc(w, g, same)
	}
	switch got.(type) {
	case []any, object, nil:
		return false
	}
	return fmt.Sprint(want) == fmt.Sprint(got)
}

func (p place) at(r *stackRun) (any, string) {
	found, ok := section(r.template, p.part)[p.id]
	switch {
	case !ok:
		return nil, "it is none of the " + p.part
	case !r.active(found):
		return nil, unmet
	case p.part == "Outputs":
		return descend(r.value(at(found, "Value")), p.path)
	case p.part == "Parameters":
		return descend(found, p.path)
	}
	resource := found
	if p.ofResource(resource) {
		return descend(resource, p.path)
	}
	return descend(r.value(at(resource, "Properties")), p.path)
}

// ofResource tells whether the path is of the resource itself and not of its
// properties.
func (p place) ofResource(resource any) bool {
	return slices.Contains([]string{"Type", "DeletionPolicy", "UpdateReplacePolicy"}, p.path[0]) && at(resource, "Properties", p.path[0]) == nil
}

// descend follows a path. A text on the way is JSON, as Helm values and trust
// policies are.
func descend(v any, path []string) (any, string) {
	for i, step := range path {
		next, ok := take(v, step)
		if !ok {
			return nil, lacks(path[:i+1])
		}
		v = next
	}
	return v, ""
}

// take is one step: a key, the index of a list, or key=value for the element of
// a list that has it.
func take(v any, step string) (any, bool) {
	switch x := opened(v).(type) {
	case object:
		next, ok := x[step]
		return next, ok
	case []any:
		if i := position(x, step); i >= 0 {
			return x[i], true
		}
	}
	return nil, false
}

// position finds a step's element of a list, -1 if there is none.
func position(list []any, step string) int {
	if key, want, ok := strings.Cut(step, "="); ok {
		return slices.IndexFunc(list, func(e any) bool {
			got, found := take(e, key)
			return found && fmt.Sprint(got) == want
		})
	}
	if i, err := strconv.Atoi(step); err == nil && i < len(list) {
		return i
	}
	return -1
}

func opened(v any) any {
	text, ok := v.(string)
	if !ok || !strings.HasPrefix(text, "{") {
		return v
	}
	var tree any
	if json.Unmarshal([]byte(text), &tree) != nil {
		return v
	}
	return tree
}

// The page's grammar of a claim:
//
//	[FILE/]ID.Path.To[key=value].Name = value
//	[FILE/]ID[.Path] is absent
//	output NAME[.path] = value
//	parameter NAME.Default = value
//
// FILE is network, existing-vpc, existing-eks or nodepool; without it the template is
// quickstart.yaml. A step in brackets is a key as it is, or the element of a list. A
// value that begins with [, { or " is JSON.
var claimText = regexp.MustCompile(`^(?:([a-z-]+)/)?(?:(output|parameter) )?([A-Z][A-Za-z0-9]*)(\S*?)(?: = (.+)| is absent)$`)

var (
	claimFiles = map[string]string{
		"": quickstartFile, "network": networkFile, "existing-vpc": existingFile, "existing-eks": clusterFile, "nodepool": nodepoolChart,
	}
	claimParts = map[string]string{"": "Resources", "output": "Outputs", "parameter": "Parameters"}
	step       = regexp.MustCompile(`^(?:\.([A-Za-z0-9_-]+)|\[([^\]]+)\])`)
)

func parseValue(text string, given map[string]string) (claim, error) {
	m := claimText.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%q is not of the form ID.Path = value", text)
	}
	file, ok := claimFiles[m[1]]
	if !ok {
		return nil, fmt.Errorf("%q: there is no template %q", text, m[1])
	}
	v := value{text: text, want: m[5], place: place{file: file, given: given, part: claimParts[m[2]], id: m[3]}}
	if m[5] == "" {
		v.want = absent{}
	}
	for rest := m[4]; rest != ""; {
		s := step.FindStringSubmatch(rest)
		if s == nil {
			return nil, fmt.Errorf("%q: the path is not clear from %q", text, rest)
		}
		v.path, rest = append(v.path, s[1]+s[2]), rest[len(s[0]):]
	}
	if len(v.path) == 0 && v.part != "Outputs" && m[5] != "" {
		return nil, fmt.Errorf("%q has no path", text)
	}
	if m[5] != "" && strings.ContainsAny(m[5][:1], `[{"`) {
		if err := json.Unmarshal([]byte(m[5]), &v.want); err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
	}
	if file == nodepoolChart {
		return rendered{v}, nil
	}
	return v, nil
}

// grants claims that a role, or a managed policy, has a statement of exactly
// these actions, resources and conditions.
type grants struct {
	place
	sid                string
	effect             string
	actions, resources []string
	conditions         []string // "Operator key = value", one for each value
}

func (g grants) String() string { return g.id + "#" + g.sid }

func (g grants) check(all templates) string {
	return evaluated(func() string {
		r := symbolicRun(all, g.file, g.given)
		found := slices.DeleteFunc(statements(r), func(s statement) bool {
			where, _, _ := strings.Cut(s.where, "/")
			return where != g.id || s.Sid != g.sid
		})
		if len(found) != 1 {
			return fmt.Sprintf("there are %d statements of that name", len(found))
		}
		s := found[0]
		have := map[string][]string{
			"effect": {s.Effect}, "actions": s.Actions, "resources": s.Resources, "conditions": conditionsOf(s.Raw),
		}
		want := map[string][]string{"effect": {g.effect}, "actions": g.actions, "resources": g.resources, "conditions": g.conditions}
		for _, part := range []string{"effect", "actions", "resources", "conditions"} {
			if !slices.Equal(slices.Sorted(slices.Values(have[part])), slices.Sorted(slices.Values(want[part]))) {
				return fmt.Sprintf("%s are %s", part, cell(have[part]))
			}
		}
		return ""
	})
}

// conditionsOf writes a statement's conditions as the page does.
func conditionsOf(statement object) (list []string) {
	condition, _ := statement["Condition"].(object)
	for operator, keys := range condition {
		for key, values := range keys.(object) {
			for _, v := range asList(values) {
				list = append(list, operator+" "+key+" = "+v)
			}
		}
	}
	return slices.Sorted(slices.Values(list))
}

// cell writes a list as a cell of the page.
func cell(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	return "`" + strings.Join(slices.Sorted(slices.Values(list)), "` `") + "`"
}
