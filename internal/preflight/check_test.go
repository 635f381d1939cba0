package preflight

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

const (
	ownStack = "arn:aws:cloudformation:us-east-1:111122223333:stack/demo/6f0c2a10"
	keyARN   = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	scaling  = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
)

// healthy are the facts of an account in which nothing is wrong, with all
// answers given.
func healthy(mode string) Facts {
	place, _ := PlaceOf(ownStack)
	f := Facts{
		Place: place, Mode: mode,
		Answers: contract.PreflightAnswers{
			WorkspaceName: "sales", ClusterName: "e6data-sales", KubernetesVersion: "1.36", ClusterSupportPolicy: "STANDARD",
			NodeGroupInstanceType: "t4g.medium", NodeGroupNodes: "2", NodeGroupCapacityType: "ON_DEMAND",
			NodeInstanceFamilies: "c7g,m7i", NodeArchitectures: "arm64,amd64", NodeCapacityTypes: "on-demand", NatGateways: "Single",
			AdminPrincipalArn:        "arn:aws:iam::111122223333:role/ops/Admin",
			ControlPlanePrincipalArn: "arn:aws:iam::999988887777:role/control", PermissionsBoundaryArn: "arn:aws:iam::111122223333:policy/edge",
			KmsKeyArn: keyARN, ChartSource: "s3://charts/mirror", Charts: "karpenter-1.14.0,workspace-2.1.12",
		},
		Zones: []netplan.Zone{
			{Name: "us-east-1a", ID: "use1-az1", Type: "availability-zone", State: "available"},
			{Name: "us-east-1b", ID: "use1-az2", Type: "availability-zone", State: "available"},
			{Name: "us-east-1c", ID: "use1-az3", Type: "availability-zone", State: "available"},
		},
		Versions: []Version{
			{Name: "1.34", Status: statusUnsupported},
			{Name: "1.35", Status: statusExtended, EndOfStandard: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)},
			{Name: "1.36", Status: "STANDARD_SUPPORT"},
		},
		Cluster: &Cluster{}, LogGroup: new(false),
		Quotas: map[string]int{
			"L-F678F1CE": 5, "L-A4707A72": 5, "L-FE5A380F": 5, "L-0263D0A3": 5, "L-1216C47A": 5, "L-34B43A08": 5,
		},
		VPCs: new(4), Gateways: new(4), Addresses: new(4), NATs: map[string]int{"us-east-1a": 4}, VCPUs: map[string]int{},
		Types: []InstanceType{
			{Name: "t4g.medium", VCPUs: 2, Zones: []string{"us-east-1a", "us-east-1b"}},
			{Name: "c7g.medium", VCPUs: 1, Zones: []string{"us-east-1b"}},
			{Name: "c7g.metal", VCPUs: 64, Zones: []string{"us-east-1b"}},
			{Name: "m7i.large", VCPUs: 2, Zones: []string{"us-east-1b"}},
		},
		Principals:  map[string]bool{"arn:aws:iam::111122223333:role/ops/Admin": true},
		Boundary:    new(true),
		Key:         &Key{Found: true, State: "Enabled", Usage: "ENCRYPT_DECRYPT", Spec: "SYMMETRIC_DEFAULT", Manager: "CUSTOMER", GrantsRead: true, Policy: customersPolicy()},
		Charts:      &Charts{},
		LinkedRoles: map[string]bool{},
	}
	for _, s := range LinkedRolesAsked(f) {
		f.LinkedRoles[s] = true
	}
	switch mode {
	case contract.ModeExistingVPC:
		f.withGivenSubnets()
	case contract.ModeExistingEKS:
		f.withOwnCluster()
	}
	return f
}

func (f *Facts) withGivenSubnets() {
	f.Answers.VpcID, f.Answers.PrivateSubnetIDs, f.Answers.PublicSubnetIDs = "vpc-1", "subnet-1, subnet-2", "subnet-3"
	f.VPC = &VPC{Found: true, State: "available", DNSSupport: new(true), DNSHostnames: new(true), NameServers: []string{amazonDNS}}
	nat := Routes{Table: "rtb-1", Out: "nat-1", S3: true}
	f.Subnets = map[string]Subnet{
		"subnet-1": {netplan.Subnet{ID: "subnet-1", VPC: "vpc-1", Zone: "us-east-1a", ZoneID: "use1-az1", FreeAddresses: 16}, &nat},
		"subnet-2": {netplan.Subnet{ID: "subnet-2", VPC: "vpc-1", Zone: "us-east-1b", ZoneID: "use1-az2", FreeAddresses: 16}, &nat},
		"subnet-3": {netplan.Subnet{ID: "subnet-3", VPC: "vpc-1", Zone: "us-east-1b", ZoneID: "use1-az2", FreeAddresses: 8}, &Routes{Table: "rtb-2", Out: "igw-1"}},
	}
	f.Endpoints = map[string]bool{}
}

