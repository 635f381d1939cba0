package preflight

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// Change is an answer before and after an update.
type Change struct{ From, To string }

// Facts are what is known of the account. A part that was not read, because it
// was not asked for or could not be, is nil.
type Facts struct {
	Place Place
	// Mode is one of the contract's: new-vpc, existing-vpc, existing-eks.
	Mode string
	// Update tells that the stack is there. Before are its answers so far.
	Update          bool
	Answers, Before contract.PreflightAnswers
	// Changed are the answers that the update changes, by their parameters' names.
	Changed map[string]Change
	// Unread are the reads that failed.
	Unread []Unread

	Zones    []netplan.Zone
	Versions []Version
	// Cluster is the one of the name in ClusterName.
	Cluster *Cluster
	// LogGroup tells whether the cluster's log group is there.
	LogGroup *bool

	// Quotas are the account's, by their codes.
	Quotas map[string]int
	// VPCs, Gateways (for the internet) and Addresses (Elastic IPs, without
	// those of the customer's own pools) count what the region has.
	VPCs, Gateways, Addresses *int
	// NATs counts NAT gateways by the names of their zones.
	NATs map[string]int
	// VCPUs are those of running instances, by the code of their quota.
	VCPUs map[string]int
	// Types are the instance types of the families asked for, and the managed
	// node group's, that the region offers.
	Types []InstanceType

	VPC *VPC
	// Subnets are the given ones that exist, by ID.
	Subnets map[string]Subnet
	// Endpoints are the VPC's interface endpoints by service, such as "ecr.api".
	Endpoints map[string]bool

	// Principals tells of ARNs of IAM roles and users whether they exist.
	Principals map[string]bool
	// Boundary tells whether PermissionsBoundaryArn exists.
	Boundary *bool
	Key      *Key
	Charts   *Charts
	// LinkedRoles tells of services (principals) whether their role exists.
	LinkedRoles map[string]bool

	// Of an existing cluster: the role of the installer's fixed name, the role
	// ClusterAdminRoleArn and the role KarpenterControllerRoleName.
	InstallerRole, AdminRole, KarpenterRole *Role
}

// Place is where a stack is.
type Place struct{ Partition, Region, Account, StackID string }

// PlaceOf reads a stack's ARN.
func PlaceOf(stackID string) (Place, bool) {
	stack, err := arn.Parse(stackID)
	if err != nil || stack.Service != "cloudformation" {
		return Place{}, false
	}
	return Place{Partition: stack.Partition, Region: stack.Region, Account: stack.AccountID, StackID: stackID}, true
}

// Version is one Kubernetes version of EKS.
type Version struct {
	Name string
	// Status is EKS's: STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED.
	Status string
	// EndOfStandard is when standard support ends; zero: not told.
	EndOfStandard time.Time
}

// Cluster is what EKS says of a cluster.
type Cluster struct {
	Found   bool
	Status  string // CREATING, ACTIVE, UPDATING, FAILED, DELETING, PENDING
	Version string
	// Mode is API, API_AND_CONFIG_MAP or CONFIG_MAP.
	Mode string
	// Stack is the ARN of the CloudFormation stack that made it; empty: none.
	Stack          string
	VPC            string
	Issuer         string
	PrivateAccess  bool
	PublicAccess   bool
	PublicCidrs    []string
	NATAddresses   []string // public ones, from which its VPC reaches the internet, where NAT gateways are the only way
	NATAddressRead bool
}

// InstanceType is one that the region offers.
type InstanceType struct {
	Name  string
	VCPUs int
	Zones []string
}

// Family is the type's family: c7g of c7g.large.
func (t InstanceType) Family() string {
	family, _, _ := strings.Cut(t.Name, ".")
	return family
}

// in tells whether one of the zones has the type.
func (t InstanceType) in(zones []string) bool {
	return slices.ContainsFunc(t.Zones, func(z string) bool { return slices.Contains(zones, z) })
}

// VPC is the customer's.
type VPC struct {
	Found bool
	State string // pending, available
	// DNSSupport and DNSHostnames are its attributes.
	DNSSupport, DNSHostnames *bool
	// NameServers are those of its DHCP options; nil: not read.
	NameServers []string
	// Space and Gateway are read when subnets are to be made in it.
	Space   *netplan.Space
	Gateway string
}

// Subnet is a given subnet with what its route table says.
type Subnet struct {
	netplan.Subnet
	Routes *Routes
}

// Routes are what a subnet's route table, its own or the main one, says.
type Routes struct {
	Table string
	// Out is what leads to the internet or to a network beyond: the ID of a
	// gateway, an interface or the like; empty: nothing.
	Out string
	// Blackhole tells that what Out names is gone.
	Blackhole bool
	// S3 tells that a gateway endpoint for S3 is on the table.
	S3 bool
}

// ByInternetGateway tells whether the way out is an internet gateway.
func (r Routes) ByInternetGateway() bool { return strings.HasPrefix(r.Out, "igw-") }

// Key is what KMS says of KmsKeyArn.
type Key struct {
	Found   bool
	State   string // Enabled, Disabled, PendingDeletion, PendingImport, Unavailable...
	Usage   string // ENCRYPT_DECRYPT, SIGN_VERIFY...
	Spec    string // SYMMETRIC_DEFAULT...
	Manager string // CUSTOMER, AWS
	// Policy is the key policy as JSON; empty: it could not be read.
	Policy string
	// Grantees are the principals that have a grant with CreateGrant.
	Grantees []string
	// GrantsRead tells whether Grantees is known.
	GrantsRead bool
}

// Charts is what was found at ChartSource s3://BUCKET/PREFIX.
type Charts struct {
	BucketMissing bool
	// Region is that of the bucket when it is another.
	Region string
	// Missing are the archives that are not there, Hidden those that S3 did not
	// let be looked at.
	Missing, Hidden []string
}

// Role is an IAM role.
type Role struct {
	Found bool
	Arn   string
	// Stack is the ARN of the CloudFormation stack that made it; empty: none.
	Stack string
	// Trust is its trust policy as JSON.
	Trust string
}

// Unread is a read that failed.
type Unread struct {
	// Action is the IAM action of the call, such as ec2:DescribeVpcs, and On
	// what it was asked about; empty: nothing in particular.
	Action, On string
	// Denied tells that a right was missing; ByOrganization that a service
	// control policy denies it.
	Denied, ByOrganization bool
	// Text is what AWS said.
	Text string
}

// list are the entries of a comma-joined answer, without blanks and repeats.
func list(answer string) []string {
	var out []string
	seen := map[string]bool{}
	for entry := range strings.SplitSeq(answer, ",") {
		if entry = strings.TrimSpace(entry); entry != "" && !seen[entry] {
			seen[entry] = true
			out = append(out, entry)
		}
	}
	return out
}

// makesCluster tells whether the template makes the cluster.
func (f Facts) makesCluster() bool { return f.Mode != contract.ModeExistingEKS }

// makesNetwork tells whether the template makes subnets.
func (f Facts) makesNetwork() bool { return makesNetwork(f.Mode, f.Answers) }

func makesNetwork(mode string, a contract.PreflightAnswers) bool {
	return mode == contract.ModeNewVPC || mode == contract.ModeExistingVPC && len(list(a.PrivateSubnetIDs)) == 0
}

// first are the first n texts, joined, and how many more there are.
func first(n int, texts []string) string {
	if len(texts) <= n {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:n], ", ") + " and " + plural(len(texts)-n, "other")
}
