// Package facts reads what a stack needs to know of a customer's EKS cluster
// out of what AWS says of it: its name's and its network's answers come in, the
// facts or all problems at once come out. It calls nothing.
//
// Where its rules come from: the EKS user guide (network-reqs.html,
// private-clusters.html, cluster-endpoint.html), the Lambda developer guide
// (configuration-vpc.html, configuration-vpc-internet.html) and the VPC user
// guide (VPC_Route_Tables.html, vpc-sharing.html).
package facts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// maxFunctionSubnets is how many subnets a Lambda function can have
// (lambda/latest/api/API_VpcConfig.html).
const maxFunctionSubnets = 16

// Facts are what the rest of a stack builds on.
type Facts struct {
	Cluster
	// FunctionSubnets are where functions run that talk to the Kubernetes API:
	// 1 to 16 IDs.
	FunctionSubnets []string
	// NodeSubnets are where nodes are started, Zones their zones, sorted.
	NodeSubnets []string
	Zones       []string
	// LeftOut says of each of the cluster's subnets that was not taken why.
	LeftOut []string
}

// Network is what EC2 says of the cluster's VPC.
type Network struct {
	// Subnets are all of the VPC that the account can see, and those of the
	// chosen ones that lie elsewhere.
	Subnets     []ec2types.Subnet
	RouteTables []ec2types.RouteTable
	Endpoints   []ec2types.VpcEndpoint
	// Zones are those that the account can use.
	Zones []ec2types.AvailabilityZone
	// Rules are those of the cluster security group and of the endpoints'
	// groups.
	Rules []ec2types.SecurityGroupRule
	// NatGateways are needed only if NeedsNatGateways says so.
	NatGateways []ec2types.NatGateway
}

// Choice is what the customer answered.
type Choice struct {
	// Subnets are for functions and nodes; empty: those of the cluster's own
	// that are fit.
	Subnets []string
	// Proxy means that functions and nodes reach AWS and the internet through
	// the customer's proxy, so that no route has to lead there.
	Proxy bool
}

// NeedsNatGateways tells whether the addresses of NAT gateways decide: the
// Kubernetes API has no private endpoint, and its public one is not open to all.
func NeedsNatGateways(c ekstypes.Cluster) bool {
	at := c.ResourcesVpcConfig
	return at != nil && !at.EndpointPrivateAccess && !slices.Contains(at.PublicAccessCidrs, everywhere)
}

// Read derives the facts. With an error, which names all problems, the facts
// are as complete as they can be.
func Read(c ekstypes.Cluster, n Network, choice Choice) (Facts, error) {
	cluster, problems := readCluster(c)
	f := Facts{Cluster: cluster}
	if cluster.VPC == "" {
		return f, inOneLine(cluster.Name, problems)
	}
	v := newView(c, n, choice)
	var err error
	if len(choice.Subnets) > 0 {
		err = f.takeChosen(v, choice.Subnets)
	} else {
		err = f.takeOwn(v, c.ResourcesVpcConfig.SubnetIds)
	}
	f.Zones = v.zonesOf(f.NodeSubnets)
	problems = append(problems, err, v.checkRules(f.NodeSubnets))
	return f, inOneLine(cluster.Name, problems)
}

// takeChosen takes the customer's subnets as they are, or says of each why it
// cannot be used. What cannot be told of a subnet is the customer's word.
func (f *Facts) takeChosen(v *view, ids []string) error {
	var problems []error
	for _, id := range ids {
		found := v.unfit(id)
		why := found.why
		if why == "" || found.unknown {
			why = v.full(id)
		}
		if why != "" {
			problems = append(problems, fmt.Errorf("%s of PrivateSubnetIds cannot be used (%s)", id, why))
		}
	}
	f.NodeSubnets = ids
	f.FunctionSubnets = ids[:min(len(ids), maxFunctionSubnets)]
	return errors.Join(problems...)
}

// takeOwn takes those of the cluster's subnets that are fit. With none it says
// of each why not, and which others of the VPC would do.
func (f *Facts) takeOwn(v *view, ids []string) error {
	fit, reasons := v.sort(ids)
	f.NodeSubnets, f.LeftOut = fit, reasons
	if len(fit) == 0 {
		return fmt.Errorf("give subnets for functions and nodes as PrivateSubnetIds: private ones of %s with a way out%s. "+
			"None of the cluster's own can be used: %s", v.vpc, v.others(ids), strings.Join(reasons, "; "))
	}
	var full []string
	for _, id := range fit {
		if why := v.full(id); why != "" {
			full = append(full, id)
		}
	}
	open := slices.DeleteFunc(slices.Clone(fit), func(id string) bool { return slices.Contains(full, id) })
	if len(open) == 0 {
		return fmt.Errorf("no address is free in %s: a function takes one of each of its subnets. "+
			"Free some, or give other subnets as PrivateSubnetIds%s", strings.Join(full, ", "), v.others(ids))
	}
	if len(full) > 0 {
		f.LeftOut = append(f.LeftOut, strings.Join(full, ", ")+" (no free address for functions)")
	}
	f.FunctionSubnets = v.roomiest(open, maxFunctionSubnets)
	return nil
}

// inOneLine joins problems to one sentence; nil for none.
func inOneLine(cluster string, problems []error) error {
	err := errors.Join(problems...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("use cluster %s: %s", cluster, strings.ReplaceAll(err.Error(), "\n", "; "))
}
