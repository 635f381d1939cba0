package release

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
)

// annotationNudged tells when a deleted CustomResourceDefinition was touched
// for the API server to look at it again.
const annotationNudged = "quickstart.e6data.com/nudged-at"

// nudgePeriod is the least time between two touches of one object.
const nudgePeriod = 2 * time.Second

// stalled tells whether the API server has given up on a deleted
// CustomResourceDefinition for now. Its finalizer lists the instances; when
// that fails once ("storage is (re)initializing", while a type is first used),
// it retries at once with the object it had, meets a conflict, and then waits
// for a change of anything but this condition, or for its next resync five
// minutes later (k8s.io/apiextensions-apiserver, pkg/controller/finalizer).
func stalled(object *unstructured.Unstructured) bool {
	if object.GetKind() != "CustomResourceDefinition" || object.GetDeletionTimestamp() == nil {
		return false
	}
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return false
	}
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if !ok || condition["type"] != "Terminating" {
			continue
		}
		return condition["reason"] == "InstanceDeletionFailed" || condition["reason"] == "InstanceDeletionCheck"
	}
	return false
}

// nudge touches a stalled object, unless that was done a moment ago.
func nudge(ctx context.Context, info *resource.Info, object *unstructured.Unstructured, now time.Time) error {
	if !stalled(object) {
		return nil
	}
	if last, err := time.Parse(time.RFC3339Nano, object.GetAnnotations()[annotationNudged]); err == nil && now.Sub(last) < nudgePeriod {
		return nil
	}
	slog.InfoContext(ctx, "asking the API server to finish a deletion", "object", describe(info))
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotationNudged, now.UTC().Format(time.RFC3339Nano))
	_, err := resource.NewHelper(info.Client, info.Mapping).Patch(info.Namespace, info.Name, types.MergePatchType, patch, nil)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("touch %s: %w", describe(info), err)
	}
	return nil
}
