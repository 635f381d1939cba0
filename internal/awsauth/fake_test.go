package awsauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// etcd stands for an API server with resource versions, which client-go's fake
// gives to nobody: each write gets a new one, and a write that names another
// than the newest is a conflict.
type etcd struct {
	sync.Mutex
	version int
	objects map[string]*core.ConfigMap
	// history has each text of mapRoles that was written, nil for a deletion.
	history []*string
	// before is called before each write, without the lock: it may write too.
	before func(verb, name string)
	// fail has errors by verb and name, such as "patch aws-auth"; each is given
	// once, in the place of the write, or after it.
	fail      map[string]error
	failAfter bool
}

var resource = schema.GroupResource{Resource: "configmaps"}

func newClient(tb testing.TB) (*fake.Clientset, *etcd) {
	tb.Helper()
	e := &etcd{objects: map[string]*core.ConfigMap{}}
	client := fake.NewClientset()
	client.PrependReactor("*", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		object, err := e.react(action)
		if err != nil {
			return true, nil, err
		}
		return true, object, nil
	})
	return client, e
}

func (e *etcd) react(action clienttesting.Action) (*core.ConfigMap, error) {
	name := nameOf(action)
	if e.before != nil && action.GetVerb() != "get" {
		e.before(action.GetVerb(), name)
	}
	e.Lock()
	defer e.Unlock()
	fault := e.fail[action.GetVerb()+" "+name]
	delete(e.fail, action.GetVerb()+" "+name)
	if fault != nil && !e.failAfter {
		return nil, fault
	}
	object, err := e.act(action, name)
	if err == nil {
		err = fault
	}
	return object, err
}

func (e *etcd) act(action clienttesting.Action, name string) (*core.ConfigMap, error) {
	now := e.objects[name]
	if now == nil && action.GetVerb() != "create" {
		return nil, apierrors.NewNotFound(resource, name)
	}
	switch a := action.(type) {
	case clienttesting.PatchActionImpl:
		next, err := merge(now, a.Patch, a.PatchType)
		if err != nil {
			return nil, err
		}
		return e.put(next, now)
	case clienttesting.UpdateActionImpl:
		return e.put(a.Object.(*core.ConfigMap).DeepCopy(), now)
	case clienttesting.CreateActionImpl:
		if now != nil {
			return nil, apierrors.NewAlreadyExists(resource, name)
		}
		return e.put(a.Object.(*core.ConfigMap).DeepCopy(), nil)
	case clienttesting.GetActionImpl:
		return now.DeepCopy(), nil
	case clienttesting.DeleteActionImpl:
		if p := a.DeleteOptions.Preconditions; p != nil && (p.UID != nil && *p.UID != now.UID || p.ResourceVersion != nil && *p.ResourceVersion != now.ResourceVersion) {
			return nil, apierrors.NewConflict(resource, name, fmt.Errorf("precondition failed"))
		}
		delete(e.objects, name)
		e.note(name, nil)
		return now, nil
	}
	return nil, fmt.Errorf("the stand-in knows no %s", action.GetVerb())
}

func nameOf(action clienttesting.Action) string {
	switch a := action.(type) {
	case clienttesting.CreateAction: // updates too
		return a.GetObject().(*core.ConfigMap).Name
	case interface{ GetName() string }:
		return a.GetName()
	}
	return ""
}

// put stores an object in the place of another, if it was read from that one.
func (e *etcd) put(next, now *core.ConfigMap) (*core.ConfigMap, error) {
	if now != nil {
		if next.ResourceVersion != "" && next.ResourceVersion != now.ResourceVersion {
			return nil, apierrors.NewConflict(resource, next.Name, fmt.Errorf("the object has been modified"))
		}
		next.UID = now.UID
	}
	e.version++
	if now == nil {
		next.UID = types.UID("uid-" + strconv.Itoa(e.version))
	}
	next.ResourceVersion = strconv.Itoa(e.version)
	e.objects[next.Name] = next
	var text *string
	if t, ok := next.Data[key]; ok {
		text = &t
	}
	e.note(next.Name, text)
	return next.DeepCopy(), nil
}

func (e *etcd) note(name string, text *string) {
	if name == Name {
		e.history = append(e.history, text)
	}
}

// merge applies a JSON merge patch to the data and the resource version, and
// refuses anything else in one.
func merge(now *core.ConfigMap, patch []byte, kind types.PatchType) (*core.ConfigMap, error) {
	var p struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Data map[string]*string `json:"data"`
	}
	d := json.NewDecoder(bytes.NewReader(patch))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || kind != types.MergePatchType {
		return nil, fmt.Errorf("a patch of kind %s: %w", kind, err)
	}
	next := now.DeepCopy()
	next.ResourceVersion = p.Metadata.ResourceVersion
	for k, v := range p.Data {
		if v == nil {
			delete(next.Data, k)
			continue
		}
		if next.Data == nil {
			next.Data = map[string]string{}
		}
		next.Data[k] = *v
	}
	return next, nil
}

// have puts an aws-auth there, as somebody else.
func (e *etcd) have(data map[string]string) {
	e.Lock()
	defer e.Unlock()
	_, _ = e.put(&core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: Name, Namespace: Namespace}, Data: maps.Clone(data)}, nil)
}

// edit changes mapRoles as somebody else does who reads and writes in one step.
func (e *etcd) edit(change func(text string) string) {
	e.Lock()
	defer e.Unlock()
	now := e.objects[Name]
	next := now.DeepCopy()
	next.Data[key] = change(now.Data[key])
	_, _ = e.put(next, now)
}

// get gives an object as it is now; nil if it is not there.
func (e *etcd) get(name string) *core.ConfigMap {
	e.Lock()
	defer e.Unlock()
	if o := e.objects[name]; o != nil {
		return o.DeepCopy()
	}
	return nil
}

// newStore makes the store of a stack.
func newStore(tb testing.TB, client kubernetes.Interface, stack string) *Store {
	tb.Helper()
	s, err := NewStore(client, Backup{Name: "e6data-aws-auth-" + stack, Labels: map[string]string{"quickstart.e6data.com/stack-uuid": stack}})
	if err != nil {
		tb.Fatal(err)
	}
	s.tries.Duration = 0 // no waiting
	return s
}
