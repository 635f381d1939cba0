package release

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
	restfake "k8s.io/client-go/rest/fake"
)

// crd is a definition that is being deleted, with a Terminating condition.
func crd(reason string, nudged time.Time) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgets.example.test", "deletionTimestamp": "2026-01-02T03:04:05Z"},
		"status":   map[string]any{"conditions": []any{map[string]any{"type": "Established", "reason": "InitialNamesAccepted"}, map[string]any{"type": "Terminating", "reason": reason}}},
	}}
	if !nudged.IsZero() {
		u.SetAnnotations(map[string]string{annotationNudged: nudged.Format(time.RFC3339Nano)})
	}
	return u
}

func TestNudge(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)
	alive := crd("InstanceDeletionFailed", time.Time{})
	alive.SetDeletionTimestamp(nil)
	other := crd("InstanceDeletionFailed", time.Time{})
	other.SetKind("Widget")
	for name, test := range map[string]struct {
		object *unstructured.Unstructured
		want   bool
	}{
		"its instances could not be listed":     {crd("InstanceDeletionFailed", time.Time{}), true},
		"its instances could not be counted":    {crd("InstanceDeletionCheck", time.Time{}), true},
		"touched long ago":                      {crd("InstanceDeletionFailed", now.Add(-nudgePeriod)), true},
		"touched a moment ago":                  {crd("InstanceDeletionFailed", now.Add(-nudgePeriod/2)), false},
		"the API server is at work":             {crd("InstanceDeletionInProgress", time.Time{}), false},
		"the API server is done":                {crd("InstanceDeletionCompleted", time.Time{}), false},
		"not being deleted":                     {alive, false},
		"an object of another kind":             {other, false},
		"a definition without conditions (yet)": {&unstructured.Unstructured{Object: map[string]any{"kind": "CustomResourceDefinition", "metadata": map[string]any{"deletionTimestamp": "2026-01-02T03:04:05Z"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var patches []string
			client := &restfake.RESTClient{
				NegotiatedSerializer: resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer, GroupVersion: schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"},
				Client: restfake.CreateHTTPClient(func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					patches = append(patches, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
					answer, err := json.Marshal(test.object.Object)
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answer))}, err
				}),
			}
			info := &resource.Info{Client: client, Name: "widgets.example.test", Mapping: &meta.RESTMapping{
				Resource:         schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
				GroupVersionKind: schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, Scope: meta.RESTScopeRoot,
			}}
			if err := nudge(t.Context(), info, test.object, now); err != nil {
				t.Fatal(err)
			}
			if !test.want {
				if len(patches) > 0 {
					t.Errorf("touched: %v", patches)
				}
				return
			}
			want := `PATCH /customresourcedefinitions/widgets.example.test application/merge-patch+json {"metadata":{"annotations":{"quickstart.e6data.com/nudged-at":"2026-01-02T03:05:00Z"}}}`
			if len(patches) != 1 || patches[0] != want {
				t.Errorf("patches %q, want %q", patches, want)
			}
		})
	}
}
