package preflight

import (
	"net/netip"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/endpoints"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

var ofClusters = []one{
	{name: "the name is taken", wrong: func(f *Facts) { f.Cluster = &Cluster{Found: true, Status: "ACTIVE", Stack: "arn:other"} }, kind: clusterNameTaken, says: []string{"ClusterName e6data-sales", "belongs to the stack arn:other", "existing-eks.yaml"}},
	{name: "the name is taken, and so its log group", wrong: func(f *Facts) {
		f.Cluster, f.LogGroup = &Cluster{Found: true}, new(true)
	}, kind: clusterNameTaken, says: []string{"no CloudFormation stack made it"}},
	{name: "the cluster is this stack's", wrong: func(f *Facts) { f.Cluster = &Cluster{Found: true, Stack: ownStack} }},
	{name: "a log group is left", wrong: func(f *Facts) { f.LogGroup = new(true) }, kind: logGroupExists, says: []string{"delete-log-group --log-group-name /aws/eks/e6data-sales/cluster"}},
	{name: "no cluster", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster = &Cluster{} }, kind: clusterMissing, says: []string{"ExistingClusterName shared", "none in us-east-1"}},
	{name: "a cluster that is being made", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster.Status = "CREATING" }, kind: clusterNotActive, says: []string{"it is CREATING"}},
	{name: "a cluster that is being updated", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster.Status = "UPDATING" }},
	{name: "an old cluster", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster.Version = "1.34" }, kind: clusterVersionUnsupported, says: []string{"it has Kubernetes 1.34, supported are 1.36, 1.35"}},
	{name: "a cluster without issuer", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster.Issuer = "" }, kind: clusterWithoutIssuer, says: []string{"ExistingClusterName shared"}},
	{name: "no endpoint at all", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.Cluster.PrivateAccess = false }, kind: clusterOutOfReach, says: []string{"so is the public one", "--name shared"}},
	{name: "an endpoint for others", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Cluster.PrivateAccess, f.Cluster.PublicAccess, f.Cluster.PublicCidrs = false, true, []string{"198.51.100.0/24"}
		f.Cluster.NATAddresses, f.Cluster.NATAddressRead = []string{"203.0.113.7"}, true
	}, kind: clusterOutOfReach, says: []string{"open to 198.51.100.0/24 only", "203.0.113.7"}},
	{name: "an endpoint for its NAT gateway", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Cluster.PrivateAccess, f.Cluster.PublicAccess, f.Cluster.PublicCidrs = false, true, []string{"198.51.100.0/24", "203.0.113.0/28"}
		f.Cluster.NATAddresses, f.Cluster.NATAddressRead = []string{"203.0.113.77", "203.0.113.7"}, true
	}},
	{name: "an endpoint that is reached in a way not seen", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Cluster.PrivateAccess, f.Cluster.PublicAccess, f.Cluster.NATAddressRead = false, true, true
	}},
	{name: "in by aws-auth only", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Answers.ClusterAdminRoleArn, f.AdminRole = "", nil
	}, kind: clusterByMap, says: []string{"CONFIG_MAP", "map the role e6data-sales-installer-us-east-1"}},
	{name: "the mode may be changed", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Answers.ClusterAdminRoleArn, f.AdminRole, f.Answers.AllowAuthModeChange = "", nil, "Yes"
	}},
	{name: "the installer's role is there", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.InstallerRole = &Role{Found: true, Arn: "arn:the-role", Stack: "arn:other"}
	}, kind: installerRoleTaken, says: []string{"arn:the-role", "arn:other"}},
	{name: "no admin role", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.AdminRole = &Role{} }, kind: adminRoleMissing, says: []string{"role/admins"}},
	{name: "an admin role for others", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.AdminRole.Trust = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole"]},` +
			`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:TagSession"}]}`
	}, kind: adminRoleTrust, says: []string{"names ec2.amazonaws.com", "role/e6data-sales-installer-us-east-1", "arn:aws:iam::111122223333:root"}},
	{name: "an admin role for the installer in its path", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Answers.RolePath = "/e6data/"
		f.AdminRole.Trust = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/e6data/e6data-sales-installer-us-east-1"},"Action":"sts:AssumeRole"}}`
	}},
	{name: "no Karpenter role", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.KarpenterRole = &Role{} }, kind: karpenterRoleMissing, says: []string{"KarpenterControllerRoleName karpenter"}},
}

