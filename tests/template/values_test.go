package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func releaseValues(t *testing.T, r *stackRun, id string) map[string]any {
	t.Helper()
	values := map[string]any{}
	text := decode[contract.HelmRelease](t, r, id).Values
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatalf("values of %s are no JSON object: %v\n%s", id, err, text)
	}
	return values
}

func TestWorkspaceValues(t *testing.T) {
	tests := map[string]struct {
		answers    map[string]string
		namespaces []any
	}{
		"default":              {nil, []any{"kube-system"}},
		"two namespaces":       {map[string]string{"DebugNamespaces": "one, two"}, []any{"one", "two"}},
		"no namespace at all":  {map[string]string{"DebugNamespaces": ""}, []any{}},
		"another control path": {map[string]string{"RolePath": "/e6data/"}, []any{"kube-system"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, tt.answers)
			want := map[string]any{
				"cloud": map[string]any{
					"type":               "AWS",
					"oidc_value":         "arn:aws:made:::EngineRole",
					"control_plane_user": []any{"e6data-sales-user"},
					"debug_namespaces":   tt.namespaces,
				},
				"debug_namespaces": tt.namespaces,
				"karpenter":        map[string]any{"nodepool": "e6data-sales", "nodeclass": "e6data-sales"},
			}
			if diff := cmp.Diff(want, releaseValues(t, r, "Workspace")); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			if user := r.properties("ControlPlaneAccess")["Username"]; user != "e6data-sales-user" {
				t.Errorf("the access entry has username %v, the chart another", user)
			}
		})
	}
}

// direct is what is reached without a proxy, whatever the customer says.
const direct = "localhost,127.0.0.1,169.254.0.0/16,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,.svc,.cluster.local," +
	"0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com"

func TestNodePoolValues(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{"NodeInstanceFamilies": "c7g, r7g", "NodePoolCpuLimit": "640", "NodeDiskGiB": "250"})
	got := releaseValues(t, r, "NodePool")
	want := map[string]any{
		"workspaceName":    "sales",
		"clusterName":      "e6data-sales",
		"nodePool":         map[string]any{"name": "e6data-sales"},
		"nodeClass":        map[string]any{"name": "e6data-sales"},
		"instanceProfile":  "karpenterinstanceprofile",
		"instanceFamilies": []any{"c7g", "r7g"},
		"architectures":    []any{"arm64", "amd64"},
		"capacityTypes":    []any{"on-demand"},
		"zones":            []any{"us-east-1a", "us-east-1b", "us-east-1c"},
		"cpuLimit":         float64(640),
		"diskGiB":          float64(250),
		"kmsKeyID":         "",
		"subnetIDs":        []any{"subnet-0a", "subnet-0b", "subnet-0c"},
		"securityGroupIDs": []any{"sg-0c1a55e5"},
		"nodeTags":         map[string]any{},
		"amiAlias":         "al2023@latest",
		"proxy":            map[string]any{"https": "", "direct": direct},
		"storageClass":     map[string]any{"create": true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// The chart refuses values that its schema does not know; so must this.
func TestNodePoolValuesFitTheChart(t *testing.T) {
	chart := filepath.Join(root, "charts", "nodepool")
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		values := map[string]any{}
		if err := yaml.Unmarshal(text, &values); err != nil {
			t.Fatal(err)
		}
		merge(values, releaseValues(t, r, "NodePool"))
		merged, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(merged)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); err != nil {
			t.Error(err)
		}
	})
}

// merge puts values over defaults, as Helm does.
func merge(into, values map[string]any) {
	for k, v := range values {
		below, isMap := v.(map[string]any)
		if target, ok := into[k].(map[string]any); ok && isMap {
			merge(target, below)
			continue
		}
		into[k] = v
	}
}
