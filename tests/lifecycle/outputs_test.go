package lifecycle_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

// binary returns the function's executable: the one in the folder that
// QUICKSTART_FUNCTIONS names (FOLDER/NAME/bootstrap), or one built now.
func binary(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv("QUICKSTART_FUNCTIONS"); dir != "" {
		return dir + "/" + name + "/bootstrap"
	}
	return lifecycle.Build(t, name)
}

// ec2 plays DescribeAvailabilityZones. While hold is set it does not answer.
type ec2 struct {
	zones atomic.Value // string: letters of the zones
	calls atomic.Int32
	hold  atomic.Bool
	stop  chan struct{}
}

func (e *ec2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.calls.Add(1)
	if e.hold.Load() {
		select {
		case <-r.Context().Done():
		case <-e.stop:
		}
		return
	}
	if action := r.FormValue("Action"); action != "DescribeAvailabilityZones" {
		http.Error(w, "unexpected action "+action, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = fmt.Fprint(w, `<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><availabilityZoneInfo>`)
	for i, letter := range e.zones.Load().(string) {
		_, _ = fmt.Fprintf(w, `<item><zoneName>us-east-1%c</zoneName><zoneId>use1-az%d</zoneId><zoneState>available</zoneState>`+
			`<zoneType>availability-zone</zoneType><optInStatus>opt-in-not-required</optInStatus></item>`, letter, 4+i)
	}
	_, _ = fmt.Fprint(w, `</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`)
}

// startOutputs runs the outputs function with its own EC2.
func startOutputs(t *testing.T, path string) (*lifecycle.Function, *ec2) {
	t.Helper()
	api := &ec2{stop: make(chan struct{})}
	api.zones.Store("abc")
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(api.stop) })
	return lifecycle.Start(t, lifecycle.Options{Binary: path, Env: []string{"AWS_ENDPOINT_URL_EC2=" + server.URL}}), api
}

// only returns an invocation's one answer and checks what every answer owes.
func only(t *testing.T, event map[string]any, res lifecycle.Result) lifecycle.Answer {
	t.Helper()
	if res.Error != "" {
		t.Fatalf("the invocation failed: %s", res.Error)
	}
	if len(res.Answers) != 1 {
		t.Fatalf("%d answers, want 1", len(res.Answers))
	}
	a := res.Answers[0]
	if a.Size > 4096 || a.ContentType != "" || a.PhysicalResourceID == "" {
		t.Errorf("answer of %d bytes, Content-Type %q, physical ID %q", a.Size, a.ContentType, a.PhysicalResourceID)
	}
	want := []any{event["RequestId"], event["StackId"], event["LogicalResourceId"]}
	if diff := cmp.Diff(want, []any{a.RequestID, a.StackID, a.LogicalResourceID}); diff != "" {
		t.Errorf("echoed fields (-want +got):\n%s", diff)
	}
	return a
}