var ofTheVPC = []one{
	{name: "no VPC", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPC = &VPC{} }, kind: vpcMissing, says: []string{"VpcId vpc-1"}},
	{name: "a VPC that is being made", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPC.State = "pending" }, kind: vpcNotAvailable, says: []string{"it is pending"}},
	{name: "no DNS", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPC.DNSSupport = new(false) }, kind: vpcDNSSupport, says: []string{"--vpc-id vpc-1 --enable-dns-support Value=true"}},
	{name: "no host names", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPC.DNSHostnames = new(false) }, kind: vpcDNSHostnames, says: []string{"--vpc-id vpc-1 --enable-dns-hostnames Value=true"}},
	{name: "other name servers", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPC.NameServers = []string{"10.0.0.2", "10.0.0.3"} }, kind: vpcNameServers, says: []string{"10.0.0.2, 10.0.0.3"}},
	{name: "no room", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.inSpace("10.0.0.0/26") }, kind: vpcNoRoom, says: []string{"a free /24 and a free /27", "free are 10.0.0.0/26"}},
	{name: "room for the cluster's zones only", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.inSpace("10.0.0.0/23", "10.1.0.0/26")
		f.Answers.AdditionalAvailabilityZones = "us-east-1c"
	}, kind: zoneNotAdded, says: []string{"us-east-1c", "cannot be added: it needs a free /24"}},
	{name: "room", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.inSpace("10.0.0.0/20") }},
}

// inSpace takes the given subnets back: they are made in free space.
func (f *Facts) inSpace(blocks ...string) {
	f.Answers.PrivateSubnetIDs, f.Answers.PublicSubnetIDs, f.Subnets = "", "", nil
	f.VPC.Space, f.VPC.Gateway = &netplan.Space{}, "igw-1"
	for _, b := range blocks {
		f.VPC.Space.Blocks = append(f.VPC.Space.Blocks, netip.MustParsePrefix(b))
	}
}

// with changes one of the given subnets.
func with(id string, change func(*Subnet)) func(*Facts) {
	return func(f *Facts) {
		s := f.Subnets[id]
		if s.Routes != nil {
			s.Routes = new(*s.Routes)
		}
		change(&s)
		f.Subnets[id] = s
	}
}

