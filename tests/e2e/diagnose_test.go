package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/diagnose"
	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// look is an archive that the command made: its files by their names without
// the folder, and what the command printed.
type look struct {
	files map[string]string
	told  string
}

// diagnoseAs runs the command as a role, which must make an archive.
func (d *deployment) diagnoseAs(t *testing.T, role string, args ...string) look {
	t.Helper()
	as, err := d.As(t.Context(), role, "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := as.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "archive.zip")
	c := exec.CommandContext(t.Context(), commandOf(t), append([]string{"diagnose", "--region", d.Region, "--out", file}, args...)...)
	c.Env = append(d.awsSettings(), "HOME="+t.TempDir(),
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey, "AWS_SESSION_TOKEN="+keys.SessionToken)
	text, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	l := look{map[string]string{}, string(text)}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(f.Name, "/")
		l.files[name] = string(text)
	}
	for _, secret := range []string{keys.SecretAccessKey, keys.SessionToken, externalID, "X-Amz-Signature", "k8s-aws-v1."} {
		for name, text := range l.files {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q", name, secret)
			}
		}
	}
	return l
}

// externalID is what the control plane has to show; support need not know it.
const externalID = "only-e6data-and-us-77"

func (l look) must(t *testing.T, file string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(l.files[file], want) {
			t.Errorf("%s lacks %q:\n%s", file, want, l.files[file])
		}
	}
}

