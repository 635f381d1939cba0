package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// still is how long nothing may change before a cluster counts as at rest.
	still = 300 * time.Millisecond
	// parting is how long what a stack made may take to go after the stack:
	// controllers end nodes and load balancers by themselves.
	parting = 30 * time.Second
)

// Remember waits until nothing changes any more, and takes what is then there for
// what was there before the stack: so after a test's own changes.
func (m *MadeCluster) Remember(ctx context.Context) error {
	var last []Change
	err := wait.PollUntilContextTimeout(ctx, still, patience, true, func(ctx context.Context) (bool, error) {
		now, err := m.Picture(ctx)
		if err != nil {
			return false, err
		}
		last = now.Since(m.before, Allowance{})
		m.before = now
		return len(last) == 0, nil
	})
	if err != nil && len(last) > 0 {
		err = errors.Join(err, changed("the cluster does not come to rest", last))
	}
	return err
}

// Answers are what the customer answers a template for existing clusters, but for
// who lets the stack in.
func (m *MadeCluster) Answers() map[string]string {
	on := map[bool]string{true: "Existing", false: "Install"}
	p := map[string]string{
		"ExistingClusterName":             m.Name,
		"KarpenterOnCluster":              on[m.described.Karpenter],
		"LoadBalancerControllerOnCluster": on[m.described.LoadBalancerController],
	}
	if m.described.Karpenter {
		p["KarpenterControllerRoleName"] = nameOf(m.KarpenterController)
	}
	return p
}

// Picture describes all that is the customer's, and all that may be added to it:
// the VPC, IAM, the cluster as EKS knows it, every object on it, instances,
// queues, event rules and load balancers.
func (m *MadeCluster) Picture(ctx context.Context) (Picture, error) {
	clients := m.env.Clients()
	config, err := m.env.AdminConfig(m.Name)
	if err != nil {
		return nil, err
	}
	parts := []struct {
		picture Picture
		read    func(context.Context, Picture) error
	}{
		{Picture{}, func(ctx context.Context, p Picture) error { return p.addVPC(ctx, clients.EC2, m.VPC.ID) }},
		{Picture{}, func(ctx context.Context, p Picture) error { return p.addIAM(ctx, clients) }},
		{Picture{}, func(ctx context.Context, p Picture) error { return p.addEKS(ctx, clients.EKS, m.Name) }},
		{Picture{}, func(ctx context.Context, p Picture) error { return p.addServices(ctx, clients) }},
		{Picture{}, func(ctx context.Context, p Picture) error { return p.addCluster(ctx, config) }},
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		group.Go(func() error { return part.read(ctx, part.picture) })
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("look at what is the customer's: %w", err)
	}
	whole := Picture{}
	for _, part := range parts {
		maps.Copy(whole, part.picture)
	}
	return whole, nil
}

// CheckKept fails if anything of the customer's is gone or other than before the
// stack, or if anything was added that is not allowed. The error is a
// *ChangedError with each such thing.
func (m *MadeCluster) CheckKept(ctx context.Context, allowed Allowance) error {
	now, err := m.Picture(ctx)
	if err != nil {
		return err
	}
	return changed("the stack changed what is the customer's", now.Since(m.before, allowed))
}

// CheckBack fails unless everything is as it was before the stack, but for what
// is allowed to stay. Things that were added get some time to go by themselves.
func (m *MadeCluster) CheckBack(ctx context.Context, allowed Allowance) error {
	var last []Change
	err := wait.PollUntilContextTimeout(ctx, still, parting, true, func(ctx context.Context) (bool, error) {
		now, err := m.Picture(ctx)
		if err != nil {
			return false, err
		}
		last = now.Since(m.before, allowed)
		return len(last) == 0 || !onlyNew(last), nil
	})
	if len(last) > 0 {
		return changed("the stack left what is the customer's other than it was", last)
	}
	return err
}

// ModeChange allows the cluster's move from the mode CONFIG_MAP to
// API_AND_CONFIG_MAP, which nothing undoes: EKS gives its creator and the roles
// of its node groups access entries.
func (m *MadeCluster) ModeChange() Allowance {
	return Allowance{
		Mode: string(ekstypes.AuthenticationModeApiAndConfigMap),
		New: []string{
			"access entry " + m.Creator, "access policy " + m.Creator + " " + clusterAdminPolicy,
			"access entry " + m.Nodes,
		},
	}
}
