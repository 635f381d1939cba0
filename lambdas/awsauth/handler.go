package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
)

type (
	request  = customresource.Request[contract.AWSAuth]
	response = customresource.Response[contract.AWSAuthData]
)

// awsAuth handles Custom::AWSAuth: it lets one principal into a cluster, in the
// way that the cluster's authentication mode has, and takes away only what it
// added.
type awsAuth struct {
	clusters  clusters
	entries   entries
	configMap configMap
}

// Owns implements customresource.Handler.
func (h *awsAuth) Owns(physicalID string) bool { return ownsID(physicalID) }

// Identify implements customresource.Identifier. The method is not known yet.
func (h *awsAuth) Identify(r request) string {
	w, err := wishOf(r.Props)
	if err != nil {
		return ""
	}
	id := w.id(methodEither)
	if was, err := parseIdentity(r.PhysicalID); err == nil && was.sameEntry(id) {
		return r.PhysicalID
	}
	return id.String()
}

// Create lets the principal in. When it fails before anything was changed it
// answers no physical ID, so that the Delete which follows has nothing to do:
// with no way to the cluster it would fail too.
func (h *awsAuth) Create(ctx context.Context, r request) (response, error) {
	done, err := h.ensure(ctx, r)
	if err != nil && !done.wrote {
		return response{}, err
	}
	return done.response(), err
}

// Update does the same. Another principal or cluster, or another method since
// the cluster's mode has changed, is another physical ID, so that CloudFormation
// has the old entry deleted. When that fails the old one stays the resource, so
// the new one is taken away again.
func (h *awsAuth) Update(ctx context.Context, r request) (response, error) {
	done, err := h.ensure(ctx, r)
	if err == nil {
		return done.response(), nil
	}
	if done.wrote && done.id.String() != r.PhysicalID {
		if undo := h.remove(ctx, r, done.id); undo != nil {
			err = fmt.Errorf("%w\nThe new entry of %s could not be taken away again: %w", err, done.id.principal, undo)
		}
	}
	return response{PhysicalID: r.PhysicalID}, err
}

// Delete takes away what the physical ID names, if this resource added it. A
// cluster that is gone took it along.
func (h *awsAuth) Delete(ctx context.Context, r request) error {
	id, err := parseIdentity(r.PhysicalID)
	if err != nil {
		slog.WarnContext(ctx, "nothing to delete", "reason", err.Error())
		return nil
	}
	return h.remove(ctx, r, id)
}

// made is what ensure came to.
type made struct {
	id       identity
	username string
	// wrote tells whether anything may have been changed.
	wrote bool
}

func (m made) response() response {
	return response{PhysicalID: m.id.String(), Data: contract.AWSAuthData{Method: m.id.method, Username: m.username}}
}

func (h *awsAuth) ensure(ctx context.Context, r request) (made, error) {
	w, err := wishOf(r.Props)
	if err != nil {
		return made{}, err
	}
	mode, err := h.clusters.mode(ctx, w.cluster)
	if err != nil {
		return made{}, fmt.Errorf("let %s into cluster %s: %w", w.principal.arn, w.cluster, err)
	}
	if mode != types.AuthenticationModeConfigMap {
		return h.byEntry(ctx, r, w)
	}
	m := made{id: w.id(contract.MethodConfigMap)}
	m.username, err = h.configMap.set(ctx, w, ownerOf(r.StackID, r.LogicalID))
	locked, isLocked := errors.AsType[*lockedOutError](err)
	switch {
	case isLocked && w.modeChanges:
		slog.InfoContext(ctx, "aws-auth cannot be edited", "cluster", w.cluster, "reason", locked.Error())
		if err := h.clusters.admitEntries(ctx, w.cluster); err != nil {
			return made{}, err
		}
		return h.byEntry(ctx, r, w)
	case isLocked:
		return made{}, h.trapped(ctx, w, locked)
	}
	m.wrote = !errors.Is(err, errNothingWritten)
	return m, err
}

func (h *awsAuth) byEntry(ctx context.Context, r request, w wish) (made, error) {
	m := made{id: w.id(contract.MethodAccessEntry)}
	var err error
	m.username, m.wrote, err = h.entries.ensure(ctx, w, ownerOf(r.StackID, r.LogicalID))
	return m, err
}

// trapped says what a person can do.
func (h *awsAuth) trapped(ctx context.Context, w wish, locked *lockedOutError) error {
	self, err := h.configMap.doors.self(ctx)
	if err != nil {
		return errors.Join(locked, err)
	}
	role := awsauth.Role{ARN: self, Groups: []string{groupMasters}}
	if p, err := parsePrincipal(self); err == nil {
		role.Username = derivedUsername(p.name)
	}
	if w.principal.same(self) {
		role.Username = w.mapping().Username // what is going to be asked for
	}
	return trap{cluster: w.cluster, region: h.clusters.region, self: role, locked: locked}
}

// remove takes away what this resource added.
func (h *awsAuth) remove(ctx context.Context, r request, id identity) error {
	mode, err := h.clusters.mode(ctx, id.cluster)
	if errors.Is(err, kube.ErrNoCluster) {
		slog.InfoContext(ctx, "nothing to take away", "principal", id.principal, "reason", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	o := ownerOf(r.StackID, r.LogicalID)
	if id.method != contract.MethodConfigMap && mode != types.AuthenticationModeConfigMap {
		if err := h.entries.remove(ctx, id.cluster, id.principal, o); err != nil {
			return err
		}
	}
	p, unreadable := parsePrincipal(id.principal)
	if id.method == contract.MethodAccessEntry || unreadable != nil || p.kind != kindRole {
		return nil //nolint:nilerr // no such principal is ever mapped
	}
	err = h.configMap.remove(ctx, id.cluster, p, o, r.Props.ClusterAdminRoleArn)
	if errors.Is(err, kube.ErrNoCluster) {
		return nil
	}
	locked, isLocked := errors.AsType[*lockedOutError](err)
	if !isLocked {
		return err
	}
	return h.leftOver(ctx, id, p, mode, locked)
}

// leftOver decides whether an entry in aws-auth that nobody can take away any
// more is a failure.
func (h *awsAuth) leftOver(ctx context.Context, id identity, p principal, mode types.AuthenticationMode, locked *lockedOutError) error {
	why := ""
	self, err := h.configMap.doors.self(ctx)
	switch {
	case id.method == methodEither:
		why = "whoever is not let in has not written anything"
	case mode == types.AuthenticationModeApi:
		why = "the cluster does not read aws-auth any more"
	case err == nil && p.same(self):
		why = "the entry was the function's own, and is gone"
	default:
		return fmt.Errorf("take %s out of aws-auth of cluster %s: %w. Give this function's role access again, "+
			"or take the entry out by hand (eksctl delete iamidentitymapping --cluster %s --region %s --arn %s), "+
			"delete the stack again, and let it retain this resource", p.withoutPath(), id.cluster, locked, id.cluster, h.clusters.region, p.withoutPath())
	}
	slog.WarnContext(ctx, "aws-auth is left as it is", "cluster", id.cluster, "principal", id.principal, "because", why, "reason", locked.Error())
	return nil
}
