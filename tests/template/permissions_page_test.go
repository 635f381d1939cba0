package template

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const permissionsPage = "docs/permissions.md"

// granted is one statement as people read it.
type granted struct {
	key       string // of its reason: POLICY/SID
	effect    string
	actions   []string
	on        []string
	condition string
	always    bool // whatever is answered
	files     []string
}

// TestPermissionsPageIsFresh holds docs/permissions.md to the templates: every
// statement of every role, with a reason.
func TestPermissionsPageIsFresh(t *testing.T) {
	var page strings.Builder
	page.WriteString(permissionsIntroduction)
	used := map[string]bool{}
	for _, id := range roleOrder(t) {
		readRole(t, id).write(t, &page, used)
	}
	for key := range reasons {
		if !used[key] {
			t.Errorf("there is a reason for %s, which no role may do", key)
		}
	}
	checkPage(t, permissionsPage, page.String())
}

const permissionsIntroduction = `# Permissions

Every role that a stack makes, who may take it, and every statement of its policies with its reason. Written by ` +
	"`go test ./tests/template -run TestPermissionsPageIsFresh -update`" + ` from the templates; a test keeps it fresh and refuses a statement without a reason.
What *you* need to launch a stack is in [deployer-policy.md](deployer-policy.md).

` + "`${Name}`" + ` is a parameter or a resource of the template. *Optional* statements are there only if an answer asks for them. Every role takes
your ` + "`PermissionsBoundaryArn` and `RolePath`" + `. No statement allows every action, or any action of changing something on every resource; ` +
	`where AWS knows no resource for an action, a condition limits it if there is one.
On a cluster that you have, one more policy may go to the role of *your* Karpenter: [existing-cluster.md](existing-cluster.md) says when.
`

// roleOrder are the roles' logical IDs in the order in which a reader meets them.
func roleOrder(t *testing.T) []string {
	t.Helper()
	order := []string{
		"EngineRole", "CrossAccountRole", "OutputsFunctionRole", "HelmInstallerRole", "InstallerRole", "ClusterRole", "NodeRole", "VpcCniRole",
		"EbsCsiRole", "KarpenterControllerRole", "KarpenterNodeRole", "LoadBalancerControllerRole",
	}
	declared := map[string]bool{}
	for _, file := range launched {
		for _, id := range resourcesOfType(load(t, file), "AWS::IAM::Role") {
			declared[id] = true
		}
	}
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(declared)), slices.Sorted(slices.Values(order))); diff != "" {
		t.Fatalf("roles (-templates +page):\n%s", diff)
	}
	return order
}

// asWritten runs a template with answers, and leaves the rest as it is written.
func asWritten(t *testing.T, file string, answers map[string]string) *stackRun {
	t.Helper()
	r := newRun(t, file, answers)
	r.symbolic = true
	if _, answered := r.given["ControlPlanePrincipalArn"]; !answered && file != networkFile {
		r.given["ControlPlanePrincipalArn"] = fmt.Sprint(at(r.template, "Parameters", "ControlPlanePrincipalArn", "Default"))
	}
	r.attributes = map[string]string{ // texts that are taken apart
		"Cluster.OpenIdConnectIssuerUrl": "https://${Cluster.OpenIdConnectIssuerUrl}",
		"ClusterFacts.ClusterArn":        "arn:<Partition>:eks:<Region>:<AccountId>:cluster/${ExistingClusterName}",
	}
	for name := range r.pseudo {
		r.pseudo[name] = "<" + strings.TrimPrefix(name, "AWS::") + ">" // without a colon: ARNs are taken apart
	}
	r.pseudo["AWS::StackId"] = "arn:<Partition>:cloudformation:<Region>:<AccountId>:stack/<StackName>/<StackId>"
	return r
}

// roleOnPage is a role as people read it.
type roleOnPage struct {
	id, description string
	files           []string // the templates that make it
	trust, managed  []string
	statements      []*granted
}

