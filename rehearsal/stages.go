package rehearsal

import "strings"

// Stages are the parts of a deployment, in the order in which people look at
// them. Every resource belongs to one; "stack" and "other" are not listed.
func Stages() []string {
	return []string{"network", "identity", "cluster", "functions", "install", "storage"}
}

// StageOf names the part of the deployment that a resource type belongs to.
func StageOf(resourceType string) string {
	if strings.HasPrefix(resourceType, "Custom::") {
		return "install"
	}
	service := strings.Split(resourceType, "::")
	if len(service) < 3 {
		return "other"
	}
	switch service[1] {
	case "EC2", "ElasticLoadBalancingV2":
		return "network"
	case "EKS":
		return "cluster"
	case "IAM", "KMS":
		return "identity"
	case "Lambda", "Logs", "Events", "SQS":
		return "functions"
	case "S3":
		return "storage"
	case "CloudFormation":
		return "stack"
	}
	return "other"
}

func slow(resourceType string) bool {
	return strings.HasPrefix(resourceType, "Custom::") || resourceType == "AWS::EKS::Cluster"
}
