package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Item is one thing that exists in the account or on a cluster.
type Item struct {
	// Type is a CloudFormation resource type, or "Kubernetes KIND".
	Type string
	// ID tells it from others of its type, with its parent's first.
	ID string
}

func (i Item) String() string { return i.Type + " " + i.ID }

func compareItems(a, b Item) int { return strings.Compare(a.String(), b.String()) }

// Inventory is everything that exists at one moment.
type Inventory map[Item]bool

// Since returns what is in the inventory but was not in the earlier one, in
// order.
func (now Inventory) Since(earlier Inventory) []Item {
	var items []Item
	for i := range now {
		if !earlier[i] {
			items = append(items, i)
		}
	}
	slices.SortFunc(items, compareItems)
	return items
}

// lister names the IDs of all that exists of one kind.
type lister func(ctx context.Context, c *Clients) ([]string, error)

// listers hold, for each resource type that a template of ours can make, how
// to find what there is of it. A type that exists only as part of another
// resource is listed with its parent's ID. Types at the end are made by AWS or
// by controllers on our behalf and must be gone all the same.
var listers = map[string]lister{
	"AWS::CloudFormation::Stack":            listStacks,
	"AWS::EC2::VPC":                         listVPCs,
	"AWS::EC2::InternetGateway":             listInternetGateways,
	"AWS::EC2::VPCGatewayAttachment":        listGatewayAttachments,
	"AWS::EC2::Subnet":                      listSubnets,
	"AWS::EC2::RouteTable":                  listRouteTables,
	"AWS::EC2::Route":                       listRoutes,
	"AWS::EC2::SubnetRouteTableAssociation": listRouteTableAssociations,
	"AWS::EC2::EIP":                         listAddresses,
	"AWS::EC2::NatGateway":                  listNatGateways,
	"AWS::EC2::VPCEndpoint":                 listEndpoints,
	"AWS::EC2::SecurityGroup":               listSecurityGroups,
	"AWS::EC2::SecurityGroupIngress":        listSecurityGroupIngress,
	"AWS::EC2::SecurityGroupEgress":         listSecurityGroupEgress,
	"AWS::EC2::LaunchTemplate":              listLaunchTemplates,
	"AWS::EKS::Cluster":                     listClusters,
	"AWS::EKS::Nodegroup":                   listNodegroups,
	"AWS::EKS::Addon":                       listAddons,
	"AWS::EKS::AccessEntry":                 listAccessEntries,
	"AWS::Events::Rule":                     listRules,
	"AWS::IAM::Role":                        listRoles,
	"AWS::IAM::Policy":                      listInlinePolicies,
	"AWS::IAM::ManagedPolicy":               listManagedPolicies,
	"AWS::IAM::InstanceProfile":             listInstanceProfiles,
	"AWS::IAM::OIDCProvider":                listOIDCProviders,
	"AWS::Lambda::Function":                 listFunctions,
	"AWS::Lambda::EventInvokeConfig":        listEventInvokeConfigs,
	"AWS::Lambda::Permission":               listFunctionPolicies,
	"AWS::Logs::LogGroup":                   listLogGroups,
	"AWS::S3::Bucket":                       listBuckets,
	"AWS::S3::BucketPolicy":                 listBucketPolicies,
	"AWS::SQS::Queue":                       listQueues,
	"AWS::SQS::QueuePolicy":                 listQueuePolicies,

	"AWS::EC2::Instance":         listInstances,
	"AWS::EC2::Volume":           listVolumes,
	"AWS::EC2::NetworkInterface": listNetworkInterfaces,

	"AWS::ElasticLoadBalancingV2::LoadBalancer": listLoadBalancers,
	"AWS::ElasticLoadBalancingV2::TargetGroup":  listTargetGroups,
}

// onCluster are the custom resources whose things are on a Kubernetes cluster:
// they are found by the objects that were still there when the cluster ended.
var onCluster = []string{"Custom::HelmRelease"}

// answersOnly are the custom resources that make nothing: they answer values.
var answersOnly = []string{"Custom::ClusterCheck", "Custom::ClusterFacts", "Custom::FixedAnswers", "Custom::NetworkPlan", "Custom::Preflight", "Custom::WorkspaceOutputs"}

// listedAs are the types whose things are listed under another type: there is no
// telling them apart in the account.
var listedAs = map[string]string{
	"AWS::IAM::RolePolicy": "AWS::IAM::Policy",
	"Custom::AWSAuth":      "AWS::EKS::AccessEntry", // and a part of aws-auth, which is compared on the customer's cluster
	"Custom::OidcProvider": "AWS::IAM::OIDCProvider",
}

// Covered tells whether the leftover check looks for resources of the type.
func Covered(resourceType string) bool {
	if as, ok := listedAs[resourceType]; ok {
		resourceType = as
	}
	return listers[resourceType] != nil || slices.Contains(onCluster, resourceType) || slices.Contains(answersOnly, resourceType)
}

// Inventory lists everything of every covered type, through the AWS APIs, and
// what Kubernetes objects deleted clusters had left.
func (e *Environment) Inventory(ctx context.Context) (Inventory, error) {
	all, c := Inventory{}, e.Clients()
	for _, t := range slices.Sorted(maps.Keys(listers)) {
		ids, err := listers[t](ctx, c)
		if err != nil {
			return nil, fmt.Errorf("list every %s: %w", t, err)
		}
		for _, id := range ids {
			all[Item{t, id}] = true
		}
	}
	objects, err := e.objectsLeft()
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		all[o] = true
	}
	return all, nil
}

// names takes one text of each element.
func names[T any](list []T, name func(T) string) []string {
	ids := make([]string, 0, len(list))
	for _, v := range list {
		ids = append(ids, name(v))
	}
	return ids
}

// pages reads every page of a paginator.
func pages[O any, F any](ctx context.Context, more func() bool, next func(context.Context, ...F) (O, error), each func(O)) error {
	for more() {
		page, err := next(ctx)
		if err != nil {
			return err
		}
		each(page)
	}
	return nil
}