// readRole puts together what a role is in all templates with all answers.
func readRole(t *testing.T, id string) roleOnPage {
	t.Helper()
	role := roleOnPage{id: id}
	byKey := map[string]*granted{}
	for _, file := range launched {
		if !slices.Contains(resourcesOfType(load(t, file), "AWS::IAM::Role"), id) {
			continue
		}
		role.files = append(role.files, file)
		made, seen := 0, map[string]int{} // sets of answers with the role, and with each statement
		sets := answersOf(file)
		for _, name := range slices.Sorted(maps.Keys(sets)) {
			r := asWritten(t, file, sets[name])
			if !r.active(section(r.template, "Resources")[id]) {
				continue
			}
			made++
			p := r.properties(id)
			role.description = fmt.Sprint(p["Description"])
			role.trust = unique(append(role.trust, whoMay(r, plain(t, document(t, p["AssumeRolePolicyDocument"])))...))
			for _, arn := range asList(p["ManagedPolicyArns"]) {
				if strings.Contains(arn, ":iam::aws:policy/") {
					role.managed = unique(append(role.managed, arn[strings.LastIndex(arn, "/")+1:]))
				}
			}
			for _, s := range ofRole(r, id) {
				key := s.String()
				seen[key]++
				if byKey[key] == nil {
					byKey[key] = &granted{key: key, effect: s.Effect, always: true}
					role.statements = append(role.statements, byKey[key])
				}
				byKey[key].add(r, file, s)
			}
		}
		for _, g := range role.statements {
			if slices.Contains(g.files, file) && seen[g.key] < made {
				g.always = false
			}
		}
	}
	return role
}

// add takes in the statement as it is with other answers.
func (g *granted) add(r *stackRun, file string, s statement) {
	g.files = unique(append(g.files, file))
	g.actions = unique(append(g.actions, s.Actions...))
	g.on = unique(append(g.on, readable(r, s.Resources)...))
	if c, there := s.Raw["Condition"]; there {
		if text := conditionText(r, c); len(text) > len(g.condition) {
			g.condition = text
		}
	}
}

func (role roleOnPage) write(t *testing.T, page *strings.Builder, used map[string]bool) {
	t.Helper()
	fmt.Fprintf(page, "\n## %s\n\n%s. In %s.\n\n**Who may take it:** %s.\n",
		role.id, strings.TrimSuffix(role.description, "."), inCode(role.files), strings.Join(role.trust, "; "))
	if len(role.managed) > 0 {
		var rows []string
		for _, name := range role.managed {
			rows = append(rows, fmt.Sprintf("[%s](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/%s.html): %s", name, name, reasonOf(t, name, used)))
		}
		fmt.Fprintf(page, "\n**AWS's own policies:** %s\n", strings.Join(rows, ". ")+".")
	}
	if len(role.statements) == 0 {
		return
	}
	page.WriteString("\n| Statement | Why | Actions | On | If |\n|---|---|---|---|---|\n")
	for _, g := range role.statements {
		name := g.key[strings.LastIndex(g.key, "/")+1:]
		if g.effect == "Deny" {
			name = "**Deny** " + name
		}
		if !g.always {
			name += " (optional)"
		}
		if len(g.files) < len(role.files) {
			name += " (" + strings.Join(shortNames(g.files), ", ") + ")"
		}
		fmt.Fprintf(page, "| %s | %s | %s | %s | %s |\n", name, reasonOf(t, g.key, used), inCode(g.actions), inCode(g.on), cmp.Or(g.condition, "–"))
	}
}

// ofRole are the statements of a role's own policies, and of the managed policies
// of the template that it has.
func ofRole(r *stackRun, role string) []statement {
	var out []statement
	policies, _ := r.properties(role)["Policies"].([]any)
	for _, p := range policies {
		out = append(out, statementsOf(fmt.Sprint(at(p, "PolicyName")), document(r.t, at(p, "PolicyDocument")))...)
	}
	for _, arn := range asList(r.properties(role)["ManagedPolicyArns"]) {
		id := strings.TrimSuffix(strings.TrimPrefix(arn, "${"), "}")
		if _, there := section(r.template, "Resources")[id]; there {
			out = append(out, statementsOf(id, plain(r.t, document(r.t, r.properties(id)["PolicyDocument"])))...)
		}
	}
	return out
}