func (f *Facts) withOwnCluster() {
	a := &f.Answers
	a.ClusterName, a.KubernetesVersion, a.ClusterSupportPolicy, a.NatGateways = "shared", "", "", ""
	a.NodeGroupInstanceType, a.NodeGroupNodes, a.NodeGroupCapacityType = "", "", ""
	a.InstallerRoleName, a.RolePath, a.ClusterAdminRoleArn, a.KarpenterControllerRoleName = "e6data-sales-installer-us-east-1", "/", "arn:aws:iam::111122223333:role/admins", "karpenter"
	f.Zones, f.LogGroup = nil, nil
	f.Cluster = &Cluster{Found: true, Status: "ACTIVE", Version: "1.36", Mode: "CONFIG_MAP", VPC: "vpc-9", Issuer: "https://issuer", PrivateAccess: true}
	f.InstallerRole, f.KarpenterRole = &Role{}, &Role{Found: true}
	f.AdminRole = &Role{Found: true, Trust: `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`}
}

// customersPolicy is the key policy that customers are told to use.
func customersPolicy() string {
	page, err := os.ReadFile("../../docs/kms-key-policy.md")
	if err != nil {
		panic(err)
	}
	_, policy, _ := strings.Cut(string(page), "```json\n")
	policy, _, _ = strings.Cut(policy, "```")
	return policy
}

// updating makes the facts those of a stack that is updated.
func updating(f Facts) Facts {
	f.Update, f.Before = true, f.Answers
	return f
}

func TestAHealthyAccountIsSilent(t *testing.T) {
	for _, mode := range []string{contract.ModeNewVPC, contract.ModeExistingVPC, contract.ModeExistingEKS} {
		for _, f := range []Facts{healthy(mode), updating(healthy(mode))} {
			if r := Check(f); len(r.Problems)+len(r.Notes) > 0 {
				t.Errorf("%s, update %t: %v", mode, f.Update, r)
			}
		}
	}
}

// What is not known is no problem.
func TestNothingReadIsNoProblem(t *testing.T) {
	for _, mode := range []string{contract.ModeNewVPC, contract.ModeExistingVPC, contract.ModeExistingEKS} {
		for _, update := range []bool{false, true} {
			f := healthy(mode)
			f = Facts{Place: f.Place, Mode: mode, Update: update, Answers: f.Answers, Before: f.Answers}
			if r := Check(f); len(r.Problems)+len(r.Notes) > 0 {
				t.Errorf("%s, update %t: %v", mode, update, r)
			}
		}
	}
}

// one is a fact that is wrong, and what is said of it.
type one struct {
	name  string
	mode  string // new-vpc if empty
	wrong func(*Facts)
	kind  *Kind
	says  []string
}

func (o one) facts() Facts {
	mode := o.mode
	if mode == "" {
		mode = contract.ModeNewVPC
	}
	f := healthy(mode)
	o.wrong(&f)
	return f
}

func TestEachProblem(t *testing.T) {
	provoked := map[*Kind]bool{serviceControlPolicy: true} // TestAServiceControlPolicy
	for _, o := range slices.Concat(ofTheAccount, ofClusters, ofTheVPC, ofSubnets, ofQuotas, ofInstances, ofIdentities) {
		t.Run(o.name, func(t *testing.T) {
			r := Check(o.facts())
			all := slices.Concat(r.Problems, r.Notes)
			if o.kind == nil {
				if len(all) > 0 {
					t.Fatalf("said: %v", all)
				}
				return
			}
			provoked[o.kind] = true
			if len(all) != 1 || all[0].Kind != o.kind {
				t.Fatalf("said %v, want %s alone", all, o.kind.ID)
			}
			if noted := len(r.Notes) == 1; noted != o.kind.Note {
				t.Errorf("is a note: %t", noted)
			}
			text := all[0].String()
			for _, part := range o.says {
				if !strings.Contains(text, part) {
					t.Errorf("does not say %q: %s", part, text)
				}
			}
			if strings.ContainsAny(text, "{}") || !strings.HasSuffix(text, "["+o.kind.ID+"]") {
				t.Errorf("is not filled in: %s", text)
			}
		})
	}
	for _, k := range Kinds {
		if !provoked[k] {
			t.Errorf("%s is provoked by no case", k.ID)
		}
	}
}

