package stack

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
	"github.com/e6data/aws-quickstart/internal/policy"
)

// CatalogRolesTemplateKey is where the template of the catalog's roles lies
// under a version.
const CatalogRolesTemplateKey = "templates/service-catalog-roles.yaml"

const boundaryOutput = "WorkspaceBoundaryArn"

// NewCatalogRoles declares templates/service-catalog-roles.yaml: the launch roles
// of the catalog, with the deployer's policies of their modes, and the boundary of the
// workspaces' roles. The rights follow from the modes' templates, which are read
// from the project's folder. Nested, since products and rights together are
// more than a template may have that is given as a text (ADR 27).
func NewCatalogRoles(scope constructs.Construct, id string, templates fs.FS) (awscdk.Stack, error) {
	s := newStack(scope, id, Config{}, "e6data workspaces in AWS Service Catalog: the roles. Part of service-catalog.yaml, not to be launched by itself.")
	for _, p := range catalogRoleParameters() {
		addParameter(s, p)
	}
	given := func(name, parameter string) { condition(s, name, not(equals(ref(parameter), ""))) }
	given(hasArtifactBucket, "ArtifactBucket")
	given(hasControlPlane, "ControlPlanePrincipalArn")
	given(hasKmsKey, "KmsKeyArn")
	condition(s, hasGlueWrites, equals(ref("GlueAccess"), wordReadWrite))
	condition(s, hasS3Charts, chartsAreInS3())
	addOfferConditions(s)

	boundary := newWorkspaceBoundary(s)
	policies, err := newLaunchPolicies(s, templates, boundary)
	if err != nil {
		return nil, err
	}
	for _, o := range offers {
		under(s, o.condition(), func() {
			role := newLaunchRole(s, o, policies[o.mode])
			output(s, o.launchRole(), "Launch role of the product: "+o.name, role.AttrArn()).SetCondition(holds(s, o.condition()))
		})
	}
	output(s, boundaryOutput, "Permissions boundary of the workspaces' roles", boundary)
	return s, nil
}

// catalogRoleParameters are the answers of the catalog that rights depend on.
// The catalog has checked them.
func catalogRoleParameters() []parameter {
	asked := []parameter{
		{Name: "DataBucketNames", Type: typeList, Description: "Buckets that workspaces may read."},
		{Name: "GlueAccess", Description: "ReadOnly or ReadWrite."},
		{Name: "ExistingClusterNames", Type: typeList, Description: "Clusters of the account that workspaces may be put on."},
		{Name: "KmsKeyArn", Description: "The key that workspaces use. Empty: none."},
		{Name: "ControlPlanePrincipalArn", Description: "Principal of e6data's control plane. Empty: its production account."},
		{Name: "RolePath", Description: "IAM path of the workspaces' roles."},
		{Name: "ChartSource", Description: "Where the charts are."},
		{Name: "ArtifactBucket", Description: "Bucket of the version's files. Empty: e6data's own."},
	}
	for _, o := range offers {
		asked = append(asked, parameter{Name: o.parameter(), Description: "Yes: there is a role that launches the product " + o.name + "."})
	}
	return asked
}

// newLaunchPolicies adds the deployer's policies of all modes, each statement
// once, and returns their ARNs by mode.
func newLaunchPolicies(s awscdk.Stack, templates fs.FS, boundary *string) (map[Mode][]*string, error) {
	parts, err := deployerpolicy.Parts(templates, contract.Modes(), deployerpolicy.Settings{
		Partition: "${AWS::Partition}", Account: "${AWS::AccountId}", Region: "${AWS::Region}", StackNamePrefix: catalogStackPrefix,
		RolePath: "${RolePath}", PermissionsBoundary: "${WorkspaceBoundary}", ArtifactBucket: "${Artefacts}", KmsKeyArn: "${Key}",
	})
	if err != nil {
		return nil, fmt.Errorf("rights of the launch roles: %w", err)
	}
	// A statement on a key is there without one, on nothing that could be a key.
	noKey := sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/none")
	variables := map[string]*string{"WorkspaceBoundary": boundary, "Artefacts": artifactBucket(), "Key": eitherText(hasKmsKey, ref("KmsKeyArn"), noKey)}
	out := map[Mode][]*string{}
	for i, part := range parts {
		made := awsiam.NewCfnManagedPolicy(s, text(fmt.Sprintf("LaunchPolicy%d", i+1)), &awsiam.CfnManagedPolicyProps{
			Description:    text("e6data products of AWS Service Catalog: rights of the roles that launch them"),
			Path:           text(catalogPath),
			PolicyDocument: object(policy.Document(part.Statements), variables),
		})
		made.CfnOptions().SetCondition(offersAny(s, part.Modes))
		for _, mode := range part.Modes {
			out[Mode(mode)] = append(out[Mode(mode)], made.Ref())
		}
	}
	return out, nil
}

// offersAny is the condition that one of these modes is offered; nil: that is
// sure.
func offersAny(s awscdk.Stack, modes []string) awscdk.CfnCondition {
	var of []offer
	for _, o := range offers {
		if slices.Contains(modes, string(o.mode)) {
			of = append(of, o)
		}
	}
	switch len(of) {
	case len(offers):
		return nil
	case 1:
		return holds(s, of[0].condition())
	}
	ids := make([]string, len(of))
	offered := make([]awscdk.ICfnConditionExpression, len(of))
	for i, o := range of {
		ids[i], offered[i] = o.id, holds(s, o.condition())
	}
	name := "Offers" + strings.Join(ids, "Or")
	if found := s.Node().TryFindChild(text(name)); found != nil {
		return found.(awscdk.CfnCondition)
	}
	return condition(s, name, awscdk.Fn_ConditionOr(offered...))
}

// newLaunchRole adds the role that Service Catalog assumes to launch, update and
// end a product. Beside a deployer's rights it reads Service Catalog's copy of
// the template and sets stack policies
// (https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html).
func newLaunchRole(s awscdk.Stack, o offer, policies []*string) awsiam.CfnRole {
	return awsiam.NewCfnRole(s, text(o.launchRole()), &awsiam.CfnRoleProps{
		Description: text("AWS Service Catalog launches " + o.name + " with it"),
		Path:        text(catalogPath),
		AssumeRolePolicyDocument: policyDocument(map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": principalServiceCatalog}, "Action": "sts:AssumeRole",
		}),
		ManagedPolicyArns: anyList(&policies),
		Policies: []any{inlineProperty("service-catalog",
			when(map[string]any{"StringEquals": map[string]any{"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
				allow("ReadCopyOfTemplate", []string{"s3:GetObject"}, sub("arn:${AWS::Partition}:s3:::*/*"))),
			allow("SetStackPolicies", []string{"cloudformation:SetStackPolicy"}, inAccount("cloudformation", "stack/"+catalogStackPrefix+"*/*")),
		)},
		Tags: appTags(),
	})
}