// given puts the names of parameters in the place of answers of the tests.
func given(r *stackRun, text string) string {
	answers := maps.Clone(r.given)
	for _, name := range slices.SortedFunc(maps.Keys(answers), func(a, b string) int { return len(answers[b]) - len(answers[a]) }) {
		if len(answers[name]) > 3 && name != "KarpenterNamespace" && !slices.Contains(asList(at(r.template, "Parameters", name, "AllowedValues")), answers[name]) {
			text = strings.ReplaceAll(text, answers[name], "${"+name+"}")
		}
	}
	for _, part := range partsOfAnswers {
		text = strings.ReplaceAll(text, part.of, part.name)
	}
	return pseudo.ReplaceAllString(text, "$${AWS::$1}")
}

var pseudo = regexp.MustCompile(`<(\w+)>`)

// partsOfAnswers are the parts of the tests' answers that policies name.
var partsOfAnswers = []struct{ of, name string }{
	{"one-bucket", "${DataBucketNames}"},
	{"two-bucket", "${DataBucketNames}"},
	{"three-bucket", "${DataBucketNames}"},
	{"sales-data", "${DataBucketNames}"},
	{"999988887777", "${account of ControlPlanePrincipalArn}"},
	{"442042515899", "${account of e6data}"},
	{"111122223333", "${AWS::AccountId}"},
	{"ops/Admin", "${name in AdminPrincipalArn}"},
	{"ops/ClusterAdmin", "${name in ClusterAdminRoleArn}"},
	{"role/control", "role/${name in ControlPlanePrincipalArn}"},
	{"role/*/control", "role/*/${name in ControlPlanePrincipalArn}"},
	{"policy/edge", "policy/${name in PermissionsBoundaryArn}"},
	{"1234abcd-12ab-34cd-56ef-1234567890ab", "${key in KmsKeyArn}"},
	{":::charts/mirror", ":::${bucket and folder of ChartSource}"},
	{":::charts", ":::${bucket of ChartSource}"},
}

func readable(r *stackRun, texts []string) []string {
	var out []string
	for _, text := range texts {
		if !strings.HasSuffix(text, ":::") && !strings.HasSuffix(text, ":::/*") { // places for buckets that are not given
			out = append(out, given(r, text))
		}
	}
	return unique(out)
}

func conditionText(r *stackRun, c any) string {
	var parts []string
	for _, operator := range slices.Sorted(maps.Keys(c.(object))) {
		tests := c.(object)[operator].(object)
		for _, key := range slices.Sorted(maps.Keys(tests)) {
			parts = append(parts, fmt.Sprintf("`%s` %s %s", given(r, key), operator, inCode(readable(r, asList(tests[key])))))
		}
	}
	return strings.Join(parts, "; ")
}

// whoMay are the principals of a trust policy and under which conditions.
func whoMay(r *stackRun, trust any) []string {
	r.t.Helper()
	var out []string
	trusted, _ := at(trust, "Statement").([]any)
	for _, s := range trusted {
		var who []string
		principals, _ := at(s, "Principal").(object)
		for _, kind := range slices.Sorted(maps.Keys(principals)) {
			who = append(who, readable(r, asList(principals[kind]))...)
		}
		text := inCode(unique(who))
		if c := at(s, "Condition"); c != nil {
			text += " if " + conditionText(r, c)
		}
		out = append(out, text)
	}
	return out
}

func reasonOf(t *testing.T, key string, used map[string]bool) string {
	t.Helper()
	reason, ok := reasons[key]
	if !ok {
		t.Errorf("%s has no reason", key)
	}
	used[key] = true
	return reason
}

func inCode(texts []string) string {
	var out []string
	for _, text := range texts {
		out = append(out, "`"+strings.ReplaceAll(text, "|", `\|`)+"`")
	}
	return strings.Join(out, " ")
}

func shortNames(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, strings.TrimSuffix(filepath.Base(p), ".yaml"))
	}
	return out
}

// unique keeps the first of equals, in their order.
func unique(all []string) []string {
	var out []string
	for _, one := range all {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}
