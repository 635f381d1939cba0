package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// deployerPolicies are the policies of a mode, as a customer attaches them.
func deployerPolicies(t *testing.T, mode string, s deployerpolicy.Settings) []rehearsal.Policy {
	t.Helper()
	documents, err := deployerpolicy.Generate(os.DirFS("../.."), mode, s)
	if err != nil {
		t.Fatal(err)
	}
	var out []rehearsal.Policy
	for _, d := range documents {
		out = append(out, rehearsal.Policy{Name: d.Name, Document: string(d.Text)})
	}
	return out
}

// asDeployer creates, updates and deletes a mode's stack as a role that has
// these policies and nothing else, whose ARN is returned, and what the run says.
func asDeployer(t *testing.T, o rehearsal.RunOptions) (who, told string, err error) {
	t.Helper()
	dist := os.Getenv("QUICKSTART_DIST")
	if dist == "" {
		t.Skip("QUICKSTART_DIST is not set: run these tests through make test")
	}
	version, err := os.ReadFile(filepath.Join(dist, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	o.Config = rehearsal.Config{
		Python: os.Getenv("REHEARSAL_PYTHON"), Localkube: os.Getenv("REHEARSAL_LOCALKUBE"), Launcher: os.Getenv("REHEARSAL_LAUNCHER"),
		Karpenter: os.Getenv("REHEARSAL_KARPENTER"), Controllers: os.Getenv("REHEARSAL_CONTROLLERS"),
	}
	o.Artifacts = rehearsal.Artifacts{Dir: dist, Version: strings.TrimSpace(string(version))}
	o.Output = &output
	o.StackName = "e6data-analytics"
	result, err := rehearsal.Run(t.Context(), o)
	return result.Deployer, output.String(), err
}

// handlers.json is what the resource schemas and IAM's reference say of the
// committed templates' types.
func TestHandlerRightsAreFresh(t *testing.T) {
	t.Parallel()
	python := os.Getenv("REHEARSAL_PYTHON")
	if python == "" {
		t.Skip("REHEARSAL_PYTHON is not set: run these tests through make test")
	}
	templates, err := filepath.Glob("../../templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"../../rehearsal/aws/handler_rights.py", "../../quickstart.yaml"}, templates...)
	fresh, err := exec.CommandContext(t.Context(), python, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../internal/deployerpolicy/handlers.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(fresh) != string(committed) {
		t.Error("internal/deployerpolicy/handlers.json is stale: run make handler-rights")
	}
}

// widely are answers for an update that reaches functions, roles, log groups,
// launch templates and the cluster.
var widely = map[string]string{
	"GlueAccess": "ReadWrite", "LogRetentionDays": "30", "NodePoolCpuLimit": "2000", "NodeTags": "team=data",
}

// enough are runs for which the generated policies must be enough: everything
// that CloudFormation does for the deployer is judged.
var enough = map[string]struct {
	mode     string
	turn     uint64
	settings deployerpolicy.Settings
	cluster  rehearsal.CustomerCluster
	answers  map[string]string
}{
	"new VPC":      {mode: contract.ModeNewVPC, turn: 0},
	"existing VPC": {mode: contract.ModeExistingVPC, turn: 1},
	"existing EKS": {mode: contract.ModeExistingEKS, turn: 2, cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP"}},
	"existing EKS, with a Karpenter of its own": {
		mode: contract.ModeExistingEKS, turn: 3,
		cluster:  rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", Karpenter: true},
		settings: deployerpolicy.Settings{KarpenterControllerRole: "customer/customer-karpenter"},
	},
	"new VPC, within a boundary": {
		mode: contract.ModeNewVPC, turn: 3,
		settings: deployerpolicy.Settings{
			Account: account, Region: "us-east-1", RolePath: "/e6data/", PermissionsBoundary: "arn:aws:iam::aws:policy/AdministratorAccess",
		},
		answers: map[string]string{"RolePath": "/e6data/", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
	},
}

func TestTheDeployersPoliciesAreEnough(t *testing.T) {
	t.Parallel()
	for name, c := range enough {
		t.Run(name, func(t *testing.T) {
			inTurn(t, c.turn)
			t.Parallel()
			answers := deployerAnswers()
			maps.Copy(answers, c.answers)
			changes := maps.Clone(widely)
			if c.mode != contract.ModeExistingEKS {
				changes["EndpointPublicAccessCidrs"] = "203.0.113.0/24"
			}
			who, told, err := asDeployer(t, rehearsal.RunOptions{
				Mode: c.mode, Cluster: c.cluster, Parameters: answers, Changes: changes, Deployer: deployerPolicies(t, c.mode, c.settings),
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, told)
			}
			if who == "" {
				t.Error("nobody's rights were judged")
			}
		})
	}
}

// unmet are statements that no call of a run meets, and who needs them.
var unmet = map[string]string{
	"StartStacks":       "a person at the console, and the CDK's command",
	"ReadOidcProviders": "the read handler, for drift detection",
}

// without takes a statement out of policies and tells its actions; with no
// Sid, it tells all Sids.
func without(t *testing.T, policies []rehearsal.Policy, sid string) (rest []rehearsal.Policy, actions, sids []string) {
	t.Helper()
	for _, p := range policies {
		var d struct {
			Version   string
			Statement []map[string]any
		}
		if err := json.Unmarshal([]byte(p.Document), &d); err != nil {
			t.Fatal(err)
		}
		d.Statement = slices.DeleteFunc(d.Statement, func(st map[string]any) bool {
			sids = append(sids, st["Sid"].(string))
			if st["Sid"] != sid {
				return false
			}
			for _, a := range st["Action"].([]any) {
				actions = append(actions, a.(string))
			}
			return true
		})
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		rest = append(rest, rehearsal.Policy{Name: p.Name, Document: string(text)})
	}
	return rest, actions, sids
}

// Without any one of its statements a deployer comes to a stop, and the reason
// names what he lacks.
func TestADeployerNeedsEachStatement(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	policies := deployerPolicies(t, contract.ModeNewVPC, deployerpolicy.Settings{})
	_, _, sids := without(t, policies, "")
	sids = slices.DeleteFunc(sids, func(sid string) bool { return unmet[sid] != "" })
	for _, sid := range sample(t, sids, 3) {
		t.Run(sid, func(t *testing.T) {
			rest, actions, _ := without(t, policies, sid)
			_, _, err := asDeployer(t, rehearsal.RunOptions{
				Mode: contract.ModeNewVPC, Parameters: deployerAnswers(), Changes: maps.Clone(widely), Deployer: rest,
			})
			if err == nil {
				t.Fatal("nothing was missed")
			}
			if !slices.ContainsFunc(actions, func(a string) bool { return strings.Contains(err.Error(), a) }) {
				t.Errorf("%v\nnames none of %v", err, actions)
			}
		})
	}
}

func deployerAnswers() map[string]string {
	return map[string]string{
		"WorkspaceName": "analytics", "DataBucketNames": "example-sales-data", "FunctionArchitecture": string(artifact.Host()),
	}
}
