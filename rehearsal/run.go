package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
)

// RunOptions say what a run deploys.
type RunOptions struct {
	Config
	Artifacts
	// Mode is one of Modes; empty means the first. TemplateFile is a template
	// of the caller's own, in place of the mode's.
	Mode, TemplateFile string
	// StackName is the stack's name; empty means "quickstart".
	StackName string
	// Parameters are the create's parameters, Changes those of the update.
	Parameters, Changes map[string]string
	// Cluster is the customer's own that is there before the stack, in the mode
	// existing-eks.
	Cluster CustomerCluster
	// Charts is ChartsStandIn or ChartsPublic; empty means the former.
	Charts string
	// Deployer are the policies of the role that deploys; empty: the account's
	// root does.
	Deployer []Policy
	// Fault is planted; the run must then fail in the way that the fault says.
	Fault *Fault
	// NoUpdate and NoDelete leave these steps out. Without the delete nothing
	// is known of leftovers.
	NoUpdate, NoDelete bool
	// Observer is told what happens; without one, Output gets it line by line.
	Observer Observer
	Output   io.Writer
}

// Run creates, updates and deletes the stack of a published version's template
// in a new environment, and checks that nothing is left of it but what the
// template retains. The environment ends with the run.
//
// The result is there for a failed run too, as far as it came. The error says
// which step failed and why: for a stack, the reason of each resource that
// failed; for leftovers, each thing that should not be there. With a fault,
// the error is nil if the fault was caught.
func Run(ctx context.Context, o RunOptions) (*Result, error) {
	if o.Mode == "" && o.TemplateFile == "" {
		o.Mode = contract.ModeNewVPC
	}
	if o.Charts == "" {
		o.Charts = ChartsStandIn
	}
	if o.Fault != nil && o.Fault.order != "" {
		o.Order = o.Fault.order
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	r := &run{RunOptions: o, observer: o.observer(), result: &Result{
		Version: o.Version, Mode: o.Mode, Region: o.Region, Order: o.Order, Charts: o.Charts, Began: time.Now(), Resources: map[string]int{},
	}}
	err := r.run(ctx)
	r.result.Took = time.Since(r.result.Began)
	if o.Fault != nil && ctx.Err() == nil && r.stack != nil {
		r.result.Fault, err = o.Fault.judge(r.planted, err)
	}
	return r.result, err
}

type run struct {
	RunOptions
	observer Observer
	env      *Environment
	clients  *Clients
	stack    *Stack
	// template is the one before a fault was planted: what it retains is right.
	template *Template
	planted  string
	// customer is what is there before the stack, in the modes that find something.
	customer customer
	before   Inventory
	result   *Result
	troubled bool
}

func (r *run) run(ctx context.Context) (err error) {
	defer func() {
		if r.env != nil {
			r.result.Calls, _ = r.env.Calls() // a bonus of the record: the run's own error matters more
			if r.Keep {
				r.result.StateDir = r.env.StateDir
			}
			err = errors.Join(err, r.env.Stop())
		}
	}()
	for _, s := range []struct {
		name string
		skip bool
		do   func(context.Context) error
	}{
		{StepStart, false, r.start},
		{StepCreate, false, r.create},
		{StepUpdate, r.NoUpdate, r.update},
		{StepDelete, r.NoDelete, r.delete},
		{StepLeftovers, r.NoDelete, r.checkLeftovers},
	} {
		if err := r.step(ctx, s.name, s.skip, s.do); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// step runs one step and records it.
func (r *run) step(ctx context.Context, name string, skip bool, do func(context.Context) error) error {
	r.result.Steps = append(r.result.Steps, Step{Name: name, Offset: time.Since(r.result.Began), Skipped: skip})
	s := &r.result.Steps[len(r.result.Steps)-1]
	if !skip {
		r.observer.Begin(name, r.expected(name))
		start := time.Now()
		s.Err = do(ctx)
		s.Took = time.Since(start)
	}
	r.observer.End(*s)
	return s.Err
}

// expected are the resources that a step handles for sure: a delete, those
// that the create made.
func (r *run) expected(step string) map[string]int {
	if step == StepCreate {
		return r.result.Resources
	}
	made := map[string]int{}
	if step == StepDelete {
		for _, e := range r.result.Step(StepCreate).Events {
			if e.Status == "CREATE_COMPLETE" {
				made[StageOf(e.Type)]++
			}
		}
	}
	return made
}

func (r *run) start(ctx context.Context) error {
	source, text, err := r.source()
	if err != nil {
		return err
	}
	if r.template, err = ParseTemplate(text); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	r.result.Template = source
	if r.Charts == ChartsPublic {
		if err := RequireChartHosts(ctx, net.DefaultResolver, r.template); err != nil {
			return err
		}
	}
	began := time.Now()
	if r.env, err = Start(ctx, r.Config); err != nil {
		return err
	}
	r.clients = r.env.Clients()
	r.say("embedded AWS", "%s, region %s, IAM enforced, up in %s", r.env.Endpoint, r.env.Region, Round(time.Since(began)))
	r.result.Parts = r.parts()
	key, err := r.publish(ctx, text)
	if err != nil {
		return err
	}
	name := r.StackName
	if name == "" {
		name = "quickstart"
	}
	r.result.Stack = name
	stack := r.clients.NewStack(name, TemplateURL(r.env.Region, artifact.Bucket(r.env.Region), key), r.event)
	stack.NamedRoles = r.template.namesRoles()
	if err := r.deployAs(ctx, stack); err != nil {
		return err
	}
	r.countResources()
	if err := r.makeCustomer(ctx); err != nil {
		return err
	}
	if r.before, err = r.env.Inventory(ctx); err != nil {
		return err
	}
	r.stack = stack
	return nil
}

// source is the template to run: its name and its text.
func (r *run) source() (string, []byte, error) {
	if r.TemplateFile != "" {
		text, err := os.ReadFile(r.TemplateFile)
		if err != nil {
			return "", nil, fmt.Errorf("read the template: %w", err)
		}
		return r.TemplateFile, text, nil
	}
	name, err := r.ModeTemplate(r.Mode)
	if err != nil {
		return "", nil, err
	}
	text, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err != nil {
		return "", nil, fmt.Errorf("read the published template: %w", err)
	}
	return name, text, nil
}

// publish uploads the version and the template to run, and returns the
// template's key in the bucket.
func (r *run) publish(ctx context.Context, text []byte) (string, error) {
	bucket := artifact.Bucket(r.env.Region)
	if err := r.clients.Publish(ctx, r.env.Region, bucket, r.Artifacts); err != nil {
		return "", err
	}
	r.say("published", "version %s to s3://%s", r.Version, bucket)
	if r.template.Parameters["ChartSource"] != nil && r.Parameters["ChartSource"] == "" {
		r.Parameters = maps.Clone(r.Parameters)
		if r.Parameters == nil {
			r.Parameters = map[string]string{}
		}
		r.Parameters["ChartSource"] = "Public"
		if r.Charts == ChartsStandIn {
			r.Parameters["ChartSource"] = "s3://" + bucket + "/" + r.Version + "/charts"
		}
	}
	if r.Fault != nil {
		changed, planted, err := r.Fault.Plant(text)
		if err != nil {
			return "", err
		}
		r.planted, text = planted, changed
		r.say("fault", "%s: %s; %s must find it", r.Fault.Kind, planted, r.Fault.Check)
	}
	if r.TemplateFile == "" && r.Fault == nil {
		return r.Version + "/" + filepath.ToSlash(r.result.Template), nil
	}
	// The template that is run, beside the logs of the run.
	if err := os.WriteFile(r.env.file("template.yaml"), text, 0o600); err != nil {
		return "", err
	}
	key := r.Version + "/rehearsed/" + filepath.Base(r.result.Template)
	return key, r.clients.Upload(ctx, bucket, key, text)
}

// deployAs gives the stack a deployer, if the run has policies for one.
func (r *run) deployAs(ctx context.Context, stack *Stack) error {
	policies := r.Deployer
	if r.Fault != nil && len(r.Fault.deployer) > 0 {
		if len(policies) > 0 {
			return fmt.Errorf("fault %s is in the deployer's policies: it cannot be planted in given ones", r.Fault.Kind)
		}
		policies = r.Fault.deployer
	}
	if len(policies) == 0 {
		return nil
	}
	arn, clients, err := r.env.Deployer(ctx, policies)
	if err != nil {
		return err
	}
	stack.Deployer, r.result.Deployer = clients, arn
	r.say("deployer", "%s, with %d policies", arn, len(policies))
	return nil
}

// countResources counts what the template and the nested ones beside it make
// in any case.
func (r *run) countResources() {
	maps.Copy(r.result.Resources, r.template.Unconditional())
	if r.TemplateFile != "" {
		return
	}
	for _, nested := range r.template.nested() {
		text, err := os.ReadFile(filepath.Join(r.Dir, filepath.FromSlash(nested)))
		if err != nil {
			continue // the count is a help for the eye only
		}
		if t, err := ParseTemplate(text); err == nil {
			for stage, n := range t.Unconditional() {
				r.result.Resources[stage] += n
			}
		}
	}
}

func (r *run) create(ctx context.Context) error {
	if err := r.stack.Create(ctx, r.Parameters); err != nil {
		return err
	}
	var err error
	if r.result.Outputs, err = r.stack.Outputs(ctx); err != nil {
		return err
	}
	if err := r.showOutputs(); err != nil {
		return err
	}
	return errors.Join(r.checkCustomer(ctx), r.showReleases(ctx))
}

func (r *run) update(ctx context.Context) error {
	if err := r.stack.Update(ctx, r.Changes); err != nil {
		return err
	}
	return errors.Join(r.checkCustomer(ctx), r.showReleases(ctx))
}

func (r *run) showOutputs() error {
	if len(r.result.Outputs) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintln(&b, "\noutputs, for the e6data console:")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	values := map[string]string{}
	for _, o := range r.result.Outputs {
		values[o.Key] = o.Value
		fmt.Fprintf(w, "  %s\t%s\n", o.Key, o.Value)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "\noutputs as JSON:\n%s\n", text)
	r.observer.Block(b.String())
	return nil
}

func (r *run) showReleases(ctx context.Context) error {
	clusters, err := listClusters(ctx, r.clients)
	if err != nil {
		return err
	}
	r.result.Releases = nil
	for _, cluster := range clusters {
		releases, err := r.env.Releases(ctx, cluster)
		if err != nil {
			return err
		}
		r.result.Releases = append(r.result.Releases, releases...)
		if version, err := r.env.kubernetesVersion(cluster); err == nil {
			r.setPart("embedded Kubernetes", version)
		}
	}
	for _, l := range r.result.Releases {
		r.say("release", "%s, namespace %s, revision %d, %s", l.Name, l.Namespace, l.Revision, l.Status)
	}
	return nil
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
	for _, i := range r.result.Kept {
		r.say("kept", "%s (the template retains it)", i)
	}
	for _, t := range r.template.Types() {
		if !Covered(t) {
			r.result.Unlooked = append(r.result.Unlooked, t)
			r.say("leftovers", "nothing is known of %s: no check looks for it", t)
		}
	}
	left := now.Since(r.before)
	if r.result.Left = Without(left, r.result.Kept); len(r.result.Left) > 0 {
		return errors.Join(&LeftoverError{r.result.Left}, r.checkCustomerBack(ctx))
	}
	if missing := Without(r.result.Kept, left); len(missing) > 0 {
		return fmt.Errorf("gone, though the template retains it: %s", joinItems(missing))
	}
	if err := r.endCustomer(ctx); err != nil {
		return err
	}
	r.say("leftovers", "none: %d resource types of the account and every Kubernetes object looked at", len(listers))
	return nil
}

// event records an event of the stack. At the first failure it looks at the
// clusters, as long as the rollback leaves them.
func (r *run) event(e Event) {
	s := &r.result.Steps[len(r.result.Steps)-1]
	s.Events = append(s.Events, e)
	r.observer.Event(e)
	if e.failedByItself() && !r.troubled {
		r.troubled = true
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.result.Troubles = r.env.Troubles(ctx)
	}
}

func (r *run) say(topic, format string, args ...any) {
	r.observer.Note(topic, fmt.Sprintf(format, args...))
}

// LeftoverError says that things are left which should be gone.
type LeftoverError struct{ Items []Item }

func (e *LeftoverError) Error() string {
	if len(e.Items) == 1 {
		return "one thing is left behind: " + e.Items[0].String()
	}
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
