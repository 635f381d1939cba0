package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuickCreateAsksForFewAnswers(t *testing.T) {
	for file, want := range map[string][]string{
		quickstartFile: {"DataBucketNames", "WorkspaceName"},
		existingFile:   {"DataBucketNames", "VpcId", "WorkspaceName"},
		clusterFile:    {"DataBucketNames", "ExistingClusterName", "WorkspaceName"},
	} {
		var required []string
		for name, p := range section(load(t, file), "Parameters") {
			if _, ok := p.(object)["Default"]; !ok {
				required = append(required, name)
			}
		}
		if diff := cmp.Diff(want, sorted(required)); diff != "" {
			t.Errorf("parameters of %s without a default (-want +got):\n%s", file, diff)
		}
	}
}

func TestEveryParameterIsGroupedLabelledAndUsed(t *testing.T) {
	for _, f := range launched {
		checkForm(t, load(t, f))
	}
	for _, f := range all {
		checkUsed(t, f)
	}
}

// checkForm looks at what the console shows.
func checkForm(t *testing.T, template object) {
	t.Helper()
	form := at(template, "Metadata", "AWS::CloudFormation::Interface")
	var grouped []string
	for _, g := range at(form, "ParameterGroups").([]any) {
		if at(g, "Label", "default") == "" {
			t.Error("a group has no label")
		}
		grouped = append(grouped, asList(at(g, "Parameters"))...)
	}
	declared := slices.Sorted(maps.Keys(section(template, "Parameters")))
	if diff := cmp.Diff(declared, sorted(grouped)); diff != "" {
		t.Errorf("grouped parameters (-declared +grouped):\n%s", diff)
	}
	labels := at(form, "ParameterLabels").(object)
	if diff := cmp.Diff(declared, slices.Sorted(maps.Keys(labels))); diff != "" {
		t.Errorf("labelled parameters (-declared +labelled):\n%s", diff)
	}
}

func checkUsed(t *testing.T, file string) {
	t.Helper()
	template := load(t, file)
	used := map[string]bool{}
	for _, part := range []string{"Rules", "Conditions", "Resources", "Outputs"} {
		walk(template[part], func(v any) {
			switch fn, arg := only(v); fn {
			case "Ref":
				used[arg.(string)] = true
			case "Fn::Sub":
				for _, found := range placeholder.FindAllStringSubmatch(fmt.Sprint(arg), -1) {
					used[found[1]] = true
				}
			}
		})
	}
	for name := range section(template, "Parameters") {
		if !used[name] {
			t.Errorf("%s: parameter %s is asked for and not used", file, name)
		}
	}
	for name := range section(template, "Conditions") {
		if !strings.Contains(string(fresh[file]), "- "+name+"\n") && !strings.Contains(string(fresh[file]), "Condition: "+name+"\n") {
			t.Errorf("%s: condition %s is not used", file, name)
		}
	}
}

// otherWords are parameters that decide about less, or about something else, on
// a cluster of the customer's, and say so. They take the same answers.
var otherWords = []string{"KmsKeyArn", "LogRetentionDays", "PrivateSubnetIds"}

// declared are the parameters of all templates that customers launch. One of the
// same name is the same in each, but for otherWords.
func declared(t *testing.T) object {
	t.Helper()
	all := object{}
	for _, f := range launched {
		for name, p := range section(load(t, f), "Parameters") {
			known, ok := all[name].(object)
			if ok && f == clusterFile && slices.Contains(otherWords, name) {
				if at(p, "Description") == known["Description"] {
					t.Fatalf("%s is described in the same words in all templates: take it out of otherWords", name)
				}
				p = maps.Clone(p.(object))
				p.(object)["Description"] = known["Description"]
			}
			if ok && !cmp.Equal(any(known), p) {
				t.Fatalf("the templates differ in parameter %s:\n%s", name, cmp.Diff(any(known), p))
			}
			all[name] = p
		}
	}
	return all
}

// accepts tells whether CloudFormation takes value for a parameter: allowed
// values, pattern (for each element of a list) and limits.
func accepts(t *testing.T, name, value string) bool {
	t.Helper()
	p := declared(t)[name]
	if p == nil {
		t.Fatalf("no parameter %s", name)
	}
	if values := asList(at(p, "AllowedValues")); len(values) > 0 && !slices.Contains(values, value) {
		return false
	}
	pattern, _ := at(p, "AllowedPattern").(string)
	if pattern == "" {
		return true
	}
	whole := regexp.MustCompile(`^(?:` + pattern + `)$`)
	elements := []string{value}
	if at(p, "Type") == "CommaDelimitedList" {
		elements = strings.Split(value, ",")
	}
	return !slices.ContainsFunc(elements, func(e string) bool { return !whole.MatchString(strings.TrimSpace(e)) })
}

