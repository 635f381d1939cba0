package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// finished is the description of a workspace, with changes; nil drops a field.
func finished(t *testing.T, changes map[string]any) string {
	t.Helper()
	fields := map[string]any{
		"workspaceName": "demo", "region": "us-east-1", "workspaceBucketName": "demo-bucket",
		"crossAccountRoleArn": "arn:aws:iam::111122223333:role/cross", "externalId": "s3cret-external-id",
		"clusterName": "demo", "kubernetesNamespace": "demo", "nodePoolName": "e6data-demo", "nodeClassName": "e6data-demo",
		"karpenterNodeRoleName": "node", "karpenterNodeRoleArn": "arn:aws:iam::111122223333:role/node",
		"engineRoleArn": "arn:aws:iam::111122223333:role/engine", "vpcId": "vpc-0a", "subnetIds": "subnet-1,subnet-2",
		"oidcProviderArn": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A&B",
	}
	for name, v := range changes {
		if v == nil {
			delete(fields, name)
			continue
		}
		fields[name] = v
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWorkspaceOutputs(t *testing.T) {
	tests := map[string]struct {
		host, config string
		err          string
	}{
		"all there":          {config: finished(t, nil)},
		"host with a port":   {host: "console.example.com:8443", config: finished(t, nil)},
		"not JSON":           {config: "{", err: "workspace outputs: property Config: it is not a JSON object"},
		"null":               {config: "null", err: "workspace outputs: property Config: it is not a JSON object"},
		"host with a scheme": {host: "https://x", config: finished(t, nil), err: `workspace outputs: property ConsoleHost: "https://x" is not a host name such as console.example.com`},
		"host with a path":   {host: "x/y?z", config: finished(t, nil), err: `workspace outputs: property ConsoleHost: "x/y?z" is not a host name such as console.example.com`},
		"all problems at once": {
			host:   "-",
			config: finished(t, map[string]any{"region": nil, "vpcId": " ", "subnetIds": []string{"a"}, "engineRoleArn": nil, "engineRoleARN": "x", "clusterName": nil, "nodePoolName": ""}),
			err: "workspace outputs: property Config: region is missing; clusterName is missing; nodePoolName is empty; engineRoleArn is missing; " +
				`vpcId is empty; subnetIds is not text; engineRoleARN is not known; property ConsoleHost: "-" is not a host name such as console.example.com`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.host == "" {
				test.host = "console.example.com"
			}
			r := outputsRequest{Props: contract.WorkspaceOutputs{ConsoleHost: test.host, Config: test.config}}
			got, err := workspaceOutputs{}.Create(t.Context(), r)
			if diff := cmp.Diff(test.err, message(err)); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if got.PhysicalID != "workspaceoutputs/demo" || !(workspaceOutputs{}).Owns(got.PhysicalID) {
				t.Errorf("physical ID is %s", got.PhysicalID)
			}
			checkLink(t, got.Data.ConsoleURL, test.host, test.config)
		})
	}
}

// checkLink compares the link with the description: every field but the
// external ID is in it.
func checkLink(t *testing.T, link, host, config string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "https" || u.Host != host || u.Path != "/workspaces/create" {
		t.Errorf("the link goes to %s://%s%s", u.Scheme, u.Host, u.Path)
	}
	got := map[string]string{}
	for name, values := range u.Query() {
		got[name] = strings.Join(values, "|")
	}
	var want map[string]string
	if err := json.Unmarshal([]byte(config), &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "externalId")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields of the link (-want +got):\n%s", diff)
	}
	if strings.Contains(link, "s3cret") {
		t.Error("the external ID is in the link")
	}
}
