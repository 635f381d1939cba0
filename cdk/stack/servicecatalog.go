package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicecatalog"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// NewServiceCatalog declares templates/service-catalog.yaml: a portfolio with a
// product for each mode, which users without rights of their own launch within
// the limits that an administrator sets (ADR 27).
func NewServiceCatalog(scope constructs.Construct, id string, cfg Config) awscdk.Stack {
	s := newStack(scope, id, Config{}, "e6data workspaces in AWS Service Catalog: a portfolio whose products users launch without rights of their own in IAM. "+
		"For administrators, once in an account and region.")
	addParameters(s, catalogQuestions(cfg))
	addCatalogRules(s, cfg)
	condition(s, hasArtifactBucket, not(equals(ref("ArtifactBucket"), "")))
	condition(s, hasTagOption, not(equals(ref("TagOption"), "")))
	for n := 2; n <= catalogPrincipals; n++ {
		condition(s, principalCondition(n), not(equals(principal(n), "")))
	}
	addOfferConditions(s)

	roles := newCatalogRoles(s)
	portfolio := newPortfolio(s)
	for _, o := range offers {
		under(s, o.condition(), func() {
			product := newProduct(s, cfg, o, portfolio.Ref(), roles)
			output(s, o.id+"ProductId", "Product: "+o.name, product.Ref()).SetCondition(holds(s, o.condition()))
		})
	}
	newPrincipals(s, portfolio.Ref())
	output(s, "PortfolioId", "The portfolio", portfolio.Ref())
	output(s, "WorkspaceBoundaryArn", "What users answer to PermissionsBoundaryArn", roles.of(boundaryOutput))
	return s
}

// catalogRoles is the nested stack with all that is IAM's.
type catalogRoles struct{ awscdk.CfnStack }

// of is an output of it.
func (r catalogRoles) of(name string) *string {
	return awscdk.Token_AsString(r.GetAtt(text("Outputs."+name), awscdk.ResolutionTypeHint_STRING), nil)
}

func newCatalogRoles(s awscdk.Stack) catalogRoles {
	given := map[string]*string{}
	for _, p := range catalogRoleParameters() {
		given[p.Name] = ref(p.Name)
		if p.Type == typeList {
			given[p.Name] = joinList(",", listRef(p.Name))
		}
	}
	return catalogRoles{awscdk.NewCfnStack(s, text("Roles"), &awscdk.CfnStackProps{
		TemplateUrl: templateURL(CatalogRolesTemplateKey), Parameters: given, Tags: appTags(),
	})}
}

func holds(s awscdk.Stack, name string) awscdk.CfnCondition {
	return s.Node().FindChild(text(name)).(awscdk.CfnCondition)
}

func newPortfolio(s awscdk.Stack) awsservicecatalog.CfnPortfolio {
	p := awsservicecatalog.NewCfnPortfolio(s, text("Portfolio"), &awsservicecatalog.CfnPortfolioProps{
		DisplayName:  text("e6data"),
		ProviderName: text("e6data"),
		Description:  text("Workspaces of the e6data query engine in this account."),
		Tags:         appTags(),
	})
	under(s, hasTagOption, func() {
		option := awsservicecatalog.NewCfnTagOption(s, text("WorkspaceTag"), &awsservicecatalog.CfnTagOptionProps{
			Active: true, Key: pick(0, "=", ref("TagOption")), Value: pick(1, "=", join("", ref("TagOption"), text("="))),
		})
		awsservicecatalog.NewCfnTagOptionAssociation(s, text("WorkspaceTagOnPortfolio"), &awsservicecatalog.CfnTagOptionAssociationProps{
			ResourceId: p.Ref(), TagOptionId: option.Ref(),
		})
	})
	return p
}

// newProduct adds a product with its constraints. It has its launch role after,
// and no longer than, the limits of its answers; without the role, users launch
// with rights of their own.
func newProduct(s awscdk.Stack, cfg Config, o offer, portfolio *string, roles catalogRoles) awsservicecatalog.CfnCloudFormationProduct {
	product := awsservicecatalog.NewCfnCloudFormationProduct(s, text(o.id+"Product"), &awsservicecatalog.CfnCloudFormationProductProps{
		Name:  text(o.name),
		Owner: text("e6data"),
		Description: subWith(o.description+" Answer PermissionsBoundaryArn with ${WorkspaceBoundary}. Answers that are not yours to choose are refused with a sentence that has the right one.",
			map[string]*string{"WorkspaceBoundary": roles.of(boundaryOutput)}),
		ProvisioningArtifactParameters: []any{&awsservicecatalog.CfnCloudFormationProduct_ProvisioningArtifactPropertiesProperty{
			Name: ref("Version"), Description: sub("Version ${Version} of the e6data quickstart"), Type: text("CLOUD_FORMATION_TEMPLATE"),
			Info: map[string]any{"LoadTemplateFromURL": templateURL(contract.ModeTemplate(string(o.mode)))},
		}},
		Tags: appTags(),
	})
	member := awsservicecatalog.NewCfnPortfolioProductAssociation(s, text(o.id+"InPortfolio"), &awsservicecatalog.CfnPortfolioProductAssociationProps{
		PortfolioId: portfolio, ProductId: product.Ref(),
	})
	answers := awsservicecatalog.NewCfnLaunchTemplateConstraint(s, text(o.id+"Answers"), &awsservicecatalog.CfnLaunchTemplateConstraintProps{
		PortfolioId: portfolio, ProductId: product.Ref(),
		Description: text("Answers that would give rights are the administrator's"),
		Rules:       constraintRules(o.questions(cfg), roles.of(boundaryOutput)),
	})
	launch := awsservicecatalog.NewCfnLaunchRoleConstraint(s, text(o.id+"Launch"), &awsservicecatalog.CfnLaunchRoleConstraintProps{
		PortfolioId: portfolio, ProductId: product.Ref(), RoleArn: roles.of(o.launchRole()),
		Description: text("Launched with the rights of the catalog's own role"),
	})
	dependOn(answers, member)
	dependOn(launch, answers)
	return product
}

// newPrincipals opens the portfolio to those who may launch.
func newPrincipals(s awscdk.Stack, portfolio *string) {
	for n := 1; n <= catalogPrincipals; n++ {
		p := awsservicecatalog.NewCfnPortfolioPrincipalAssociation(s, text(fmt.Sprintf("Principal%d", n)), &awsservicecatalog.CfnPortfolioPrincipalAssociationProps{
			PortfolioId: portfolio, PrincipalArn: principal(n), PrincipalType: text("IAM"),
		})
		if n > 1 {
			p.CfnOptions().SetCondition(holds(s, principalCondition(n)))
		}
	}
}
