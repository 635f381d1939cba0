package preflight

import "github.com/e6data/aws-quickstart/internal/contract"

// Topics are the facts that the checks ask for, to be read.
type Topics struct {
	Zones, Versions, Cluster, LogGroup bool
	// NetworkUse counts what a network's quotas limit, Instances what those of
	// vCPUs do.
	NetworkUse, Instances, Types bool
	// VPC is its attributes, Space what is free in it.
	VPC, Space, Subnets    bool
	Principals, Boundary   bool
	Key, Charts            bool
	LinkedRoles, Installer bool
}

// Asked are the topics of a launch, or of an update: then only what the change
// can break, since the rest is there and works.
func Asked(f Facts) Topics {
	a, b := f.Answers, f.Before
	_, _, inS3 := S3Place(a.ChartSource)
	if f.Update {
		up := f.makesCluster() && a.KubernetesVersion != b.KubernetesVersion
		return Topics{
			Versions: up, Cluster: up,
			Principals: len(PrincipalsAsked(f)) > 0,
			Boundary:   f.asked(a.PermissionsBoundaryArn, b.PermissionsBoundaryArn),
			Charts:     inS3 && (a.ChartSource != b.ChartSource || a.Charts != b.Charts),
		}
	}
	return Topics{
		Zones: f.makesCluster(), Versions: true, Cluster: true, LogGroup: f.makesCluster(),
		NetworkUse: f.makesNetwork(), Instances: true, Types: true,
		VPC:         f.Mode == contract.ModeExistingVPC,
		Space:       f.Mode == contract.ModeExistingVPC && f.makesNetwork(),
		Subnets:     len(GivenSubnets(f)) > 0,
		Principals:  len(PrincipalsAsked(f)) > 0,
		Boundary:    a.PermissionsBoundaryArn != "",
		Key:         regionOf(a.KmsKeyArn) == f.Place.Region,
		Charts:      inS3,
		LinkedRoles: true,
		Installer:   f.Mode == contract.ModeExistingEKS,
	}
}

// GivenSubnets are the IDs in the answers.
func GivenSubnets(f Facts) []string {
	return append(list(f.Answers.PrivateSubnetIDs), list(f.Answers.PublicSubnetIDs)...)
}

// TypesAsked are names of instance types, with * for any size.
func TypesAsked(f Facts) []string {
	var names []string
	for _, family := range list(f.Answers.NodeInstanceFamilies) {
		names = append(names, family+".*")
	}
	if t := f.Answers.NodeGroupInstanceType; t != "" {
		names = append(names, t)
	}
	return names
}