func TestDefaultsAreAcceptedAndRefusalsExplained(t *testing.T) {
	for name, p := range declared(t) {
		if d, ok := p.(object)["Default"]; ok && !accepts(t, name, fmt.Sprint(d)) {
			t.Errorf("%s refuses its own default %v", name, d)
		}
		_, pattern := p.(object)["AllowedPattern"]
		_, values := p.(object)["AllowedValues"]
		constraint, _ := at(p, "ConstraintDescription").(string)
		// CloudFormation itself looks for the VPC of an AWS::EC2::VPC::Id.
		if kind, _ := at(p, "Type").(string); constraint == "" && !strings.HasPrefix(kind, "AWS::") {
			t.Errorf("%s: a refusal would not say what to enter", name)
		}
		// CloudFormation itself looks whether a VPC exists.
		if kind := at(p, "Type"); !pattern && !values && kind != "Number" && kind != "AWS::EC2::VPC::Id" {
			t.Errorf("%s takes anything", name)
		}
		// Helm values and other JSON texts are made by Fn::Sub, without escapes.
		if pattern && (accepts(t, name, `a"b`) || accepts(t, name, `a\b`) || accepts(t, name, "a\nb")) {
			t.Errorf("%s accepts characters that break the JSON it is put into", name)
		}
	}
}

