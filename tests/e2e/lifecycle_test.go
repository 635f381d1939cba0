package e2e

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
)

func TestCreateUpdateDelete(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	d.checkAccountWasRead(t, s)
	created := releases(t, d, outputs["ClusterName"])
	if want := map[string]int{"kube-system/karpenter-crd": 1, "kube-system/karpenter": 1, "kube-system/aws-load-balancer-controller": 1, "kube-system/e6data-analytics": 1, outputs["KubernetesNamespace"] + "/analytics": 1}; !cmp.Equal(want, created) {
		t.Errorf("releases after create (-want +got):\n%s", cmp.Diff(want, created))
	}
	if err := s.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000", "DebugNamespaces": "kube-system,default"}); err != nil {
		t.Fatal(err)
	}
	updated := releases(t, d, outputs["ClusterName"])
	if want := map[string]int{"kube-system/karpenter-crd": 1, "kube-system/karpenter": 1, "kube-system/aws-load-balancer-controller": 1, "kube-system/e6data-analytics": 2, outputs["KubernetesNamespace"] + "/analytics": 2}; !cmp.Equal(want, updated) {
		t.Errorf("releases after update (-want +got):\n%s", cmp.Diff(want, updated))
	}
	kept := retained(t, s)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	if buckets := slices.DeleteFunc(slices.Clone(kept), func(i rehearsal.Item) bool { return i.Type != "AWS::S3::Bucket" }); len(buckets) != 2 {
		t.Errorf("the template retains the buckets %v, want the workspace bucket and the log bucket", buckets)
	}
}

// retained are the things that stay when the stack is deleted.
func retained(t *testing.T, s *rehearsal.Stack) []rehearsal.Item {
	t.Helper()
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return committed(t, "quickstart.yaml").Retained(resources)
}

// checkOutputs compares the outputs with each other and with the contract.
func checkOutputs(t *testing.T, s *rehearsal.Stack) map[string]string {
	t.Helper()
	list, err := s.Outputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range list {
		outputs[o.Key] = o.Value
		if o.Value == "" || o.Description == "" {
			t.Errorf("output %s: value %q, description %q", o.Key, o.Value, o.Description)
		}
	}
	dec := json.NewDecoder(strings.NewReader(outputs["WorkspaceConfig"]))
	dec.DisallowUnknownFields()
	var got contract.WorkspaceConfig
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("WorkspaceConfig %q: %v", outputs["WorkspaceConfig"], err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Errorf("WorkspaceConfig has more than one JSON value")
	}
	want := contract.WorkspaceConfig{
		WorkspaceName: outputs["WorkspaceName"], Region: outputs["Region"], WorkspaceBucketName: outputs["WorkspaceBucketName"],
		CrossAccountRoleArn: outputs["CrossAccountRoleArn"], ExternalID: outputs["ExternalId"], ClusterName: outputs["ClusterName"],
		KubernetesNamespace: outputs["KubernetesNamespace"], NodePoolName: outputs["NodePoolName"], NodeClassName: outputs["NodeClassName"],
		KarpenterNodeRoleName: outputs["KarpenterNodeRoleName"], KarpenterNodeRoleArn: outputs["KarpenterNodeRoleArn"], EngineRoleArn: outputs["EngineRoleArn"],
		VpcID: outputs["VpcId"], SubnetIDs: outputs["SubnetIds"], OidcProviderArn: outputs["OidcProviderArn"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("WorkspaceConfig (-outputs +config):\n%s", diff)
	}
	if !strings.HasPrefix(outputs["ConsoleUrl"], "https://") || strings.Contains(outputs["ConsoleUrl"], outputs["ExternalId"]) {
		t.Errorf("ConsoleUrl %q: want an https link without the external ID", outputs["ConsoleUrl"])
	}
	return outputs
}

func releases(t *testing.T, d *deployment, cluster string) map[string]int {
	t.Helper()
	list, err := d.Releases(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	revisions := map[string]int{}
	for _, r := range list {
		if r.Status != "deployed" {
			t.Errorf("release %s/%s is %s", r.Namespace, r.Name, r.Status)
		}
		revisions[r.Namespace+"/"+r.Name] = r.Revision
	}
	return revisions
}

func TestAnyOrderOfIndependentResources(t *testing.T) {
	t.Parallel()
	for _, order := range sample(t, []string{"custom-first", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, 2) {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			d := start(t, order)
			s := d.stack(t)
			if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
				t.Fatal(err)
			}
			if err := s.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000"}); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEveryResourceTypeIsLookedForByTheLeftoverCheck(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"quickstart.yaml", existingVPC, existingEKS, "templates/network.yaml"} {
		template := committed(t, file)
		if len(template.Types()) == 0 {
			t.Errorf("%s has no resources", file)
		}
		for _, resourceType := range template.Types() {
			if !rehearsal.Covered(resourceType) {
				t.Errorf("%s makes %s, which the leftover check does not look for", file, resourceType)
			}
		}
	}
}