var ofSubnets = []one{
	{name: "a subnet from nowhere", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.Answers.PublicSubnetIDs = "subnet-3,subnet-x,subnet-y" }, kind: subnetMissing, says: []string{"subnet-x, subnet-y", "Values=vpc-1"}},
	{name: "a subnet of another VPC", mode: contract.ModeExistingVPC, wrong: with("subnet-3", func(s *Subnet) { s.VPC = "vpc-2" }), kind: subnetElsewhere, says: []string{"subnet-3", "it is in vpc-2", "of the VPC vpc-1"}},
	{name: "a subnet that is not in the cluster's VPC", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		f.Answers.PrivateSubnetIDs, f.Subnets = "subnet-1", map[string]Subnet{"subnet-1": {netplan.Subnet{ID: "subnet-1", VPC: "vpc-1", Zone: "us-east-1b", FreeAddresses: 99}, nil}}
	}, kind: subnetElsewhere, says: []string{"of the VPC vpc-9"}},
	{name: "two subnets of one zone", mode: contract.ModeExistingVPC, wrong: with("subnet-1", func(s *Subnet) { s.Zone, s.ZoneID = "us-east-1b", "use1-az2" }), kind: subnetsInOneZone, says: []string{"in 2 Availability Zones, and these are in 1 [us-east-1b]"}},
	{name: "a zone without EKS", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.Answers.PrivateSubnetIDs += ",subnet-4"
		f.Subnets["subnet-4"] = Subnet{netplan.Subnet{ID: "subnet-4", VPC: "vpc-1", Zone: "us-east-1c", ZoneID: "use1-az3", FreeAddresses: 99}, nil}
	}, kind: subnetZoneRefused, says: []string{"subnet-4", "us-east-1c (use1-az3)"}},
	{name: "an excluded zone", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.Answers.ExcludedAvailabilityZones, f.Answers.PublicSubnetIDs = "use1-az1", ""
	}, kind: subnetZoneExcluded, says: []string{"subnet-1", "in us-east-1a, named as use1-az1"}},
	{name: "private and public", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.Answers.PublicSubnetIDs = "subnet-2"
		with("subnet-2", func(s *Subnet) { s.Routes = nil })(f)
	}, kind: subnetTwice, says: []string{"subnet-2"}},
	{name: "a full subnet", mode: contract.ModeExistingVPC, wrong: with("subnet-1", func(s *Subnet) { s.FreeAddresses = 15 }), kind: subnetFull, says: []string{"has 15 free addresses, at least 16"}},
	{name: "a full public subnet", mode: contract.ModeExistingVPC, wrong: with("subnet-3", func(s *Subnet) { s.FreeAddresses = 7 }), kind: publicSubnetFull, says: []string{"has 7 free addresses, a load balancer needs 8"}},
	{name: "a route into nothing, and a proxy", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.Subnets["subnet-1"].Routes.Blackhole, f.Answers.HTTPSProxy = true, "http://proxy.example.com:3128"
	}},
	{name: "a small subnet without a way out of an existing cluster, which its facts look at", mode: contract.ModeExistingEKS, wrong: func(f *Facts) {
		s := Subnet{netplan.Subnet{ID: "subnet-9", VPC: "vpc-9", Zone: "us-east-1b", FreeAddresses: 2}, &Routes{Table: "rtb-9"}}
		f.Answers.PrivateSubnetIDs, f.Subnets, f.Endpoints = "subnet-9", map[string]Subnet{"subnet-9": s}, map[string]bool{}
	}},
	{name: "a route into nothing", mode: contract.ModeExistingVPC, wrong: with("subnet-1", func(s *Subnet) { s.Routes.Blackhole = true }), kind: subnetBlackhole, says: []string{"rtb-1 leads to nat-1, which is gone", "--route-table-id rtb-1"}},
	{name: "a private subnet that is public", mode: contract.ModeExistingVPC, wrong: with("subnet-1", func(s *Subnet) { s.Routes.Out = "igw-1" }), kind: subnetPublic, says: []string{"subnet-1", "leads to igw-1"}},
	{name: "no way out", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		with("subnet-1", func(s *Subnet) { s.Routes.Out, s.Routes.S3 = "", false })(f)
		f.Endpoints = map[string]bool{"ec2": true, "sts": true}
	}, kind: subnetNoWayOut, says: []string{"subnet-1", "lacks ecr.api, ecr.dkr, eks, s3, elasticloadbalancing, sqs, ssm"}},
	{name: "endpoints in place of a way out", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		with("subnet-1", func(s *Subnet) { s.Routes.Out = "" })(f)
		for _, e := range endpoints.Needed(true) {
			f.Endpoints[e] = true
		}
	}},
	{name: "a proxy in place of a way out", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		with("subnet-1", func(s *Subnet) { s.Routes.Out = "" })(f)
		f.Answers.HTTPSProxy = "http://10.0.0.9:3128"
	}},
	{name: "a public subnet that is private", mode: contract.ModeExistingVPC, wrong: with("subnet-3", func(s *Subnet) { s.Routes.Out = "nat-1" }), kind: publicSubnetPrivate, says: []string{"subnet-3", "rtb-2"}},
	{name: "S3 through the NAT gateway", mode: contract.ModeExistingVPC, wrong: with("subnet-1", func(s *Subnet) { s.Routes.S3 = false }), kind: subnetS3, says: []string{"rtb-1 has no endpoint for S3"}},
	{name: "S3 through an interface", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		with("subnet-1", func(s *Subnet) { s.Routes.S3 = false })(f)
		f.Endpoints["s3"] = true
	}},
}

