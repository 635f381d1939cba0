package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/semver/v3"

	"github.com/e6data/aws-quickstart/internal/clustercheck"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
)

type (
	checkRequest  = customresource.Request[contract.ClusterCheck]
	checkResponse = customresource.Response[contract.ClusterCheckData]
)

const (
	// checkLimit is the longest time for a look at a cluster. It takes seconds;
	// an API server that is so slow is not one to install on.
	checkLimit = 2 * time.Minute
	// notesLimit is what ClusterCheckData.Notes hold, in bytes.
	notesLimit = 1000
)

// errSlow is why a look ends early.
var errSlow = fmt.Errorf("the cluster's API did not give all that is checked within %s", checkLimit)

// watcher looks at one cluster.
type watcher interface {
	Picture(context.Context, clustercheck.Want) (clustercheck.Picture, error)
}

// clusterCheck handles Custom::ClusterCheck. It makes nothing: it refuses a
// cluster that does not suit the workspace, with all reasons at once.
type clusterCheck struct {
	clusters func(ctx context.Context, name string) (watcher, error)
}

func newWatchers(connector *kube.Connector) func(context.Context, string) (watcher, error) {
	return func(ctx context.Context, name string) (watcher, error) {
		cluster, err := admitted(ctx, connector, name)
		if err != nil {
			return nil, err
		}
		reader, err := clustercheck.NewReader(cluster.Config())
		return explained{reader, cluster}, err
	}
}

// explained is a watcher whose errors are for a person.
type explained struct {
	reader  *clustercheck.Reader
	cluster *kube.Cluster
}

// Picture implements watcher.
func (e explained) Picture(ctx context.Context, w clustercheck.Want) (clustercheck.Picture, error) {
	p, err := e.reader.Picture(ctx, w)
	if err != nil {
		return p, e.cluster.Explain(ctx, fmt.Errorf("look at cluster %s: %w", w.ClusterName, err))
	}
	return p, nil
}

// Owns implements customresource.Handler.
func (c *clusterCheck) Owns(physicalID string) bool { return ownsCheckID(physicalID) }

// Create checks the cluster.
func (c *clusterCheck) Create(ctx context.Context, r checkRequest) (checkResponse, error) {
	return c.check(ctx, r, nil)
}

// Update checks the cluster again. Properties that have passed once are not
// refused again: such an Update may be the rollback of another, and a refused
// rollback leaves a stack that cannot be updated any more.
func (c *clusterCheck) Update(ctx context.Context, r checkRequest) (checkResponse, error) {
	return c.check(ctx, r, parseCheckID(r.PhysicalID).passed)
}

// Delete has nothing to remove.
func (c *clusterCheck) Delete(context.Context, checkRequest) error { return nil }

func (c *clusterCheck) check(ctx context.Context, r checkRequest, passed []string) (checkResponse, error) {
	mark, err := digestOf(r.Props)
	if err := errors.Join(checkProperties(r.Props), err); err != nil {
		return checkResponse{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, checkLimit, errSlow)
	defer cancel()
	findings, err := c.look(ctx, r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errSlow) {
			err = fmt.Errorf("%w: %w", errSlow, err)
		}
		return checkResponse{}, err
	}
	for _, n := range findings.Notes {
		slog.InfoContext(ctx, "worth knowing of the cluster", "check", string(n.Rule), "text", n.Text)
	}
	id := checkIdentity{cluster: r.Props.ClusterName, workspace: r.Props.WorkspaceName, passed: passed}
	if err := findings.Err(r.Props.ClusterName, r.Props.WorkspaceName); err != nil {
		if !slices.Contains(passed, mark) {
			return checkResponse{}, err
		}
		slog.WarnContext(ctx, "not refused, since these properties have passed before", "problems", err.Error())
	}
	return checkResponse{PhysicalID: id.with(mark).String(), Data: dataOf(findings)}, nil
}

func (c *clusterCheck) look(ctx context.Context, r checkRequest) (clustercheck.Findings, error) {
	p := r.Props
	want := clustercheck.Want{
		Stack:       release.OwnerOf(r.StackID, r.LogicalID),
		ClusterName: p.ClusterName, WorkspaceName: p.WorkspaceName, Namespace: p.KubernetesNamespace, NodePoolName: p.NodePoolName,
		ControllerRoleName: p.KarpenterControllerRoleName,
		DebugNamespaces:    strings.Split(p.DebugNamespaces, ","),
	}
	if p.Karpenter == contract.ControllerInstall {
		want.Karpenter = clustercheck.Controller{Install: true, Namespace: p.KarpenterNamespace, Version: p.KarpenterVersion}
	}
	if p.LoadBalancerController == contract.ControllerInstall {
		want.LoadBalancer = clustercheck.Controller{Install: true, Namespace: p.LoadBalancerControllerNamespace, Version: p.LoadBalancerControllerVersion}
	}
	cluster, err := c.clusters(ctx, p.ClusterName)
	if err != nil {
		return clustercheck.Findings{}, err
	}
	picture, err := cluster.Picture(ctx, want)
	if err != nil {
		return clustercheck.Findings{}, err
	}
	return clustercheck.Judge(want, picture), nil
}

func dataOf(f clustercheck.Findings) contract.ClusterCheckData {
	return contract.ClusterCheckData{
		KubernetesVersion: f.Facts.Kubernetes,
		KarpenterVersion:  f.Facts.KarpenterVersion, KarpenterNamespace: f.Facts.KarpenterNamespace,
		KarpenterControllerRoleName:   f.Facts.ControllerRoleName,
		LoadBalancerControllerVersion: f.Facts.LoadBalancerVersion, LoadBalancerControllerNamespace: f.Facts.LoadBalancerNamespace,
		Notes: cutNotes(clustercheck.Numbered(f.Notes)),
	}
}

// cutNotes keeps what fits of the notes; the log has them all.
func cutNotes(text string) string {
	const rest = " ... (the rest is in the log)"
	if len(text) <= notesLimit {
		return text
	}
	end := notesLimit - len(rest)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + rest
}

// checkProperties finds all that is wrong with the properties' form at once.
func checkProperties(p contract.ClusterCheck) error {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	label := func(name, value string) {
		refuse(len(value) > 63 || !dnsLabel.MatchString(value), "%s %q: want at most 63 lower-case letters, digits and inner hyphens", name, value)
	}
	refuse(p.ClusterName == "" || strings.Contains(p.ClusterName, "/"), "ClusterName %q: want an EKS cluster's name", p.ClusterName)
	label("WorkspaceName", p.WorkspaceName)
	label("KubernetesNamespace", p.KubernetesNamespace)
	label("NodePoolName", p.NodePoolName)
	for _, c := range []struct{ name, choice, namespace, version string }{
		{"Karpenter", p.Karpenter, p.KarpenterNamespace, p.KarpenterVersion},
		{"LoadBalancerController", p.LoadBalancerController, p.LoadBalancerControllerNamespace, p.LoadBalancerControllerVersion},
	} {
		switch c.choice {
		case contract.ControllerExisting:
		case contract.ControllerInstall:
			label(c.name+"Namespace", c.namespace)
			_, err := semver.StrictNewVersion(c.version)
			refuse(err != nil, "%sVersion %q: want a version such as 1.2.3", c.name, c.version)
		default:
			refuse(true, "%s %q: want %s or %s", c.name, c.choice, contract.ControllerExisting, contract.ControllerInstall)
		}
	}
	return errors.Join(problems...)
}
