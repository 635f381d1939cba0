package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"go.uber.org/goleak"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

var _ customresource.Handler[contract.Preflight, contract.PreflightData] = preflightCheck{}

const (
	creating = status(cfntypes.StackStatusCreateInProgress)
	own      = "111122223333"
	ownStack = "arn:aws:cloudformation:us-east-1:" + own + ":stack/demo/6f0c2a10"
	key      = "arn:aws:kms:us-east-1:" + own + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
	scaling  = "arn:aws:iam::" + own + ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
	admins   = "arn:aws:iam::" + own + ":role/ops/admins"
)

// fit is an account in which every mode's launch is fine.
func fit() *played {
	p := &played{
		zones: []string{"us-east-1a/use1-az1", "us-east-1b/use1-az2"},
		vpcs:  []types.Vpc{{VpcId: aws.String("vpc-1"), OwnerId: aws.String(own), State: types.VpcStateAvailable, DhcpOptionsId: aws.String("dopt-1")}},
		dns:   map[types.VpcAttributeName]bool{types.VpcAttributeNameEnableDnsSupport: true, types.VpcAttributeNameEnableDnsHostnames: true},
		dhcp:  []string{"AmazonProvidedDNS"},
		subnets: []types.Subnet{
			subnet("subnet-1", "us-east-1a", "use1-az1"), subnet("subnet-2", "us-east-1b", "use1-az2"),
		},
		tables: []types.RouteTable{{
			RouteTableId: aws.String("rtb-1"), VpcId: aws.String("vpc-1"), Associations: []types.RouteTableAssociation{{Main: aws.Bool(true)}},
			Routes: []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: aws.String("nat-1")}},
		}},
		endpoints: []types.VpcEndpoint{{
			VpcId: aws.String("vpc-1"), ServiceName: aws.String("com.amazonaws.us-east-1.s3"), VpcEndpointType: types.VpcEndpointTypeGateway, State: "available", RouteTableIds: []string{"rtb-1"},
		}},
		offers: map[string][]string{"t4g.medium": {"us-east-1a"}, "c7g.large": {"us-east-1b"}}, vcpus: map[string]int32{"t4g.medium": 2, "c7g.large": 2},
		quotas:   map[string]float64{},
		versions: []ekstypes.ClusterVersionInformation{{ClusterVersion: aws.String("1.36"), VersionStatus: ekstypes.VersionStatusStandardSupport}},
		clusters: map[string]*ekstypes.Cluster{"shared": {
			Status: ekstypes.ClusterStatusActive, Version: aws.String("1.36"), Identity: &ekstypes.Identity{Oidc: &ekstypes.OIDC{Issuer: aws.String("https://issuer")}},
			AccessConfig:       &ekstypes.AccessConfigResponse{AuthenticationMode: ekstypes.AuthenticationModeApi},
			ResourcesVpcConfig: &ekstypes.VpcConfigResponse{VpcId: aws.String("vpc-1"), EndpointPrivateAccess: true},
		}},
		roles: map[string]*iamtypes.Role{
			"admins":    {Arn: aws.String(admins), AssumeRolePolicyDocument: aws.String(url.QueryEscape(`{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + own + `"},"Action":"sts:AssumeRole"}}`))},
			"karpenter": {Arn: aws.String("arn:aws:iam::" + own + ":role/x/karpenter")},
		},
		users:    map[string]string{"joe": "arn:aws:iam::" + own + ":user/joe"},
		policies: []string{"arn:aws:iam::" + own + ":policy/edge"},
		key: &kmstypes.KeyMetadata{
			KeyState: kmstypes.KeyStateEnabled, KeyUsage: kmstypes.KeyUsageTypeEncryptDecrypt, KeySpec: kmstypes.KeySpecSymmetricDefault, KeyManager: kmstypes.KeyManagerTypeCustomer,
		},
		policy:  `{"Statement":[]}`,
		grants:  []kmstypes.GrantListEntry{{GranteePrincipal: aws.String(scaling), Operations: []kmstypes.GrantOperation{kmstypes.GrantOperationCreateGrant}}},
		objects: map[string]string{"charts/mirror/workspace-2.1.12.tgz": "", "charts/mirror/karpenter-1.14.0.tgz": ""},
	}
	for _, code := range []string{"vpc/L-F678F1CE", "vpc/L-A4707A72", "vpc/L-FE5A380F", "ec2/L-0263D0A3", "ec2/L-1216C47A"} {
		p.quotas[code] = 6
	}
	for _, service := range preflight.LinkedRoles(contract.ModeNewVPC) {
		if !strings.Contains(service, "/") {
			p.roles[service] = &iamtypes.Role{Arn: aws.String(service)}
		}
	}
	return p
}

func subnet(id, zone, zoneID string) types.Subnet {
	return types.Subnet{SubnetId: &id, VpcId: aws.String("vpc-1"), AvailabilityZone: &zone, AvailabilityZoneId: &zoneID, AvailableIpAddressCount: aws.Int32(100), CidrBlock: aws.String("10.0.0.0/24")}
}

// answersOf are answers with everything given that a mode knows.
func answersOf(mode string) contract.PreflightAnswers {
	a := contract.PreflightAnswers{
		WorkspaceName: "sales", ClusterName: "e6data-sales", NodeInstanceFamilies: "c7g", NodeArchitectures: "arm64", NodeCapacityTypes: "on-demand",
		AdminPrincipalArn: admins, ControlPlanePrincipalArn: "arn:aws:iam::" + own + ":user/joe", PermissionsBoundaryArn: "arn:aws:iam::" + own + ":policy/edge",
		KmsKeyArn: key, ChartSource: "s3://charts/mirror", Charts: "karpenter-1.14.0,workspace-2.1.12",
	}
	if mode == contract.ModeExistingEKS {
		a.ClusterName, a.PrivateSubnetIDs = "shared", "subnet-1,subnet-2"
		a.InstallerRoleName, a.RolePath, a.ClusterAdminRoleArn, a.KarpenterControllerRoleName = "e6data-sales-installer-us-east-1", "/", admins, "karpenter"
		return a
	}
	a.KubernetesVersion, a.ClusterSupportPolicy, a.NatGateways = "1.36", "STANDARD", "Single"
	a.NodeGroupInstanceType, a.NodeGroupNodes, a.NodeGroupCapacityType = "t4g.medium", "2", "ON_DEMAND"
	if mode == contract.ModeExistingVPC {
		a.VpcID, a.PrivateSubnetIDs = "vpc-1", "subnet-1,subnet-2"
	}
	return a
}

func properties(t *testing.T, mode string, a contract.PreflightAnswers) contract.Preflight {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	// The template writes what it knows also when it is empty.
	if a.AdminPrincipalArn == "" {
		text = append(text[:len(text)-1], `,"AdminPrincipalArn":""}`...)
	}
	return contract.Preflight{Mode: mode, Answers: string(text)}
}

// create runs a Create and returns its error and its log.
func create(t *testing.T, p *played, stack stackDescriber, mode string, change func(*contract.PreflightAnswers)) (string, string) {
	t.Helper()
	a := answersOf(mode)
	if change != nil {
		change(&a)
	}
	var log bytes.Buffer
	check := preflightCheck{account: p.account(), stacks: stack, log: slog.New(slog.NewTextHandler(&log, nil))}
	r, err := check.Create(t.Context(), preflightRequest{StackID: ownStack, Props: properties(t, mode, a)})
	if r.PhysicalID != "preflight/sales" || !check.Owns(r.PhysicalID) {
		t.Errorf("physical ID %q", r.PhysicalID)
	}
	if err != nil {
		return err.Error(), log.String()
	}
	return "", log.String()
}

func TestPreflightIsSilentOnAFitAccount(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, mode := range []string{contract.ModeNewVPC, contract.ModeExistingVPC, contract.ModeExistingEKS} {
		reason, log := create(t, fit(), creating, mode, nil)
		if reason != "" || strings.Contains(log, "msg=found") {
			t.Errorf("%s: %s\n%s", mode, reason, log)
		}
	}
}

// Whatever cannot be read, for whatever reason, stops nothing and is told.
func TestPreflightGoesOnWithoutRights(t *testing.T) {
	operations := []string{
		"EC2 DescribeAvailabilityZones", "EC2 DescribeVpcs", "EC2 DescribeInternetGateways", "EC2 DescribeAddresses", "EC2 DescribeNatGateways",
		"EC2 DescribeSubnets", "EC2 DescribeVpcAttribute", "EC2 DescribeDhcpOptions", "EC2 DescribeRouteTables", "EC2 DescribeVpcEndpoints",
		"EC2 DescribeInstances", "EC2 DescribeInstanceTypes", "EC2 DescribeInstanceTypeOfferings", "Service Quotas GetServiceQuota",
		"EKS DescribeCluster", "EKS DescribeClusterVersions", "CloudWatch Logs DescribeLogGroups", "IAM GetRole", "IAM GetUser", "IAM GetPolicy",
		"KMS DescribeKey", "KMS GetKeyPolicy", "KMS ListGrants",
	}
	told := map[string]bool{}
	for _, mode := range []string{contract.ModeNewVPC, contract.ModeExistingVPC, contract.ModeExistingEKS} {
		for _, operation := range operations {
			i := strings.LastIndex(operation, " ")
			service, name := operation[:i], operation[i+1:]
			for _, code := range []string{"AccessDeniedException", "UnauthorizedOperation", "InternalError"} {
				p := fit()
				p.fails = map[string]error{operation: refusal(service, name, code, "no")}
				reason, log := create(t, p, creating, mode, nil)
				if reason != "" {
					t.Errorf("%s, %s of %s stops it: %s", mode, code, operation, reason)
				}
				if strings.Contains(log, awserror.Action(p.fails[operation])) && strings.Contains(log, "name=fact-unread stops=false") {
					told[operation] = true
				}
			}
		}
	}
	for _, operation := range operations {
		if !told[operation] {
			t.Errorf("that %s failed is told in no mode", operation)
		}
	}
}

func TestPreflightNoticesAServiceControlPolicy(t *testing.T) {
	p := fit()
	p.fails = map[string]error{"EC2 DescribeAvailabilityZones": refusal("EC2", "DescribeAvailabilityZones", "UnauthorizedOperation",
		"You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: ec2:DescribeAvailabilityZones with an explicit deny in a service control policy")}
	reason, _ := create(t, p, creating, contract.ModeNewVPC, nil)
	if !strings.HasPrefix(reason, "1 problem: ") || !strings.Contains(reason, "[service-control-policy]") {
		t.Errorf("reason: %s", reason)
	}
}

// What a case changes in the account or the answers, and what is said of it.
func TestPreflightReads(t *testing.T) {
	main := func(p *played) *types.RouteTable { return &p.tables[0] }
	tests := map[string]struct {
		mode   string
		wrong  func(*played)
		answer func(*contract.PreflightAnswers)
		want   string // in the reason
		notes  string // in the log
	}{
		"VPCs of others are not counted": {contract.ModeNewVPC, func(p *played) {
			for range 6 {
				p.vpcs = append(p.vpcs, types.Vpc{VpcId: aws.String("vpc-x"), OwnerId: aws.String("999988887777")})
			}
		}, nil, "", ""},
		"own VPCs are": {contract.ModeNewVPC, func(p *played) {
			for range 5 {
				p.vpcs = append(p.vpcs, types.Vpc{VpcId: aws.String("vpc-x"), OwnerId: aws.String(own)})
			}
		}, nil, "the quota is 6, 6 are in use, and 1 more are needed", ""},
		"addresses of own pools are not counted": {contract.ModeNewVPC, func(p *played) {
			for range 6 {
				p.addresses = append(p.addresses, types.Address{PublicIpv4Pool: aws.String("ipv4pool-ec2-012")}, types.Address{ServiceManaged: types.ServiceManagedNlb})
			}
		}, nil, "", ""},
		"others are": {contract.ModeNewVPC, func(p *played) {
			for range 3 {
				p.addresses = append(p.addresses, types.Address{PublicIpv4Pool: aws.String("amazon")}, types.Address{})
			}
		}, nil, "[quota-elastic-ips]", ""},
		"NAT gateways by zone": {contract.ModeNewVPC, func(p *played) {
			for i := range 12 {
				p.nats = append(p.nats, types.NatGateway{SubnetId: p.subnets[i%2].SubnetId, State: types.NatGatewayStateDeleting})
			}
		}, nil, "us-east-1a): the quota is 6, 6 are in use", ""},
		"NAT gateways that are gone": {contract.ModeNewVPC, func(p *played) {
			for range 6 {
				p.nats = append(p.nats, types.NatGateway{SubnetId: p.subnets[0].SubnetId, State: types.NatGatewayStateDeleted})
			}
		}, nil, "", ""},
		"vCPUs of running instances": {contract.ModeNewVPC, func(p *played) {
			p.instances = append(p.instances, instance("m5.large", "running", ""), instance("m5.large", "stopped", ""), instance("m5.large", "running", "spot"), instance("g5.xlarge", "running", ""))
		}, nil, "the quota is 6, 2 are in use, and 6 more", ""},
		"vCPUs on hosts and in blocks": {contract.ModeNewVPC, func(p *played) {
			i := instance("m5.large", "running", "")
			i.Placement = &types.Placement{Tenancy: types.TenancyHost}
			p.instances = append(p.instances, i, instance("m5.large", "running", "capacity-block"))
		}, nil, "", ""},
		"a quota that is not told":  {contract.ModeNewVPC, func(p *played) { delete(p.quotas, "ec2/L-0263D0A3") }, nil, "", "servicequotas:GetServiceQuota ec2/L-0263D0A3"},
		"a type in no zone of ours": {contract.ModeNewVPC, func(p *played) { p.offers["t4g.medium"] = []string{"us-east-1c"} }, nil, "[node-group-type-not-offered]", ""},
		"a cluster of the stack": {contract.ModeNewVPC, func(p *played) {
			p.clusters["e6data-sales"] = &ekstypes.Cluster{Tags: map[string]string{ofStack: ownStack}}
		}, nil, "", ""},
		"a cluster of another": {contract.ModeNewVPC, func(p *played) {
			p.clusters["e6data-sales"] = &ekstypes.Cluster{Tags: map[string]string{ofStack: "arn:other"}}
		}, nil, "belongs to the stack arn:other", ""},
		"a log group whose name is longer": {contract.ModeNewVPC, func(p *played) { p.groups = []string{"/aws/eks/e6data-sales/cluster-old"} }, nil, "", ""},
		"the log group":                    {contract.ModeNewVPC, func(p *played) { p.groups = []string{"/aws/eks/e6data-sales/cluster"} }, nil, "[cluster-log-group-exists]", ""},
		"a VPC that is not there":          {contract.ModeExistingVPC, func(p *played) { p.vpcs[0].VpcId = aws.String("vpc-2") }, nil, "[vpc-missing]", ""},
		"attributes and name servers": {contract.ModeExistingVPC, func(p *played) {
			p.dns[types.VpcAttributeNameEnableDnsHostnames], p.dhcp = false, []string{"10.0.0.2"}
		}, nil, "1 problem: 1) DNS hostnames are off", "they name 10.0.0.2"},
		"no DHCP options": {contract.ModeExistingVPC, func(p *played) {
			p.vpcs[0].DhcpOptionsId, p.dhcp = aws.String("default"), []string{"10.0.0.2"}
		}, nil, "", ""},
		"subnets that are missing": {contract.ModeExistingVPC, nil, func(a *contract.PreflightAnswers) { a.PublicSubnetIDs = "subnet-9" }, "(subnet-9): EC2 knows none", ""},
		"free space": {contract.ModeExistingVPC, func(p *played) {
			p.vpcs[0].CidrBlockAssociationSet = []types.VpcCidrBlockAssociation{{CidrBlock: aws.String("10.0.0.0/23"), CidrBlockState: &types.VpcCidrBlockState{State: types.VpcCidrBlockStateCodeAssociated}}}
		}, func(a *contract.PreflightAnswers) { a.PrivateSubnetIDs = "" }, "free are 10.0.1.0/24", ""},
		"a blackhole": {contract.ModeExistingVPC, func(p *played) { main(p).Routes[0].State = types.RouteStateBlackhole }, nil, "rtb-1 leads to nat-1, which is gone", ""},
		"a table of its own": {contract.ModeExistingVPC, func(p *played) {
			p.tables = append(p.tables, types.RouteTable{RouteTableId: aws.String("rtb-2"), VpcId: aws.String("vpc-1"), Associations: []types.RouteTableAssociation{{SubnetId: aws.String("subnet-2")}}})
		}, nil, "(subnet-2): rtb-2 has no default route, and of the endpoints that could take its place the VPC lacks ec2", ""},
		"a local route is none": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: aws.String("local")}}
		}, nil, "[subnet-without-a-way-out]", ""},
		"a network beyond, where AWS's APIs may be": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationCidrBlock: aws.String("10.0.0.0/8"), TransitGatewayId: aws.String("tgw-1")}}
		}, nil, "", ""},
		"a network beyond that is gone": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationCidrBlock: aws.String("10.0.0.0/8"), TransitGatewayId: aws.String("tgw-1"), State: types.RouteStateBlackhole}}
		}, nil, "[subnet-without-a-way-out]", ""},
		"two halves of a default route": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/1"), TransitGatewayId: aws.String("tgw-1")}, {DestinationCidrBlock: aws.String("128.0.0.0/1"), TransitGatewayId: aws.String("tgw-1")}}
		}, nil, "", ""},
		"a route to a list of blocks": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationPrefixListId: aws.String("pl-1"), GatewayId: aws.String("vpce-1")}, {DestinationPrefixListId: aws.String("pl-2"), TransitGatewayId: aws.String("tgw-1")}}
		}, nil, "", ""},
		"an endpoint's list is no way out": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = []types.Route{{DestinationPrefixListId: aws.String("pl-1"), GatewayId: aws.String("vpce-1")}}
		}, nil, "[subnet-without-a-way-out]", ""},
		"endpoints in place of a way out": {contract.ModeExistingVPC, func(p *played) {
			main(p).Routes = nil
			for _, service := range []string{"ec2", "ecr.api", "ecr.dkr", "eks", "elasticloadbalancing", "sqs", "ssm", "sts"} {
				p.endpoints = append(p.endpoints, types.VpcEndpoint{VpcId: aws.String("vpc-1"), State: "available", VpcEndpointType: types.VpcEndpointTypeInterface, ServiceName: aws.String("com.amazonaws.us-east-1." + service)})
			}
		}, nil, "", ""},
		"endpoints that do not work": {contract.ModeExistingVPC, func(p *played) { p.endpoints[0].State = "failed" }, nil, "", "[subnet-reaches-s3-by-nat]"},
		"a closed endpoint":          {contract.ModeExistingEKS, closedEndpoint, nil, "not to the NAT gateways of its VPC (203.0.113.7)", ""},
		"a closed endpoint, and another NAT gateway that no route leads to": {contract.ModeExistingEKS, func(p *played) {
			closedEndpoint(p)
			p.nats = append(p.nats, types.NatGateway{NatGatewayId: aws.String("nat-2"), VpcId: aws.String("vpc-1"), State: types.NatGatewayStateAvailable, NatGatewayAddresses: []types.NatGatewayAddress{{PublicIp: aws.String("198.51.100.7")}}})
		}, nil, "(203.0.113.7)", ""},
		"a closed endpoint, reached by another way": {contract.ModeExistingEKS, func(p *played) {
			closedEndpoint(p)
			main(p).Routes = []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/0"), TransitGatewayId: aws.String("tgw-1")}}
		}, nil, "", ""},
		"a closed endpoint, reached by another way from some subnets": {contract.ModeExistingEKS, func(p *played) {
			closedEndpoint(p)
			p.tables = append(p.tables, types.RouteTable{RouteTableId: aws.String("rtb-2"), VpcId: aws.String("vpc-1"), Routes: []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/0"), TransitGatewayId: aws.String("tgw-1")}}})
		}, nil, "", ""},
		"a role of another path": {contract.ModeNewVPC, nil, func(a *contract.PreflightAnswers) {
			a.AdminPrincipalArn = "arn:aws:iam::" + own + ":role/admins"
		}, "[principal-missing]", ""},
		"a user": {contract.ModeNewVPC, func(p *played) { p.users = nil }, nil, "ControlPlanePrincipalArn", ""},
		"an admin role of another path": {contract.ModeExistingEKS, nil, func(a *contract.PreflightAnswers) {
			a.ClusterAdminRoleArn = "arn:aws:iam::" + own + ":role/admins"
		}, "[cluster-admin-role-missing]", ""},
		"an admin role for others": {contract.ModeExistingEKS, func(p *played) { p.roles["admins"].AssumeRolePolicyDocument = aws.String("%7B%7D") }, nil, "[cluster-admin-role-trust]", ""},
		"the installer's role": {contract.ModeExistingEKS, func(p *played) {
			p.roles["e6data-sales-installer-us-east-1"] = &iamtypes.Role{Arn: aws.String("arn:it"), Tags: []iamtypes.Tag{{Key: aws.String(ofStack), Value: aws.String("arn:other")}}}
		}, nil, "belongs to the stack arn:other", ""},
		"no boundary": {contract.ModeNewVPC, func(p *played) { p.policies = nil }, nil, "[permissions-boundary-missing]", ""},
		"no key":      {contract.ModeNewVPC, func(p *played) { p.key = nil }, nil, "[kms-key-missing]", ""},
		"a closed key": {contract.ModeNewVPC, func(p *played) {
			p.grants[0].Operations = []kmstypes.GrantOperation{kmstypes.GrantOperationDecrypt}
		}, nil, "it names nobody, and no grant is for that role either", ""},
		"no bucket":          {contract.ModeNewVPC, nil, func(a *contract.PreflightAnswers) { a.ChartSource = "s3://nowhere/x" }, "[chart-bucket-missing]", ""},
		"a bucket elsewhere": {contract.ModeNewVPC, func(p *played) { p.elsewhere = "eu-west-1" }, nil, "it is in eu-west-1", ""},
		"no chart":           {contract.ModeNewVPC, func(p *played) { delete(p.objects, "charts/mirror/workspace-2.1.12.tgz") }, nil, "there is no mirror/workspace-2.1.12.tgz", ""},
		"charts in the bucket": {contract.ModeNewVPC, func(p *played) {
			p.objects = map[string]string{"charts/karpenter-1.14.0.tgz": "", "charts/workspace-2.1.12.tgz": ""}
		}, func(a *contract.PreflightAnswers) { a.ChartSource = "s3://charts" }, "", ""},
		"a chart that is hidden": {contract.ModeNewVPC, func(p *played) { p.objects["charts/mirror/workspace-2.1.12.tgz"] = "!" }, nil, "", "it did not show mirror/workspace-2.1.12.tgz"},
		"a bucket that is closed": {contract.ModeNewVPC, func(p *played) {
			p.objects["charts/mirror/workspace-2.1.12.tgz"] = "!"
			p.fails = map[string]error{"S3 ListObjectsV2": refusal("S3", "ListObjectsV2", "AccessDenied", "no")}
		}, nil, "", "[charts-unread]"},
		"a bucket that does not answer": {contract.ModeNewVPC, func(p *played) {
			p.objects["charts/mirror/workspace-2.1.12.tgz"] = "!"
			p.fails = map[string]error{"S3 ListObjectsV2": refusal("S3", "ListObjectsV2", "SlowDown", "no")}
		}, nil, "", "s3:ListObjectsV2 s3://charts/mirror"},
		"a service without its role": {contract.ModeNewVPC, func(p *played) { delete(p.roles, "AWSServiceRoleForAmazonEKS") }, nil, "", "AWSServiceRoleForAmazonEKS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := fit()
			if tt.wrong != nil {
				tt.wrong(p)
			}
			reason, log := create(t, p, creating, tt.mode, tt.answer)
			if !strings.Contains(reason, tt.want) || tt.want == "" && reason != "" {
				t.Errorf("reason %q, want %q in it", reason, tt.want)
			}
			if !strings.Contains(log, tt.notes) || tt.notes == "" && strings.Contains(log, "stops=false") {
				t.Errorf("log lacks %q, or has notes:\n%s", tt.notes, log)
			}
		})
	}
}

