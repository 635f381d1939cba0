package e2e

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// customersClusters are clusters that are there before the stack.
var customersClusters = map[string]rehearsal.CustomerCluster{
	"as EKS makes one":                          {},
	"in the mode API_AND_CONFIG_MAP":            {Mode: "API_AND_CONFIG_MAP", Nodes: map[artifact.Architecture]int32{artifact.X8664: 1, artifact.ARM64: 1}},
	"in the mode API":                           {Mode: "API", Nodes: map[artifact.Architecture]int32{artifact.ARM64: 1}},
	"without aws-auth and nodes":                {NoAWSAuth: true, Nodes: map[artifact.Architecture]int32{}},
	"with access entries and without aws-auth":  {Mode: "API_AND_CONFIG_MAP", NoAWSAuth: true},
	"without an OIDC provider":                  {NoOIDCProvider: true},
	"with its own Karpenter, in CONFIG_MAP":     {Karpenter: true},
	"with its own Karpenter, in API":            {Mode: "API", Karpenter: true},
	"with its own load balancer controller":     {Mode: "API_AND_CONFIG_MAP", LoadBalancerController: true},
	"with its own controllers, in both modes":   {Mode: "API_AND_CONFIG_MAP", Karpenter: true, LoadBalancerController: true},
	"with an aws-auth that has next to nothing": {AWSAuth: map[string]string{"mapRoles": "- rolearn: ${NodeRole}\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]"}},
}

// customersCluster makes a cluster, before anything is looked at for leftovers.
func (d *deployment) customersCluster(t *testing.T, c rehearsal.CustomerCluster) *rehearsal.MadeCluster {
	t.Helper()
	c.Charts = filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts")
	made, err := d.MakeCluster(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	d.snapshot(t)
	return made
}

// speaks tells what the cluster answers a role that lists nodes.
func (d *deployment) speaks(t *testing.T, cluster, role, externalID string) error {
	t.Helper()
	config, err := d.ConfigAs(t.Context(), cluster, role, externalID)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	return err
}

// A customer's cluster is as it was described, at work, at rest, and goes
// without a trace.
func TestCustomersClusters(t *testing.T) {
	t.Parallel()
	for _, name := range sample(t, slices.Sorted(maps.Keys(customersClusters)), 2) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			empty := d.before
			shape := customersClusters[name]
			m := d.customersCluster(t, shape)
			d.checkAccess(t, shape, m)
			d.checkNodes(t, shape, m)
			if shape.Karpenter {
				d.checkKarpenter(t, m)
			}
			if err := m.CheckKept(t.Context(), rehearsal.Allowance{}); err != nil {
				t.Error(err)
			}
			if err := m.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.before = empty
			left := slices.DeleteFunc(d.leftovers(t), func(i rehearsal.Item) bool { return strings.HasPrefix(i.Type, "Kubernetes ") })
			if len(left) > 0 {
				t.Errorf("left in the account: %v", left)
			}
		})
	}
}

