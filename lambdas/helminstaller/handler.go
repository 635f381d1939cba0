package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
)

type (
	request  = customresource.Request[contract.HelmRelease]
	response = customresource.Response[contract.HelmReleaseData]
)

// installer brings releases of one cluster to where they should be.
type installer interface {
	Apply(context.Context, release.Owner, release.Spec) (release.Result, error)
	Remove(context.Context, release.Owner, release.Removal) error
}

// charter brings charts into memory.
type charter interface {
	Load(context.Context, chart.Reference) (*chart.Chart, error)
}

// helmRelease handles Custom::HelmRelease.
type helmRelease struct {
	charts   charter
	clusters func(ctx context.Context, name string) (installer, error)
}

func newClusters(connector *kube.Connector, timing release.Timing) func(context.Context, string) (installer, error) {
	return func(ctx context.Context, name string) (installer, error) {
		cluster, err := admitted(ctx, connector, name)
		if err != nil {
			return nil, err
		}
		return release.NewRunner(cluster, timing)
	}
}

// admitted finds a cluster that lets this function's role in.
func admitted(ctx context.Context, connector *kube.Connector, name string) (*kube.Cluster, error) {
	cluster, err := connector.Connect(ctx, name)
	if err != nil {
		return nil, err
	}
	return cluster, cluster.Admitted(ctx, kube.AccessPatience)
}

// Owns implements customresource.Handler.
func (h *helmRelease) Owns(physicalID string) bool { return ownsID(physicalID) }

// Identify implements customresource.Identifier.
func (h *helmRelease) Identify(r request) string { return identityOf(r.Props).String() }

// Create installs the release. When it fails before anything was changed in
// the cluster it answers no physical ID, so that the Delete which follows has
// nothing to do: with no way to the cluster it would fail too.
func (h *helmRelease) Create(ctx context.Context, r request) (response, error) {
	data, err := h.apply(ctx, r)
	if errors.Is(err, release.ErrNothingDone) {
		return response{}, err
	}
	return response{PhysicalID: identityOf(r.Props).String(), Data: data}, err
}

// Update upgrades the release, or installs another one if its cluster,
// namespace or name changed. When that fails the old release stays the
// resource, so the new one is taken away again.
func (h *helmRelease) Update(ctx context.Context, r request) (response, error) {
	want := identityOf(r.Props)
	data, err := h.apply(ctx, r)
	if err == nil {
		return response{PhysicalID: want.String(), Data: data}, nil
	}
	if want.String() != r.PhysicalID && !errors.Is(err, release.ErrNothingDone) {
		if undo := h.remove(ctx, r, want); undo != nil {
			err = fmt.Errorf("%w\nThe new release %s could not be removed again: %w", err, want.target, undo)
		}
	}
	return response{PhysicalID: r.PhysicalID}, err
}

// Delete uninstalls what the physical ID names, which is all it needs. A
// cluster that is gone took its releases along.
func (h *helmRelease) Delete(ctx context.Context, r request) error {
	id, err := parseIdentity(r.PhysicalID)
	if err != nil {
		slog.WarnContext(ctx, "nothing to delete", "reason", err.Error())
		return nil
	}
	return h.remove(ctx, r, id)
}

func (h *helmRelease) apply(ctx context.Context, r request) (contract.HelmReleaseData, error) {
	spec, err := h.spec(ctx, r.Props)
	if err != nil {
		return contract.HelmReleaseData{}, release.NothingDone(err)
	}
	cluster, err := h.clusters(ctx, r.Props.ClusterName)
	if err != nil {
		return contract.HelmReleaseData{}, release.NothingDone(err)
	}
	result, err := cluster.Apply(ctx, release.OwnerOf(r.StackID, r.LogicalID), spec)
	if err != nil {
		return contract.HelmReleaseData{}, err
	}
	return contract.HelmReleaseData{
		ReleaseName: spec.Name, Namespace: spec.Namespace, Revision: result.Revision,
		Status: result.Status, ChartVersion: result.ChartVersion, AppVersion: result.AppVersion,
	}, nil
}

func (h *helmRelease) remove(ctx context.Context, r request, id identity) error {
	cluster, err := h.clusters(ctx, id.cluster)
	if errors.Is(err, kube.ErrNoCluster) {
		slog.InfoContext(ctx, "nothing to uninstall", "release", id.target.String(), "reason", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	removal := release.Removal{
		Target: id.target, Timeout: time.Duration(max(r.Props.TimeoutSeconds, 0)) * time.Second, NeededBy: r.Props.NeededBy,
	}
	for _, d := range r.Props.Dependents {
		removal.Dependents = append(removal.Dependents, release.Dependents(d))
	}
	return cluster.Remove(ctx, release.OwnerOf(r.StackID, r.LogicalID), removal)
}

// spec turns properties into what the release should be, chart included.
func (h *helmRelease) spec(ctx context.Context, p contract.HelmRelease) (release.Spec, error) {
	values, err := chart.Values(p.Values)
	if err := errors.Join(check(p), err); err != nil {
		return release.Spec{}, err
	}
	loaded, err := h.charts.Load(ctx, chart.Reference{
		Repository: p.Repository, Chart: p.Chart, Version: p.ChartVersion, Digest: p.ChartDigest,
	})
	if err != nil {
		return release.Spec{}, err
	}
	return release.Spec{
		Target:          identityOf(p).target,
		Chart:           loaded,
		Values:          values,
		CreateNamespace: p.CreateNamespace,
		Wait:            p.Wait,
		Timeout:         time.Duration(p.TimeoutSeconds) * time.Second,
		Adopt:           p.Adopt == contract.AdoptExisting,
	}, nil
}

// dnsLabel is what Kubernetes takes as a namespace's name and Helm, up to 53
// characters, as a release's.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// check finds all that is wrong with the properties' form at once.
func check(p contract.HelmRelease) error {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	refuse(p.ClusterName == "", "ClusterName is empty")
	refuse(len(p.Namespace) > 63 || !dnsLabel.MatchString(p.Namespace),
		"Namespace %q: want at most 63 lower-case letters, digits and inner hyphens", p.Namespace)
	refuse(len(p.ReleaseName) > 53 || !dnsLabel.MatchString(p.ReleaseName),
		"ReleaseName %q: want at most 53 lower-case letters, digits and inner hyphens", p.ReleaseName)
	refuse(p.TimeoutSeconds < 0, "TimeoutSeconds %d is negative", p.TimeoutSeconds)
	refuse(!slices.Contains([]string{"", contract.AdoptNever, contract.AdoptExisting}, p.Adopt),
		"Adopt %q: want %s or %s", p.Adopt, contract.AdoptNever, contract.AdoptExisting)
	for _, d := range p.Dependents {
		problems = append(problems, release.Dependents(d).Check())
	}
	return errors.Join(problems...)
}
