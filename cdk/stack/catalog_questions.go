package stack

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// catalogPrincipals is how many principals a portfolio is offered to by the
// template; more can be added in Service Catalog.
const catalogPrincipals = 5

// offer is a product of the catalog.
type offer struct {
	mode Mode
	// id begins the logical IDs of the product; its parameter is Offer<id>.
	id, name, description string
	offered               string // the default of its parameter
	questions             func(Config) []parameterGroup
}

var offers = []offer{
	{
		mode: NewVPC, id: "NewVpc", name: "e6data workspace: new VPC, new EKS cluster", offered: wordYes,
		description: "A new VPC, a new EKS cluster, and what the e6data query engine needs on them.",
		questions:   func(cfg Config) []parameterGroup { return questions(cfg, NewVPC) },
	},
	{
		mode: ExistingVPC, id: "ExistingVpc", name: "e6data workspace: existing VPC, new EKS cluster", offered: "No",
		description: "A new EKS cluster in an existing VPC, and what the e6data query engine needs on it.",
		questions:   func(cfg Config) []parameterGroup { return questions(cfg, ExistingVPC) },
	},
	{
		mode: ExistingEKS, id: "ExistingEks", name: "e6data workspace: existing EKS cluster", offered: "No",
		description: "What the e6data query engine needs on an existing EKS cluster.",
		questions:   existingEKSQuestions,
	},
}

func (o offer) parameter() string { return "Offer" + o.id }
func (o offer) condition() string { return "Offers" + o.id }

// launchRole is the logical ID of its role, and the output with the role's ARN.
func (o offer) launchRole() string { return o.id + "LaunchRole" }

const hasTagOption = "HasTagOption"

func catalogQuestions(cfg Config) []parameterGroup {
	access, artefacts := accessQuestions(), artefactQuestions(cfg)
	buckets := named(workspaceQuestions(), "DataBucketNames")
	buckets.Description = "S3 buckets whose data workspaces of the catalog may read, comma-separated, about ten: IAM limits how many fit into the boundary. Users choose among them."
	return []parameterGroup{
		{"Products", productQuestions()},
		{"What workspaces of the catalog may reach", []parameter{
			buckets,
			named(workspaceQuestions(), "GlueAccess"),
			{
				Name: "VpcIds", Label: "VPCs", Type: typeList, Default: "",
				Description: "IDs of the VPCs in which users may have a cluster made, comma-separated. Only for the product for existing VPCs.",
				Pattern:     `^$|^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`,
				Constraint:  "IDs of VPCs such as vpc-0123456789abcdef0, comma-separated.",
			},
			{
				Name: "ExistingClusterNames", Label: "EKS clusters", Type: typeList, Default: "",
				Description: "Names of the EKS clusters on which users may put a workspace, comma-separated. Only for the product for existing clusters.",
				Pattern:     `^$|^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`,
				Constraint:  "Names of EKS clusters, comma-separated: up to 100 letters, digits, hyphens and underscores each.",
			},
			named(access, "KmsKeyArn"),
		}},
		{"Access for e6data and for you", []parameter{
			named(access, "ControlPlanePrincipalArn"), named(clusterQuestions(), "AdminPrincipalArn"), named(access, "RolePath"),
		}},
		{"Charts and artefacts", []parameter{
			named(artefacts, "ChartSource"), named(artefacts, "ImageRegistry"), named(artefacts, "CallbackUrl"),
			named(artefacts, "Version"), named(artefacts, "ArtifactBucket"),
		}},
	}
}

func productQuestions() []parameter {
	const principal = patternPrincipal + `(role|user|group)/[A-Za-z0-9+=,.@_/-]*[A-Za-z0-9+=.@_/-]`
	asked := []parameter{{
		Name: "PrincipalArns", Label: "Who may launch",
		Description: fmt.Sprintf("ARNs of the IAM roles, users and groups that may launch the products, up to %d, comma-separated. "+
			"They need AWSServiceCatalogEndUserFullAccess and no other rights.", catalogPrincipals),
		Pattern:    fmt.Sprintf(`^%s(,%s){0,%d}$`, principal, principal, catalogPrincipals-1),
		Constraint: fmt.Sprintf("1 to %d ARNs of IAM roles, users or groups, comma-separated, without spaces, such as arn:aws:iam::111122223333:role/Analysts.", catalogPrincipals),
	}}
	for _, o := range offers {
		asked = append(asked, parameter{
			Name: o.parameter(), Label: o.name, Default: o.offered, Values: []string{wordYes, "No"},
			Description: "Yes offers this product. " + o.description,
		})
	}
	return append(asked, parameter{
		Name: "TagOption", Label: "Tag of all workspaces", Default: "",
		Description: "A tag such as cost-center=42 that Service Catalog puts on every workspace launched from the catalog. Leave empty for none.",
		Pattern:     `^$|^` + patternTag + `$`,
		MaxLength:   300,
		Constraint:  "One tag key=value. The key has letters, digits, spaces and + . _ @ -; the value may also have : and /.",
	})
}

// addCatalogRules refuses what would make a catalog of nothing, or one that a
// launch role could change.
func addCatalogRules(s awscdk.Stack, cfg Config) {
	publishedRule(s, cfg)
	offered := func(o offer) awscdk.ICfnConditionExpression { return equals(ref(o.parameter()), wordYes) }
	rule(s, "SomethingIsOffered", awscdk.Fn_ConditionOr(offered(offers[0]), offered(offers[1]), offered(offers[2])),
		"Offer at least one of the products: answer one of OfferNewVpc, OfferExistingVpc and OfferExistingEks with Yes.")
	for i, list := range []string{"VpcIds", "ExistingClusterNames"} { // not a map: a fresh template is the same each time
		o := offers[i+1]
		rule(s, list+"AreGiven",
			awscdk.Fn_ConditionOr(not(offered(o)), not(awscdk.Fn_ConditionEachMemberEquals(listRef(list), text("")))),
			fmt.Sprintf("%s is Yes, but %s is empty: name those that users may choose, or answer %s with No.", o.parameter(), list, o.parameter()))
	}
	rule(s, "RolesAreApart", not(equals(ref("RolePath"), catalogPath)),
		"RolePath must not be "+catalogPath+": there are the catalog's own policies, which no launch may change.")
}

func addOfferConditions(s awscdk.Stack) {
	for _, o := range offers {
		condition(s, o.condition(), equals(ref(o.parameter()), wordYes))
	}
}

func principalCondition(n int) string { return fmt.Sprintf("HasPrincipal%d", n) }

// principal is the n-th (from 1) of the principals; empty after the last one.
func principal(n int) *string {
	return pick(n-1, ",", join("", ref("PrincipalArns"), text(strings.Repeat(",", catalogPrincipals-1))))
}
