package facts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// Cluster is what is to know of a cluster itself.
type Cluster struct {
	Name          string
	Arn           string
	VPC           string
	SecurityGroup string // EKS's own group: control plane and nodes
	EndpointHost  string // of the Kubernetes API
	Issuer        string // https URL of its service account tokens' issuer
	// AuthenticationMode is CONFIG_MAP, API_AND_CONFIG_MAP or API.
	AuthenticationMode string
	Version            string // 1.36
	ServiceCidr        string // IPv4 or, of an IPv6 cluster, IPv6
	// AutoMode means that EKS itself starts nodes (contract.ClusterFactsData
	// says what follows).
	AutoMode bool
}

// Unready says why a cluster of this kind, or in its present state, cannot be
// used; passes tells whether it will be, without anybody's doing.
func Unready(c ekstypes.Cluster) (passes bool, err error) {
	name, region := aws.ToString(c.Name), regionOf(c)
	if err := elsewhere(c); err != nil {
		return false, fmt.Errorf("use cluster %s: %w", name, err)
	}
	wait := fmt.Sprintf("wait until it is ACTIVE (aws eks wait cluster-active --name %s --region %s), then launch again", name, region)
	switch c.Status {
	case ekstypes.ClusterStatusActive:
		return false, nil
	case ekstypes.ClusterStatusCreating, ekstypes.ClusterStatusPending:
		return true, fmt.Errorf("use cluster %s: it is still being made: %s", name, wait)
	case ekstypes.ClusterStatusUpdating:
		return true, fmt.Errorf("use cluster %s: EKS is updating it, and what is true of it now may not be in a minute: %s", name, wait)
	case ekstypes.ClusterStatusDeleting:
		return false, fmt.Errorf("use cluster %s: it is being deleted: name another one as ExistingClusterName", name)
	case ekstypes.ClusterStatusFailed:
		return false, fmt.Errorf("use cluster %s: its creation failed%s: name another one as ExistingClusterName", name, healthOf(c))
	default:
		return false, fmt.Errorf("use cluster %s: its status %q is not one that this version knows: it must be ACTIVE", name, c.Status)
	}
}

// healthOf is what EKS says is wrong with a cluster.
func healthOf(c ekstypes.Cluster) string {
	if c.Health == nil || len(c.Health.Issues) == 0 {
		return ""
	}
	issues := make([]string, 0, len(c.Health.Issues))
	for _, i := range c.Health.Issues {
		issues = append(issues, fmt.Sprintf("%s: %s", i.Code, aws.ToString(i.Message)))
	}
	return " (" + strings.Join(issues, "; ") + ")"
}

// readCluster reads DescribeCluster's answer of a cluster that is not Unready.
func readCluster(c ekstypes.Cluster) (Cluster, []error) {
	f := Cluster{
		Name: aws.ToString(c.Name), Arn: aws.ToString(c.Arn), Version: aws.ToString(c.Version),
		EndpointHost: strings.TrimPrefix(aws.ToString(c.Endpoint), "https://"),
		// Clusters from before access entries say nothing of their mode.
		AuthenticationMode: string(ekstypes.AuthenticationModeConfigMap),
		ServiceCidr:        serviceCidr(c.KubernetesNetworkConfig),
		AutoMode:           c.ComputeConfig != nil && aws.ToBool(c.ComputeConfig.Enabled),
	}
	if c.AccessConfig != nil && c.AccessConfig.AuthenticationMode != "" {
		f.AuthenticationMode = string(c.AccessConfig.AuthenticationMode)
	}
	if c.Identity != nil && c.Identity.Oidc != nil {
		f.Issuer = aws.ToString(c.Identity.Oidc.Issuer)
	}
	if v := c.ResourcesVpcConfig; v != nil {
		f.VPC, f.SecurityGroup = aws.ToString(v.VpcId), aws.ToString(v.ClusterSecurityGroupId)
	}
	var problems []error
	lacks := func(value, what string) {
		if value == "" {
			problems = append(problems, fmt.Errorf("EKS names no %s of it", what))
		}
	}
	lacks(f.VPC, "VPC")
	lacks(f.SecurityGroup, "cluster security group")
	lacks(f.EndpointHost, "API endpoint")
	if !strings.HasPrefix(f.Issuer, "https://") {
		problems = append(problems, fmt.Errorf("EKS names no OIDC issuer of it (%q), so its pods can assume no IAM roles: "+
			"the query engine and the controllers need that. Use a cluster that EKS made", f.Issuer))
	}
	return f, problems
}

// elsewhere refuses what EKS lists and AWS's regions do not run.
func elsewhere(c ekstypes.Cluster) error {
	switch {
	case c.ConnectorConfig != nil:
		return fmt.Errorf("it is registered with EKS and run by %s: only clusters that EKS itself runs can be used",
			aws.ToString(c.ConnectorConfig.Provider))
	case c.OutpostConfig != nil:
		return errors.New("its control plane is on an Outpost, where Lambda runs no functions: only clusters in an AWS region can be used")
	}
	return nil
}

func serviceCidr(k *ekstypes.KubernetesNetworkConfigResponse) string {
	switch {
	case k == nil:
		return ""
	case k.IpFamily == ekstypes.IpFamilyIpv6:
		return aws.ToString(k.ServiceIpv6Cidr)
	}
	return aws.ToString(k.ServiceIpv4Cidr)
}

// regionOf is the region of a cluster, by its ARN.
func regionOf(c ekstypes.Cluster) string {
	parsed, err := arn.Parse(aws.ToString(c.Arn))
	if err != nil {
		return ""
	}
	return parsed.Region
}
