package leftover

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"k8s.io/client-go/rest"
)

const (
	settleLimit = 1200 * time.Millisecond
	settlePoll  = 100 * time.Millisecond
)

// Report compares a cluster with its baseline.
type Report struct {
	inventory *inventory
	baseline  map[identity]bool
}

// Begin makes the baseline: what the file holds, if an earlier run of the same
// cluster wrote it, else what is in the cluster now, which is written there as a
// JSON array of Object.
func Begin(ctx context.Context, c *rest.Config, file string) (*Report, error) {
	inventory, err := newInventory(c)
	if err != nil {
		return nil, err
	}
	objects, err := read(file)
	if errors.Is(err, fs.ErrNotExist) {
		objects, err = inventory.begin(ctx, file)
	}
	if err != nil {
		return nil, fmt.Errorf("make the baseline: %w", err)
	}
	r := &Report{inventory: inventory, baseline: map[identity]bool{}}
	for _, o := range objects {
		r.baseline[o.identity()] = true
	}
	return r, nil
}

// begin lists the cluster and writes the list into the file.
func (v *inventory) begin(ctx context.Context, file string) ([]Object, error) {
	all, unknown, err := v.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%d resource types are not known, such as %s %s", len(unknown), unknown[0].Kind, unknown[0].Name)
	}
	objects := sorted(all)
	return objects, write(file, objects)
}

// End writes into the file, as a JSON array of Object, what is in the cluster and
// was not in the baseline, without what Kubernetes makes by itself and without
// what an object in the list owns; an empty array says that nothing is left. A
// type that cannot be listed is in it too, under a name that begins with "*" and
// tells why. Objects that are being deleted or collected have a second to go.
func (r *Report) End(ctx context.Context, file string) ([]Object, error) {
	deadline := time.Now().Add(settleLimit)
	for {
		all, unknown, err := r.inventory.list(ctx)
		if err != nil {
			return nil, fmt.Errorf("find what is left: %w", err)
		}
		found := left(r.baseline, all)
		settled := len(unknown) == 0 && !slices.ContainsFunc(found, newState(all).settling)
		if settled || time.Now().After(deadline) {
			objects := sorted(append(found, unknown...))
			return objects, write(file, objects)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("find what is left: %w", ctx.Err())
		case <-time.After(settlePoll):
		}
	}
}

func sorted(all []record) []Object {
	objects := make([]Object, 0, len(all)) // never null in JSON
	for _, r := range all {
		objects = append(objects, r.Object)
	}
	slices.SortFunc(objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return objects
}

func read(file string) (objects []Object, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &objects); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return objects, nil
}

// write replaces the file at once, so that who waits for it reads all of it.
func write(file string, objects []Object) error {
	b, err := json.MarshalIndent(objects, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
