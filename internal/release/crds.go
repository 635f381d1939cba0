package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
)

// applyCRDs brings the chart's crds/ up to date by server-side apply. Helm
// installs that folder once and never looks at it again, so an upgraded chart
// would run with yesterday's kinds.
func (w *run) applyCRDs(ctx context.Context) error {
	var applied helmkube.ResourceList
	for _, crd := range w.spec.Chart.Helm.CRDObjects() {
		list, err := w.cfg.KubeClient.Build(bytes.NewReader(crd.File.Data), false)
		if err != nil {
			return fmt.Errorf("release %s: read %s: %w", w.target, crd.Filename, err)
		}
		for _, info := range list {
			if err := serverSideApply(info); err != nil {
				return fmt.Errorf("release %s: apply %s of %s: %w", w.target, describe(info), crd.Filename, err)
			}
		}
		applied = append(applied, list...)
	}
	if len(applied) == 0 {
		return nil
	}
	slog.InfoContext(ctx, "applied custom resource definitions", "release", w.target.String(), "count", len(applied))
	err := until(ctx, func() error { return w.cfg.KubeClient.Wait(applied, min(budget(ctx, w.timeout), time.Minute)) })
	if err != nil {
		return fmt.Errorf("release %s: its custom resource definitions are not established: %w", w.target, err)
	}
	return w.forgetKinds()
}

func serverSideApply(info *resource.Info) error {
	text, err := json.Marshal(info.Object)
	if err != nil {
		return err
	}
	_, err = resource.NewHelper(info.Client, info.Mapping).WithFieldManager(helmkube.ManagedFieldsManager).
		Patch(info.Namespace, info.Name, types.ApplyPatchType, text, &metav1.PatchOptions{Force: new(true)})
	return err
}

// forgetKinds drops what is cached about the cluster's kinds.
func (w *run) forgetKinds() error {
	w.cfg.Capabilities = nil
	kinds, err := w.cfg.RESTClientGetter.ToDiscoveryClient()
	if err != nil {
		return err
	}
	kinds.Invalidate()
	mapper, err := w.cfg.RESTClientGetter.ToRESTMapper()
	if err != nil {
		return err
	}
	meta.MaybeResetRESTMapper(mapper)
	return nil
}
