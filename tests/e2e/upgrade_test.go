package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/release"
	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
	"github.com/e6data/aws-quickstart/tests/tree"
)

// The next version of the quickstart in the tests: what a release changes.
const (
	nextVersion   = "99.0.0"
	nextKarpenter = "1.14.99"
	nextBalancers = "3.5.99"
	nextWorkspace = "2.1.99"
	// faultyChart is a version of the workspace chart whose pods crash.
	faultyChart = "2.1.98"
	// nextMark is an annotation of the next version's CRDs, and a line that its
	// code logs.
	nextMark = "quickstart.e6data.com/next-version"
)

// versions are what runs of a version: the charts of the releases by name, the
// functions' code by logical ID, CRDs with the mark of the next version, and the
// cluster.
type versions struct {
	Charts, Code map[string]string
	CRDs         int
	Kubernetes   string
}

// A stack goes to the next version: new function code, new charts and CRDs, then a
// new Kubernetes version. A next version whose chart fails is taken back whole, and
// one that would take Kubernetes along is refused before anything is touched.
// Nothing stateful becomes another, and the engine's pods go on.
func TestAnUpdateToTheNextVersion(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	d.publishNext(t)
	const cluster = "e6data-analytics"
	var touched []string
	watch := func(e rehearsal.Event) {
		logEvents(t)(e)
		if e.LogicalID != "quickstart" && !slices.Contains(checkers, e.LogicalID) {
			touched = append(touched, e.LogicalID)
		}
	}
	s := d.clients.NewStack("quickstart", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), watch)
	if err := s.Create(t.Context(), d.parameters(map[string]string{"KubernetesVersion": "1.35"})); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, d, checkOutputs(t, s))
	p.want(t, 2)
	await(t, "the engine's pods run", p.running)
	first, stateful := d.running(t, s, cluster), statefulIDs(t, d, s, "quickstart.yaml")
	if first.CRDs != 0 || first.Kubernetes != "1.35" || first.Charts["e6data/analytics"] == "" {
		t.Fatalf("before the update there is %+v", first)
	}
	stays := func(after string, want versions) {
		t.Helper()
		if diff := cmp.Diff(want, d.running(t, s, cluster)); diff != "" {
			t.Errorf("versions after %s (-want +got):\n%s", after, diff)
		}
		if diff := cmp.Diff(stateful, statefulIDs(t, d, s, "quickstart.yaml")); diff != "" {
			t.Errorf("IDs after %s (-before +after):\n%s", after, diff)
		}
		d.releaseNames(t, cluster) // each must be deployed
		await(t, "the engine's pods run after "+after, p.running)
	}

	s.TemplateURL = rehearsal.TemplateURL(d.Region, d.bucket, nextVersion+"/quickstart.yaml")
	charts := "s3://" + d.bucket + "/" + nextVersion + "/charts"
	next := map[string]string{"Version": nextVersion, "KarpenterVersion": nextKarpenter, "LoadBalancerControllerVersion": nextBalancers, "WorkspaceChartVersion": nextWorkspace, "ChartSource": charts}
	with := func(more map[string]string) map[string]string {
		changed := maps.Clone(next)
		maps.Copy(changed, more)
		return changed
	}

	// Who leaves the old answers as they are is told.
	err := s.Update(t.Context(), map[string]string{"ChartSource": charts})
	if err == nil || !strings.Contains(err.Error(), "Version") {
		t.Errorf("the next template with this version's functions: %v", err)
	}
	touched = nil
	d.rolledBack(t, s.Update(t.Context(), with(map[string]string{"KubernetesVersion": "1.36"})),
		"one-way-change-with-others", "KubernetesVersion 1.36", "Leave KubernetesVersion at 1.35 now")
	if len(touched) > 0 {
		t.Errorf("before the refusal these were touched: %v", touched)
	}
	stays("a refused update", first)

	d.rolledBack(t, s.Update(t.Context(), with(map[string]string{"WorkspaceChartVersion": faultyChart})),
		"Workspace", "CrashLoopBackOff", "the last good one, is restored")
	stays("a rollback", first)

	if err := s.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	second := d.running(t, s, cluster)
	wantCharts := map[string]string{
		"kube-system/karpenter-crd": nextKarpenter, "kube-system/karpenter": nextKarpenter,
		"kube-system/aws-load-balancer-controller": nextBalancers, "e6data/analytics": nextWorkspace,
	}
	for release, version := range wantCharts {
		if second.Charts[release] != version {
			t.Errorf("release %s has the chart's version %q, want %s", release, second.Charts[release], version)
		}
	}
	for id, code := range second.Code {
		if first.Code[id] == code {
			t.Errorf("%s has the code that it had", id)
		}
	}
	if second.CRDs < 6 {
		t.Errorf("%d CRDs are the next version's", second.CRDs)
	}
	stays("the update", second)
	d.logged(t, s, "HelmInstaller", nextMark)

	if err := s.Update(t.Context(), map[string]string{"KubernetesVersion": "1.36"}); err != nil {
		t.Fatal(err)
	}
	second.Kubernetes = "1.36"
	stays("a new Kubernetes version", second)

	p.rest(t)
	kept := retained(t, s)
	remove(t, s)
	if diff := cmp.Diff(kept, withoutAuthMap(d.leftovers(t))); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// rolledBack checks that an update was taken back, for a reason with these parts.
