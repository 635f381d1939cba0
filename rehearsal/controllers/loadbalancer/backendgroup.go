package loadbalancer

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	groupResourceTag = "elbv2.k8s.aws/resource"
	backendGroupTag  = "backend-sg"
)

// backendGroup is the security group that all load balancers of the cluster
// share: the nodes let it in. It is made when the first object needs it and
// deleted when none does.
type backendGroup struct {
	account *account
	tags    map[string]string
	// holders lists the objects that carry one of the controller's finalizers.
	holders func() []string

	mutex sync.Mutex
	id    string
	needs map[string]bool // objects seen, and whether they need the group
}

// get makes the group, or finds it, for the objects of a stack.
func (g *backendGroup) get(ctx context.Context, objects []string) (string, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, object := range objects {
		g.needs[object] = true
	}
	if g.id != "" {
		return g.id, nil
	}
	tags := merge(g.tags, map[string]string{clusterTag: g.account.cluster, groupResourceTag: backendGroupTag})
	found, err := g.account.securityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		filter("vpc-id", g.account.vpc), filter("tag:"+clusterTag, g.account.cluster),
		filter("tag:"+groupResourceTag, backendGroupTag),
	}})
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		if err := g.account.retagGroup(ctx, found[0], tags); err != nil {
			return "", err
		}
		g.id = aws.ToString(found[0].GroupId)
		return g.id, nil
	}
	g.id, err = g.account.createGroup(ctx, backendGroupName(g.account.cluster),
		"[k8s] Shared Backend SecurityGroup for LoadBalancer", tags)
	return g.id, err
}

// release says that objects do not need the group any more, and deletes it if nobody does.
func (g *backendGroup) release(ctx context.Context, objects []string) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for _, object := range objects {
		g.needs[object] = false
	}
	// The real one forgets the objects here, and leaves the group behind when two of them go at the same time: each
	// sees the other's finalizer. That chance would make a rehearsal's result one.
	if g.id == "" || g.required() {
		return nil
	}
	if err := g.account.deleteGroup(ctx, g.id); err != nil {
		return err
	}
	g.id = ""
	return nil
}

func (g *backendGroup) required() bool {
	for _, needed := range g.needs {
		if needed {
			return true
		}
	}
	for _, holder := range g.holders() {
		if _, seen := g.needs[holder]; !seen {
			return true
		}
	}
	return false
}
