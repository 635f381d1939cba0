package clustercheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/release"
)

// Finding is one thing that was found, as a sentence with a way out.
type Finding struct {
	Rule Rule
	Text string
}

// Facts are what others want to know of the cluster. What is empty is not known.
type Facts struct {
	Kubernetes            string // major and minor, such as 1.36
	KarpenterVersion      string
	KarpenterNamespace    string
	ControllerRoleName    string // IAM role of the cluster's own Karpenter, without its path
	LoadBalancerVersion   string
	LoadBalancerNamespace string
}

// Findings are all that a Picture says about a Want, in the order of the rules.
type Findings struct {
	// Problems are why the workspace cannot be installed.
	Problems []Finding
	// Notes are worth knowing, and no more.
	Notes []Finding
	Facts Facts
}

// Judge compares what was seen with what is wanted. It does no I/O.
func Judge(w Want, p Picture) Findings {
	j := &judge{want: w, seen: p}
	j.access()
	j.kubernetes()
	j.endingNamespaces()
	j.missingNamespaces()
	if w.Karpenter.Install {
		j.installKarpenter()
	} else {
		j.ownKarpenter()
	}
	if w.LoadBalancer.Install {
		j.installLoadBalancer()
	} else {
		j.ownLoadBalancer()
	}
	j.workspace()
	j.limits()
	j.webhooks()
	inOrder := func(a, b Finding) int { return place[a.Rule] - place[b.Rule] }
	slices.SortStableFunc(j.out.Problems, inOrder)
	slices.SortStableFunc(j.out.Notes, inOrder)
	j.out.Facts = j.facts()
	return j.out
}

// Err is all problems in one error, counted; nil if there are none.
func (f Findings) Err(cluster, workspace string) error {
	if len(f.Problems) == 0 {
		return nil
	}
	return fmt.Errorf("cluster %s is not ready for workspace %s, %s: %s", cluster, workspace, count(len(f.Problems), "problem"), Numbered(f.Problems))
}

// Numbered are the sentences of findings in one line.
func Numbered(findings []Finding) string {
	parts := make([]string, 0, len(findings))
	for i, f := range findings {
		parts = append(parts, fmt.Sprintf("(%d) %s.", i+1, f.Text))
	}
	return strings.Join(parts, " ")
}

// judge is one comparison at work.
type judge struct {
	want Want
	seen Picture
	out  Findings
}

// find adds a finding, as problem or note as its rule says.
func (j *judge) find(r Rule, format string, args ...any) {
	f := Finding{Rule: r, Text: fmt.Sprintf(format, args...)}
	if Catalogue[place[r]].Note {
		j.out.Notes = append(j.out.Notes, f)
	} else {
		j.out.Problems = append(j.out.Problems, f)
	}
}

// blind tells whether one of the resources could not be read, so that nothing
// can be said of it.
func (j *judge) blind(resources ...string) bool {
	return slices.ContainsFunc(resources, func(r string) bool { return j.seen.Unseen[r] || j.seen.Unreadable[r] != "" })
}

// of are the Deployments of one controller, those with ready pods first.
func (j *judge) of(part Part) []Deployment {
	var found []Deployment
	for _, d := range j.seen.Deployments {
		if d.Part == part {
			found = append(found, d)
		}
	}
	slices.SortStableFunc(found, func(a, b Deployment) int { return int(min(b.Ready, 1)) - int(min(a.Ready, 1)) })
	return found
}

// holder says to whom something belongs, and whether that is this stack.
func (j *judge) holder(m Marks) (who string, mine bool) {
	if m.Release == (release.Target{}) {
		if m.Maker == "" {
			return "no Helm release", false
		}
		return "no Helm release (made by " + m.Maker + ")", false
	}
	owner := j.seen.Records[m.Release]
	switch {
	case owner.SameStack(j.want.Stack):
		return "this stack", true
	case owner.Stack != "":
		return owner.String(), false
	}
	return "Helm release " + m.Release.String(), false
}

// another tells whether something belongs to another stack of this quickstart.
func (j *judge) another(m Marks) (stack string, is bool) {
	owner := j.seen.Records[m.Release]
	if owner.Stack == "" || owner.SameStack(j.want.Stack) {
		return "", false
	}
	if owner.StackName == "" {
		return owner.Stack, true
	}
	return owner.StackName, true
}

// taken are the names that a release of the stack could not have, each with its
// owner: a release of that name, and claims that are somebody else's.
func (j *judge) taken(by ...release.Target) []string {
	var names []string
	for _, t := range by {
		if owner, there := j.seen.Records[t]; there && !owner.SameStack(j.want.Stack) {
			names = append(names, fmt.Sprintf("release %s of %s", t, owner))
			continue
		}
		for _, c := range j.want.claims() {
			m, there := j.seen.Objects[c]
			if !there || c.by != t || m.Release == t {
				continue
			}
			if who, mine := j.holder(m); !mine {
				names = append(names, fmt.Sprintf("%s of %s", c, who))
			}
		}
	}
	return names
}

func (j *judge) facts() Facts {
	f := Facts{
		Kubernetes:       minorOf(j.seen.Version),
		KarpenterVersion: j.want.Karpenter.Version, KarpenterNamespace: j.want.Karpenter.Namespace,
		LoadBalancerVersion: j.want.LoadBalancer.Version, LoadBalancerNamespace: j.want.LoadBalancer.Namespace,
	}
	if !j.want.Karpenter.Install {
		f.KarpenterVersion, f.KarpenterNamespace = "", ""
		if found := j.of(Karpenter); len(found) > 0 {
			f.KarpenterVersion, f.KarpenterNamespace = found[0].Version, found[0].Namespace
			f.ControllerRoleName = roleName(found[0].RoleARN)
		}
	}
	if !j.want.LoadBalancer.Install {
		f.LoadBalancerVersion, f.LoadBalancerNamespace = "", ""
		if found := j.of(LoadBalancer); len(found) > 0 {
			f.LoadBalancerVersion, f.LoadBalancerNamespace = found[0].Version, found[0].Namespace
		}
	}
	return f
}

// roleName is the name of a role's ARN, without its path.
func roleName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// count is a number with its noun: 1 problem, 2 problems.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// listed is a list for a sentence: all, or the first few and how many more.
func listed(all []string, most int) string {
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
