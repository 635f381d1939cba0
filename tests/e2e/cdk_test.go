package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/tests/tree"
)

// cdk runs the stock command of the CDK on the app, against the environment
// and with nothing of this user's AWS settings.
type cdk struct {
	*deployment
	command string
	app     string // the built app
	home    string // for what the command writes
	tree    string // the project's folder
}

func newCDK(t *testing.T) *cdk {
	t.Helper()
	command := os.Getenv("CDK")
	if _, err := os.Stat(command); err != nil {
		t.Skip("the CDK's command is not installed: make test installs it where npm is")
	}
	c := &cdk{command: command, home: t.TempDir(), tree: "../.."}
	c.app = filepath.Join(c.home, "app")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", c.app, "./cdk")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the app: %v\n%s", err, out)
	}
	c.deployment = startEmpty(t, rehearsal.Config{})
	return c
}

// run runs one command; it must end well unless mayFail.
func (c *cdk) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	began := time.Now()
	args = append(args, "--no-notices", "--ci", "--no-color")
	cmd := exec.CommandContext(t.Context(), c.command, args...)
	switch assembly := filepath.Join(c.home, "out"); args[0] {
	case "bootstrap":
		cmd.Dir = c.home // needs no app
	case "destroy":
		cmd.Dir, cmd.Args = c.tree, append(cmd.Args, "--app", assembly)
	default:
		cmd.Dir, cmd.Args = c.tree, append(cmd.Args, "--app", c.app, "--output", assembly)
	}
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

// An engineer's way in each mode: bootstrap, deploy, an empty diff, an update,
// destroy; functions and templates are the tree's, since nothing is published; and
// nothing is left but what the template retains and the bootstrap itself.
func TestTheCDKsCommandDeploys(t *testing.T) {
	t.Parallel()
	for i, mode := range contract.Modes() {
		t.Run(mode, func(t *testing.T) {
			inTurn(t, uint64(i))
			t.Parallel()
			newCDK(t).life(t, mode)
		})
	}
}

func (c *cdk) life(t *testing.T, mode string) {
	t.Helper()
	given := c.parameters(map[string]string{"ChartSource": c.customersCharts(t)})
	c.must(t, "bootstrap", "aws://000000000000/"+c.Region)
	own, vpc, cluster := c.customersPlace(t, mode)
	maps.Copy(given, own)
	if mode == contract.ModeNewVPC {
		given["KubernetesVersion"] = "1.35"
	}

	const name = "e6data-lab"
	context := []string{"-c", "e6data:mode=" + mode, "-c", "e6data:stackName=" + name}
	for name, value := range given {
		context = append(context, "-c", "e6data:"+name+"="+value)
	}
	deploy := append([]string{"deploy", "--require-approval", "never"}, context...)
	if out := c.must(t, deploy...); !strings.Contains(out, ".ClusterName = ") {
		t.Errorf("the outputs do not name the cluster:\n%s", out)
	}
	if out := c.must(t, append([]string{"diff", "--fail"}, context...)...); !strings.Contains(out, "There were no differences") && !strings.Contains(out, "differences: 0") {
		t.Errorf("diff of an unchanged tree says:\n%s", out)
	}
	if out := c.must(t, deploy...); !strings.Contains(out, "no changes") {
		t.Errorf("a second deploy does not say that nothing changes:\n%s", out)
	}
	s, err := c.clients.FindStack(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	const limit = "2000"
	if out := c.must(t, append(deploy, "-c", "e6data:NodePoolCpuLimit="+limit)...); !strings.Contains(out, "--no-previous-parameters") {
		t.Errorf("nobody says that the stack keeps its answers:\n%s", out)
	}
	if is := c.answer(t, name, "NodePoolCpuLimit"); is == limit {
		t.Error("the CDK's command changes answers by their defaults now: docs and the app's words say otherwise")
	}
	c.must(t, append(deploy, "--no-previous-parameters", "-c", "e6data:NodePoolCpuLimit="+limit)...)
	if is := c.answer(t, name, "NodePoolCpuLimit"); is != limit {
		t.Errorf("after an update NodePoolCpuLimit is %q", is)
	}
	c.usesAssets(t, s)
	if mode == contract.ModeNewVPC {
		c.refusesKubernetesWithCode(t, append(deploy, "--no-previous-parameters", "-c", "e6data:NodePoolCpuLimit="+limit))
	}

	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, contract.ModeTemplate(mode)).Retained(resources)
	c.must(t, append([]string{"destroy", "--force"}, context...)...)
	if diff := cmp.Diff(kept, c.leftovers(t)); diff != "" {
		t.Errorf("left after destroy (-retained +left):\n%s", diff)
	}
	if len(kept) != 4 {
		t.Errorf("retained are %v, want two buckets with their policies", kept)
	}
	if vpc != nil {
		if err := errors.Join(vpc.CheckBack(t.Context()), vpc.Remove(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if cluster != nil {
		if err := cluster.Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// refusesKubernetesWithCode deploys a changed tree together with a new
// Kubernetes, which a rollback could not take back.
func (c *cdk) refusesKubernetesWithCode(t *testing.T, deploy []string) {
	t.Helper()
	before := c.tree
	defer func() { c.tree = before }()
	c.tree = tree.Copy(t, before, t.TempDir())
	file := filepath.Join(c.tree, "lambdas/outputs/main.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte("func main() {\n"), []byte("func main() {\n\tprintln(\"changed\")\n"), 1)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := c.run(t, append(deploy, "-c", "e6data:KubernetesVersion=1.36")...)
	if err == nil || !strings.Contains(out, "this update changes the functions' code too") {
		t.Errorf("code and Kubernetes in one update: %v\n%s", err, out)
	}
	c.must(t, append(deploy, "-c", "e6data:KubernetesVersion=1.35")...)
}

// answer is what a stack has for a parameter.
func (c *cdk) answer(t *testing.T, stack, parameter string) string {
	t.Helper()
	out, err := c.clients.CloudFormation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Stacks[0].Parameters {
		if aws.ToString(p.ParameterKey) == parameter {
			return aws.ToString(p.ParameterValue)
		}
	}
	t.Fatalf("the stack has no parameter %s", parameter)
	return ""
}

// usesAssets checks that each function runs the tree's code: the zip that the
// bootstrap's bucket has.
func (c *cdk) usesAssets(t *testing.T, s *rehearsal.Stack) {
	t.Helper()
	sums := map[string]bool{}
	assets, err := filepath.Glob(filepath.Join(c.home, "out", "asset.*.zip"))
	if err != nil || len(assets) == 0 {
		t.Fatalf("the assembly's zips: %v, %v", assets, err)
	}
	for _, a := range assets {
		body, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		sums[base64.StdEncoding.EncodeToString(sum[:])] = true
	}
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"OutputsFunction", "HelmInstaller"} {
		f, err := c.clients.Lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(resources[id])})
		if err != nil {
			t.Fatal(err)
		}
		if !sums[aws.ToString(f.CodeSha256)] {
			t.Errorf("%s does not run the tree's code", id)
		}
	}
}