// closedEndpoint opens the cluster's API to addresses that its VPC does not have.
func closedEndpoint(p *played) {
	v := p.clusters["shared"].ResourcesVpcConfig
	v.EndpointPrivateAccess, v.EndpointPublicAccess, v.PublicAccessCidrs = false, true, []string{"198.51.100.0/24"}
	p.nats = []types.NatGateway{{
		NatGatewayId: aws.String("nat-1"), VpcId: aws.String("vpc-1"), SubnetId: aws.String("subnet-1"), State: types.NatGatewayStateAvailable,
		NatGatewayAddresses: []types.NatGatewayAddress{{PublicIp: aws.String("203.0.113.7")}, {}},
	}}
}

func instance(kind, state, bought string) types.Instance {
	return types.Instance{
		InstanceType: types.InstanceType(kind), State: &types.InstanceState{Name: types.InstanceStateName(state)},
		InstanceLifecycle: types.InstanceLifecycleType(bought), CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(1), ThreadsPerCore: aws.Int32(2)},
	}
}

// untold is a CloudFormation API that does not know the stack.
type untold struct{}

func (untold) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{}, nil
}

func TestPreflightOfAnUpdate(t *testing.T) {
	unwell := fit()
	unwell.versions, unwell.quotas, unwell.roles, unwell.key, unwell.objects = nil, nil, nil, nil, nil
	unwell.versions = []ekstypes.ClusterVersionInformation{{ClusterVersion: aws.String("1.38")}}
	unwell.clusters["e6data-sales"] = &ekstypes.Cluster{Version: aws.String("1.36")}
	for name, tt := range map[string]struct {
		stack  stackDescriber
		before func(*contract.PreflightAnswers)
		want   string
	}{
		"nothing of it changed":              {updating, func(*contract.PreflightAnswers) {}, ""},
		"the version is asked for":           {updating, func(a *contract.PreflightAnswers) { a.KubernetesVersion = "1.35" }, "[kubernetes-version-not-offered]"},
		"the administrator is another":       {updating, func(a *contract.PreflightAnswers) { a.AdminPrincipalArn = "" }, "[principal-missing]"},
		"a rollback":                         {rollingBack, func(a *contract.PreflightAnswers) { a.KubernetesVersion, a.AdminPrincipalArn = "1.37", "" }, ""},
		"a stack whose status is not told":   {untold{}, func(a *contract.PreflightAnswers) { a.AdminPrincipalArn = "" }, ""},
		"the version before is newer by two": {updating, func(a *contract.PreflightAnswers) { a.KubernetesVersion = "1.38" }, "[kubernetes-version-not-offered]"},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := answersOf(contract.ModeNewVPC), answersOf(contract.ModeNewVPC)
			tt.before(&before)
			check := preflightCheck{account: unwell.account(), stacks: tt.stack, log: slog.New(slog.DiscardHandler)}
			r, err := check.Update(t.Context(), preflightRequest{
				StackID: ownStack, PhysicalID: "preflight/sales", Props: properties(t, contract.ModeNewVPC, now), OldProps: properties(t, contract.ModeNewVPC, before),
			})
			if r.PhysicalID != "preflight/sales" {
				t.Errorf("physical ID %q", r.PhysicalID)
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct{ before, now, want string }{
		"a version and more": {`{"KubernetesVersion":"1.35","NodeDiskGiB":"100","VpcCidr":"a"}`, `{"KubernetesVersion":"1.36","NodeDiskGiB":"200","VpcCidr":"a"}`, "changes NodeDiskGiB too"},
		"a version alone":    {`{"KubernetesVersion":"1.35","NodeDiskGiB":"100"}`, `{"KubernetesVersion":"1.36","NodeDiskGiB":"100"}`, ""},
		"a version, and a parameter that was not there": {`{"KubernetesVersion":"1.35"}`, `{"KubernetesVersion":"1.36","NodeDiskGiB":"100"}`, ""},
		"a template that did not tell":                  {"", `{"KubernetesVersion":"1.36","NodeDiskGiB":"200"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			was, is := properties(t, contract.ModeNewVPC, answersOf(contract.ModeNewVPC)), properties(t, contract.ModeNewVPC, answersOf(contract.ModeNewVPC))
			was.Given, is.Given = tt.before, tt.now
			for _, c := range []struct {
				stack stackDescriber
				want  string
			}{{updating, tt.want}, {rollingBack, ""}} {
				check := preflightCheck{account: fit().account(), stacks: c.stack, log: slog.New(slog.DiscardHandler)}
				_, err := check.Update(t.Context(), preflightRequest{StackID: ownStack, PhysicalID: "preflight/sales", Props: is, OldProps: was})
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v: error %v, want %q in it", c.stack, err, c.want)
				}
			}
		})
	}
	if reason, _ := create(t, unwell, updating, contract.ModeNewVPC, nil); reason != "" {
		t.Errorf("a stack that gets this resource by an update is taken for a new one: %s", reason)
	}
	if reason, _ := create(t, unwell, untold{}, contract.ModeNewVPC, nil); reason == "" {
		t.Error("a stack whose status is not told is not taken for a new one")
	}
}

func TestPreflightRefusesWhatItCannotRead(t *testing.T) {
	check := preflightCheck{account: fit().account(), stacks: creating, log: slog.New(slog.DiscardHandler)}
	for name, r := range map[string]preflightRequest{
		"a mode that is none": {StackID: ownStack, Props: properties(t, "new", answersOf(contract.ModeNewVPC))},
		"answers not known":   {StackID: ownStack, Props: contract.Preflight{Mode: contract.ModeNewVPC, Answers: `{"Workspace":"sales"}`}},
		"no answers":          {StackID: ownStack, Props: contract.Preflight{Mode: contract.ModeNewVPC}},
		"no stack":            {StackID: "demo", Props: properties(t, contract.ModeNewVPC, answersOf(contract.ModeNewVPC))},
	} {
		if _, err := check.Create(t.Context(), r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := check.Delete(t.Context(), preflightRequest{}); err != nil {
		t.Error(errors.Join(errors.New("a delete"), err))
	}
}