var ofQuotas = []one{
	{name: "no VPC left", wrong: func(f *Facts) { f.VPCs = new(5) }, kind: quotaVPCs, says: []string{"the quota is 5, 5 are in use, and 1 more", "--service-code vpc --quota-code L-F678F1CE --desired-value 6"}},
	{name: "no gateway left", wrong: func(f *Facts) { f.Gateways = new(5) }, kind: quotaGateways, says: []string{"L-A4707A72"}},
	{name: "no gateway left, and the VPC has one", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.inSpace("10.0.0.0/20")
		f.Gateways = new(5)
	}},
	{name: "no gateway left, and the VPC has none", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.inSpace("10.0.0.0/20")
		f.VPC.Gateway, f.Gateways = "", new(5)
	}, kind: quotaGateways},
	{name: "no NAT gateway left", wrong: func(f *Facts) { f.NATs["us-east-1a"] = 5 }, kind: quotaNATs, says: []string{"us-east-1a", "L-FE5A380F"}},
	{name: "no NAT gateway left where none is made", wrong: func(f *Facts) { f.NATs["us-east-1b"] = 5 }},
	{name: "no NAT gateway left in one of the zones", wrong: func(f *Facts) {
		f.NATs["us-east-1b"], f.Answers.NatGateways, f.Addresses = 5, "PerZone", new(0)
	}, kind: quotaNATs, says: []string{"us-east-1b"}},
	{name: "no address left", wrong: func(f *Facts) { f.Addresses = new(5) }, kind: quotaAddresses, says: []string{"L-0263D0A3"}},
	{name: "too few addresses for each zone", wrong: func(f *Facts) { f.Answers.NatGateways = "PerZone" }, kind: quotaAddresses, says: []string{"4 are in use, and 2 more", "--desired-value 6"}},
	{name: "nothing is made in the VPC", mode: contract.ModeExistingVPC, wrong: func(f *Facts) { f.VPCs, f.Gateways, f.Addresses = new(9), new(9), new(9) }},
	{name: "vCPUs for the node group and no engine", wrong: func(f *Facts) { f.VCPUs["L-1216C47A"] = 1 }, kind: quotaOnDemand, says: []string{"the quota is 5, 1 are in use, and 5 more", "L-1216C47A"}},
	{name: "vCPUs for the engine as Spot", wrong: func(f *Facts) {
		f.VCPUs["L-1216C47A"], f.Answers.NodeCapacityTypes = 1, "spot,on-demand"
	}},
	{name: "no Spot for the engine", wrong: func(f *Facts) {
		f.VCPUs["L-34B43A08"], f.Answers.NodeCapacityTypes = 5, "spot"
	}, kind: quotaSpot, says: []string{"5 are in use, and 1 more", "L-34B43A08"}},
	{name: "no Spot for the node group", wrong: func(f *Facts) {
		f.VCPUs["L-34B43A08"], f.Answers.NodeGroupCapacityType = 2, "SPOT"
	}, kind: quotaSpot, says: []string{"2 are in use, and 4 more"}},
	{name: "another class has room", wrong: func(f *Facts) {
		f.VCPUs["L-1216C47A"], f.Quotas["L-7295265B"] = 1, 64
		f.Answers.NodeInstanceFamilies += ",x2gd"
		f.Types = append(f.Types, InstanceType{Name: "x2gd.medium", VCPUs: 1, Zones: []string{"us-east-1b"}})
	}},
	{name: "a class that is not known", wrong: func(f *Facts) {
		f.VCPUs["L-1216C47A"], f.Answers.NodeInstanceFamilies = 1, "hpc7g"
		f.Types = append(f.Types, InstanceType{Name: "hpc7g.4xlarge", VCPUs: 16, Zones: []string{"us-east-1b"}})
	}},
	{name: "an own cluster has its nodes", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.VCPUs["L-1216C47A"] = 4 }},
	{name: "an own cluster, and no vCPU left", mode: contract.ModeExistingEKS, wrong: func(f *Facts) { f.VCPUs["L-1216C47A"] = 5 }, kind: quotaOnDemand, says: []string{"5 are in use, and 1 more"}},
}

var ofInstances = []one{
	{name: "no family", wrong: func(f *Facts) { f.Answers.NodeInstanceFamilies = "c8g,r8g" }, kind: familiesNotOffered, says: []string{"c8g,r8g", "us-east-1a, us-east-1b"}},
	{name: "a family that is in other zones", mode: contract.ModeExistingVPC, wrong: func(f *Facts) {
		f.Answers.NodeInstanceFamilies = "c8g"
		f.Types = append(f.Types, InstanceType{Name: "c8g.large", VCPUs: 2, Zones: []string{"us-east-1f"}})
	}, kind: familiesNotOffered},
	{name: "one family less", wrong: func(f *Facts) { f.Answers.NodeInstanceFamilies = "c7g,c8g" }, kind: familyNotOffered, says: []string{"c8g", "Karpenter takes the other"}},
	{name: "another architecture", wrong: func(f *Facts) { f.Answers.NodeArchitectures = "arm64" }, kind: familyArchitecture, says: []string{"m7i", "are amd64, and allowed are arm64"}},
	{name: "another architecture in an update", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Answers.NodeArchitectures = "amd64"
	}, kind: familyArchitecture, says: []string{"c7g"}},
	{name: "no node group", wrong: func(f *Facts) { f.Types = f.Types[1:] }, kind: nodeGroupType, says: []string{"t4g.medium"}},
}

