package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
)

// known are the types that a delete takes away completely and that a check of
// what is left can find. A new one needs its place in both first.
var known = []string{
	"AWS::CloudFormation::Stack", "AWS::EC2::EIP", "AWS::EC2::InternetGateway", "AWS::EC2::LaunchTemplate", "AWS::EC2::NatGateway",
	"AWS::EC2::Route", "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::Subnet",
	"AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC", "AWS::EC2::VPCEndpoint", "AWS::EC2::VPCGatewayAttachment",
	"AWS::EKS::AccessEntry", "AWS::EKS::Addon", "AWS::EKS::Cluster", "AWS::EKS::Nodegroup", "AWS::Events::Rule", "AWS::IAM::InstanceProfile", "AWS::IAM::ManagedPolicy", "AWS::IAM::OIDCProvider",
	"AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::S3::Bucket",
	"AWS::S3::BucketPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", contract.TypeAWSAuth, contract.TypeClusterCheck, contract.TypeClusterFacts,
	contract.TypeFixedAnswers, contract.TypeHelmRelease, contract.TypeNetworkPlan, contract.TypeOidcProvider,
	contract.TypePreflight, contract.TypeWorkspaceOutputs,
}

func TestEveryTypeIsOneWeCanTakeAway(t *testing.T) {
	for _, f := range files {
		for id, r := range section(load(t, f), "Resources") {
			if kind := fmt.Sprint(at(r, "Type")); !slices.Contains(known, kind) {
				t.Errorf("%s: %s is an %s, which no check of what is left knows", f, id, kind)
			}
		}
	}
}

func TestOnlyBucketsOutliveTheStack(t *testing.T) {
	template := load(t, quickstartFile)
	resources := section(template, "Resources")
	var kept []string
	for id, r := range resources {
		deletion, replaced := at(r, "DeletionPolicy"), at(r, "UpdateReplacePolicy")
		if deletion == nil && replaced == nil {
			continue
		}
		kept = append(kept, id)
		if deletion != "RetainExceptOnCreate" || replaced != "Retain" {
			t.Errorf("%s: DeletionPolicy %v, UpdateReplacePolicy %v", id, deletion, replaced)
		}
	}
	want := append(resourcesOfType(template, "AWS::S3::Bucket"), resourcesOfType(template, "AWS::S3::BucketPolicy")...)
	if diff := cmp.Diff(sorted(want), sorted(kept)); diff != "" || len(want) != 4 {
		t.Errorf("resources that stay (-want +got):\n%s", diff)
	}
}

func TestBucketsAreClosed(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	for _, id := range resourcesOfType(r.template, "AWS::S3::Bucket") {
		p := r.properties(id)
		closed := object{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}
		if diff := cmp.Diff(any(closed), p["PublicAccessBlockConfiguration"]); diff != "" {
			t.Errorf("%s: public access (-want +got):\n%s", id, diff)
		}
		if p["BucketEncryption"] == nil || at(p, "VersioningConfiguration", "Status") != "Enabled" {
			t.Errorf("%s is not encrypted or not versioned", id)
		}
		if owner := fmt.Sprint(at(p, "OwnershipControls")); !strings.Contains(owner, "BucketOwnerEnforced") {
			t.Errorf("%s: %s", id, owner)
		}
		refused := slices.ContainsFunc(statements(r), func(s statement) bool {
			return s.where == id+"Policy" && s.Effect == "Deny" && slices.Equal(s.Actions, []string{"s3:*"}) &&
				at(s.Raw, "Condition", "Bool", "aws:SecureTransport") == "false" && len(s.Resources) == 2
		})
		if !refused {
			t.Errorf("%s takes requests without TLS", id)
		}
	}
	if to := at(r.properties("WorkspaceBucket"), "LoggingConfiguration", "DestinationBucketName"); to != "logbucket" {
		t.Errorf("access logs of the workspace bucket go to %v", to)
	}
	for _, s := range statements(r) {
		if s.where != "LogBucketPolicy" || s.Effect != "Allow" {
			continue
		}
		want := object{
			"ArnLike":      object{"aws:SourceArn": "arn:aws:made:::WorkspaceBucket"},
			"StringEquals": object{"aws:SourceAccount": "111122223333"},
		}
		if diff := cmp.Diff(any(want), s.Raw["Condition"]); diff != "" {
			t.Errorf("log delivery (-want +got):\n%s", diff)
		}
		if !slices.Equal(s.Resources, []string{"arn:aws:made:::LogBucket/workspace-bucket/*"}) {
			t.Errorf("log delivery to %v", s.Resources)
		}
	}
}

