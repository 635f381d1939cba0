package awsauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	configmaps "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/retry"
)

// Namespace and Name are where the authenticator reads who may enter.
const (
	Namespace = "kube-system"
	Name      = "aws-auth"

	key          = "mapRoles"
	fieldManager = "e6data-quickstart"
)

// Store edits the cluster's aws-auth for one owner, such as a resource of a
// stack. It needs the rights get, create, patch and delete for the ConfigMap
// aws-auth, and get, create, update and delete for the backup, in kube-system.
//
// Of aws-auth it touches the key mapRoles only, in one write, and only if the
// map is still the one that it read; otherwise it reads again and edits anew. So
// owners and other editors do not lose each other's entries, and nodes are
// mapped at every moment. Several owners have a Backup each.
//
// The errors of Kubernetes stay in the chain: apierrors.IsForbidden and
// IsUnauthorized answer as for the request itself. A *Refusal says that the map
// needs a person; nothing was written then.
type Store struct {
	api    configmaps.ConfigMapInterface
	backup Backup
	tries  wait.Backoff
}

// NewStore makes a store. The error is one of the backup's name or labels.
func NewStore(client kubernetes.Interface, backup Backup) (*Store, error) {
	if err := backup.check(); err != nil {
		return nil, err
	}
	return &Store{
		api:    client.CoreV1().ConfigMaps(Namespace),
		backup: backup,
		// About 7 seconds in all. A Cap would end the tries when it is reached.
		tries: wait.Backoff{Steps: 25, Duration: 10 * time.Millisecond, Factor: 1.2, Jitter: 1},
	}, nil
}

// Set maps these roles, and of the roles that this owner mapped before no
// others, in one write: a changed role is edited in place. There must be one at
// least. A role that somebody else's entry maps just so, or with more groups, is
// adopted; one that somebody else maps otherwise is a *Refusal. Called again
// with the same roles it writes nothing.
//
// Before the first write the data of aws-auth is copied into the backup, with
// what is going to be added: a call that dies in between leaves a note, never an
// entry that nobody knows of.
func (s *Store) Set(ctx context.Context, roles ...Role) (Result, error) {
	wanted, err := normalize(roles)
	if err != nil {
		return Result{}, err
	}
	c := call{wanted: wanted}
	err = s.retry(ctx, func() error { return s.set(ctx, &c) })
	if refusal := (*Refusal)(nil); c.known && (contended(err) || errors.As(err, &refusal)) {
		// Nothing was written, so the claim of an earlier try must go.
		err = errors.Join(err, s.unclaim(ctx, c.ours))
	}
	return c.result, err
}

// call is one Set, over all its tries.
type call struct {
	wanted []Role
	// ours are the roles whose entries are this owner's, once known. What a try
	// claimed in the backup and was then refused to write is not among them, or
	// an entry that somebody else made meanwhile would be taken for ours.
	ours   []Role
	known  bool
	result Result
}

// set is one try.
func (s *Store) set(ctx context.Context, c *call) error {
	m, current, err := s.read(ctx)
	if err != nil {
		return err
	}
	if !c.known {
		c.ours, c.known = m.ours(), true
	}
	text, result, err := planSet(textOf(current), c.ours, c.wanted)
	if err != nil {
		return err
	}
	if result.Written() {
		claimed := slices.Concat(result.ours(), result.Removed)
		fresh := len(result.Kept)+len(result.Changed)+len(result.Removed) == 0 // nothing of ours is in the map
		if m, err = s.remember(ctx, m, claimed, fresh, current); err != nil {
			return err
		}
		if err := s.write(ctx, current, &text); err != nil {
			return err
		}
	}
	c.ours = result.ours()
	if result.Written() || !c.result.Written() {
		c.result = result
	}
	return s.settle(ctx, m, c.ours)
}

// unclaim makes the backup say what is ours after a call that wrote nothing.
func (s *Store) unclaim(ctx context.Context, ours []Role) error {
	m, err := s.recall(ctx)
	if err != nil {
		return err
	}
	return s.settle(ctx, m, ours)
}

