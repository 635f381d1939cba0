package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// campaign tells whether every case is to run.
func campaign() bool { return os.Getenv("CAMPAIGN") != "" }

// seed is this run's seed: SEED, or one from the clock. Tests print it.
var seed = func() uint64 {
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		return s
	}
	return uint64(time.Now().UnixNano()) % 1_000_000
}()

// sample picks n of the cases, in their order, all of them in a campaign.
func sample[T any](t *testing.T, cases []T, n int) []T {
	t.Helper()
	if campaign() || n >= len(cases) {
		return cases
	}
	t.Logf("%d of %d cases; SEED=%d", n, len(cases), seed)
	places := rand.New(rand.NewPCG(seed, 0)).Perm(len(cases))[:n]
	slices.Sort(places)
	picked := make([]T, 0, n)
	for _, i := range places {
		picked = append(picked, cases[i])
	}
	return picked
}

// deployment is an environment with the built version published in it.
type deployment struct {
	*rehearsal.Environment
	clients *rehearsal.Clients
	bucket  string
	version string
	before  rehearsal.Inventory
}

// start starts an environment and publishes the built version. It ends with
// the test.
func start(t *testing.T, order string) *deployment {
	t.Helper()
	return startIn(t, rehearsal.Config{Order: order})
}

// startIn is start with the rest of a configuration.
func startIn(t *testing.T, c rehearsal.Config) *deployment {
	t.Helper()
	d := startEmpty(t, c)
	if err := d.clients.Publish(t.Context(), d.Region, d.bucket, rehearsal.Artifacts{Dir: os.Getenv("QUICKSTART_DIST"), Version: d.version}); err != nil {
		t.Fatal(err)
	}
	d.snapshot(t)
	return d
}

// startEmpty starts an environment in which nothing is published.
func startEmpty(t *testing.T, c rehearsal.Config) *deployment {
	t.Helper()
	dist := os.Getenv("QUICKSTART_DIST")
	if dist == "" {
		t.Skip("QUICKSTART_DIST is not set: run these tests through make test")
	}
	c.Python, c.Localkube, c.Launcher = os.Getenv("REHEARSAL_PYTHON"), os.Getenv("REHEARSAL_LOCALKUBE"), os.Getenv("REHEARSAL_LAUNCHER")
	c.Karpenter, c.Controllers = os.Getenv("REHEARSAL_KARPENTER"), os.Getenv("REHEARSAL_CONTROLLERS")
	env, err := rehearsal.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the embedded AWS's log ends:\n%s", env.LogTail(25))
			logControllers(t, env)
		}
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	version, err := os.ReadFile(filepath.Join(dist, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	return &deployment{Environment: env, clients: env.Clients(), bucket: artifact.Bucket(env.Region), version: strings.TrimSpace(string(version))}
}

// awsSettings lead a command to the environment, with the rights of the account's
// root user and nothing of this user's settings.
func (d *deployment) awsSettings() []string {
	ca := filepath.Join(d.StateDir, "tls.crt")
	return []string{
		"AWS_ENDPOINT_URL=" + d.Endpoint, "AWS_REGION=" + d.Region, "AWS_DEFAULT_REGION=" + d.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"NODE_EXTRA_CA_CERTS=" + ca, "AWS_CA_BUNDLE=" + ca, "SSL_CERT_FILE=" + ca,
	}
}

// logControllers shows the ends of the logs of Karpenter and the stand-in
// controllers, of clusters that run and of those that have gone.
func logControllers(t *testing.T, env *rehearsal.Environment) {
	t.Helper()
	const most = 3000 // bytes of a log
	for _, pattern := range []string{"*/logs/*", "clusters/*.logs/*"} {
		files, err := filepath.Glob(filepath.Join(env.StateDir, pattern))
		if err != nil {
			t.Error(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err == nil && len(text) > 0 {
				t.Logf("%s ends:\n%s", filepath.Base(file), text[max(0, len(text)-most):])
			}
		}
	}
}

// snapshot remembers what exists now, for leftovers.
func (d *deployment) snapshot(t *testing.T) {
	t.Helper()
	var err error
	if d.before, err = d.Inventory(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// leftovers are the things that exist now and did not at the snapshot.
func (d *deployment) leftovers(t *testing.T) []rehearsal.Item {
	t.Helper()
	now, err := d.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now.Since(d.before)
}

// committed is a committed template, named from the project's folder.
func committed(t *testing.T, file string) *rehearsal.Template {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	template, err := rehearsal.ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// parameters are what a customer would type, with the stand-in charts.
func (d *deployment) parameters(more map[string]string) map[string]string {
	p := map[string]string{
		"WorkspaceName": "analytics", "DataBucketNames": "example-sales-data,example-events-data",
		"FunctionArchitecture": string(artifact.Host()),
		"ChartSource":          "s3://" + d.bucket + "/" + d.version + "/charts",
	}
	maps.Copy(p, more)
	return p
}

// stack returns a stack of the published quickstart.yaml.
func (d *deployment) stack(t *testing.T) *rehearsal.Stack {
	t.Helper()
	return d.clients.NewStack("quickstart", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), logEvents(t))
}

// changed returns a stack of quickstart.yaml after a change to it.
func (d *deployment) changed(t *testing.T, name string, change func(resources map[string]any)) *rehearsal.Stack {
	t.Helper()
	return d.clients.NewStack(name, d.upload(t, name, "quickstart.yaml", change), logEvents(t))
}

// document is a committed template with all of its sections.
func document(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template
}

// kube is a client of a cluster with all rights.
func (d *deployment) kube(t *testing.T, cluster string) kubernetes.Interface {
	t.Helper()
	config, err := d.AdminConfig(cluster)
	if err != nil {
		t.Fatal(err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return kube
}

// upload publishes a committed template after a change to it, and returns its
// URL.
func (d *deployment) upload(t *testing.T, name, file string, change func(resources map[string]any)) string {
	t.Helper()
	template := document(t, file)
	change(template["Resources"].(map[string]any))
	// As JSON: YAML's writers leave texts bare that YAML 1.1, which
	// CloudFormation reads, takes for something else.
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	key := "changed/" + name + ".json"
	if err := d.clients.Upload(t.Context(), d.bucket, key, text); err != nil {
		t.Fatal(err)
	}
	return rehearsal.TemplateURL(d.Region, d.bucket, key)
}

// logEvents shows a stack's events with the test's output.
func logEvents(t *testing.T) func(rehearsal.Event) {
	t.Helper()
	return func(e rehearsal.Event) {
		if strings.HasSuffix(e.Status, "FAILED") || strings.HasPrefix(e.Type, "Custom::") || strings.HasPrefix(e.Type, "AWS::EKS") {
			t.Logf("%7.1fs %s %s %s %s", e.Elapsed.Seconds(), e.LogicalID, e.Type, e.Status, e.Reason)
		}
	}
}

// mustFail creates a stack that has to fail, and returns why it did.
func mustFail(t *testing.T, s *rehearsal.Stack, parameters map[string]string) *rehearsal.FailedError {
	t.Helper()
	err := s.Create(t.Context(), parameters)
	var failed *rehearsal.FailedError
	if !errors.As(err, &failed) {
		t.Fatalf("the create ended with %v, want a failed stack", err)
	}
	if failed.Status != "ROLLBACK_COMPLETE" {
		t.Errorf("the stack ended as %s, want ROLLBACK_COMPLETE", failed.Status)
	}
	return failed
}

// remove deletes a stack, also after the test's own context has ended.
func remove(t *testing.T, s *rehearsal.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := s.Delete(ctx); err != nil {
		t.Error(err)
	}
}
