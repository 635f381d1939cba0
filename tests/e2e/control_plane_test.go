package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// controlPlane speaks as e6data's control plane, with tokens of the
// cross-account role.
type controlPlane struct {
	kube                             kubernetes.Interface
	workspace, namespace, pool, user string
}

// checkControlPlane looks at what the control plane may do on a cluster: all
// that the workspace chart grants, in the workspace's namespace, and nothing
// outside of it.
func (d *deployment) checkControlPlane(t *testing.T, outputs map[string]string) {
	t.Helper()
	config, err := d.ConfigAs(t.Context(), outputs["ClusterName"], outputs["CrossAccountRoleArn"], outputs["ExternalId"])
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c := &controlPlane{
		kube: kube, workspace: outputs["WorkspaceName"], namespace: outputs["KubernetesNamespace"], pool: outputs["NodePoolName"],
		user: "e6data-" + outputs["WorkspaceName"] + "-user",
	}
	c.checkCalls(t, c.checkGrants(t, d.kube(t, outputs["ClusterName"])))
	c.checkElsewhere(t)
}

// checkCalls makes real calls, in the namespace and beside it.
func (c *controlPlane) checkCalls(t *testing.T, granted map[string]int) {
	t.Helper()
	for _, namespace := range []string{c.namespace, "default", "kube-system", "shop"} {
		secrets, deployments, pods := c.kube.CoreV1().Secrets(namespace), c.kube.AppsV1().Deployments(namespace), c.kube.CoreV1().Pods(namespace)
		mine := namespace == c.namespace
		calls := []struct {
			what    string
			allowed bool
			do      func() error
		}{
			{"lists pods", mine || granted[namespace] > 0, func() error { _, err := pods.List(t.Context(), metav1.ListOptions{}); return err }},
			{"makes a secret", mine, func() error {
				_, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "engine"}}, createNow)
				return err
			}},
			{"reads a secret", mine, func() error { _, err := secrets.Get(t.Context(), "engine", metav1.GetOptions{}); return err }},
			{"deletes a secret", mine, func() error { return secrets.Delete(t.Context(), "engine", deleteNow) }},
			{"makes a deployment", mine, func() error {
				_, err := deployments.Create(t.Context(), (&pool{}).engine("engine-of-the-console", 0, nil), createNow)
				return err
			}},
			{"deletes a deployment", mine, func() error { return deployments.Delete(t.Context(), "engine-of-the-console", deleteNow) }},
			{"reads aws-auth", false, func() error {
				_, err := c.kube.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
				return err
			}},
			{"makes a binding", false, func() error {
				_, err := c.kube.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
					ObjectMeta: metav1.ObjectMeta{Name: "more"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "admin"},
					Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: c.user}},
				}, createNow)
				return err
			}},
			{"makes a token of somebody else", false, func() error {
				_, err := c.kube.CoreV1().ServiceAccounts("kube-system").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, createNow)
				return err
			}},
		}
		for _, call := range calls {
			if err := call.do(); call.allowed && err != nil || !call.allowed && !apierrors.IsForbidden(err) {
				t.Errorf("the control plane of %s %s in namespace %s: %v", c.workspace, call.what, namespace, err)
			}
		}
	}
}

// checkGrants asks about each rule that the chart binds to the control plane's
// user: it holds in its place and in no other namespace. It returns how much is
// granted in which.
func (c *controlPlane) checkGrants(t *testing.T, admin kubernetes.Interface) map[string]int {
	t.Helper()
	bindings, err := admin.RbacV1().RoleBindings("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]int{}
	for i := range bindings.Items {
		b := &bindings.Items[i]
		if !slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool { return s.Kind == "User" && s.Name == c.user }) {
			continue
		}
		role, err := admin.RbacV1().Roles(b.Namespace).Get(t.Context(), b.RoleRef.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range questions(role.Rules) {
			granted[b.Namespace]++
			c.ask(t, b.Namespace, true, q)
			c.ask(t, "shop", false, q)
		}
	}
	own, debugged := granted[c.namespace], granted["kube-system"]
	if own < 100 || debugged == 0 || own+debugged != sum(granted) {
		t.Errorf("the chart grants the control plane of %s so many things by namespace: %v", c.workspace, granted)
	}
	return granted
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}

// questions are those of rules, one for each verb on each resource.
func questions(rules []rbacv1.PolicyRule) (all []authorizationv1.ResourceAttributes) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				resource, sub, _ := strings.Cut(resource, "/")
				for _, verb := range rule.Verbs {
					all = append(all, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Subresource: sub, Verb: verb})
				}
			}
		}
	}
	return all
}