// settle makes the backup say just what is ours now.
func (s *Store) settle(ctx context.Context, m *memory, ours []Role) error {
	if len(ours) == 0 {
		return s.forget(ctx, m)
	}
	if m != nil && slices.EqualFunc(m.roles, ours, Role.equal) {
		return nil
	}
	_, err := s.remember(ctx, m, ours, false, nil)
	return err
}

// Remove takes away what Set added, and the backup: entries that others wrote
// or that were adopted stay. If nobody else edited mapRoles since, it is what it
// was before the first Set, to the byte; a mapRoles, and an aws-auth, that Set
// made and that has nothing else is gone again. It is no error if there is
// nothing to take away.
func (s *Store) Remove(ctx context.Context) (Result, error) {
	var result Result
	err := s.retry(ctx, func() error {
		m, current, err := s.read(ctx)
		if err != nil || m == nil {
			return err
		}
		text, planned, err := planRemove(textOf(current), m.roles)
		if err != nil {
			return err
		}
		if planned.Written() {
			if err := s.takeBack(ctx, m, current, text); err != nil {
				return err
			}
			result = planned
		}
		return s.forget(ctx, m)
	})
	return result, err
}

// takeBack writes the text without our entries, or what was there in its place.
func (s *Store) takeBack(ctx context.Context, m *memory, current *core.ConfigMap, text string) error {
	switch {
	case text == "" && m.made == madeConfigMap && bare(current):
		err := s.api.Delete(ctx, Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &current.UID, ResourceVersion: &current.ResourceVersion},
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete ConfigMap kube-system/aws-auth, which had nothing but our entries: %w", err)
		}
		return nil
	case text == "" && m.made != madeNothing:
		return s.write(ctx, current, nil)
	case withoutPlaceholder(m.before()) == text:
		text = m.before()
	}
	return s.write(ctx, current, &text)
}

// bare tells whether a ConfigMap has nothing but mapRoles: no data, label or
// mark of anybody else's.
func bare(c *core.ConfigMap) bool {
	return len(c.Data) == 1 && len(c.BinaryData)+len(c.Labels)+len(c.Annotations)+len(c.Finalizers)+len(c.OwnerReferences) == 0
}

// read gives the backup and aws-auth; nil if there is none.
func (s *Store) read(ctx context.Context) (*memory, *core.ConfigMap, error) {
	m, err := s.recall(ctx)
	if err != nil {
		return nil, nil, err
	}
	current, err := s.api.Get(ctx, Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return m, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read ConfigMap kube-system/aws-auth: %w", err)
	}
	return m, current, nil
}

func textOf(c *core.ConfigMap) string {
	if c == nil {
		return ""
	}
	return c.Data[key]
}

// write sets mapRoles, or takes the key away if text is nil. It is a patch, so
// nothing else of the ConfigMap can be lost, and the resource version in it
// makes the API server refuse it if the map changed since it was read.
func (s *Store) write(ctx context.Context, current *core.ConfigMap, text *string) error {
	if current == nil {
		fresh := &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: Name, Namespace: Namespace}, Data: map[string]string{key: *text}}
		if _, err := s.api.Create(ctx, fresh, metav1.CreateOptions{FieldManager: fieldManager}); err != nil {
			return fmt.Errorf("make ConfigMap kube-system/aws-auth: %w", err)
		}
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": current.ResourceVersion},
		"data":     map[string]any{key: text},
	})
	if err != nil {
		return fmt.Errorf("edit ConfigMap kube-system/aws-auth: %w", err)
	}
	_, err = s.api.Patch(ctx, Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("edit ConfigMap kube-system/aws-auth: %w", err)
	}
	return nil
}

// retry reads, edits and writes again while somebody else was faster.
func (s *Store) retry(ctx context.Context, attempt func() error) error {
	tries := 0
	err := retry.OnError(s.tries, contended, func() error {
		tries++
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("edit ConfigMap kube-system/aws-auth: %w", err)
		}
		return attempt()
	})
	if err != nil && contended(err) {
		return fmt.Errorf("aws-auth was changed by somebody else at each of %d tries; find out who keeps writing it "+
			"(kubectl -n kube-system get configmap aws-auth -o yaml --show-managed-fields), and try again: %w", tries, err)
	}
	return err
}

// contended tells whether an object changed, came or went between our reading
// and writing. A NotFound is one of a write: reads handle it.
func contended(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}
