package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// longestReason keeps the summary readable: the whole text is in the events.
const longestReason = 1200

// wholeSections are never shortened.
var wholeSections = []string{"Versions", "What could not be read"}

// mostListed is how many of a kind the summary lists.
const mostListed = 15

// Summary is the first thing that a reader sees: what failed first, on which
// resource, why; what is wrong now; versions; what could not be read. It is
// Markdown, not redacted yet.
func Summary(f *Facts, v *Verdict) string {
	p := &page{}
	p.line("# %s", strings.ToUpper(v.Headline[:1])+v.Headline[1:])
	p.line("")
	p.line("Made %s for stack `%s` in %s, by %s.", f.Asked.At.UTC().Format(time.RFC3339), f.Asked.Stack, f.Asked.Region, cmp.Or(f.Caller, "an unknown caller"))
	p.failure(v)
	p.section("What is wrong on the cluster now", v.Troubles, clusterUnseen(f))
	stayed := make([]string, 0, len(v.Stayed))
	for _, r := range v.Stayed {
		stayed = append(stayed, fmt.Sprintf("%s (%s) %s: %s %s", r.LogicalID, r.Type, r.PhysicalID, r.Status, r.Reason))
	}
	p.section("What a delete left", stayed, "")
	p.section("Versions", versions(f), "")
	gaps := make([]string, 0, len(f.Gaps))
	for _, g := range f.Gaps {
		gaps = append(gaps, g.String())
	}
	p.section("What could not be read", gaps, "Nothing: all parts were read.")
	p.section("Where to look", contents(f), "")
	return p.String()
}

type page struct{ strings.Builder }

func (p *page) line(format string, values ...any) { fmt.Fprintf(p, format+"\n", values...) }

// section lists lines under a title; without any it says none, or is left out.
func (p *page) section(title string, lines []string, none string) {
	if len(lines) == 0 && none == "" {
		return
	}
	p.line("\n## %s\n", title)
	if len(lines) == 0 {
		p.line("%s", none)
	}
	for i, l := range lines {
		if i == mostListed && !slices.Contains(wholeSections, title) {
			p.line("- and %d more", len(lines)-i)
			break
		}
		p.line("- %s", oneLine(l))
	}
}

func (p *page) failure(v *Verdict) {
	if v.Operation == nil {
		return
	}
	o := v.Operation
	p.line("\n## What failed first\n")
	if v.Past {
		p.line("This is the past: a later operation on the stack ended otherwise.\n")
	}
	p.line("- Operation: %s of %s, which ended as %s", o.Kind, o.Began.UTC().Format(time.RFC3339), cmp.Or(o.Status, "nothing yet"))
	if v.First == nil {
		p.line("- No resource failed by itself: the stack's own reason is in stack/events.txt")
		return
	}
	p.line("- Resource: **%s** (%s) of stack %s, %s at %s", v.First.LogicalID, v.First.Type, v.First.Stack, v.First.Status, v.First.At.UTC().Format(time.RFC3339))
	p.line("- Why: %s", cut(oneLine(v.First.Reason), longestReason))
	if v.Log.Group != "" {
		p.line("- The function's log: group %s, stream %s, request %s", v.Log.Group, cmp.Or(v.Log.Stream, "(not named)"), cmp.Or(v.Log.Request, "(not named)"))
		p.line("- Its line there: %s", cut(oneLine(cmp.Or(v.LogLine, "(not among the lines that were read)")), longestReason))
	}
	for _, e := range v.Others[:min(len(v.Others), mostListed)] {
		p.line("- Then also: %s (%s) %s: %s", e.LogicalID, e.Type, e.Status, cut(oneLine(e.Reason), longestReason/4))
	}
}

func clusterUnseen(f *Facts) string {
	switch {
	case f.Kubernetes != nil:
		return "Nothing that was seen."
	case f.Cluster != nil:
		return "Nothing that EKS tells of; the API server was not asked (see below)."
	}
	return ""
}

func versions(f *Facts) (all []string) {
	for i, s := range f.Stacks {
		for _, name := range []string{"Version", "WorkspaceChartVersion", "KarpenterVersion", "LoadBalancerControllerVersion"} {
			if j := slices.IndexFunc(s.Parameters, func(p Pair) bool { return p.Key == name }); i == 0 && j >= 0 {
				all = append(all, "parameter "+name+": "+s.Parameters[j].Value)
			}
		}
	}
	if c := f.Cluster; c != nil {
		all = append(all, fmt.Sprintf("EKS: Kubernetes %s, platform %s", c.Version, c.PlatformVersion))
		for _, a := range c.Addons {
			all = append(all, fmt.Sprintf("add-on %s: %s, %s", a.Name, a.Version, a.Status))
		}
	}
	if k := f.Kubernetes; k != nil {
		all = append(all, "API server: "+k.Version)
		for _, r := range newest(k.Releases) {
			all = append(all, fmt.Sprintf("release %s/%s: chart %s %s, %s, revision %d", r.Namespace, r.Name, r.Chart, r.ChartVersion, r.Status, r.Revision))
		}
	}
	for _, l := range f.Functions {
		all = append(all, fmt.Sprintf("function %s: code SHA-256 %s, %s", l.LogicalID, l.CodeSha256, strings.Join(l.Architectures, " ")))
	}
	return append(all, "this command: "+f.Asked.Tool)
}

func contents(f *Facts) (all []string) {
	all = append(all, "stack/events.txt: all events, oldest first; stack/resources.txt: their states; stack/stacks.json: parameters, outputs, tags")
	if len(f.Logs) > 0 {
		all = append(all, "logs/: the functions' logs, a file for each stream, from "+f.Asked.Since.UTC().Format(time.RFC3339)+" on")
	}
	if len(f.Functions) > 0 {
		all = append(all, "functions.json: code hashes, states, names of environment variables")
	}
	if f.Cluster != nil {
		all = append(all, "cluster/eks.json: the cluster with its add-ons, access entries and health issues")
	}
	if f.Kubernetes != nil {
		all = append(all, "kubernetes/: Helm releases with their history, pods, warnings, nodes, NodeClaims, last log lines of containers that are not ready")
	}
	if len(f.Quotas) > 0 {
		all = append(all, "quotas.json: the account's quotas that a launch needs")
	}
	return append(all, "facts/gaps.json: what could not be read, with the missing action")
}

// String is a gap as a line.
func (g *Gap) String() string {
	text := g.Part + ": "
	if g.Action != "" {
		text += "needs " + g.Action + ": "
	}
	text += g.Why
	if g.Do != "" {
		text += ". " + g.Do
	}
	return text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + " ... [cut]"
}
