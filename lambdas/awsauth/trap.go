package main

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/e6data/aws-quickstart/internal/authcommand"
	"github.com/e6data/aws-quickstart/internal/awsauth"
)

// trap is a cluster of the mode CONFIG_MAP whose aws-auth does not let the
// function in that is to edit it. Only a person can open it.
type trap struct {
	cluster, region string
	// self is the entry that the function's own role needs.
	self awsauth.Role
	// locked says who was refused.
	locked *lockedOutError
}

// Error has the commands, which an administrator of the cluster runs once: after
// one of them the next launch passes, since the role's name stays the same.
func (t trap) Error() string {
	tried := ""
	for _, r := range t.locked.roles {
		if r.role != own {
			tried = fmt.Sprintf(" ClusterAdminRoleArn %s did not help: %v.", r.role, r.why)
		}
	}
	return fmt.Sprintf("cluster %s is in the authentication mode CONFIG_MAP, and its ConfigMap aws-auth does not let this function's role %s edit it: %v.%s "+
		"Do one of these and launch again, with the same WorkspaceName. "+
		"(1) As an administrator of the cluster: %s -- "+
		"(2) Set ClusterAdminRoleArn to a role that aws-auth maps to %s and whose trust policy lets %s assume it. "+
		"(3) Set AllowAuthModeChange to Yes: the cluster gets access entries beside aws-auth, which cannot be undone.",
		t.cluster, t.self.ARN, t.why(), tried, t.command(), groupMasters, t.self.ARN)
}

// command is what to run. A role that is mapped already needs no second entry.
func (t trap) command() string {
	if apierrors.IsForbidden(t.why()) {
		return fmt.Sprintf("kubectl -n kube-system edit configmap aws-auth, and give the entry of %s the group %s", t.self.ARN, groupMasters)
	}
	role := authcommand.Role(t.self)
	return "run once: " + role.Eksctl(t.cluster, t.region) + " -- or, with kubectl and jq: " + role.Kubectl()
}

// why is why the function's own role was refused.
func (t trap) why() error {
	for _, r := range t.locked.roles {
		if r.role == own {
			return r.why
		}
	}
	return t.locked
}
