package rehearsal

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func TestRequireLoopback(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"https://127.0.0.1:4566": true, "https://localhost:1": true, "http://[::1]:1": true,
		"https://sts.amazonaws.com": false, "https://127.0.0.1.example.com": false, "https://10.0.0.1": false, "": false, "127.0.0.1:4566": false,
		"https://localhost@example.com": false,
	} {
		if err := RequireLoopback("the flag", endpoint); (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestAttachRefusesARecordThatLeadsElsewhere(t *testing.T) {
	if _, err := Attach(t.TempDir(), "https://cloudformation.us-east-1.amazonaws.com", "us-east-1"); err == nil || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("error %v", err)
	}
}

// parts are files that exist, for what is checked before they are used.
func parts(t *testing.T) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Python: self, Localkube: self, Launcher: self}
}

// The state folder is removed in the end: nobody's files may be in it.
func TestAStateFolderWithFilesIsRefused(t *testing.T) {
	c := parts(t)
	c.StateDir = t.TempDir()
	file := filepath.Join(c.StateDir, "mine")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestATakenPortIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := parts(t)
	c.Port = l.Addr().(*net.TCPAddr).Port
	if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "address already in use; choose another") {
		t.Errorf("error %v", err)
	}
}

func committedTemplate(t *testing.T) *Template {
	t.Helper()
	text, err := os.ReadFile("../quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestChartHosts(t *testing.T) {
	if diff := cmp.Diff([]string{"aws.github.io", "e6data.github.io", "public.ecr.aws"}, chartHosts(committedTemplate(t))); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

type resolver map[string]bool

func (r resolver) LookupHost(_ context.Context, host string) ([]string, error) {
	if r[host] {
		return []string{"192.0.2.1"}, nil
	}
	return nil, errors.New("no such host")
}

func TestPublicChartsNeedTheirHosts(t *testing.T) {
	template := committedTemplate(t)
	if err := RequireChartHosts(t.Context(), resolver{"public.ecr.aws": true, "e6data.github.io": true, "aws.github.io": true}, template); err != nil {
		t.Error(err)
	}
	err := RequireChartHosts(t.Context(), resolver{"e6data.github.io": true, "aws.github.io": true}, template)
	if err == nil || !strings.Contains(err.Error(), "needs the internet, and public.ecr.aws cannot be found") {
		t.Errorf("error %v", err)
	}
	if err := RequireChartHosts(t.Context(), resolver{}, &Template{}); err == nil || !strings.Contains(err.Error(), "no public chart repository") {
		t.Errorf("a template without charts: %v", err)
	}
}

func TestModesAreThoseOfTheVersion(t *testing.T) {
	a := Artifacts{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(a.Dir, "quickstart.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if file, err := a.ModeTemplate(contract.ModeNewVPC); err != nil || file != "quickstart.yaml" {
		t.Errorf("%q, %v", file, err)
	}
	if _, err := a.ModeTemplate(contract.ModeExistingEKS); err == nil || !strings.Contains(err.Error(), "it has: new-vpc") {
		t.Errorf("error %v", err)
	}
	if _, err := a.ModeTemplate("new"); err == nil || !strings.Contains(err.Error(), "want one of new-vpc, existing-vpc, existing-eks") {
		t.Errorf("error %v", err)
	}
}

func TestNestedTemplatesAreCounted(t *testing.T) {
	template := committedTemplate(t)
	if diff := cmp.Diff([]string{"templates/network.yaml"}, template.nested()); diff != "" {
		t.Errorf("nested (-want +got):\n%s", diff)
	}
	if n := template.Unconditional(); n["cluster"] == 0 || n["install"] == 0 || n["stack"] != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestCallsByRole(t *testing.T) {
	calls := []Call{
		{Principal: "arn:aws:sts::1:assumed-role/b/s", Action: "s3:GetObject", Resource: "k", Allowed: true},
		{Principal: "arn:aws:sts::1:assumed-role/a/s", Action: "eks:DescribeCluster", Resource: "c"},
		{Principal: "arn:aws:sts::1:assumed-role/a/t", Action: "eks:DescribeCluster", Resource: "c"},
	}
	want := []RoleCalls{{Role: "a", Denied: 2, Refused: calls[1:2]}, {Role: "b", Allowed: 1}}
	if diff := cmp.Diff(want, CallsByRole(calls)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestTroublesOfPods(t *testing.T) {
	ready := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	pulling := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "sales", Name: "planner-0"}, Status: corev1.PodStatus{
		Phase: corev1.PodPending,
		ContainerStatuses: []corev1.ContainerStatus{
			{Name: "app", Image: "planner:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}},
		},
	}}
	want := []Trouble{{"e6data-sales", "Pod", "sales/planner-0", "is in ImagePullBackOff: container app cannot get its image planner:1: no such image"}}
	if diff := cmp.Diff(want, podTroubles("e6data-sales", []corev1.Pod{ready, pulling})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all := podTroubles("e6data-sales", slices.Repeat([]corev1.Pod{pulling}, 30)); len(all) != mostTroubles {
		t.Errorf("%d troubles are told of 30", len(all))
	}
}