// checkElsewhere asks about what is in no namespace, and in that of the cluster.
func (c *controlPlane) checkElsewhere(t *testing.T) {
	t.Helper()
	const karpenter, aws, rbac = "karpenter.sh", "karpenter.k8s.aws", rbacv1.GroupName
	type question = authorizationv1.ResourceAttributes
	may := []question{
		{Resource: "nodes", Verb: "list"},
		{Group: karpenter, Resource: "nodepools", Verb: "list"},
		{Group: aws, Resource: "ec2nodeclasses", Verb: "list"},
		{Group: karpenter, Resource: "nodepools", Verb: "patch", Name: c.pool},
		{Group: aws, Resource: "ec2nodeclasses", Verb: "delete", Name: c.pool},
	}
	mayNot := []question{
		{Resource: "nodes", Verb: "delete"},
		{Resource: "nodes", Subresource: "proxy", Verb: "get"},
		{Resource: "namespaces", Verb: "list"},
		{Resource: "namespaces", Verb: "delete", Name: c.namespace},
		{Resource: "persistentvolumes", Verb: "delete"},
		{Group: karpenter, Resource: "nodepools", Verb: "create"},
		{Group: karpenter, Resource: "nodepools", Verb: "patch", Name: "general"},
		{Group: karpenter, Resource: "nodepools", Verb: "delete", Name: c.pool + "-2"},
		{Group: karpenter, Resource: "nodeclaims", Verb: "delete"},
		{Group: aws, Resource: "ec2nodeclasses", Verb: "delete", Name: "general"},
		{Group: rbac, Resource: "clusterroles", Verb: "escalate"},
		{Group: rbac, Resource: "clusterrolebindings", Verb: "create"},
		{Resource: "users", Verb: "impersonate", Name: "kubernetes-admin"},
		{Group: "certificates.k8s.io", Resource: "certificatesigningrequests", Verb: "create"},
		{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions", Verb: "delete"},
		{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verb: "create"},
		{Group: "*", Resource: "*", Verb: "*"},
	}
	for _, q := range may {
		c.ask(t, "", true, q)
	}
	for _, q := range mayNot {
		c.ask(t, "", false, q)
	}
	for _, q := range []question{
		{Resource: "secrets", Verb: "get"},
		{Resource: "configmaps", Verb: "get", Name: "aws-auth"},
		{Resource: "configmaps", Verb: "patch", Name: "aws-auth"},
		{Resource: "pods", Verb: "create"},
		{Resource: "pods", Subresource: "exec", Verb: "create"},
		{Resource: "pods", Verb: "delete"},
		{Group: "apps", Resource: "deployments", Verb: "patch"},
		{Resource: "serviceaccounts", Subresource: "token", Verb: "create"},
	} {
		c.ask(t, "kube-system", false, q)
	}
}

// ask asks the API server, which answers for whoever asks.
func (c *controlPlane) ask(t *testing.T, namespace string, want bool, q authorizationv1.ResourceAttributes) {
	t.Helper()
	q.Namespace = namespace
	answer, err := c.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &q},
	}, createNow)
	if err == nil && answer.Status.Allowed != want {
		err = fmt.Errorf("allowed: %v, want %v; %s", answer.Status.Allowed, want, answer.Status.Reason)
	}
	if err != nil {
		t.Errorf("the control plane of %s, %s of %s %s in %q: %v", c.workspace, q.Verb, strings.Trim(q.Resource+"/"+q.Subresource+"."+q.Group, "/."), q.Name, namespace, err)
	}
}
