// Package authcommand writes the commands with which an administrator of a
// cluster maps a role in the ConfigMap aws-auth, once, by hand.
package authcommand

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Role is the entry to be added.
type Role struct {
	ARN      string   // without a path, as aws-auth has it
	Username string   // the Kubernetes user's name
	Groups   []string // at least one
}

// Eksctl is the command of eksctl, for a POSIX shell.
func (r Role) Eksctl(cluster, region string) string {
	return fmt.Sprintf("eksctl create iamidentitymapping --cluster %s --region %s --arn %s --username %s --group %s --no-duplicate-arns",
		cluster, region, r.ARN, shellQuote(r.Username), strings.Join(r.Groups, " --group "))
}

// Kubectl is a command of kubectl and jq that puts the role's entry at the end of
// mapRoles. All else stays as it is: jq stops, and nothing is written, when the
// text is no list of entries on lines of their own, and kubectl replace when
// somebody changed the ConfigMap meanwhile.
func (r Role) Kubectl() string {
	entry, err := json.Marshal(map[string]any{"rolearn": r.ARN, "username": r.Username, "groups": r.Groups})
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
