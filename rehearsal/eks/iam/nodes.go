package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

const nodeName = "{{EC2PrivateDNSName}}"

// ErrNoNode says that the cluster does not know a role, so that the kubelets of
// its instances are Unauthorized.
var ErrNoNode = errors.New("Unauthorized")

// Node gives the Kubernetes user and groups as which the kubelet on an instance
// with that role speaks, by the access entries and aws-auth as for any other caller.
// ErrNoNode is in the error if there is neither for the role; any other error
// says that nobody knows.
func (w *Webhook) Node(ctx context.Context, roleARN, instance, name string) (as string, groups []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, mapLimit)
	defer cancel()
	id := nodeIdentity(roleARN, instance)
	m, err := w.access.Map(ctx, id)
	if errors.Is(err, errutil.ErrNotMapped) {
		return "", nil, fmt.Errorf("%w: no access entry of type EC2_LINUX and no entry in aws-auth is for the role %s", ErrNoNode, roleARN)
	}
	if err != nil {
		return "", nil, fmt.Errorf("find out whether %s may join: %w", roleARN, err)
	}
	u, err := user(id, m, func(string) (string, bool) { return name, true })
	return u.Username, u.Groups, err
}

// nodeIdentity is what STS answers to an instance: its session is its ID.
func nodeIdentity(roleARN, instance string) *token.Identity {
	canonical := withoutPath(roleARN)
	id := &token.Identity{CanonicalARN: canonical, SessionName: instance, UserID: "AROA:" + instance}
	if parts := strings.SplitN(canonical, ":", 6); len(parts) == 6 {
		id.AccountID = parts[4]
		id.ARN = strings.Join([]string{parts[0], parts[1], "sts", "", parts[4], "assumed-role" + strings.TrimPrefix(parts[5], "role") + "/" + instance}, ":")
	}
	return id
}
