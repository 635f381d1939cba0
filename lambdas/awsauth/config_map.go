package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/awsauth"
)

// entrance lets into clusters, as *doors does.
type entrance interface {
	open(ctx context.Context, cluster, role string) (door, error)
	self(ctx context.Context) (string, error)
}

// configMap maps principals in clusters' aws-auth.
type configMap struct{ doors entrance }

// own is the function's own role, as entrance.open knows it.
const own = ""

// refused is a role that does not get in, and why.
type refused struct {
	role string // own, or an ARN
	why  error
}

// lockedOutError says that no role can edit aws-auth.
type lockedOutError struct{ roles []refused }

func (e *lockedOutError) Error() string {
	var parts []string
	for _, r := range e.roles {
		name := "this function's role"
		if r.role != own {
			name = r.role
		}
		parts = append(parts, name+": "+r.why.Error())
	}
	return "nobody can edit aws-auth: " + strings.Join(parts, "; ")
}

// errNothingWritten marks errors before which aws-auth was not changed.
var errNothingWritten = errors.New("aws-auth was not changed")

type nothingWritten struct{ error }

func (n nothingWritten) Unwrap() []error { return []error{n.error, errNothingWritten} }

// set maps the principal. The function's own role goes first, and the
// customer's only if need be. The error is a lockedOutError, or has
// errNothingWritten in its chain, if the map is as it was.
func (c configMap) set(ctx context.Context, w wish, o owner) (username string, err error) {
	if w.principal.kind != kindRole {
		return "", nothingWritten{w.userRefusal()}
	}
	err = c.as(ctx, w.cluster, rolesOf(own, w.admin), func(client kubernetes.Interface) error {
		role, err := w.mappingBeside(ctx, client)
		if err != nil {
			return nothingWritten{err}
		}
		store, err := awsauth.NewStore(client, o.backup(w.principal))
		if err != nil {
			return nothingWritten{err}
		}
		result, err := store.Set(ctx, role)
		if refusal := (*awsauth.Refusal)(nil); errors.As(err, &refusal) {
			return nothingWritten{fmt.Errorf("let %s into cluster %s: %w", w.principal.arn, w.cluster, err)}
		}
		if err != nil {
			return err
		}
		slog.InfoContext(ctx, "aws-auth maps the role", "cluster", w.cluster, "role", role.String(), "written", result.Written(), "adopted", len(result.Adopted) > 0)
		username = role.Username
		return nil
	})
	return username, err
}

// mappingBeside is the wished mapping beside what the map has: an administrator
// whose name nobody chose may have any.
func (w wish) mappingBeside(ctx context.Context, client kubernetes.Interface) (awsauth.Role, error) {
	role := w.mapping()
	if !w.needsPolicy() || w.username != "" {
		return role, nil
	}
	current, err := client.CoreV1().ConfigMaps(awsauth.Namespace).Get(ctx, awsauth.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return role, nil
	}
	if err != nil {
		return role, fmt.Errorf("read ConfigMap kube-system/aws-auth: %w", err)
	}
	there, err := awsauth.Entries(current.Data["mapRoles"])
	if err != nil {
		return role, fmt.Errorf("let %s into cluster %s: %w", w.principal.arn, w.cluster, err)
	}
	for _, e := range there {
		if w.principal.same(e.ARN) && e.Username != "" && slices.Contains(e.Groups, groupMasters) {
			role.Username = e.Username
			break
		}
	}
	return role, nil
}

// userRefusal says why an IAM user is not mapped.
func (w wish) userRefusal() error {
	return fmt.Errorf("let %s into cluster %s: it is an IAM user, and on a cluster of the authentication mode CONFIG_MAP this stack maps roles only. "+
		"Give a role, or change the mode (aws eks update-cluster-config --name %s --access-config authenticationMode=API_AND_CONFIG_MAP; it cannot be changed back)",
		w.principal.arn, w.cluster, w.cluster)
}

// remove takes away what set added for this owner. The customer's role goes
// first here: the entry may be that of the function's own role, whose removal
// shuts it out.
func (c configMap) remove(ctx context.Context, cluster string, p principal, o owner, admin string) error {
	return c.as(ctx, cluster, rolesOf(admin, own), func(client kubernetes.Interface) error {
		store, err := awsauth.NewStore(client, o.backup(p))
		if err != nil {
			return err
		}
		result, err := store.Remove(ctx)
		if err == nil {
			slog.InfoContext(ctx, "aws-auth is without the role", "cluster", cluster, "role", p.arn, "written", result.Written())
		}
		return err
	})
}

// as does something as the first of the roles that may.
func (c configMap) as(ctx context.Context, cluster string, roles []string, do func(kubernetes.Interface) error) error {
	locked := &lockedOutError{}
	for _, role := range roles {
		door, err := c.doors.open(ctx, cluster, role)
		if closed := (*closedError)(nil); errors.As(err, &closed) {
			locked.roles = append(locked.roles, refused{role, closed})
			continue
		}
		if err != nil {
			return nothingWritten{err}
		}
		err = do(door.client)
		if isClosed(err) {
			locked.roles = append(locked.roles, refused{role, err})
			continue
		}
		return door.explain(ctx, err)
	}
	return locked
}

// rolesOf leaves the admin role out if there is none.
func rolesOf(first, second string) []string {
	if first == second {
		return []string{own}
	}
	return []string{first, second}
}
