package awsauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Backup names the ConfigMap, in kube-system, in which a Store keeps the data
// that aws-auth had before its first write, and what it added. It is for people
// to look at: what it holds is written back only when it differs from the edited
// text by nothing but our entries.
type Backup struct {
	// Name is the ConfigMap's: one for each owner, and the same for all of the
	// owner's calls. A DNS subdomain name of at most 253 characters.
	Name string
	// Labels say whose it is. A ConfigMap of that name that lacks one of them is
	// somebody else's and refused.
	Labels map[string]string
}

const (
	// annotationRoles holds the roles that we added, as JSON.
	annotationRoles = "quickstart.e6data.com/aws-auth-roles"
	// annotationMade says what of aws-auth was not there before.
	annotationMade = "quickstart.e6data.com/aws-auth-made"
	annotationNote = "quickstart.e6data.com/note"

	madeNothing   = "nothing"
	madeKey       = "mapRoles"
	madeConfigMap = "ConfigMap"

	note = "The data of kube-system/aws-auth before the e6data quickstart's first change. The stack removes this copy when it is deleted."
)

// memory is what a backup says: nil if there is none.
type memory struct {
	object *core.ConfigMap
	roles  []Role
	made   string
}

func (m *memory) ours() []Role {
	if m == nil {
		return nil
	}
	return m.roles
}

// before is the text of mapRoles before the first write.
func (m *memory) before() string { return m.object.Data[key] }

// recall reads the backup.
func (s *Store) recall(ctx context.Context) (*memory, error) {
	object, err := s.api.Get(ctx, s.backup.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // nothing was ever added, which all callers ask for
	}
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap kube-system/%s: %w", s.backup.Name, err)
	}
	for name, value := range s.backup.Labels {
		if object.Labels[name] != value {
			return nil, fmt.Errorf("ConfigMap kube-system/%s should hold this stack's backup of aws-auth, but its label %s is %q and not %q: "+
				"it is somebody else's; rename or delete it, and try again", s.backup.Name, name, object.Labels[name], value)
		}
	}
	m := &memory{object: object, made: object.Annotations[annotationMade]}
	if err := json.Unmarshal([]byte(object.Annotations[annotationRoles]), &m.roles); err != nil {
		return nil, fmt.Errorf("read what was added to aws-auth: annotation %s of ConfigMap kube-system/%s: %w; "+
			"repair it, or delete the ConfigMap and remove the entries by hand, and try again", annotationRoles, s.backup.Name, err)
	}
	return m, nil
}

// remember writes that these roles are ours. fresh takes the backup anew, from
// aws-auth as it is: nil if there is none.
func (s *Store) remember(ctx context.Context, m *memory, roles []Role, fresh bool, current *core.ConfigMap) (*memory, error) {
	next := &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: s.backup.Name, Namespace: Namespace}}
	made := madeNothing
	if m != nil {
		next, made = m.object.DeepCopy(), m.made
	}
	if m == nil || fresh {
		made = absent(current)
		next.Data = nil
		if current != nil {
			next.Data = maps.Clone(current.Data)
		}
	}
	text, err := json.Marshal(roles)
	if err != nil {
		return nil, fmt.Errorf("write down the roles of aws-auth: %w", err)
	}
	next.Labels = merged(next.Labels, s.backup.Labels)
	next.Annotations = merged(next.Annotations, map[string]string{annotationRoles: string(text), annotationMade: made, annotationNote: note})
	var written *core.ConfigMap
	if m == nil {
		written, err = s.api.Create(ctx, next, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		written, err = s.api.Update(ctx, next, metav1.UpdateOptions{FieldManager: fieldManager})
	}
	if err != nil {
		return nil, fmt.Errorf("write ConfigMap kube-system/%s, the backup of aws-auth: %w", s.backup.Name, err)
	}
	return &memory{object: written, roles: roles, made: made}, nil
}

// forget deletes the backup, unless somebody changed it meanwhile.
func (s *Store) forget(ctx context.Context, m *memory) error {
	if m == nil {
		return nil
	}
	err := s.api.Delete(ctx, s.backup.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &m.object.UID, ResourceVersion: &m.object.ResourceVersion},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete ConfigMap kube-system/%s, the backup of aws-auth: %w", s.backup.Name, err)
	}
	return nil
}

// absent says what a first write to aws-auth makes.
func absent(current *core.ConfigMap) string {
	if current == nil {
		return madeConfigMap
	}
	if _, ok := current.Data[key]; !ok {
		return madeKey
	}
	return madeNothing
}

func merged(into, from map[string]string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	maps.Copy(into, from)
	return into
}

// check tells whether a backup can be used.
func (b Backup) check() error {
	if b.Name == "" || b.Name == Name || len(b.Labels) == 0 {
		return errors.New("the backup of aws-auth needs a name of its own, and labels that say whose it is")
	}
	return nil
}
