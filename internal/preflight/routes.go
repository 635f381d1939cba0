package preflight

import (
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/endpoints"
)

var (
	subnetBlackhole = &Kind{
		ID:   "subnet-route-into-nothing",
		What: "the route out of the private subnet leads to something that is gone",
		Do:   "Replace the route: aws ec2 replace-route --route-table-id {table} --destination-cidr-block 0.0.0.0/0 with a NAT gateway that exists",
	}
	subnetPublic = &Kind{
		ID:   "private-subnet-is-public",
		What: "the private subnet's way out is an internet gateway",
		Do: "Give subnets whose default route leads to a NAT gateway (or a transit gateway, a firewall or the like) as PrivateSubnetIds: " +
			"functions, and nodes without public addresses, get no answer through an internet gateway",
	}
	subnetNoWayOut = &Kind{
		ID:   "subnet-without-a-way-out",
		What: "the private subnet has no way out to AWS's APIs",
		Do: "Add a default route to a NAT gateway (or the like) to its route table, or give the VPC the endpoints that are missing, " +
			"or give HttpsProxy if there is a proxy in the VPC",
	}
	publicSubnetPrivate = &Kind{
		ID:   "public-subnet-is-private",
		What: "the public subnet has no route to an internet gateway",
		Do:   "Give subnets whose default route leads to an internet gateway as PublicSubnetIds, or leave it empty",
	}
	subnetS3 = &Kind{
		ID:   "subnet-reaches-s3-by-nat",
		What: "what the private subnet exchanges with S3 goes through its default route",
		Do:   "To save NAT charges, add the subnet's route table to a gateway endpoint for S3, which is free",
		Note: true,
	}
)

// checkRoutes looks where traffic from given subnets goes. On an existing cluster
// Custom::ClusterFacts does, which knows the cluster's own needs.
func checkRoutes(f Facts) []Problem {
	if !f.looksAtSubnets() || !f.makesCluster() {
		return nil
	}
	private, public, _ := f.given()
	var out []Problem
	for _, s := range private {
		if s.Routes != nil {
			out = append(out, f.checkWayOut(s)...)
		}
	}
	for _, s := range public {
		if s.Routes != nil && (!s.Routes.ByInternetGateway() || s.Routes.Blackhole) {
			out = append(out, Problem{Kind: publicSubnetPrivate, On: s.ID, Why: "its route table is " + s.Routes.Table})
		}
	}
	return out
}

func (f Facts) checkWayOut(s Subnet) []Problem {
	r := *s.Routes
	inside := f.staysInside(r)
	switch {
	case r.Blackhole && inside:
		return nil
	case r.Blackhole:
		return []Problem{{
			Kind: subnetBlackhole, On: s.ID, Why: "the default route of " + r.Table + " leads to " + r.Out + ", which is gone",
			Fill: []string{"table", r.Table},
		}}
	case r.ByInternetGateway():
		return []Problem{{Kind: subnetPublic, On: s.ID, Why: "the default route of " + r.Table + " leads to " + r.Out}}
	case r.Out != "" && !r.S3 && !f.s3ByInterface():
		return []Problem{{Kind: subnetS3, On: s.ID, Why: r.Table + " has no endpoint for S3"}}
	case r.Out != "" || inside || f.Endpoints == nil:
		return nil
	}
	return []Problem{{
		Kind: subnetNoWayOut, On: s.ID,
		Why: r.Table + " has no default route, and of the endpoints that could take its place the VPC lacks " + strings.Join(f.missingEndpoints(r), ", "),
	}}
}

// staysInside tells that what is needed can be reached without a way out.
func (f Facts) staysInside(r Routes) bool {
	return f.Answers.HTTPSProxy != "" || f.Endpoints != nil && len(f.missingEndpoints(r)) == 0
}

// s3ByInterface tells whether the VPC has an interface endpoint for S3.
func (f Facts) s3ByInterface() bool { return f.Endpoints[endpoints.S3] }

// missingEndpoints are those that together would make up for a way out.
func (f Facts) missingEndpoints(r Routes) []string {
	return slices.DeleteFunc(endpoints.Needed(true), func(service string) bool {
		return f.Endpoints[service] || service == endpoints.S3 && r.S3
	})
}
