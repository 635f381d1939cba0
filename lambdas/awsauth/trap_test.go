package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/internal/authcommand"
	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
)

const self = account + "role/e6data-ws-installer-us-east-1"

// Each way out, with every value that it needs; and all of it fits an answer,
// which has 4,096 bytes of JSON with the IDs and the place of the log.
func TestTrapSaysWhatToDo(t *testing.T) {
	long := strings.Repeat("w", 20)
	cases := map[string]struct {
		props contract.AWSAuth
		self  string
		admin string
		name  string // of the Kubernetes user
	}{
		"the function's own role":      {props: administrator(installer), self: self, name: "e6data-ws-installer-us-east-1"},
		"its role with a chosen name":  {props: contract.AWSAuth{PrincipalArn: installer, Grant: contract.GrantAdministrator, Username: "it's me"}, self: self, name: `it'\''s me`},
		"another role":                 {props: user(control, "u"), self: self, name: "e6data-ws-installer-us-east-1"},
		"an administrator's role":      {props: administrator(installer), self: self, name: "e6data-ws-installer-us-east-1", admin: admins},
		"another partition":            {props: node("arn:aws-cn:iam::111122223333:role/n"), self: "arn:aws-cn:iam::111122223333:role/i", name: "e6data-i"},
		"the longest name that may be": {props: node(nodes), self: account + "role/" + long + long + long + "1234", name: "e6data-" + long + long + long + "1234"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			doors := locked()
			doors.role = tc.self
			tc.props.ClusterAdminRoleArn = tc.admin
			f := newEKS(types.AuthenticationModeConfigMap)
			answer, err := newHandler(f, doors).Create(t.Context(), asked(tc.props))
			if answer.PhysicalID != "" || len(f.calls) > 0 {
				t.Errorf("nothing is to be done, and the answer is %v, calls %v", answer, f.calls)
			}
			lacks(t, err, "cluster demo is in the authentication mode CONFIG_MAP", "does not let this function's role "+tc.self+" edit it: cluster demo does not know it",
				"eksctl create iamidentitymapping --cluster demo --region us-east-1 --arn "+tc.self+" --username '"+tc.name+"' --group system:masters --no-duplicate-arns",
				"kubectl -n kube-system get configmap aws-auth -o json | jq '", "| kubectl replace -f -", tc.self+`\",\"username\":\"`+tc.name+`\"`,
				"Set ClusterAdminRoleArn to a role", "whose trust policy lets "+tc.self+" assume it",
				"Set AllowAuthModeChange to Yes", "cannot be undone")
			if tc.admin != "" {
				lacks(t, err, "ClusterAdminRoleArn "+tc.admin+" did not help: it cannot be assumed.")
			}
			text, marshalErr := json.Marshal(err.Error())
			if marshalErr != nil || len(text) > 3500 {
				t.Errorf("the reason takes %d bytes: %s", len(text), text)
			}
		})
	}
}

// A second entry for a role that is mapped would not count.
func TestTrapOfAMappedRoleWithoutRights(t *testing.T) {
	doors := locked()
	doors.closed[own] = apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "aws-auth", errors.New(`User "x" cannot get resource`))
	_, err := newHandler(newEKS(types.AuthenticationModeConfigMap), doors).Create(t.Context(), asked(administrator(installer)))
	lacks(t, err, `configmaps "aws-auth" is forbidden`, "kubectl -n kube-system edit configmap aws-auth, and give the entry of "+self+" the group system:masters")
	if strings.Contains(err.Error(), "eksctl create") {
		t.Error(err)
	}
}

// shell runs a command with programs of its own first in the path.
func shell(t *testing.T, command, dir string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", command)
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	return string(out), err
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("the printed command needs %s: %v", p, err)
		}
	}
}

func ownTrap(username string) trap {
	return trap{
		cluster: "demo", region: "us-east-1", locked: &lockedOutError{},
		self: awsauth.Role{ARN: self, Username: username, Groups: []string{groupMasters}},
	}
}

// The printed command of kubectl adds the entry and leaves everything else, or it
// leaves all as it is: on every shape of aws-auth that internal/awsauth knows.
func TestPrintedKubectlLosesNothing(t *testing.T) {
	needs(t, "sh", "jq")
	files, err := filepath.Glob("../../internal/awsauth/testdata/shapes/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d shapes, %v", len(files), err)
	}
	stub := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in\n" +
		"'-n kube-system get configmap aws-auth -o json') cat \"$STATE\" ;;\n" +
		"'replace -f -') new=$(cat); [ -n \"$new\" ] || { echo 'error: no objects passed to replace'; exit 1; }; printf '%s' \"$new\" >\"$STATE\" ;;\n" +
		"*) echo \"unexpected $*\"; exit 1 ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(stub, "kubectl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	edited := 0
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) {
			continue // no ConfigMap holds it
		}
		before := core.ConfigMap{Data: map[string]string{"mapRoles": string(text), "mapUsers": "- x # kept\r\n"}}
		before.Name, before.ResourceVersion = "aws-auth", "7"
		object, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		state := filepath.Join(stub, "state")
		if err := os.WriteFile(state, object, 0o600); err != nil {
			t.Fatal(err)
		}
		username := []string{"e6data-ws", "it's \"me\" \\(1)"}[i%2]
		out, runErr := shell(t, "STATE="+state+"; export STATE; "+authcommand.Role(ownTrap(username).self).Kubectl(), stub)
		now, err := os.ReadFile(state)
		if err != nil {
			t.Fatal(err)
		}
		var after core.ConfigMap
		if err := json.Unmarshal(now, &after); err != nil {
			t.Fatalf("%s: %v: %s", file, err, out)
		}
		if after.Data["mapRoles"] == string(text) {
			if runErr == nil {
				t.Errorf("%s: nothing was done, and the command says nothing", file)
			}
			continue
		}
		edited++
		added, whole := strings.CutPrefix(after.Data["mapRoles"], string(text))
		if !whole || runErr != nil || after.Data["mapUsers"] != before.Data["mapUsers"] || after.ResourceVersion != "7" || !strings.Contains(added, self) {
			t.Errorf("%s: %v, %s: from\n%s\ncomes\n%s", file, runErr, out, text, after.Data["mapRoles"])
		}
		was, refused := awsauth.Entries(string(text))
		if refused != nil {
			continue // nobody could read it before either
		}
		is, err := awsauth.Entries(after.Data["mapRoles"])
		want := awsauth.Role{ARN: self, Username: username, Groups: []string{groupMasters}}
		same := func(a, b awsauth.Entry) bool { return a.String() == b.String() }
		if err != nil || len(is) != len(was)+1 || !slices.EqualFunc(was, is[:len(was)], same) || is[len(was)].String() != want.String() {
			t.Errorf("%s: %v: from\n%s\ncomes\n%s", filepath.Base(file), err, text, after.Data["mapRoles"])
		}
	}
	t.Logf("edited %d of %d shapes", edited, len(files))
	if edited < len(files)/3 {
		t.Errorf("edited %d of %d shapes", edited, len(files))
	}
}