var ofTheAccount = []one{
	{name: "a right is missing", wrong: func(f *Facts) {
		f.VPCs = nil
		f.Unread = []Unread{{Action: "ec2:DescribeVpcs", Denied: true, Text: "you are not authorized"}}
	}, kind: factUnread, says: []string{"ec2:DescribeVpcs", "you are not authorized", "the launch goes on"}},
	{name: "a version that the region does not have", wrong: func(f *Facts) { f.Answers.KubernetesVersion = "1.37" }, kind: versionNotOffered, says: []string{"1.37", "us-east-1 are 1.36, 1.35"}},
	{name: "a version that is over", wrong: func(f *Facts) { f.Answers.KubernetesVersion = "1.34" }, kind: versionUnsupported, says: []string{"1.34", "1.36, 1.35"}},
	{name: "a version in extended support", wrong: func(f *Facts) { f.Answers.KubernetesVersion = "1.35" }, kind: versionExtended, says: []string{"ended on 2027-03-01", "EXTENDED"}},
	{name: "extended support wanted", wrong: func(f *Facts) {
		f.Answers.KubernetesVersion, f.Answers.ClusterSupportPolicy = "1.35", "EXTENDED"
	}},
	{name: "down", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Cluster, f.Answers.KubernetesVersion, f.Answers.ClusterSupportPolicy = &Cluster{Found: true, Version: "1.36"}, "1.35", "EXTENDED"
	}, kind: versionDown, says: []string{"the cluster e6data-sales has 1.36", "Set KubernetesVersion to 1.36"}},
	{name: "two at a time", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Before.KubernetesVersion, f.Cluster = "1.34", nil
	}, kind: versionJump, says: []string{"has 1.34", "Set KubernetesVersion to 1.35 first"}},
	{name: "EKS went up by itself", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Before.KubernetesVersion, f.Cluster = "1.34", &Cluster{Found: true, Version: "1.35"}
	}},
	{name: "a version beside others", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Changed = map[string]Change{"KubernetesVersion": {"1.35", "1.36"}, "Version": {"0.1.0", "0.2.0"}, "NodeDiskGiB": {"100", "200"}}
	}, kind: oneWayWithOthers, says: []string{"KubernetesVersion 1.36", "changes NodeDiskGiB, Version too", "Leave KubernetesVersion at 1.35 now"}},
	{name: "a mode beside others", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Changed = map[string]Change{"ClusterAuthenticationMode": {"API_AND_CONFIG_MAP", "API"}, "Version": {"0.1.0", "0.2.0"}}
	}, kind: oneWayWithOthers, says: []string{"ClusterAuthenticationMode API", "Leave ClusterAuthenticationMode at API_AND_CONFIG_MAP"}},
	{name: "a version alone", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Changed = map[string]Change{"KubernetesVersion": {"1.35", "1.36"}}
	}},
	{name: "everything else together", wrong: func(f *Facts) {
		*f = updating(*f)
		f.Changed = map[string]Change{"NodeDiskGiB": {"100", "200"}, "Version": {"0.1.0", "0.2.0"}}
	}},
	{name: "an ARN of another partition", wrong: func(f *Facts) {
		f.Answers.AdminPrincipalArn = "arn:aws-cn:iam::111122223333:role/ops/Admin"
	}, kind: partitionMismatch, says: []string{"AdminPrincipalArn arn:aws-cn:", "begins with arn:aws:"}},
	{name: "a zone too many is excluded", wrong: func(f *Facts) { f.Answers.ExcludedAvailabilityZones = "use1-az2" }, kind: zonesTooFew, says: []string{"only us-east-1a can be used", "us-east-1b (use1-az2): ExcludedAvailabilityZones names use1-az2"}},
	{name: "a zone that is none", wrong: func(f *Facts) { f.Answers.ExcludedAvailabilityZones = "us-east-1q" }, kind: zoneUnknown, says: []string{"us-east-1q", "us-east-1a (use1-az1)"}},
	{name: "an ID that is none", wrong: func(f *Facts) { f.Answers.ExcludedAvailabilityZones = "use1-az9" }, kind: zoneUnknown, says: []string{"use1-az9"}},
	{name: "a zone elsewhere", wrong: func(f *Facts) { f.Answers.ExcludedAvailabilityZones = "eu-west-1a" }, kind: zoneOfAnotherRegion, says: []string{"eu-west-1a"}},
	{name: "a zone to add that is none", wrong: func(f *Facts) { f.Answers.AdditionalAvailabilityZones = "us-east-1q" }, kind: zoneNotAdded, says: []string{"the region has no zone us-east-1q"}},
}

