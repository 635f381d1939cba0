package iam

import (
	"context"
	"fmt"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// adminViewRole reads everything, secrets too. RBAC has no such role of its own.
const adminViewRole = "eks:admin-view"

// policyRoles gives each general access policy the ClusterRole that stands for
// it. EKS evaluates them in an authorizer of its own; here they become groups
// bound by RBAC: the nearest built-in role, not the exact published rules.
var policyRoles = map[string]string{
	"AmazonEKSClusterAdminPolicy": "cluster-admin",
	"AmazonEKSAdminPolicy":        "admin",
	"AmazonEKSEditPolicy":         "edit",
	"AmazonEKSViewPolicy":         "view",
	"AmazonEKSAdminViewPolicy":    adminViewRole,
}

// policies plays EKS access policies by RBAC.
type policies struct{ kube kubernetes.Interface }

// install makes the roles and the cluster-wide bindings.
func (p *policies) install(ctx context.Context) error {
	_, err := p.kube.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: adminViewRole},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make cluster role %s: %w", adminViewRole, err)
	}
	for policy, role := range policyRoles {
		group := policyGroup(policy, "")
		_, err := p.kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: group}, Subjects: subjects(group), RoleRef: roleRef(role),
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("bind access policy %s: %w", policy, err)
		}
	}
	return nil
}

// groups gives the groups that an associated policy puts its principal into.
// A policy that is not played gives none.
func (p *policies) groups(ctx context.Context, a *ekstypes.AssociatedAccessPolicy) ([]string, error) {
	policy := path.Base(aws.ToString(a.PolicyArn))
	if policyRoles[policy] == "" || a.AccessScope == nil {
		return nil, nil
	}
	if a.AccessScope.Type == ekstypes.AccessScopeTypeCluster {
		return []string{policyGroup(policy, "")}, nil
	}
	all, err := p.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list namespaces for access policy %s: %w", policy, err)
	}
	var groups []string
	for i := range all.Items {
		ns := all.Items[i].Name
		if !matches(a.AccessScope.Namespaces, ns) {
			continue
		}
		if err := p.bind(ctx, policy, ns); err != nil {
			return nil, err
		}
		groups = append(groups, policyGroup(policy, ns))
	}
	return groups, nil
}

// bind gives the policy's role in one namespace.
func (p *policies) bind(ctx context.Context, policy, namespace string) error {
	group := policyGroup(policy, namespace)
	_, err := p.kube.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: group}, Subjects: subjects(group), RoleRef: roleRef(policyRoles[policy]),
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("bind access policy %s in namespace %s: %w", policy, namespace, err)
	}
	return nil
}

// matches tells whether one of the scope's patterns (* stands for any letters)
// names the namespace.
func matches(patterns []string, namespace string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, namespace); err == nil && ok {
			return true
		}
	}
	return false
}

func policyGroup(policy, namespace string) string {
	if namespace == "" {
		return "eks:access-policy:" + policy
	}
	return "eks:access-policy:" + policy + ":" + namespace
}

func subjects(group string) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: group}}
}

func roleRef(clusterRole string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole}
}
