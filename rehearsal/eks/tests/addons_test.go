package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type addonStatus struct {
	Ready bool
	Why   string
}

func (l *localkube) statuses() (map[string]addonStatus, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, "addons.status.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]addonStatus{}
	return all, json.Unmarshal(b, &all)
}

// awaitStatus waits until the add-on is told to be so, with that in its reason.
func (l *localkube) awaitStatus(t *testing.T, name string, ready bool, why string) {
	t.Helper()
	eventually(t, "status of "+name, func(context.Context) error {
		all, err := l.statuses()
		if s, ok := all[name]; err == nil && (!ok || s.Ready != ready || !strings.Contains(s.Why, why)) {
			err = fmt.Errorf("statuses are %v, want ready=%v %q", all, ready, why)
		}
		return err
	})
}

func TestAddonsComeAndGo(t *testing.T) {
	t.Parallel()
	l := own(t)
	const role = "arn:aws:iam::111122223333:role/ebs"
	ebs := map[string]string{"name": "aws-ebs-csi-driver", "version": "v1.55.0-eksbuild.1", "serviceAccountRoleArn": role}
	dns := map[string]string{"name": "coredns", "version": "v1.13.1-eksbuild.1", "configurationValues": `{"replicaCount":3}`}
	l.tell(t, "addons.json", []any{ebs, dns})
	l.awaitStatus(t, "aws-ebs-csi-driver", true, "")
	l.awaitStatus(t, "coredns", true, "")
	sa, err := l.client.CoreV1().ServiceAccounts("kube-system").Get(t.Context(), "ebs-csi-controller-sa", metav1.GetOptions{})
	if err != nil || sa.Annotations["eks.amazonaws.com/role-arn"] != role {
		t.Errorf("the driver's service account has the annotations %v, %v", sa.Annotations, err)
	}
	if d, err := l.client.AppsV1().Deployments("kube-system").Get(t.Context(), "coredns", metav1.GetOptions{}); err != nil || d.Status.AvailableReplicas != 3 {
		t.Errorf("coredns has %d replicas, %v", d.Status.AvailableReplicas, err)
	}
	eventually(t, "the driver on each node", func(ctx context.Context) error {
		all, err := l.client.StorageV1().CSINodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, n := range all.Items {
			if len(n.Spec.Drivers) != 1 || n.Spec.Drivers[0].Name != "ebs.csi.aws.com" || !strings.HasPrefix(n.Spec.Drivers[0].NodeID, "i-") {
				return fmt.Errorf("CSINode %s has the drivers %v", n.Name, n.Spec.Drivers)
			}
		}
		return nil
	})
	l.tell(t, "addons.json", []any{dns})
	eventually(t, "the driver to go", func(ctx context.Context) error {
		_, err := l.client.StorageV1().CSIDrivers().Get(ctx, "ebs.csi.aws.com", metav1.GetOptions{})
		if err == nil {
			return errors.New("its CSIDriver is still there")
		}
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get its CSIDriver: %w", err)
		}
		if all, _ := l.statuses(); all["aws-ebs-csi-driver"] != (addonStatus{}) {
			return fmt.Errorf("its status is still there: %v", all)
		}
		return nil
	})
	if _, err := l.client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "aws-node", metav1.GetOptions{}); err != nil {
		t.Errorf("aws-node, which is nobody's add-on: %v", err)
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, l.left(t)); diff != "" {
		t.Errorf("left, while an add-on was there (-want +got):\n%s", diff)
	}
}

func TestAnAddonWithoutNodesIsNotReady(t *testing.T) {
	t.Parallel()
	l := own(t, "-nodes", "0")
	l.tell(t, "addons.json", []any{
		map[string]string{"name": "coredns", "version": "v1.13.1-eksbuild.1"}, map[string]string{"name": "vpc-cni", "version": "v1.21.1-eksbuild.1"},
	})
	l.awaitStatus(t, "coredns", false, "deployment coredns has 0 of 2 replicas available")
	l.awaitStatus(t, "vpc-cni", true, "") // it has no node to run on
}

func TestAnAddonWithWrongValuesSaysSo(t *testing.T) {
	t.Parallel()
	l := own(t)
	l.tell(t, "addons.json", []any{map[string]string{"name": "coredns", "version": "v1", "configurationValues": `{"replicaCount":"many"}`}})
	l.awaitStatus(t, "coredns", false, "replicaCount")
}
