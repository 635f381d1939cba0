package main

import (
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

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
	return "run once: " + t.eksctl() + " -- or, with kubectl and jq: " + t.kubectl()
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

// eksctl is the command of eksctl that maps the function's role.
func (t trap) eksctl() string {
	return fmt.Sprintf("eksctl create iamidentitymapping --cluster %s --region %s --arn %s --username %s --group %s --no-duplicate-arns",
		t.cluster, t.region, t.self.ARN, shellQuote(t.self.Username), strings.Join(t.self.Groups, " --group "))
}

// kubectl is a command that puts the same entry at the end of mapRoles. All else
// stays as it is: jq stops, and nothing is written, when the text is no list of
// entries on lines of their own, and kubectl replace when somebody changed the
// ConfigMap meanwhile.
func (t trap) kubectl() string {
	entry, err := json.Marshal(map[string]any{"rolearn": t.self.ARN, "username": t.self.Username, "groups": t.self.Groups})
	if err != nil {
		return "kubectl -n kube-system edit configmap aws-auth"
	}
	// The first line that says something tells how far entries stand in. After a
	// document's marker an entry would not count, and a text block that ends
	// without a break would get one.
	program := `(.data.mapRoles // "") as $t | ([$t | split("\n")[] | select(test("^\\s*(#|$)") | not)][0] // "- ") as $l | ` +
		`if ($l | test("^ *-(\\s|$)")) and ($t | test("(^|\n)(---|[.]{3})|[|>](.|\n)*[^\n]$") | not) ` +
		`then .data.mapRoles = $t + (if $t | test("[^\n]$") then "\n" else "" end) + ($l | match("^ *").string) + "- " + ` +
		jqText(string(entry)) + ` + "\n" else error("edit mapRoles by hand") end`
	return "kubectl -n kube-system get configmap aws-auth -o json | jq " + shellQuote(program) + " | kubectl replace -f -"
}

// jqText is a string in a jq program: jq's are JSON's, but for \( .
func jqText(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}

// shellQuote is a word for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
