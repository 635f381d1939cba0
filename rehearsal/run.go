package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// RunOptions say what a run deploys.
type RunOptions struct {
	Config
	Artifacts
	// StackName is the stack's name; empty means "quickstart".
	StackName string
	// Parameters are the create's parameters, Changes those of the update.
	Parameters, Changes map[string]string
	// Output is where the run tells what happens, line by line.
	Output io.Writer
}

// Result is what a finished run has to say.
type Result struct {
	Create   time.Duration
	Update   time.Duration
	Delete   time.Duration
	Outputs  map[string]string
	Releases []Release
	// Kept are the resources that the template retains.
	Kept []Item
}

// Run creates, updates and deletes the stack of a published version's
// quickstart.yaml in a new environment, and checks that nothing is left of it
// but what the template retains. The environment ends with the run.
//
// The error says which step failed and why: for a stack, the reason of each
// resource that failed; for leftovers, each thing that should not be there.
func Run(ctx context.Context, o RunOptions) (result *Result, err error) {
	began := time.Now()
	env, err := Start(ctx, o.Config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, env.Stop()) }()
	r := &run{RunOptions: o, env: env, clients: env.Clients(), result: &Result{Outputs: map[string]string{}}}
	r.say("embedded AWS", "%s, region %s, IAM enforced, up in %s", env.Endpoint, env.Region, round(time.Since(began)))
	if err := r.steps(ctx); err != nil {
		return nil, err
	}
	return r.result, nil
}

type run struct {
	RunOptions
	env      *Environment
	clients  *Clients
	template *Template
	stack    *Stack
	before   Inventory
	result   *Result
}

func (r *run) steps(ctx context.Context) error {
	if err := r.publish(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		took *time.Duration
		do   func(context.Context) error
		then func(context.Context) error
	}{
		{"create", &r.result.Create, func(ctx context.Context) error { return r.stack.Create(ctx, r.Parameters) }, r.showWorkspace},
		{"update", &r.result.Update, func(ctx context.Context) error { return r.stack.Update(ctx, r.Changes) }, r.showReleases},
		{"delete", &r.result.Delete, r.delete, r.checkLeftovers},
	} {
		r.say(step.name, "stack %s", r.stack.Name)
		start := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		*step.took = time.Since(start)
		r.say(step.name, "done in %s", round(*step.took))
		if err := step.then(ctx); err != nil {
			return fmt.Errorf("after %s: %w", step.name, err)
		}
	}
	r.showCalls()
	total := r.result.Create + r.result.Update + r.result.Delete
	r.say("green", "create %s, update %s, delete %s: %s in all", round(r.result.Create), round(r.result.Update), round(r.result.Delete), round(total))
	fmt.Fprintln(r.Output, notProved)
	return nil
}

// notProved is said with every green run.
const notProved = `What this proves: the template deploys, updates and deletes through CloudFormation's API; the functions' real binaries do it
with the rights of their own roles and no others; Helm installs into a real Kubernetes API; nothing is left behind.
What it does not: AWS's capacity, quotas, waiting times and propagation delays; traffic through the network (only that the
functions have a way out is checked); EKS's own nodes, add-ons and pods (they are played); the public charts (stand-ins).`

func (r *run) publish(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(r.Dir, "quickstart.yaml"))
	if err != nil {
		return fmt.Errorf("read the published template: %w", err)
	}
	if r.template, err = ParseTemplate(text); err != nil {
		return err
	}
	bucket := artifact.Bucket(r.env.Region)
	if err := r.clients.Publish(ctx, r.env.Region, bucket, r.Artifacts); err != nil {
		return err
	}
	r.say("published", "version %s to s3://%s", r.Version, bucket)
	if r.Parameters["ChartSource"] == "" {
		r.Parameters = maps.Clone(r.Parameters)
		r.Parameters["ChartSource"] = "s3://" + bucket + "/" + r.Version + "/charts"
	}
	name := r.StackName
	if name == "" {
		name = "quickstart"
	}
	r.stack = r.clients.NewStack(name, TemplateURL(r.env.Region, bucket, r.Version+"/quickstart.yaml"), r.progress)
	r.before, err = r.env.Inventory(ctx)
	return err
}

