package diagnose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/kube"
)

// Options say what to look at.
type Options struct {
	// Stack is a name, or the ID of a stack that may be deleted.
	Stack string
	// Tool is the version of this command.
	Tool string
	// At is now; logs are read from At-Window on.
	At     time.Time
	Window time.Duration
	// Streams and Lines bound the logs: the newest streams of each function, and
	// the newest lines of each.
	Streams, Lines int
}

// Collect reads all that it may. It never fails: what could not be read is in
// Gaps.
func Collect(ctx context.Context, cfg aws.Config, o Options) *Facts {
	cfg = readOnly(cfg)
	c := &collector{
		Options: o, facts: &Facts{Asked: Asked{Stack: o.Stack, Region: cfg.Region, Tool: o.Tool, At: o.At, Since: o.At.Add(-o.Window)}},
		stacks: cloudformation.NewFromConfig(cfg), functions: lambda.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
		clusters: eks.NewFromConfig(cfg), quotas: servicequotas.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), connector: kube.NewConnector(cfg),
	}
	for _, part := range []func(context.Context){c.caller, c.readStacks, c.readFunctions, c.readLogs, c.readCluster, c.readKubernetes, c.readQuotas} {
		part(ctx)
	}
	return c.facts
}

type collector struct {
	Options
	facts     *Facts
	stacks    *cloudformation.Client
	functions *lambda.Client
	logs      *cloudwatchlogs.Client
	clusters  *eks.Client
	quotas    *servicequotas.Client
	sts       *sts.Client
	connector *kube.Connector
}

// gap notes what could not be read; it tells whether it was.
func (c *collector) gap(part string, err error) bool {
	if err == nil {
		return false
	}
	g := Gap{Part: part, Why: awserror.Text(err)}
	var status *http.ResponseError
	switch {
	case awserror.Denied(err):
		g.Action = awserror.Action(err)
		g.Do = "Let the caller do it, with the policy that quickstart diagnose --policy prints, and try again"
	case errors.As(err, &status) && status.HTTPStatusCode() >= 500:
		g.Do = "Try again"
	}
	// One refusal is enough: the same action is asked for many things.
	same := func(o Gap) bool {
		return g.Action != "" && o.Action == g.Action && strings.SplitN(o.Part, " of ", 2)[0] == strings.SplitN(part, " of ", 2)[0]
	}
	if !slices.ContainsFunc(c.facts.Gaps, same) {
		c.facts.Gaps = append(c.facts.Gaps, g)
	}
	return true
}

// absent notes a part that is not there to be read.
func (c *collector) absent(part, why, do string) {
	c.facts.Gaps = append(c.facts.Gaps, Gap{Part: part, Why: why, Do: do})
}

func (c *collector) caller(ctx context.Context) {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if !c.gap("the caller's name", err) {
		c.facts.Caller = deref(out.Arn)
	}
}

// root is the stack itself, nil if it could not be described.
func (c *collector) root() *Stack {
	if len(c.facts.Stacks) == 0 {
		return nil
	}
	return &c.facts.Stacks[0]
}

// parameter is an answer to the stack; empty if it has none.
func (c *collector) parameter(name string) string {
	if s := c.root(); s != nil {
		for _, p := range s.Parameters {
			if p.Key == name {
				return p.Value
			}
		}
	}
	return ""
}

// resources are those of all stacks of one type.
func (c *collector) resources(resourceType string) (all []Resource) {
	for _, s := range c.facts.Stacks {
		for _, r := range s.Resources {
			if r.Type == resourceType && r.PhysicalID != "" {
				all = append(all, r)
			}
		}
	}
	return all
}

// cluster is the name of the stack's cluster; empty if it is not known.
func (c *collector) cluster() string {
	if made := c.resources("AWS::EKS::Cluster"); len(made) > 0 {
		return made[0].PhysicalID
	}
	name := cmp.Or(c.parameter("ExistingClusterName"), c.parameter("ClusterName"))
	if workspace := c.parameter("WorkspaceName"); name == "" && workspace != "" {
		name = "e6data-" + workspace
	}
	return name
}

// Nothing is the error of a look that found no stack at all, as with a name that
// is misspelt, or without the right to see it: where the cluster and the logs
// are, only the stack tells.
func (f *Facts) Nothing() error {
	if len(f.Stacks) > 0 || len(f.Events) > 0 {
		return nil
	}
	why := make([]string, 0, len(f.Gaps))
	for _, g := range f.Gaps {
		why = append(why, g.String())
	}
	return fmt.Errorf("nothing could be read of stack %s in %s. Look at the name, the region and the credentials; a stack deleted more than 90 days ago is gone:\n  %s",
		f.Asked.Stack, f.Asked.Region, strings.Join(why, "\n  "))
}