// checkAccess looks who the cluster lets in, and how.
func (d *deployment) checkAccess(t *testing.T, shape rehearsal.CustomerCluster, m *rehearsal.MadeCluster) {
	t.Helper()
	cluster, err := d.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &m.Name})
	if err != nil {
		t.Fatal(err)
	}
	want := cmpOr(string(shape.Mode), "CONFIG_MAP")
	if got := string(cluster.Cluster.AccessConfig.AuthenticationMode); got != want {
		t.Errorf("the mode is %s, want %s", got, want)
	}
	if err := d.speaks(t, m.Name, m.Creator, ""); err != nil {
		t.Errorf("the creator: %v", err)
	}
	unmapped := want == "CONFIG_MAP" && (shape.NoAWSAuth || shape.AWSAuth != nil)
	if err := d.speaks(t, m.Name, m.Admin, ""); unmapped != apierrors.IsUnauthorized(err) || !unmapped && err != nil {
		t.Errorf("the admin, not mapped %t: %v", unmapped, err)
	}
	auth, err := d.kube(t, m.Name).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if shape.NoAWSAuth {
		if !apierrors.IsNotFound(err) {
			t.Errorf("aws-auth is there (%v)", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if shape.AWSAuth != nil {
		return
	}
	for _, text := range []string{
		"- '000123456789'\n", "accountID: \"000123456789\"", "{{SessionNameRaw}}", "# Kept by the platform team", "ticket: PLAT-0042",
		"rolearn: " + strings.Replace(m.Nodes, "/customer/", "/", 1) + "\n",
	} {
		if !strings.Contains(auth.Data["mapRoles"]+auth.Data["mapUsers"]+auth.Data["mapAccounts"], text) {
			t.Errorf("aws-auth does not have %q:\n%s", text, auth.Data["mapRoles"])
		}
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// checkNodes compares the nodes of the node groups with the description.
func (d *deployment) checkNodes(t *testing.T, shape rehearsal.CustomerCluster, m *rehearsal.MadeCluster) {
	t.Helper()
	nodes, err := d.kube(t, m.Name).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "eks.amazonaws.com/nodegroup"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[artifact.Architecture]int32{}
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				got[map[string]artifact.Architecture{"amd64": artifact.X8664, "arm64": artifact.ARM64}[n.Status.NodeInfo.Architecture]]++
			}
		}
	}
	want := shape.Nodes
	if want == nil {
		want = map[artifact.Architecture]int32{artifact.X8664: 2}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("nodes that are Ready (-want +got):\n%s", diff)
	}
}

// checkKarpenter looks at the customer's own Karpenter: where it is, that it
// runs the shop's pod on a node of its own, and that its role suffices.
func (d *deployment) checkKarpenter(t *testing.T, m *rehearsal.MadeCluster) {
	t.Helper()
	releases, err := d.Releases(t.Context(), m.Name)
	if err != nil {
		t.Fatal(err)
	}
	want := rehearsal.Release{Name: "karpenter", Namespace: rehearsal.KarpenterNamespace, Status: "deployed", Revision: 1}
	if !slices.Contains(releases, want) {
		t.Errorf("releases: %v, want %v among them", releases, want)
	}
	kube := d.kube(t, m.Name)
	pods, err := kube.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("pods of the shop: %v (%v)", pods, err)
	}
	node, err := kube.CoreV1().Nodes().Get(t.Context(), pods.Items[0].Spec.NodeName, metav1.GetOptions{})
	if err != nil || node.Labels[nodePoolLabel] != "general" {
		t.Errorf("the shop runs on %v (%v)", node.Labels, err)
	}
	calls, err := d.Calls()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rehearsal.CallsByRole(calls) {
		if c.Role == m.Name+"-karpenter" && (c.Allowed == 0 || c.Denied > 0) {
			t.Errorf("Karpenter's role: %+v", c)
		}
	}
}

// What cannot be is refused before anything is made.
func TestACustomersClusterThatCannotBe(t *testing.T) {
	t.Parallel()
	none := map[artifact.Architecture]int32{}
	for want, c := range map[string]rehearsal.CustomerCluster{
		`authentication mode "MAP": want one of`:         {Mode: "MAP"},
		"without one there can be no nodes":              {NoAWSAuth: true},
		"without an OIDC provider they cannot be":        {Karpenter: true, NoOIDCProvider: true, Charts: "x"},
		"without nodes they cannot be":                   {LoadBalancerController: true, Nodes: none, Charts: "x"},
		"the folder with the controllers' charts is not": {Karpenter: true},
	} {
		if _, err := new(rehearsal.Environment).MakeCluster(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

// Tokens of any role of the account can be had, also where its trust wants an
// external ID, and the cluster alone decides what they are good for.
func TestTokensOfAnyRole(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	d := start(t, "")
	m := d.customersCluster(t, rehearsal.CustomerCluster{NoAWSAuth: true, Nodes: map[artifact.Architecture]int32{}})
	const id = "e6data-42"
	role, err := d.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("partner"), AssumeRolePolicyDocument: aws.String(`{
		"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole",
		"Condition": {"StringEquals": {"sts:ExternalId": "` + id + `"}}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	partner := aws.ToString(role.Role.Arn)
	for _, wrong := range []string{"", "e6data-43"} {
		if err := d.speaks(t, m.Name, partner, wrong); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("with the external ID %q: %v, want AccessDenied", wrong, err)
		}
	}
	if err := d.speaks(t, m.Name, partner, id); !apierrors.IsUnauthorized(err) {
		t.Errorf("a role that the cluster does not know: %v", err)
	}
	auth := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "aws-auth"}, Data: map[string]string{
		"mapRoles": "- rolearn: " + partner + "\n  username: partner\n  groups: [system:masters]\n",
	}}
	if _, err := d.kube(t, m.Name).CoreV1().ConfigMaps("kube-system").Create(t.Context(), auth, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the cluster knows the role", func(context.Context) error { return d.speaks(t, m.Name, partner, id) }) //nolint:contextcheck // it has the test's
}
