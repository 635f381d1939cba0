// Package endpoints is the one table of the AWS services that must answer inside
// a VPC which nothing leads out of. An endpoint of a service is named
// com.amazonaws.REGION.SERVICE, in AWS China cn.com.amazonaws.REGION.SERVICE for
// some.
package endpoints

import "github.com/e6data/aws-quickstart/internal/contract"

// S3 is the service that can have a gateway endpoint, too.
const S3 = "s3"

// Use tells what a service is for.
type Use int

// The uses.
const (
	// Always: without it functions or nodes do not work.
	Always Use = iota
	// Controllers: for Karpenter and the load balancer controller, where the
	// stack installs them.
	Controllers
	// Queries: the stack comes up without it, but queries may fail.
	Queries
)

// Endpoint is a row of the table.
type Endpoint struct {
	Service string
	Use     Use
	For     string // who calls it, and what for
}

// table has those of
// https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html and of
// https://karpenter.sh/docs/getting-started/getting-started-with-karpenter,
// "Private Clusters", and what the query engine calls. The functions in the VPC
// call EKS, STS and S3; none calls Lambda.
var table = []Endpoint{
	{"ec2", Always, "nodes that join, the VPC CNI, the EBS CSI driver, Karpenter, the load balancer controller"},
	{"ecr.api", Always, "nodes, for the right to pull images"},
	{"ecr.dkr", Always, "nodes, for images"},
	{"eks", Always, "functions and nodes, to find the cluster"},
	{S3, Always, "images' layers, charts, data, the functions' answers to CloudFormation; a gateway endpoint is free"},
	{"sts", Always, "service accounts' roles, and tokens for the cluster"},
	{"elasticloadbalancing", Controllers, "the load balancer controller"},
	{"sqs", Controllers, "Karpenter, for interruptions of its instances"},
	{"ssm", Controllers, "Karpenter, for the newest image of nodes"},
	{"glue", Queries, "the query engine, for tables of the AWS Glue Data Catalog"},
}

// Needed are the services without which a stack does not come up, with those of
// the controllers or without.
func Needed(controllers bool) []string {
	var services []string
	for _, e := range table {
		if e.Use == Always || e.Use == Controllers && controllers {
			services = append(services, e.Service)
		}
	}
	return services
}

// Of are the rows of a mode's VPC. There are none where the stack makes the VPC:
// it makes its way out, too.
func Of(mode string) []Endpoint {
	if mode == contract.ModeNewVPC {
		return nil
	}
	return append([]Endpoint(nil), table...)
}