func TestOutputs(t *testing.T) {
	path := binary(t, "outputs")
	f, api := startOutputs(t, path)
	const (
		planID = "networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b,us-east-1c"
		events = "testdata/outputs/"
	)
	plan := map[string]any{
		"AvailabilityZones":        "us-east-1a,us-east-1b,us-east-1c,,,",
		"ClusterAvailabilityZones": "us-east-1a,us-east-1b,us-east-1c,,,",
		"PublicSubnetCidrs":        "10.200.192.0/22,10.200.196.0/22,10.200.200.0/22,,,",
		"PrivateSubnetCidrs":       "10.200.0.0/19,10.200.32.0/19,10.200.64.0/19,,,",
		"InternetGatewayId":        "", "VpcId": "", "PrivateSubnetIds": "", "NodeSubnetIds": "", "PublicSubnetIds": "", "Zones": "",
	}
	tests := []struct {
		name     string
		event    string
		changes  map[string]any
		zones    string // on offer
		status   cfn.StatusType
		id       string
		reasons  []string
		data     map[string]any
		ec2Calls int32
	}{
		{
			name: "create plans the zones", event: "plan-create.json", zones: "abcd",
			status: cfn.StatusSuccess, id: planID, data: plan, ec2Calls: 1,
		},
		{
			name: "update keeps them though another is not excluded any more", event: "plan-update.json", zones: "abcd",
			status: cfn.StatusSuccess, id: planID, data: plan,
		},
		{
			name: "update refuses another block", event: "plan-update.json", zones: "abc",
			changes: map[string]any{"ResourceProperties.VpcCidr": "10.201.0.0/16"},
			status:  cfn.StatusFailed, id: planID, reasons: []string{"VpcCidr cannot change from 10.200.0.0/16 to 10.201.0.0/16", lifecycle.LogGroup},
		},
		{name: "delete succeeds", event: "plan-delete.json", status: cfn.StatusSuccess, id: planID},
		{
			name: "delete succeeds with properties of another version", event: "plan-delete.json",
			changes: map[string]any{"ResourceProperties.VpcCidr": []string{"10.0.0.0/8"}, "ResourceProperties.Gone": "x"},
			status:  cfn.StatusSuccess, id: planID,
		},
		{
			name: "misspelt properties are named", event: "plan-create.json",
			changes: map[string]any{"ResourceProperties.VpcCIDR": "10.200.0.0/16", "ResourceProperties.VpcCidr": nil},
			status:  cfn.StatusFailed, id: "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a",
			reasons: []string{"VpcCIDR is not known (did you mean VpcCidr?)"},
		},
		{
			name: "missing properties are named", event: "plan-create.json",
			changes: map[string]any{"ResourceProperties.VpcCidr": nil},
			status:  cfn.StatusFailed, id: "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a",
			reasons: []string{"VpcCidr (of a new VPC) or VpcId (of an existing one) is missing"},
		},
		{
			name: "too few zones say why", event: "plan-create.json", zones: "ad",
			status: cfn.StatusFailed, id: "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a",
			reasons: []string{"only us-east-1a can be used", "us-east-1d (use1-az5): ExcludedAvailabilityZones names us-east-1d"}, ec2Calls: 1,
		},
		{
			name: "the delete after a failed create succeeds", event: "plan-delete.json",
			changes: map[string]any{"PhysicalResourceId": "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a"},
			status:  cfn.StatusSuccess, id: "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a",
		},
		{
			name: "a finished workspace gets its link", event: "workspace-create.json",
			status: cfn.StatusSuccess, id: "workspaceoutputs/demo",
			data: map[string]any{"Callback": "", "ConsoleUrl": "https://console.e6data.com/workspaces/create?clusterName=demo" +
				"&crossAccountRoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdemo-CrossAccount" +
				"&engineRoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdemo-Engine" +
				"&karpenterNodeRoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fdemo-Node&karpenterNodeRoleName=demo-Node" +
				"&kubernetesNamespace=demo&nodeClassName=e6data-demo&nodePoolName=e6data-demo" +
				"&oidcProviderArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Aoidc-provider%2Foidc.eks.us-east-1.amazonaws.com%2Fid%2FEXAMPLED539D4633E53DE1B71EXAMPLE" +
				"&region=us-east-1&subnetIds=subnet-0aaa%2Csubnet-0bbb%2Csubnet-0ccc&vpcId=vpc-0a1b2c3d4e5f67890" +
				"&workspaceBucketName=demo-bucket-1a2b&workspaceName=demo"},
		},
		{
			name: "an unfinished one is told what lacks", event: "workspace-create.json",
			changes: map[string]any{"ResourceProperties.Config": `{"workspaceName":"demo","vpc":"x"}`},
			status:  cfn.StatusFailed, id: "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a",
			reasons: []string{"region is missing", "oidcProviderArn is missing", "vpc is not known"},
		},
		{name: "its delete succeeds", event: "workspace-delete.json", status: cfn.StatusSuccess, id: "workspaceoutputs/demo"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			api.zones.Store(test.zones)
			before := api.calls.Load()
			event := lifecycle.Event(t, events+test.event, test.changes)
			a := only(t, event, f.Invoke(t, event, 30*time.Second))
			if a.Status != test.status || a.PhysicalResourceID != test.id {
				t.Errorf("%s %s (%s), want %s %s", a.Status, a.PhysicalResourceID, a.Reason, test.status, test.id)
			}
			for _, want := range test.reasons {
				if !strings.Contains(a.Reason, want) {
					t.Errorf("reason is %q, want it to contain %q", a.Reason, want)
				}
			}
			if diff := cmp.Diff(test.data, a.Data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if calls := api.calls.Load() - before; calls != test.ec2Calls {
				t.Errorf("%d calls of EC2, want %d", calls, test.ec2Calls)
			}
		})
	}
	t.Run("garbage fails the invocation and not the process", func(t *testing.T) {
		if res := f.Invoke(t, nil, 30*time.Second); len(res.Answers) != 0 || !strings.Contains(res.Error, "not a CloudFormation custom-resource event") {
			t.Errorf("answers %v, error %q", res.Answers, res.Error)
		}
		event := lifecycle.Event(t, events+"plan-delete.json", nil)
		if a := only(t, event, f.Invoke(t, event, 30*time.Second)); a.Status != cfn.StatusSuccess {
			t.Errorf("the next event was answered %s: %s", a.Status, a.Reason)
		}
	})
	t.Run("an answer comes before the deadline", func(t *testing.T) {
		api.zones.Store("abc")
		api.hold.Store(true)
		defer api.hold.Store(false)
		event := lifecycle.Event(t, events+"plan-create.json", nil)
		res := f.Invoke(t, event, 3*time.Second)
		a := only(t, event, res)
		if a.Status != cfn.StatusFailed || !strings.Contains(a.Reason, "Create of NetworkPlan used up the function's time (1.5s): list the Availability Zones of the region") {
			t.Errorf("answered %s: %s", a.Status, a.Reason)
		}
		if res.Took > 2500*time.Millisecond {
			t.Errorf("answered after %s of 3s", res.Took)
		}
	})
	t.Run("no secret is in the log", func(t *testing.T) {
		log := f.Log()
		for _, secret := range []string{lifecycle.Signature, "X-Amz-", "demo-external-id"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has %q", secret)
			}
		}
		if !strings.Contains(log, `"message":"answered"`) {
			t.Errorf("the log tells no answer:\n%s", log)
		}
	})
}

