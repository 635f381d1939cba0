package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Names of conditions that several constructs use.
const (
	hasArtifactBucket   = "HasArtifactBucket"
	hasClusterName      = "HasClusterName"
	hasExternalID       = "HasExternalId"
	hasBoundary         = "HasPermissionsBoundary"
	hasControlPlane     = "HasControlPlanePrincipal"
	hasAdmin            = "HasAdminPrincipal"
	adminIsRole         = "AdminPrincipalIsRole"
	controlPlaneIsRole  = "ControlPlanePrincipalIsRole"
	hasWarmTargets      = "HasVpcCniWarmTargets"
	hasKmsKey           = "HasKmsKey"
	hasPublicEndpoint   = "HasPublicEndpoint"
	hasDebugNamespaces  = "HasDebugNamespaces"
	hasPublicCharts     = "HasPublicCharts"
	hasS3Charts         = "HasS3Charts"
	hasImageRegistry    = "HasImageRegistry"
	hasSpot             = "HasSpotNodes"
	hasGlueWrites       = "HasGlueWrites"
	hasDeleteProtection = "HasDeletionProtection"
	makesSubnets        = "MakesSubnets"
	hasPublicSubnets    = "HasPublicSubnets"
	logsWithAPI         = "HasApiLogs"
	logsWithAudit       = "HasAuditLogs"
	logsWithScheduler   = "HasSchedulerLogs"
)

// Answers that conditions compare with.
const (
	wordPublic    = "Public"
	wordReadWrite = "ReadWrite"
	wordOn        = "On"
	wordYes       = "Yes"
	wordExisting  = contract.ControllerExisting
	wordInstall   = contract.ControllerInstall
	natSingle     = "Single"
	natPerZone    = "PerZone"
	s3ChartScheme = "s3://"
)

// The choices of ClusterLogTypes.
const (
	logTypesAll          = "api,audit,authenticator,controllerManager,scheduler"
	logTypesWithoutAPI   = "audit,authenticator,controllerManager,scheduler"
	logTypesAuditAndAuth = "audit,authenticator"
	logTypesNone         = "None"
)

// addConditions declares what the answers to the parameters decide.
func addConditions(s awscdk.Stack, cfg Config, m Mode) {
	given := func(name, parameter string) {
		condition(s, name, not(equals(ref(parameter), "")))
	}
	if cfg.Engineer == nil {
		given(hasArtifactBucket, "ArtifactBucket")
	}
	given(hasExternalID, "ExternalId")
	given(hasBoundary, "PermissionsBoundaryArn")
	given(hasControlPlane, "ControlPlanePrincipalArn")
	given(hasAdmin, "AdminPrincipalArn")
	given(hasKmsKey, "KmsKeyArn")
	condition(s, adminIsRole, not(equals(behind(":role/", "AdminPrincipalArn"), "")))
	condition(s, controlPlaneIsRole, not(equals(behind(":role/", "ControlPlanePrincipalArn"), "")))
	condition(s, hasDebugNamespaces, not(equals(joinList("", listRef("DebugNamespaces")), "")))
	condition(s, hasPublicCharts, equals(ref("ChartSource"), wordPublic))
	condition(s, hasS3Charts, chartsAreInS3())
	given(hasImageRegistry, "ImageRegistry")
	condition(s, hasSpot, not(equals(ref("NodeCapacityTypes"), "on-demand")))
	given(hasNodeTags, "NodeTags")
	addProxyConditions(s)
	condition(s, hasGlueWrites, equals(ref("GlueAccess"), wordReadWrite))
	switch m {
	case ExistingEKS:
		addExistingEKSConditions(s)
		return
	case ExistingVPC:
		made := condition(s, makesSubnets, equals(ref("PrivateSubnetIds"), ""))
		condition(s, hasPublicSubnets, awscdk.Fn_ConditionOr(made, not(equals(ref("PublicSubnetIds"), ""))))
	case NewVPC:
	}
	addNodeTagConditions(s)
	addProxyPortCondition(s)
	given(hasClusterName, "ClusterName")
	condition(s, hasPublicEndpoint, not(equals(joinList("", listRef("EndpointPublicAccessCidrs")), "")))
	condition(s, hasWarmTargets, not(equals(joinList("", listRef("VpcCniWarmTargets")), "")))
	condition(s, hasDeleteProtection, equals(ref("ClusterDeletionProtection"), wordOn))
	addLogTypeConditions(s)
}

// logTypes are EKS's control-plane logs, each with the condition under which it
// is on.
var logTypes = []struct{ name, condition string }{
	{"api", logsWithAPI},
	{"audit", logsWithAudit},
	{"authenticator", logsWithAudit},
	{"controllerManager", logsWithScheduler},
	{"scheduler", logsWithScheduler},
}

func addLogTypeConditions(s awscdk.Stack) {
	chosen := func(choice string) awscdk.ICfnConditionExpression { return equals(ref("ClusterLogTypes"), choice) }
	condition(s, logsWithAPI, chosen(logTypesAll))
	condition(s, logsWithAudit, not(chosen(logTypesNone)))
	condition(s, logsWithScheduler, awscdk.Fn_ConditionOr(chosen(logTypesAll), chosen(logTypesWithoutAPI)))
}

// chartsAreInS3 is "starts with s3://": what stands before the first s3:// is
// empty. The one appended makes sure that there is something to split.
func chartsAreInS3() awscdk.ICfnConditionExpression {
	return equals(pick(0, s3ChartScheme, join("", ref("ChartSource"), text(s3ChartScheme))), "")
}