func (d *deployment) rolledBack(t *testing.T, err error, reason ...string) {
	t.Helper()
	var failed *rehearsal.FailedError
	if !errors.As(err, &failed) || failed.Status != "UPDATE_ROLLBACK_COMPLETE" {
		t.Fatalf("the update ended with %v, want UPDATE_ROLLBACK_COMPLETE", err)
	}
	mustSay(t, failed, reason...)
}

// publishNext publishes the version that this tree would be after a release.
func (d *deployment) publishNext(t *testing.T) {
	t.Helper()
	root := tree.Copy(t, "../..", t.TempDir())
	edit := func(file, from, to string) {
		t.Helper()
		path := filepath.Join(root, file)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("%s has no %q (%v)", file, from, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now := map[string]string{}
	for name, next := range map[string]string{charts.KarpenterCRD: nextKarpenter, charts.Karpenter: nextKarpenter, charts.LoadBalancerController: nextBalancers, charts.Workspace: nextWorkspace} {
		now[name] = chartNow(t, name).Metadata.Version
		d.publishChart(t, name, next)
	}
	edit("VERSION", d.version, nextVersion)
	edit("internal/karpenter/policy.go", `"`+now[charts.Karpenter]+`"`, `"`+nextKarpenter+`"`)
	edit("internal/loadbalancer/policy.go", `"`+now[charts.LoadBalancerController]+`"`, `"`+nextBalancers+`"`)
	edit("cdk/stack/versions.go", `"`+now[charts.Workspace]+`"`, `"`+nextWorkspace+`"`)
	// Short patience shows a chart that fails soon.
	edit("cdk/stack/release.go", "*workspaceValues(),\n", "*workspaceValues(),\n\t\tTimeoutSeconds: 20,\n")
	for _, function := range artifact.Functions {
		edit("lambdas/"+function+"/main.go", "func main() {\n", "func main() {\n\tprintln(\""+nextMark+"\")\n")
	}

	built := t.TempDir()
	for _, function := range artifact.Functions {
		if _, err := artifact.Build(t.Context(), root, function, artifact.Host(), built); err != nil {
			t.Fatal(err)
		}
	}
	synth := exec.CommandContext(t.Context(), "go", "run", "./cdk", "-out", built)
	synth.Dir = root
	if out, err := synth.CombinedOutput(); err != nil {
		t.Fatalf("synthesise the next version: %v\n%s", err, out)
	}
	d.uploadAll(t, d.bucket, rehearsal.Artifacts{Dir: built, Version: nextVersion})
	d.publishCharts(t, nextVersion+"/charts", charts.Options{
		Charts: []string{charts.Workspace}, Versions: map[string]string{charts.Workspace: faultyChart}, Values: faultyWorkspace("CrashLoopBackOff"),
	})
}

// chartNow is a chart of this version.
func chartNow(t *testing.T, name string) *chart.Chart {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts", name+"-[0-9]*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("archives of %s: %v, %v", name, archives, err)
	}
	c, err := loader.Load(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// publishChart publishes a chart's next version, whose CRDs have the mark.
func (d *deployment) publishChart(t *testing.T, name, version string) {
	t.Helper()
	c := chartNow(t, name)
	c.Metadata.Version = version
	const annotations = "  annotations:\n"
	for _, f := range slices.Concat(c.Templates, c.Files) {
		if bytes.Contains(f.Data, []byte("kind: CustomResourceDefinition")) {
			if !bytes.Contains(f.Data, []byte(annotations)) {
				f.Data = bytes.Replace(f.Data, []byte("metadata:\n"), []byte("metadata:\n"+annotations), 1)
			}
			f.Data = bytes.Replace(f.Data, []byte(annotations), fmt.Appendf(nil, "%s    %s: %q\n", annotations, nextMark, version), 1)
		}
	}
	archive, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.clients.Upload(t.Context(), d.bucket, nextVersion+"/charts/"+filepath.Base(archive), body); err != nil {
		t.Fatal(err)
	}
}

// running are the versions that are at work.
func (d *deployment) running(t *testing.T, s *rehearsal.Stack, cluster string) versions {
	t.Helper()
	v := versions{Charts: map[string]string{}, Code: map[string]string{}}
	records, err := release.Records(t.Context(), d.kube(t, cluster), metav1.NamespaceAll)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records { // the newest revision comes last
		v.Charts[r.Namespace+"/"+r.Name] = r.ChartVersion
	}
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"OutputsFunction", "HelmInstaller"} {
		f, err := d.clients.Lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(resources[id])})
		if err != nil {
			t.Fatal(err)
		}
		v.Code[id] = aws.ToString(f.CodeSha256)
	}
	config, err := d.AdminConfig(cluster)
	if err != nil {
		t.Fatal(err)
	}
	crds, err := apiextensions.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := crds.ApiextensionsV1().CustomResourceDefinitions().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Items {
		if c.Annotations[nextMark] != "" {
			v.CRDs++
		}
	}
	v.Kubernetes = d.settled(t, cluster).Version
	return v
}

// logged waits until a function has logged a text.
func (d *deployment) logged(t *testing.T, s *rehearsal.Stack, function, text string) {
	t.Helper()
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	group := aws.String(resources[function+"LogGroup"])
	await(t, function+" logs "+text, func(ctx context.Context) error {
		out, err := d.clients.Logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group})
		if err != nil {
			return err
		}
		for _, e := range out.Events {
			if strings.Contains(aws.ToString(e.Message), text) {
				return nil
			}
		}
		return fmt.Errorf("not in %d events", len(out.Events))
	})
}
