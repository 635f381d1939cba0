package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// cdk runs the stock command of the CDK on the app, against the environment
// and with nothing of this user's AWS settings.
type cdk struct {
	*deployment
	command string
	app     string // the built app
	home    string // for what the command writes
}

func newCDK(t *testing.T) *cdk {
	t.Helper()
	command := os.Getenv("CDK")
	if _, err := os.Stat(command); err != nil {
		t.Skip("the CDK's command is not installed: make test installs it where npm is")
	}
	c := &cdk{command: command, home: t.TempDir()}
	c.app = filepath.Join(c.home, "app")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", c.app, "./cdk")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the app: %v\n%s", err, out)
	}
	c.deployment = start(t, "")
	return c
}

// run runs one command; it must end well unless mayFail.
func (c *cdk) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	began := time.Now()
	args = append(args, "--app", c.app, "--output", filepath.Join(c.home, "out"), "--no-notices", "--ci", "--no-color")
	cmd := exec.CommandContext(t.Context(), c.command, args...)
	cmd.Dir = "../.."
	for _, kept := range []string{"PATH", "HOME", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"} {
		cmd.Env = append(cmd.Env, kept+"="+os.Getenv(kept))
	}
	cmd.Env = append(cmd.Env, "CDK_HOME="+c.home, "TMPDIR="+c.home)
	cmd.Env = append(cmd.Env, c.awsSettings()...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Logf("cdk %s: %s", args[0], time.Since(began).Round(100*time.Millisecond))
	return out.String(), err
}

func (c *cdk) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.run(t, args...)
	if err != nil {
		t.Fatalf("cdk %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// An engineer's way: bootstrap, deploy, an empty diff, an update, destroy; and
// nothing is left but what the template retains and the bootstrap itself.
func TestTheCDKsCommandDeploys(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	c := newCDK(t)
	c.must(t, "bootstrap", "aws://000000000000/"+c.Region)
	c.snapshot(t)

	var parameters []string
	for name, value := range c.parameters(nil) {
		parameters = append(parameters, "--parameters", name+"="+value)
	}
	deploy := append([]string{"deploy", "--require-approval", "never"}, parameters...)
	out := c.must(t, deploy...)
	if !strings.Contains(out, "Quickstart.ClusterName = e6data-analytics") {
		t.Errorf("the outputs do not name the cluster:\n%s", out)
	}
	if out := c.must(t, "diff", "--fail"); !strings.Contains(out, "There were no differences") && !strings.Contains(out, "differences: 0") {
		t.Errorf("diff of an unchanged tree says:\n%s", out)
	}
	if out := c.must(t, deploy...); !strings.Contains(out, "no changes") {
		t.Errorf("a second deploy does not say that nothing changes:\n%s", out)
	}
	c.must(t, append(deploy, "--parameters", "NodePoolCpuLimit=2000")...)

	resources := map[string]string{}
	pages := cloudformation.NewListStackResourcesPaginator(c.clients.CloudFormation, &cloudformation.ListStackResourcesInput{StackName: aws.String("Quickstart")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.StackResourceSummaries {
			resources[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	kept := committed(t, "quickstart.yaml").Retained(resources)
	c.must(t, "destroy", "--force")
	for _, item := range c.leftovers(t) {
		if !slices.Contains(kept, item) && !strings.Contains(item.ID, "cdk-hnb659fds") {
			t.Errorf("left: %s", item)
		}
	}
	if len(kept) != 4 {
		t.Errorf("retained are %v, want two buckets with their policies", kept)
	}
}