func TestPatterns(t *testing.T) {
	tests := map[string]struct{ takes, refuses []string }{
		"WorkspaceName": {
			takes:   []string{"abc", "sales-eu-1", "a2345678901234567890"},
			refuses: []string{"", "ab", "Sales", "1abc", "abc-", "a_b", "a23456789012345678901"},
		},
		"DataBucketNames": {
			takes:   []string{"data", "my.data-1, other"},
			refuses: []string{"", "*", "data,*", "s3://data", "data/*", "Data", "data,", "arn:aws:s3:::data"},
		},
		"KubernetesNamespace":             {takes: []string{"e6data", "a"}, refuses: []string{"", "-a", "a.b", "A"}},
		"LoadBalancerControllerNamespace": {takes: []string{"kube-system", "a"}, refuses: []string{"", "-a", "a.b", "A"}},
		"DebugNamespaces":                 {takes: []string{"", "kube-system,a"}, refuses: []string{"a b", "A"}},
		"VpcCidr": {
			takes: []string{"10.200.0.0/16", "10.0.0.0/21", "172.16.0.0/16", "172.31.128.0/20", "192.168.0.0/16"},
			refuses: []string{
				"", "10.0.0.0/15", "10.0.0.0/22", "172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "14.100.0.0/16", "10.256.0.0/16", "10.0.0.0",
			},
		},
		"ExcludedAvailabilityZones": {
			takes:   []string{"", "us-east-1e", "use1-az3", "us-gov-west-1a,ap-southeast-2b", "apne1-az4"},
			refuses: []string{"us-east-1", "e", "*"},
		},
		"AdditionalAvailabilityZones": {takes: []string{"", "us-east-1e, use1-az3"}, refuses: []string{"us-east-1", "e", "3"}},
		"PrivateSubnetIds": {
			takes:   []string{"", "subnet-0123456789abcdef0", "subnet-0123abcd, subnet-0123456789abcdef0,subnet-0123456789abcdef1"},
			refuses: []string{"subnet-1", "subnet-0123456789ABCDEF0", "subnet-0123abcd,", "subnet-0123abcd subnet-0123abce", "vpc-0123456789abcdef0"},
		},
		"PublicSubnetIds":     {takes: []string{"", "subnet-0123456789abcdef0"}, refuses: []string{"*", "subnet-"}},
		"ClusterName":         {takes: []string{"", "e6data-sales", "Shared_1"}, refuses: []string{"-a", "a b", "a/b", strings.Repeat("a", 101)}},
		"ExistingClusterName": {takes: []string{"shared", "Shared_1", "1"}, refuses: []string{"", "-a", "a b", "a/b", strings.Repeat("a", 101)}},
		"KarpenterControllerRoleName": {
			takes:   []string{"", "KarpenterController", "a+=,.@_-"},
			refuses: []string{"arn:aws:iam::111122223333:role/Karpenter", "path/Karpenter", "a b", strings.Repeat("a", 65)},
		},
		"ClusterAdminRoleArn": {
			takes:   []string{"", "arn:aws:iam::111122223333:role/ops/Admin", "arn:aws-cn:iam::111122223333:role/Admin"},
			refuses: []string{"Admin", "arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/a/b", "arn:aws:iam::111122223333:role/*"},
		},
		"EndpointPublicAccessCidrs": {
			takes:   []string{"", "44.194.151.209/32", "198.51.100.0/24, 203.0.113.0/25", "10.0.0.0/8"},
			refuses: []string{"0.0.0.0/0", "44.194.151.209/32,0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/7", "::/0", "1.2.3.4", "1.2.3.256/32"},
		},
		"VpcCniWarmTargets": {
			takes:   []string{"", "WARM_IP_TARGET=2", "MINIMUM_IP_TARGET=12, WARM_IP_TARGET=2", "WARM_ENI_TARGET=0,WARM_PREFIX_TARGET=0,MINIMUM_IP_TARGET=20"},
			refuses: []string{"2", "WARM_IP_TARGET", "WARM_IP_TARGET=", "WARM_IP_TARGET=-1", "WARM_IP_TARGET=many", "ENABLE_PREFIX_DELEGATION=true", "WARM_IP_TARGET=2;"},
		},
		"AdminPrincipalArn": {
			takes:   []string{"", "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/Admin_1", "arn:aws-cn:iam::111122223333:user/a"},
			refuses: []string{"Admin", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/a/b"},
		},
		"ControlPlanePrincipalArn": {
			takes:   []string{"", "arn:aws:iam::442042515899:root", "arn:aws-us-gov:iam::442042515899:role/a/b"},
			refuses: []string{"*", "442042515899", "arn:aws:iam::442042515899:*"},
		},
		"ExternalId":             {takes: []string{"", "a1", "tenant:42/x"}, refuses: []string{"a", "a b", "a*"}},
		"PermissionsBoundaryArn": {takes: []string{"", "arn:aws:iam::aws:policy/X", "arn:aws:iam::111122223333:policy/p/X"}, refuses: []string{"X"}},
		"RolePath":               {takes: []string{"/", "/a/", "/a/b/"}, refuses: []string{"", "a", "/a", "//"}},
		"KmsKeyArn": {
			takes: []string{
				"", keyARN, "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
				"arn:aws-cn:kms:cn-northwest-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			},
			refuses: []string{
				"1234abcd-12ab-34cd-56ef-1234567890ab", "alias/key", "arn:aws:kms:us-east-1:111122223333:alias/key",
				"arn:aws:kms:us-east-1:111122223333:key/*", "arn:aws:kms::111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			},
		},
		"NodeTags": {
			takes: []string{"", "team=data", "cost center=42,path=a/b:c,empty=", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10"},
			refuses: []string{
				"team", "=x", "a=1,", "a=1,,b=2", "a=b=c", "aws:x=1", "kubernetes.io/cluster/x=owned", "a =1", `a="x"`, "a={}",
				"a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11",
			},
		},
		"NodeCapacityTypes":  {takes: []string{"on-demand", "spot", "spot,on-demand"}, refuses: []string{"", "Spot", "on-demand,spot"}},
		"NodeArchitectures":  {takes: []string{"arm64", "amd64", "arm64,amd64"}, refuses: []string{"", "x86_64"}},
		"NodeAmiVersion":     {takes: []string{"latest", "v20260915", "v20261231"}, refuses: []string{"", "20260915", "v2026", "v20261301", "v20260932", "v20260900", "ami-0123456789abcdef0"}},
		"KarpenterNamespace": {takes: []string{"kube-system", "karpenter"}, refuses: []string{"", "Karpenter", "a.b"}},
		"HttpsProxy": {
			takes: []string{"", "http://proxy.example.com:3128", "https://10.0.0.9:443", "http://proxy:1", "http://proxy:65535"},
			refuses: []string{
				"proxy.example.com:3128", "http://proxy.example.com", "http://user:secret@proxy.example.com:3128", "http://user@proxy:3128",
				"socks5://proxy:1080", "http://proxy:3128/", "http://-proxy:3128", "http://proxy:0", "http://proxy:65536", "http://proxy:99999",
			},
		},
		"NoProxy": {
			takes:   []string{"", ".example.com,10.0.0.0/8,s3.us-east-1.amazonaws.com:443"},
			refuses: []string{"a b", "a,", ",a", "*.example.com", "a;b"},
		},
		"ImageRegistry": {
			takes:   []string{"", "registry.example.com", "registry.example.com:5000/a/b-c", "111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror"},
			refuses: []string{"https://registry.example.com", "registry.example.com/", "registry.example.com/A", "registry.example.com/a:tag", "registry.example.com:65536/a", "/a"},
		},
		"ChartSource": {
			takes: []string{"Public", "s3://charts", "s3://charts/a/b", "oci://registry.example.com:5000/charts", "oci://public.ecr.aws/karpenter"},
			refuses: []string{
				"", "public", "s3://", "s3://charts/", "s3://charts/a/", "s3://charts/*", "https://example.com", "oci://", "oci://registry:70000", "s3://charts/s3://x",
			},
		},
		"Version":              {takes: []string{version(t)}, refuses: []string{"", "latest", "99.0.0", "../1.2.3"}},
		"ArtifactBucket":       {takes: []string{"", "artefacts.eu"}, refuses: []string{"A", "a/b"}},
		"NodeInstanceFamilies": {takes: []string{"c7g", "c7g,m7i-flex"}, refuses: []string{"", "c7g.large", "C7G", "*"}},
		"ConsoleHost":          {takes: []string{"console.e6data.com"}, refuses: []string{"", "localhost", "https://a.example", "a.example/x"}},
		"CallbackUrl": {
			takes: []string{"", "https://hooks.example.com", "https://hooks.example.com:8443/e6data/workspaces/"},
			refuses: []string{
				"http://hooks.example.com", "https://localhost", "https://127.0.0.1/", "https://me:secret@hooks.example.com", "https://hooks.example.com/?token=x",
				"https://hooks.example.com/#a", "hooks.example.com", "https://hooks.example.com/a b",
			},
		},
		"KubernetesVersion": {takes: []string{"1.36", "1.35"}, refuses: []string{"1.33", "latest"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, v := range tt.takes {
				if !accepts(t, name, v) {
					t.Errorf("refuses %q", v)
				}
			}
			for _, v := range tt.refuses {
				if accepts(t, name, v) {
					t.Errorf("takes %q", v)
				}
			}
		})
	}
}

func TestRules(t *testing.T) {
	tests := map[string]struct {
		file    string
		region  string
		answers map[string]string
		broken  []string
	}{
		"a published region":                        {quickstartFile, "us-east-1", nil, nil},
		"an unpublished region":                     {quickstartFile, "sa-east-1", nil, []string{"RegionIsPublished"}},
		"an unpublished region with its own copy":   {quickstartFile, "sa-east-1", map[string]string{"ArtifactBucket": "copy"}, nil},
		"everybody's namespace":                     {quickstartFile, "us-east-1", map[string]string{"KubernetesNamespace": "default"}, []string{"NamespaceIsOurs"}},
		"an existing VPC":                           {existingFile, "us-east-1", map[string]string{"NatGateways": "PerZone"}, nil},
		"private subnets":                           {existingFile, "us-east-1", map[string]string{"PrivateSubnetIds": "subnet-0a"}, nil},
		"private and public subnets":                {existingFile, "us-east-1", map[string]string{"PrivateSubnetIds": "subnet-0a", "PublicSubnetIds": "subnet-0b"}, nil},
		"public subnets alone":                      {existingFile, "us-east-1", map[string]string{"PublicSubnetIds": "subnet-0b"}, []string{"PublicSubnetsNeedPrivateOnes"}},
		"NAT gateways beside given subnets":         {existingFile, "us-east-1", map[string]string{"PrivateSubnetIds": "subnet-0a", "NatGateways": "PerZone"}, []string{"GivenSubnetsHaveTheirWayOut"}},
		"a namespace of Kubernetes":                 {quickstartFile, "us-east-1", map[string]string{"KubernetesNamespace": "kube-system"}, []string{"ControllersHaveTheirNamespace", "NamespaceIsOurs"}},
		"Karpenter in the workspace's namespace":    {quickstartFile, "us-east-1", map[string]string{"KarpenterNamespace": "e6data"}, []string{"ControllersHaveTheirNamespace"}},
		"exceptions to no proxy":                    {quickstartFile, "us-east-1", map[string]string{"NoProxy": ".example.com"}, []string{"NoProxyNeedsProxy"}},
		"an existing cluster":                       {clusterFile, "us-east-1", nil, nil},
		"an existing cluster in everybody's space":  {clusterFile, "us-east-1", map[string]string{"KubernetesNamespace": "default"}, []string{"NamespaceIsOurs"}},
		"an existing cluster, unpublished":          {clusterFile, "sa-east-1", nil, []string{"RegionIsPublished"}},
		"the role of their Karpenter":               {clusterFile, "us-east-1", map[string]string{"KarpenterControllerRoleName": "Karpenter"}, nil},
		"the role of a Karpenter that is not there": {clusterFile, "us-east-1", map[string]string{"KarpenterControllerRoleName": "Karpenter", "KarpenterOnCluster": "Install"}, []string{"ControllerRoleIsTheirs"}},
		"exceptions to a proxy": {
			quickstartFile, "us-east-1", map[string]string{"NoProxy": ".example.com", "HttpsProxy": "http://proxy.example.com:3128"}, nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, tt.file, tt.answers)
			r.pseudo["AWS::Region"] = tt.region
			var broken []string
			for rule, v := range section(r.template, "Rules") {
				for _, a := range at(v, "Assertions").([]any) {
					if at(a, "AssertDescription") == "" {
						t.Errorf("%s does not explain itself", rule)
					}
					if !r.truth(at(a, "Assert")) {
						broken = append(broken, rule)
					}
				}
			}
			if diff := cmp.Diff(tt.broken, sorted(broken)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}