// The function's own HTTP client and credentials: what is posted is read by
// whoever listens at CallbackUrl, and nobody else learns of the proof.
func TestOutputsPostTheWorkspace(t *testing.T) {
	bodies := make(chan []byte, 1)
	hook := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}))
	defer hook.Close()
	f, _ := startOutputs(t, binary(t, "outputs"))
	event := lifecycle.Event(t, "testdata/outputs/workspace-create.json", map[string]any{"ResourceProperties.CallbackUrl": hook.URL + "/workspaces"})
	a := only(t, event, f.Invoke(t, event, 30*time.Second))
	if a.Status != cfn.StatusSuccess || a.Data["Callback"] != "Posted." {
		t.Fatalf("answered %s %v: %s", a.Status, a.Data["Callback"], a.Reason)
	}
	var posted contract.Callback
	if err := json.Unmarshal(<-bodies, &posted); err != nil {
		t.Fatal(err)
	}
	if config := event["ResourceProperties"].(map[string]any)["Config"]; string(posted.Workspace) != config || posted.StackID != event["StackId"] {
		t.Errorf("posted %s of stack %s", posted.Workspace, posted.StackID)
	}
	if !strings.HasPrefix(posted.Proof.URL, "https://sts.us-east-1.amazonaws.com/?") || !strings.Contains(posted.Proof.URL, "AKIAIOSFODNN7EXAMPLE") {
		t.Errorf("the proof is no request of STS by the function's credentials")
	}
	if log := f.Log(); strings.Contains(log, "X-Amz-") || strings.Contains(log, "demo-external-id") {
		t.Errorf("a secret is in the log")
	}
}