var ofIdentities = []one{
	{name: "nobody", wrong: func(f *Facts) { f.Principals[f.Answers.AdminPrincipalArn] = false }, kind: principalMissing, says: []string{"AdminPrincipalArn arn:aws:iam::111122223333:role/ops/Admin", "Correct AdminPrincipalArn"}},
	{name: "no boundary", wrong: func(f *Facts) { f.Boundary = new(false) }, kind: boundaryMissing, says: []string{"policy/edge"}},
	{name: "another account's boundary", wrong: func(f *Facts) { f.Answers.PermissionsBoundaryArn = "arn:aws:iam::999988887777:policy/edge" }, kind: boundaryElsewhere, says: []string{"of the account 111122223333"}},
	{name: "AWS's boundary", wrong: func(f *Facts) { f.Answers.PermissionsBoundaryArn = "arn:aws:iam::aws:policy/PowerUserAccess" }},
	{name: "no key", wrong: func(f *Facts) { f.Key = &Key{} }, kind: keyMissing, says: []string{keyARN}},
	{name: "a key elsewhere", wrong: func(f *Facts) {
		f.Answers.KmsKeyArn, f.Key = strings.Replace(keyARN, "us-east-1", "eu-west-1", 1), nil
	}, kind: keyElsewhere, says: []string{"it is in eu-west-1", "a key of us-east-1"}},
	{name: "a key that is off", wrong: func(f *Facts) { f.Key.State = "PendingDeletion" }, kind: keyNotEnabled, says: []string{"it is PendingDeletion"}},
	{name: "a key that signs", wrong: func(f *Facts) { f.Key.Spec, f.Key.Usage = "RSA_2048", "SIGN_VERIFY" }, kind: keyWrongKind, says: []string{"RSA_2048 for SIGN_VERIFY"}},
	{name: "AWS's key", wrong: func(f *Facts) { f.Key.Manager = "AWS" }, kind: keyWrongKind, says: []string{"it is of AWS"}},
	{name: "a closed key", wrong: func(f *Facts) {
		f.Key.Policy = `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*"},` +
			`{"Effect":"Allow","Principal":{"AWS":"` + scaling + `"},"Action":"kms:Describe*"}]}`
	}, kind: keyPolicyClosed, says: []string{"arn:aws:iam::111122223333:root", scaling, "docs/kms-key-policy.md"}},
	{name: "a key that is lent", wrong: func(f *Facts) { f.Key.Policy, f.Key.Grantees = "{}", []string{scaling} }},
	{name: "a key for everybody of the account", wrong: func(f *Facts) {
		f.Key.Policy = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}}]}`
	}},
	{name: "a hidden policy", wrong: func(f *Facts) { f.Key.Policy = "" }, kind: keyPolicyUnread, says: []string{keyARN}},
	{name: "no bucket", wrong: func(f *Facts) { f.Charts.BucketMissing = true }, kind: chartBucketMissing, says: []string{"ChartSource s3://charts/mirror"}},
	{name: "a bucket elsewhere", wrong: func(f *Facts) { f.Charts.Region = "eu-west-1" }, kind: chartBucketElsewhere, says: []string{"it is in eu-west-1", "a bucket in us-east-1"}},
	{name: "no chart", wrong: func(f *Facts) { f.Charts.Missing = []string{"mirror/karpenter-1.14.0.tgz"} }, kind: chartMissing, says: []string{"there is no mirror/karpenter-1.14.0.tgz"}},
	{name: "hidden charts", wrong: func(f *Facts) { f.Charts.Hidden = []string{"mirror/karpenter-1.14.0.tgz"} }, kind: chartsUnread},
	{name: "a service without its role", wrong: func(f *Facts) { f.LinkedRoles[loadBalancing] = false }, kind: linkedRoleMissing, says: []string{"AWSServiceRoleForElasticLoadBalancing", "--aws-service-name elasticloadbalancing.amazonaws.com"}},
	{name: "Spot's role where no Spot is asked for", wrong: func(f *Facts) { f.LinkedRoles[spotService] = false }},
}
