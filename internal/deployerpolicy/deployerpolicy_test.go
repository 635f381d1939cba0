package deployerpolicy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/e6data/aws-quickstart/internal/contract"
)

const project = "../.."

func TestCommittedFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := Files(os.DirFS(project))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(project, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is stale (%v): run make template", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(project, Folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if files[Folder+"/"+filepath.Base(path)] == nil {
			t.Errorf("%s is no policy of this version: remove it", path)
		}
	}
}

type document struct {
	Statement []struct {
		Sid              string
		Action, Resource []string
		Condition        map[string]map[string][]string
	}
}

// documents are a mode's policies, read again.
func documents(t *testing.T, mode string, s Settings) []document {
	t.Helper()
	made, err := Generate(os.DirFS(project), mode, s)
	if err != nil {
		t.Fatal(err)
	}
	var out []document
	for _, m := range made {
		var d document
		if err := json.Unmarshal(m.Text, &d); err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

var settings = map[string]Settings{
	"as committed": {},
	"China":        {Partition: "aws-cn"},
	"everything given": {
		Account: "111122223333", Region: "eu-central-1", StackNamePrefix: "Data-", ClusterNamePrefix: "data-", RolePath: "/team/",
		PermissionsBoundary: "arn:aws:iam::111122223333:policy/limits", ArtifactBucket: "our-artefacts", VpcID: "vpc-0a1b2c3d4e5f67890",
		KmsKeyArn:               "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555",
		KarpenterControllerRole: "their/karpenter",
	},
}

func TestEachPolicyIsWithinIAMsLimits(t *testing.T) {
	t.Parallel()
	for name, s := range settings {
		for _, mode := range contract.Modes() {
			made, err := Generate(os.DirFS(project), mode, s)
			if err != nil {
				t.Fatal(err)
			}
			if len(made) > 10 {
				t.Errorf("%s, %s: %d policies, a role has 10", name, mode, len(made))
			}
			for _, d := range made {
				text := string(d.Text)
				for _, space := range []string{" ", "\n", "\t"} {
					text = strings.ReplaceAll(text, space, "")
				}
				if len(text) > 6144 || len(text) != d.Size {
					t.Errorf("%s, %s has %d characters, said to be %d", name, d.Name, len(text), d.Size)
				}
			}
		}
	}
}

// Statements say what for, and none allows anything on anything: * is the
// resource of reads that AWS judges on none, and of making a marked cluster.
func TestStatementsAreNarrow(t *testing.T) {
	t.Parallel()
	for name, s := range settings {
		for _, mode := range contract.Modes() {
			seen := map[string]bool{}
			for _, d := range documents(t, mode, s) {
				for _, st := range d.Statement {
					if st.Sid == "" || seen[st.Sid] {
						t.Errorf("%s, %s: Sid %q is empty or there twice", name, mode, st.Sid)
					}
					seen[st.Sid] = true
					for _, action := range st.Action {
						if strings.Contains(action, "*") {
							t.Errorf("%s, %s: %s allows %s", name, mode, st.Sid, action)
						}
						reading := reads(action) || action == "cloudformation:ValidateTemplate"
						if slices.Contains(st.Resource, "*") && !reading && st.Condition == nil {
							t.Errorf("%s, %s: %s allows %s on everything", name, mode, st.Sid, action)
						}
					}
					for _, r := range st.Resource {
						if r != "*" && !strings.HasPrefix(r, "arn:"+s.withDefaults().Partition+":") {
							t.Errorf("%s, %s: %s has %s of another partition", name, mode, st.Sid, r)
						}
					}
				}
			}
		}
	}
}

func statement(t *testing.T, mode string, s Settings, sid string) (actions, resources []string, condition map[string]map[string][]string) {
	t.Helper()
	for _, d := range documents(t, mode, s) {
		for _, st := range d.Statement {
			if st.Sid == sid {
				return st.Action, st.Resource, st.Condition
			}
		}
	}
	return nil, nil, nil
}

func TestSettingsLimit(t *testing.T) {
	t.Parallel()
	all := settings["everything given"]
	actions, roles, when := statement(t, "existing-eks", all, "ManageOwnRoles")
	want := []string{"arn:aws:iam::111122223333:role/team/Data-*", "arn:aws:iam::111122223333:role/team/e6data-*-installer-eu-central-1"}
	if !slices.Equal(roles, want) {
		t.Errorf("roles %v, want %v", roles, want)
	}
	if got := when["StringEquals"]["iam:PermissionsBoundary"]; !slices.Equal(got, []string{all.PermissionsBoundary}) {
		t.Errorf("boundary %v", got)
	}
	if slices.Contains(actions, "iam:DeleteRolePermissionsBoundary") {
		t.Error("the boundary can be taken off")
	}
	for _, c := range []struct{ mode, sid, resource string }{
		{"existing-vpc", "BuildInGivenVpc", "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0a1b2c3d4e5f67890"},
		{"new-vpc", "UseKey", all.KmsKeyArn},
		{"new-vpc", "ManageOwnBuckets", "arn:aws:s3:::data-*"},
		{"new-vpc", "ReadVersion", "arn:aws:s3:::our-artefacts/*"},
		{"existing-eks", "LetTheirKarpenterPassNodeRole", "arn:aws:iam::111122223333:role/their/karpenter"},
	} {
		if _, resources, _ := statement(t, c.mode, all, c.sid); !slices.Equal(resources, []string{c.resource}) {
			t.Errorf("%s, %s: %v, want %s", c.mode, c.sid, resources, c.resource)
		}
	}
	for _, sid := range []string{"UseKey", "LetTheirKarpenterPassNodeRole"} {
		for _, mode := range contract.Modes() {
			if actions, _, _ := statement(t, mode, Settings{}, sid); actions != nil {
				t.Errorf("%s: %s is allowed though nothing is named for it", mode, sid)
			}
		}
	}
}

// The VPC of mode existing-vpc is the customer's: it is neither made nor changed.
func TestAGivenVPCIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t, "existing-vpc", Settings{}) {
		for _, st := range d.Statement {
			for _, action := range []string{"ec2:CreateVpc", "ec2:DeleteVpc", "ec2:ModifyVpcAttribute"} {
				if slices.Contains(st.Action, action) {
					t.Errorf("%s allows %s", st.Sid, action)
				}
			}
		}
	}
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Generate(os.DirFS(project), "new-vpc", Settings{Partition: "moon", StackNamePrefix: "*", PermissionsBoundary: "limits", RolePath: "team"})
	for _, want := range []string{`partition "moon"`, `stack name prefix "*"`, `permissions boundary "limits"`, `role path "team"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if _, err := Generate(os.DirFS(project), "old-vpc", Settings{}); err == nil || !strings.Contains(err.Error(), "existing-eks") {
		t.Errorf("%v does not name the modes", err)
	}
}

// A template that grows something new must not leave its deployer without the
// right to it: what has no scope, or no schema, stops the generation.
func TestWhatIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"Resources": {"D": {"Type": "AWS::DynamoDB::Table"}}}`: "AWS::DynamoDB::Table",
		`{"Resources": `: "read the template quickstart.yaml",
	} {
		_, err := Generate(fstest.MapFS{"quickstart.yaml": {Data: []byte(text)}}, "new-vpc", Settings{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to name %s", text, err, want)
		}
	}
}