// A region that is closed says so once, and what else could not be read.
func TestAServiceControlPolicy(t *testing.T) {
	f := healthy(contract.ModeNewVPC)
	f.Zones, f.VPCs = nil, nil
	f.Unread = []Unread{
		{Action: "ec2:DescribeVpcs", Denied: true, ByOrganization: true, Text: "denied"},
		{Action: "ec2:DescribeAvailabilityZones", Denied: true, ByOrganization: true, Text: "denied"},
	}
	r := Check(f)
	if len(r.Problems) != 1 || r.Problems[0].Kind != serviceControlPolicy || !strings.Contains(r.Problems[0].String(), "ec2:DescribeAvailabilityZones, ec2:DescribeVpcs") {
		t.Errorf("problems: %v", r.Problems)
	}
	if len(r.Notes) != 2 {
		t.Errorf("notes: %v", r.Notes)
	}
	f.Unread = f.Unread[:1]
	if r := Check(f); len(r.Problems) > 0 {
		t.Errorf("a read that the stack can do without stops it: %v", r.Problems)
	}
}

// Everything wrong at once: each is told, whole or in short, in the order of
// their importance and with their number.
func TestManyProblemsFit(t *testing.T) {
	var all []Problem
	for _, k := range Kinds {
		if !k.Note {
			all = append(all, Problem{Kind: k, On: strings.Repeat("subnet-0123456789abcdef0 ", 3), Why: strings.Repeat("ä ", 40)})
		}
	}
	for n := 1; n <= len(all); n++ {
		text := Report{Problems: all[:n]}.Error().Error()
		if len(text) > mostBytes {
			t.Fatalf("%d problems take %d bytes", n, len(text))
		}
		if !strings.HasPrefix(text, plural(n, "problem")+": ") {
			t.Fatalf("%d problems: %.40q", n, text)
		}
		for _, p := range all[:n] {
			if !strings.Contains(text, p.Kind.ID) {
				t.Fatalf("%s of %d problems is left out", p.Kind.ID, n)
			}
		}
	}
	if (Report{}).Error() != nil {
		t.Error("no problem is an error")
	}
}

func TestProblemsAreOrdered(t *testing.T) {
	f := healthy(contract.ModeNewVPC)
	f.Charts.Missing = []string{"a.tgz"}
	f.VPCs, f.Cluster = new(5), &Cluster{Found: true, Status: "ACTIVE", Version: "1.33"}
	want := []string{"cluster-name-taken", "quota-vpcs", "chart-missing"}
	var got []string
	for _, p := range Check(f).Problems {
		got = append(got, p.Kind.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	want2 := "3 problems: 1) there is an EKS cluster of this name already (ClusterName e6data-sales): it is ACTIVE, has Kubernetes 1.33, and no CloudFormation stack made it. Give another"
	if text := fmt.Sprint(Check(f).Error()); !strings.HasPrefix(text, want2) {
		t.Errorf("message: %s", text)
	}
}

// An update is refused for what it changes and nothing else.
func TestAnUpdateReadsOnlyWhatItChanges(t *testing.T) {
	tests := map[string]struct {
		change func(*contract.PreflightAnswers)
		want   Topics
	}{
		"nothing":               {func(*contract.PreflightAnswers) {}, Topics{}},
		"the zones":             {func(a *contract.PreflightAnswers) { a.AdditionalAvailabilityZones = "us-east-1b" }, Topics{}},
		"the version":           {func(a *contract.PreflightAnswers) { a.KubernetesVersion = "1.37" }, Topics{Versions: true, Cluster: true}},
		"a chart":               {func(a *contract.PreflightAnswers) { a.Charts = "workspace-3.0.0" }, Topics{Charts: true}},
		"to public charts":      {func(a *contract.PreflightAnswers) { a.ChartSource = "Public" }, Topics{}},
		"the admin":             {func(a *contract.PreflightAnswers) { a.AdminPrincipalArn = "arn:aws:iam::111122223333:user/joe" }, Topics{Principals: true}},
		"the admin of others":   {func(a *contract.PreflightAnswers) { a.AdminPrincipalArn = "arn:aws:iam::111122224444:user/joe" }, Topics{}},
		"no administrator":      {func(a *contract.PreflightAnswers) { a.AdminPrincipalArn = "" }, Topics{}},
		"the boundary":          {func(a *contract.PreflightAnswers) { a.PermissionsBoundaryArn = "arn:aws:iam::111122223333:policy/x" }, Topics{Boundary: true}},
		"a key, which is fixed": {func(a *contract.PreflightAnswers) { a.KmsKeyArn = "" }, Topics{}},
	}
	for name, tt := range tests {
		f := updating(healthy(contract.ModeNewVPC))
		tt.change(&f.Answers)
		if diff := cmp.Diff(tt.want, Asked(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