func TestClusterEndpoint(t *testing.T) {
	tests := map[string]struct {
		cidrs string
		want  object
	}{
		"closed": {"", object{"EndpointPrivateAccess": true, "EndpointPublicAccess": false}},
		"open to two": {"198.51.100.0/24,203.0.113.7/32", object{
			"EndpointPrivateAccess": true, "EndpointPublicAccess": true, "PublicAccessCidrs": []any{"198.51.100.0/24", "203.0.113.7/32"},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newRun(t, quickstartFile, map[string]string{"EndpointPublicAccessCidrs": tt.cidrs}).properties("Cluster")
			config := p["ResourcesVpcConfig"].(object)
			delete(config, "SubnetIds")
			if diff := cmp.Diff(tt.want, config); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClusterAccess(t *testing.T) {
	for _, mode := range asList(at(section(load(t, quickstartFile), "Parameters")["ClusterAuthenticationMode"], "AllowedValues")) {
		r := newRun(t, quickstartFile, map[string]string{"ClusterAuthenticationMode": mode})
		want := object{"AuthenticationMode": mode, "BootstrapClusterCreatorAdminPermissions": false}
		if diff := cmp.Diff(any(want), r.properties("Cluster")["AccessConfig"]); diff != "" {
			t.Errorf("access (-want +got):\n%s", diff)
		}
		if mode == "CONFIG_MAP" {
			t.Error("the access entries of this stack need a mode that knows them")
		}
	}
}

// Nobody but the customer's key encrypts the secrets a second time.
func TestSecretsAreEncryptedWithTheCustomersKey(t *testing.T) {
	want := []any{object{"Resources": []any{"secrets"}, "Provider": object{"KeyArn": keyARN}}}
	if diff := cmp.Diff(any(want), newRun(t, quickstartFile, map[string]string{"KmsKeyArn": keyARN}).properties("Cluster")["EncryptionConfig"]); diff != "" {
		t.Errorf("encryption (-want +got):\n%s", diff)
	}
	if got, given := newRun(t, quickstartFile, nil).properties("Cluster")["EncryptionConfig"]; given {
		t.Errorf("without a key there is %v", got)
	}
}

func TestClusterLogs(t *testing.T) {
	for _, choice := range asList(at(section(load(t, quickstartFile), "Parameters")["ClusterLogTypes"], "AllowedValues")) {
		r := newRun(t, quickstartFile, map[string]string{"ClusterLogTypes": choice})
		got := []string{}
		for _, lt := range at(r.properties("Cluster"), "Logging", "ClusterLogging", "EnabledTypes").([]any) {
			got = append(got, at(lt, "Type").(string))
		}
		want := []string{}
		if choice != "None" {
			want = strings.Split(choice, ",")
		}
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", choice, diff)
		}
	}
}

func TestAccessEntries(t *testing.T) {
	const admin = "arn:aws:iam::111122223333:role/ops/Admin"
	r := newRun(t, quickstartFile, map[string]string{"AdminPrincipalArn": admin})
	got := map[string]string{}
	for _, id := range r.activeOfType("AWS::EKS::AccessEntry") {
		p := r.properties(id)
		policies := ""
		if list, ok := p["AccessPolicies"].([]any); ok {
			policies = fmt.Sprintf(" %v on the %v", at(list[0], "PolicyArn"), at(list[0], "AccessScope", "Type"))
		}
		got[fmt.Sprint(p["PrincipalArn"])] = fmt.Sprint(p["Type"]) + policies
	}
	const clusterAdmin = "STANDARD arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy on the cluster"
	want := map[string]string{
		"arn:aws:made:::HelmInstallerRole": clusterAdmin,
		admin:                              clusterAdmin,
		"arn:aws:made:::CrossAccountRole":  "STANDARD",
		"arn:aws:made:::KarpenterNodeRole": "EC2_LINUX",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access entries (-want +got):\n%s", diff)
	}
	if ids := newRun(t, quickstartFile, nil).activeOfType("AWS::EKS::AccessEntry"); len(ids) != len(want)-1 {
		t.Errorf("without an administrator there are %v", ids)
	}
}

func TestOutputs(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	got := map[string]string{}
	for name := range section(r.template, "Outputs") {
		got[name] = r.output(name)
	}
	configText, consoleURL, posted := got["WorkspaceConfig"], got["ConsoleUrl"], got["Callback"]
	delete(got, "Callback")
	delete(got, "WorkspaceConfig")
	delete(got, "ConsoleUrl")
	want := map[string]string{
		"WorkspaceName":         "sales",
		"Region":                "us-east-1",
		"WorkspaceBucketName":   "workspacebucket",
		"CrossAccountRoleArn":   "arn:aws:made:::CrossAccountRole",
		"ExternalId":            "6f0c2a10-0b7e-11f0-9d5c-0affd0f3a1b7",
		"ClusterName":           "e6data-sales",
		"KubernetesNamespace":   "e6data",
		"NodePoolName":          "e6data-sales",
		"NodeClassName":         "e6data-sales",
		"KarpenterNodeRoleName": "karpenternoderole",
		"KarpenterNodeRoleArn":  "arn:aws:made:::KarpenterNodeRole",
		"EngineRoleArn":         "arn:aws:made:::EngineRole",
		"VpcId":                 "network-outputs-vpcid",
		"SubnetIds":             "subnet-0a,subnet-0b,subnet-0c",
		"PublicSubnetIds":       "network-outputs-publicsubnetids",
		"OidcProviderArn":       "oidcprovider",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if consoleURL != "workspaceoutputs-consoleurl" {
		t.Errorf("ConsoleUrl is %s", consoleURL)
	}
	if posted != "workspaceoutputs-callback" || section(r.template, "Outputs")["Callback"].(map[string]any)["Condition"] != "HasCallback" {
		t.Errorf("Callback is %s, whether anything is posted or not", posted)
	}

	// The one text has the same facts, each under its output's name.
	var config contract.WorkspaceConfig
	dec := json.NewDecoder(strings.NewReader(configText))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&config); err != nil {
		t.Fatalf("WorkspaceConfig: %v\n%s", err, configText)
	}
	fields, err := contract.Properties(config)
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	for key, v := range fields {
		facts[strings.ToUpper(key[:1])+key[1:]] = fmt.Sprint(v)
	}
	delete(want, "PublicSubnetIds") // the console asks for none
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("WorkspaceConfig against the outputs (-want +got):\n%s", diff)
	}
	if given := decode[contract.WorkspaceOutputs](t, r, "WorkspaceOutputs").Config; given != configText {
		t.Errorf("the function gets another description: %s", given)
	}
}

func TestArtefactsComeFromTheVersionsBucket(t *testing.T) {
	tests := map[string]struct {
		answers           map[string]string
		region, dnsSuffix string
		bucket, template  string
	}{
		"published": {
			map[string]string{"Version": "1.2.3"},
			"eu-west-1", "amazonaws.com", "e6data-quickstart-eu-west-1",
			"https://s3.eu-west-1.amazonaws.com/e6data-quickstart-eu-west-1/1.2.3/templates/network.yaml",
		},
		"a copy in China": {
			map[string]string{"Version": "1.2.3", "ArtifactBucket": "copy"},
			"cn-north-1", "amazonaws.com.cn", "copy",
			"https://s3.cn-north-1.amazonaws.com.cn/copy/1.2.3/templates/network.yaml",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, tt.answers)
			r.pseudo["AWS::Region"], r.pseudo["AWS::URLSuffix"] = tt.region, tt.dnsSuffix
			if got := r.properties("Network")["TemplateURL"]; got != tt.template {
				t.Errorf("the network's template is at %v, want %s", got, tt.template)
			}
			var want, got []string
			for _, f := range artifact.Functions {
				want = append(want, tt.bucket+"/1.2.3/"+artifact.ZipName(f, artifact.ARM64))
			}
			for _, file := range launched {
				r := newRun(t, file, tt.answers)
				r.pseudo["AWS::Region"], r.pseudo["AWS::URLSuffix"] = tt.region, tt.dnsSuffix
				for _, id := range resourcesOfType(r.template, "AWS::Lambda::Function") {
					code := r.properties(id)["Code"]
					got = append(got, fmt.Sprint(at(code, "S3Bucket"), "/", at(code, "S3Key")))
				}
			}
			got = slices.Compact(sorted(got))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("code of the functions against what is built (-want +got):\n%s", diff)
			}
		})
	}
}