func (r *run) showWorkspace(ctx context.Context) error {
	outputs, err := r.stack.Outputs(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(r.Output, "\noutputs, for the e6data console:")
	w := tabwriter.NewWriter(r.Output, 0, 0, 2, ' ', 0)
	for _, o := range outputs {
		r.result.Outputs[o.Key] = o.Value
		fmt.Fprintf(w, "  %s\t%s\n", o.Key, o.Value)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text, err := json.Marshal(r.result.Outputs)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Output, "\noutputs as JSON:\n%s\n\n", text)
	return r.showReleases(ctx)
}

func (r *run) showReleases(ctx context.Context) error {
	releases, err := r.env.Releases(ctx, r.result.Outputs["ClusterName"])
	if err != nil {
		return err
	}
	r.result.Releases = releases
	w := tabwriter.NewWriter(r.Output, 0, 0, 2, ' ', 0)
	for _, l := range releases {
		fmt.Fprintf(w, "release\t%s\tnamespace %s\trevision %d\t%s\n", l.Name, l.Namespace, l.Revision, l.Status)
	}
	return w.Flush()
}

// delete notes what the template retains, since the stack's resources cannot
// be asked for once it is gone, and deletes the stack.
func (r *run) delete(ctx context.Context) error {
	resources, err := r.stack.Resources(ctx)
	if err != nil {
		return err
	}
	r.result.Kept = r.template.Retained(resources)
	return r.stack.Delete(ctx)
}

// checkLeftovers compares the account with what it was before the create.
func (r *run) checkLeftovers(ctx context.Context) error {
	now, err := r.env.Inventory(ctx)
	if err != nil {
		return err
	}
	left := now.Since(r.before)
	for _, i := range r.result.Kept {
		r.say("kept", "%s (the template retains it)", i)
	}
	if surplus := Without(left, r.result.Kept); len(surplus) > 0 {
		return &LeftoverError{surplus}
	}
	if missing := Without(r.result.Kept, left); len(missing) > 0 {
		return fmt.Errorf("gone, though the template retains it: %s", joinItems(missing))
	}
	r.say("leftovers", "none: %d resource types of the account and every Kubernetes object looked at", len(listers))
	return nil
}

// LeftoverError says that things are left which should be gone.
type LeftoverError struct{ Items []Item }

func (e *LeftoverError) Error() string {
	return fmt.Sprintf("%d things are left behind: %s", len(e.Items), joinItems(e.Items))
}

// Without returns the items that are not among the others.
func Without(items, others []Item) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return slices.Contains(others, i) })
}

func joinItems(items []Item) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.String()
	}
	return strings.Join(texts, ", ")
}

func (r *run) say(what, format string, args ...any) {
	fmt.Fprintf(r.Output, "%-12s  %s\n", what, fmt.Sprintf(format, args...))
}

// progress prints one line for an event that somebody waits for: an end, a
// failure, or the start of something slow.
func (r *run) progress(e Event) {
	switch {
	case strings.HasSuffix(e.Status, "_IN_PROGRESS") && !slow(e.Type) && !strings.Contains(e.Status, "ROLLBACK"):
		return
	case strings.HasSuffix(e.Status, "_IN_PROGRESS") && e.Reason == "" && strings.Contains(e.Status, "CLEANUP"):
		return
	}
	took := ""
	if e.Took > 0 {
		took = "(" + round(e.Took).String() + ")"
	}
	fmt.Fprintf(r.Output, "%8s  %-9s %-20s %s %s %s\n", round(e.Elapsed), StageOf(e.Type), e.Status, e.LogicalID, e.Type, took)
	if strings.HasSuffix(e.Status, "_FAILED") {
		fmt.Fprintf(r.Output, "%10s%s\n", "", e.Reason)
	}
}

func slow(resourceType string) bool {
	return strings.HasPrefix(resourceType, "Custom::") || resourceType == "AWS::EKS::Cluster"
}

// StageOf names the part of the deployment that a resource type belongs to.
func StageOf(resourceType string) string {
	if strings.HasPrefix(resourceType, "Custom::") {
		return "install"
	}
	service := strings.Split(resourceType, "::")
	if len(service) < 3 {
		return "other"
	}
	switch service[1] {
	case "EC2":
		return "network"
	case "EKS":
		return "cluster"
	case "IAM":
		return "identity"
	case "Lambda", "Logs":
		return "functions"
	case "S3":
		return "storage"
	case "CloudFormation":
		return "stack"
	}
	return "other"
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
