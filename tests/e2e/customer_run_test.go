package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// guest is a small template for existing clusters: a role with an access entry,
// and an inline policy of the customer's role that is named for it. More
// resources may be laid over it.
func guest(t *testing.T, more map[string]any) []byte {
	t.Helper()
	role := func(service string) map[string]any {
		return map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"Service": service}, "Action": "sts:AssumeRole",
			}}},
			"ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/AdministratorAccess"},
		}}
	}
	ref := func(name string) any { return map[string]any{"Ref": name} }
	arn := map[string]any{"Fn::GetAtt": []any{"Role", "Arn"}}
	resources := map[string]any{
		"Role": role("lambda.amazonaws.com"),
		"Entry": map[string]any{"Type": "AWS::EKS::AccessEntry", "Properties": map[string]any{
			"ClusterName": ref("ExistingClusterName"), "PrincipalArn": arn,
			"AccessPolicies": []any{map[string]any{
				"PolicyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "AccessScope": map[string]any{"Type": "cluster"},
			}},
		}},
		"PassRole": map[string]any{"Type": "AWS::IAM::RolePolicy", "Properties": map[string]any{
			"RoleName": ref("KarpenterControllerRoleName"), "PolicyName": "e6data-pass-role",
			"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn}}},
		}},
	}
	maps.Copy(resources, more)
	text, err := json.Marshal(map[string]any{"Resources": resources, "Parameters": map[string]any{
		"ExistingClusterName": map[string]any{"Type": "String"}, "KarpenterControllerRoleName": map[string]any{"Type": "String"},
		"WorkspaceName": map[string]any{"Type": "String"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// vandal is a custom resource that does something to the customer's cluster.
func vandal(do, on string) map[string]any {
	arn := map[string]any{"Fn::GetAtt": []any{"Role", "Arn"}}
	return map[string]any{
		"Logs": map[string]any{"Type": "AWS::Logs::LogGroup", "Properties": map[string]any{"LogGroupName": "/aws/lambda/vandal"}},
		"Function": map[string]any{"Type": "AWS::Lambda::Function", "DependsOn": []any{"Logs"}, "Properties": map[string]any{
			"FunctionName": "vandal",
			"Runtime":      "provided.al2023", "Handler": "bootstrap", "Role": arn, "Timeout": 60, "Architectures": []any{string(artifact.Host())},
			"Code": map[string]any{"S3Bucket": artifact.Bucket("us-east-1"), "S3Key": "0.0.0/vandal.zip"},
		}},
		"Vandal": map[string]any{"Type": "Custom::Vandal", "DependsOn": []any{"Entry"}, "Properties": map[string]any{
			"ServiceToken": map[string]any{"Fn::GetAtt": []any{"Function", "Arn"}}, "ServiceTimeout": 120,
			"Cluster": map[string]any{"Ref": "ExistingClusterName"}, "Do": do, "On": on,
		}},
	}
}

// version is a version whose template for existing clusters is this one.
func version(t *testing.T, template []byte) rehearsal.Artifacts {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/vandal.py")
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("#!" + os.Getenv("REHEARSAL_PYTHON") + "\n" + string(script))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"templates/existing-eks.yaml": template, "vandal.zip": archive.Bytes(), "VERSION": []byte("0.0.0\n")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return rehearsal.Artifacts{Dir: dir, Version: "0.0.0"}
}

// rehearse runs a template for existing clusters on a customer's cluster.
func rehearse(t *testing.T, template []byte, c rehearsal.CustomerCluster) (*rehearsal.Result, string, error) {
	t.Helper()
	dist := os.Getenv("QUICKSTART_DIST")
	if dist == "" {
		t.Skip("QUICKSTART_DIST is not set: run these tests through make test")
	}
	c.Charts = filepath.Join(dist, "charts")
	parameters := map[string]string{"WorkspaceName": "analytics"}
	if !c.Karpenter {
		parameters["KarpenterControllerRoleName"] = "customer-admin"
	}
	var told strings.Builder
	result, err := rehearsal.Run(t.Context(), rehearsal.RunOptions{
		Config: rehearsal.Config{
			Python: os.Getenv("REHEARSAL_PYTHON"), Localkube: os.Getenv("REHEARSAL_LOCALKUBE"), Launcher: os.Getenv("REHEARSAL_LAUNCHER"),
			Karpenter: os.Getenv("REHEARSAL_KARPENTER"), Controllers: os.Getenv("REHEARSAL_CONTROLLERS"),
		},
		Artifacts: version(t, template), Mode: contract.ModeExistingEKS, Cluster: c, Parameters: parameters, NoUpdate: true, Output: &told,
	})
	return result, told.String(), err
}

// A stack that adds its own access entry and the one policy that it was asked
// for is green, and the cluster is removed in the end.
func TestRehearsalOfAGuest(t *testing.T) {
	t.Parallel()
	_, told, err := rehearse(t, guest(t, nil), rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP"})
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	for _, want := range []string{"customer's cluster", "authentication mode API_AND_CONFIG_MAP", "all is as it was before the stack, and removed"} {
		if !strings.Contains(told, want) {
			t.Errorf("the run does not say %q:\n%s", want, told)
		}
	}
}

// Whatever a template does to what is the customer's makes the run red, while
// the stack stands or after it is gone.
func TestRehearsalOfAVandal(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	inline := map[string]any{"Type": "AWS::IAM::RolePolicy", "Properties": map[string]any{
		"RoleName": "customer-nodes", "PolicyName": "more",
		"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}},
	}}
	entry := map[string]any{"Type": "AWS::EKS::AccessEntry", "Properties": map[string]any{
		"ClusterName": map[string]any{"Ref": "ExistingClusterName"}, "PrincipalArn": "arn:aws:iam::000000000000:role/customer/customer-admin",
	}}
	for name, c := range map[string]struct {
		more    map[string]any
		cluster rehearsal.CustomerCluster
		step    string
		thing   string
	}{
		"a policy of another role":   {map[string]any{"More": inline}, rehearsal.CustomerCluster{}, rehearsal.StepCreate, "role policy customer-nodes/more"},
		"an entry of somebody else":  {map[string]any{"More": entry}, rehearsal.CustomerCluster{}, rehearsal.StepCreate, "access entry arn:aws:iam::000000000000:role/customer/customer-admin"},
		"a tag":                      {vandal("tag", "Create"), rehearsal.CustomerCluster{}, rehearsal.StepCreate, "subnet "},
		"a byte of aws-auth":         {vandal("aws-auth", "Create"), rehearsal.CustomerCluster{}, rehearsal.StepCreate, "aws-auth mapRoles"},
		"a NodePool":                 {vandal("NodePool", "Create"), rehearsal.CustomerCluster{Karpenter: true}, rehearsal.StepCreate, "NodePool.karpenter.sh general"},
		"a tag as the stack is gone": {vandal("tag", "Delete"), rehearsal.CustomerCluster{}, rehearsal.StepLeftovers, "subnet "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cluster.Mode = "API_AND_CONFIG_MAP"
			result, told, err := rehearse(t, guest(t, c.more), c.cluster)
			var seen *rehearsal.ChangedError
			if !errors.As(err, &seen) || result.Step(c.step).Err == nil {
				t.Fatalf("the run ended with %v, want a change seen in the step %s\n%s", err, c.step, told)
			}
			if !slices.ContainsFunc(seen.Things(), func(thing string) bool { return strings.HasPrefix(thing, c.thing) }) || len(seen.Things()) != 1 {
				t.Errorf("other than before: %v, want only %s", seen.Things(), c.thing)
			}
		})
	}
}