// diagnoser is a role that has the policy which the command prints, without some
// of its actions.
func (d *deployment) diagnoser(t *testing.T, name, stack string, without ...string) string {
	t.Helper()
	text, err := d.quickstart(t, "diagnose", "--stack", stack, "--region", d.Region, "--policy")
	if err != nil {
		t.Fatal(err, text)
	}
	for _, action := range without {
		if !strings.Contains(text, `"`+action+`"`) {
			t.Fatalf("the policy does not have %s", action)
		}
		text = strings.ReplaceAll(text, `"`+action+`"`, `"sts:GetCallerIdentity"`)
	}
	role, _, err := d.DeployerNamed(t.Context(), name, []rehearsal.Policy{{Name: "read", Document: text}})
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// onlyReads looks at every call that the roles made.
func (d *deployment) onlyReads(t *testing.T, roles ...string) {
	t.Helper()
	calls, err := d.Calls()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range calls {
		for _, role := range roles {
			if !strings.Contains(c.Principal, "/"+path.Base(role)+"/") {
				continue
			}
			_, operation, _ := strings.Cut(c.Action, ":")
			if !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "Get") {
				t.Errorf("%s called %s", role, c.Action)
			}
			seen[c.Action] = true
		}
	}
	for _, action := range []string{"cloudformation:DescribeStackEvents", "logs:GetLogEvents", "lambda:GetFunctionConfiguration", "eks:DescribeAddon"} {
		if !seen[action] {
			t.Errorf("%s is not among the recorded calls: %v", action, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// A workspace that is well, then one whose update failed, as an administrator and
// as somebody who sees little of it, then one that is deleted.
func TestDiagnose(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	d := start(t, "")
	const name = "diagnosed"
	admin := d.diagnoser(t, "administrator", name)
	blind := d.diagnoser(t, "outsider", name, "logs:DescribeLogStreams", "logs:GetLogEvents", "lambda:GetFunctionConfiguration", "eks:ListAddons", "servicequotas:GetServiceQuota")
	// Version 2.1.13 of the workspace chart has pods that crash.
	d.publishCharts(t, d.version+"/charts", charts.Options{
		Charts: []string{charts.Workspace}, Versions: map[string]string{charts.Workspace: "2.1.13"}, Values: faultyWorkspace("CrashLoopBackOff"),
	})
	s := d.changed(t, name, impatient)
	if err := s.Create(t.Context(), d.parameters(map[string]string{"AdminPrincipalArn": admin, "ExternalId": externalID})); err != nil {
		t.Fatal(err)
	}

	well := d.diagnoseAs(t, admin, "--stack", name)
	well.must(t, diagnose.SummaryName, "CREATE_COMPLETE: healthy\n", "Nothing that was seen.", "Nothing: all parts were read.", "release e6data/analytics: chart workspace 2.1.12, deployed",
		"add-on coredns", "function HelmInstaller: code SHA-256 ", "parameter Version: "+d.version)
	well.must(t, "stack/events.txt", "KarpenterCrds", "CREATE_COMPLETE")
	well.must(t, "cluster/eks.json", "AmazonEKSClusterAdminPolicy", "vpc-cni")
	well.must(t, "kubernetes/nodes.json", `"Ready": true`)
	well.must(t, "quotas.json", "VPCs per Region")
	if !strings.Contains(well.told, "healthy") {
		t.Errorf("the command printed\n%s", well.told)
	}

	if err := s.Update(t.Context(), map[string]string{"WorkspaceChartVersion": "2.1.13"}); err == nil {
		t.Fatal("the update went through")
	}
	ill := d.diagnoseAs(t, admin, "--stack", s.ID())
	ill.must(t, diagnose.SummaryName, "UPDATE_ROLLBACK_COMPLETE", "Resource: **Workspace** (Custom::HelmRelease)", "UPDATE_FAILED", "CrashLoopBackOff",
		"group "+name+"-HelmInstallerLogGroup", "Its line there: request failed: ", "Nothing: all parts were read.")
	if strings.Contains(ill.files[diagnose.SummaryName], "not among the lines") {
		t.Error("the function's line was not found")
	}
	ill.must(t, "kubernetes/releases.json", `"failed"`, `"deployed"`)
	d.checkLogs(t, ill)

	masked := d.diagnoseAs(t, admin, "--stack", name, "--mask-account")
	for file, text := range masked.files {
		if strings.Contains(text, "000000000000") {
			t.Errorf("%s has the account's number", file)
		}
	}

	little := d.diagnoseAs(t, blind, "--stack", name)
	little.must(t, diagnose.SummaryName, "Resource: **Workspace** (Custom::HelmRelease)", "CrashLoopBackOff", "(not among the lines that were read)",
		"needs logs:DescribeLogStreams", "needs logs:GetLogEvents", "needs lambda:GetFunctionConfiguration", "needs eks:ListAddons", "needs servicequotas:GetServiceQuota",
		"needs an access entry on cluster e6data-analytics", "AmazonEKSAdminViewPolicy")
	d.onlyReads(t, admin, blind)

	remove(t, s)
	gone := d.diagnoseAs(t, admin, "--stack", name)
	gone.must(t, diagnose.SummaryName, "DELETE_COMPLETE", "This is the past", "Resource: **Workspace**", "## What a delete left", "AWS::S3::Bucket")
}

// checkLogs looks for the streams of the functions, whose lines are JSON.
func (d *deployment) checkLogs(t *testing.T, l look) {
	t.Helper()
	for _, function := range []string{"OutputsFunction", "HelmInstaller"} {
		found := false
		for file, text := range l.files {
			if strings.HasPrefix(file, "logs/") && strings.Contains(file, function+"LogGroup") {
				found = true
				for line := range strings.Lines(text) {
					if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
						t.Errorf("%s has a line that is no JSON any more: %s", file, line)
					}
				}
			}
		}
		if !found {
			t.Errorf("no log of %s among %v", function, slices.Sorted(maps.Keys(l.files)))
		}
	}
}

// A create that was rolled back leaves no logs: the archive says why, and still
// names the cause.
func TestDiagnoseOfARolledBackCreate(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	const name = "rolledback"
	admin := d.diagnoser(t, "administrator", name)
	fault, err := rehearsal.FindFault("missing-permission")
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("../../quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed, planted, err := fault.Plant(template)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(planted)
	if err := d.clients.Upload(t.Context(), d.bucket, "changed/fault.json", changed); err != nil {
		t.Fatal(err)
	}
	s := d.clients.NewStack(name, rehearsal.TemplateURL(d.Region, d.bucket, "changed/fault.json"), logEvents(t))
	mustFail(t, s, d.parameters(map[string]string{"ExternalId": externalID}))
	l := d.diagnoseAs(t, admin, "--stack", name)
	l.must(t, diagnose.SummaryName, "ROLLBACK_COMPLETE", "(Custom::HelmRelease) of stack rolledback, CREATE_FAILED", "is not authorized to perform: eks:DescribeCluster",
		"was deleted with the stack's resources", "--disable-rollback", "EKS has no cluster e6data-analytics")
	remove(t, s)

	// A name that is misspelt makes no archive.
	file := filepath.Join(t.TempDir(), "none.zip")
	text, err := d.quickstart(t, "diagnose", "--stack", "nosuch", "--region", d.Region, "--out", file)
	if exitCodeOf(t, err) != 1 || !strings.Contains(text, "nothing could be read of stack nosuch in "+d.Region) {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the archive is there: %v", err)
	}
}
