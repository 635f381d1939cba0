package preflight

import (
	"slices"

	"github.com/e6data/aws-quickstart/internal/contract"
)

var linkedRoleMissing = &Kind{
	ID:   "service-linked-role-missing",
	What: "an AWS service has not made its own role in this account yet",
	Do: "Nothing has to be done: the first use makes it. If service control policies forbid that, make it once: " +
		"aws iam create-service-linked-role --aws-service-name {service}",
	Note: true,
}

// Services whose own roles the workspace needs
// (https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html).
const (
	autoScaling   = "autoscaling.amazonaws.com"
	eksService    = "eks.amazonaws.com"
	eksNodeGroups = "eks-nodegroup.amazonaws.com"
	loadBalancing = "elasticloadbalancing.amazonaws.com"
	spotService   = "spot.amazonaws.com"
)

var linkedRoleNames = map[string]string{
	autoScaling:   "AWSServiceRoleForAutoScaling",
	eksService:    "AWSServiceRoleForAmazonEKS",
	eksNodeGroups: "AWSServiceRoleForAmazonEKSNodegroup",
	loadBalancing: "AWSServiceRoleForElasticLoadBalancing",
	spotService:   "AWSServiceRoleForEC2Spot",
}

// linkedPath begins the paths of these roles, which nobody but services can make.
const linkedPath = "aws-service-role/"

// LinkedRole is the name of a service's own role.
func LinkedRole(service string) string { return linkedRoleNames[service] }

// linkedRolePath is that with its path: what stands behind role/ in its ARN.
func linkedRolePath(service string) string {
	return linkedPath + service + "/" + linkedRoleNames[service]
}

// LinkedRoles are what stands behind role/ in the ARNs of the roles that a launch
// in a mode can need: with their path, in which * stands for the service's name,
// and without, as IAM judges a question for one that does not exist.
func LinkedRoles(mode string) []string {
	var out []string
	for _, service := range append(linkedServices(mode), spotService) {
		out = append(out, linkedPath+"*/"+LinkedRole(service), LinkedRole(service))
	}
	return out
}

// LinkedRolesAsked are the services whose roles a launch needs.
func LinkedRolesAsked(f Facts) []string {
	services := linkedServices(f.Mode)
	if f.Answers.NodeGroupCapacityType == "SPOT" || slices.Contains(list(f.Answers.NodeCapacityTypes), spot) {
		services = append(services, spotService)
	}
	return services
}

// linkedServices are those that need a role whatever the answers are.
func linkedServices(mode string) []string {
	services := []string{loadBalancing}
	if mode != contract.ModeExistingEKS {
		services = append(services, autoScaling, eksService, eksNodeGroups)
	}
	return services
}

func checkLinkedRoles(f Facts) []Problem {
	if f.Update {
		return nil
	}
	var out []Problem
	for _, service := range LinkedRolesAsked(f) {
		if exists, known := f.LinkedRoles[service]; known && !exists {
			out = append(out, Problem{Kind: linkedRoleMissing, On: LinkedRole(service), Fill: []string{"service", service}})
		}
	}
	return out
}
