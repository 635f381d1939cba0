package release

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func heldSince(t time.Time) *coordination.Lease {
	renewed := metav1.NewMicroTime(t)
	return &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: target.Namespace, Name: "quickstart.e6data.com." + target.Name},
		Spec:       coordination.LeaseSpec{HolderIdentity: new("another"), LeaseDurationSeconds: new(int32(1)), RenewTime: &renewed},
	}
}

func leasedRun(objects ...runtime.Object) (*run, *fake.Clientset) {
	client := fake.NewClientset(append(objects, &core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: target.Namespace}})...)
	timing := Timing{Duration: time.Second, Renew: 20 * time.Millisecond}
	return &run{Runner: &Runner{kube: client, timing: timing}, target: target, owner: me}, client
}

func TestLease(t *testing.T) {
	cases := map[string]struct {
		before    []runtime.Object
		inherited bool
		atLeast   time.Duration
	}{
		"free":                         {},
		"its holder died long ago":     {before: []runtime.Object{heldSince(time.Now().Add(-time.Hour))}, inherited: true},
		"its holder has died just now": {before: []runtime.Object{heldSince(time.Now())}, inherited: true, atLeast: time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w, client := leasedRun(tc.before...)
			begin := time.Now()
			worked := false
			err := w.underLease(t.Context(), func(ctx context.Context) error {
				worked = true
				return ctx.Err()
			})
			if err != nil || !worked || w.inherited != tc.inherited {
				t.Errorf("error %v, worked %v, inherited %v", err, worked, w.inherited)
			}
			if took := time.Since(begin); took < tc.atLeast {
				t.Errorf("it was taken after %s, before its time was over", took)
			}
			if left, _ := client.CoordinationV1().Leases(target.Namespace).List(t.Context(), metav1.ListOptions{}); len(left.Items) > 0 {
				t.Errorf("a lease is left: %v", left.Items)
			}
		})
	}
}

func TestLeaseOfALivingRunIsWaitedFor(t *testing.T) {
	w, client := leasedRun(heldSince(time.Now()))
	leases := client.CoordinationV1().Leases(target.Namespace)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	beating := make(chan struct{})
	go func() { // a heartbeat, as another run has it
		defer close(beating)
		version := 100
		for pause(ctx, 100*time.Millisecond) {
			next := heldSince(time.Now())
			version++
			next.ResourceVersion = string(rune('a'+version%26)) + time.Now().String()
			_ = client.Tracker().Update(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}, next, target.Namespace)
		}
	}()
	err := w.underLease(ctx, func(context.Context) error {
		t.Error("it worked beside a living run")
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another run (another) is still working") {
		t.Errorf("got %v", err)
	}
	<-beating
	if _, err := leases.Get(t.Context(), "quickstart.e6data.com."+target.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("the other run's lease is gone: %v", err)
	}
}

func TestLostLeaseEndsTheWork(t *testing.T) {
	w, client := leasedRun()
	client.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, target.Name, errors.New("taken"))
	})
	err := w.underLease(t.Context(), func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, errLeaseLost) {
		t.Errorf("got %v, want the lost lease as the cause", err)
	}
}

func TestLeaseThatMayNotBeMade(t *testing.T) {
	w, client := leasedRun()
	client.PrependReactor("create", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, target.Name, errors.New("no"))
	})
	err := w.underLease(t.Context(), func(context.Context) error { return nil })
	if !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want the refusal at once", err)
	}
}
