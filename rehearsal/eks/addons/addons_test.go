package addons

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var cluster = Cluster{Name: "demo", Region: "eu-west-1", ServiceCIDR: netip.MustParsePrefix("10.100.0.0/16")}

func find(t *testing.T, a Addon, kind, name string) *unstructured.Unstructured {
	t.Helper()
	all, err := a.objects(cluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("add-on %s has no %s %s", a.Name, kind, name)
	return nil
}

func field(t *testing.T, o *unstructured.Unstructured, path ...string) any {
	t.Helper()
	v, _, err := unstructured.NestedFieldNoCopy(o.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryAddonsObjectsCanBeNamed(t *testing.T) {
	for _, name := range names {
		a := Addon{Name: name, Version: "v1.2.3-eksbuild.4"}
		all, err := a.objects(cluster)
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %d objects, %v", name, len(all), err)
		}
		for _, o := range all {
			r, err := resourceOf(o)
			if err != nil || r.Resource == "" {
				t.Errorf("%s: %s %s: %v", name, o.GetKind(), o.GetName(), err)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	image := func(o *unstructured.Unstructured) any {
		containers := field(t, o, "spec", "template", "spec", "containers").([]any)
		return containers[0].(map[string]any)["image"]
	}
	const role = "arn:aws:iam::111122223333:role/ebs"
	ebs := Addon{Name: "aws-ebs-csi-driver", Version: "v1.55.0-eksbuild.2", ServiceAccountRoleARN: role, ConfigurationValues: `{"controller":{"replicaCount":1,"podLabels":{"team":"a"},"extraVolumeTags":{"team":"a","cost":"b"}}}`}
	dns := Addon{Name: "coredns", Version: "v1.13.1-eksbuild.1", ConfigurationValues: "replicaCount: 3\nnodeSelector: {pool: system}\n"}
	cni := Addon{Name: "vpc-cni", Version: "v1.21.1-eksbuild.1", ConfigurationValues: `{"env":{"ENABLE_PREFIX_DELEGATION":"true","WARM_ENI_TARGET":"2"}}`}
	proxy := Addon{Name: "kube-proxy", Version: "v1.36.0-eksbuild.2"}
	for name, tt := range map[string]struct{ got, want any }{
		"the driver's image has upstream's version":  {image(find(t, ebs, "Deployment", "ebs-csi-controller")), "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/aws-ebs-csi-driver:v1.55.0"},
		"kube-proxy's image is the minimal one":      {image(find(t, proxy, "DaemonSet", "kube-proxy")), "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.36.0-minimal-eksbuild.2"},
		"the role is the controller's":               {find(t, ebs, "ServiceAccount", "ebs-csi-controller-sa").GetAnnotations()["eks.amazonaws.com/role-arn"], role},
		"the role is not the nodes'":                 {find(t, ebs, "ServiceAccount", "ebs-csi-node-sa").GetAnnotations()["eks.amazonaws.com/role-arn"], ""},
		"a section concerns its workload":            {field(t, find(t, ebs, "Deployment", "ebs-csi-controller"), "spec", "replicas"), int64(1)},
		"a section's labels are added":               {field(t, find(t, ebs, "Deployment", "ebs-csi-controller"), "spec", "template", "metadata", "labels", "team"), "a"},
		"a section does not concern others":          {field(t, find(t, ebs, "DaemonSet", "ebs-csi-node"), "spec", "template", "metadata", "labels", "team"), nil},
		"replicas":                                   {field(t, find(t, dns, "Deployment", "coredns"), "spec", "replicas"), int64(3)},
		"a node selector":                            {field(t, find(t, dns, "Deployment", "coredns"), "spec", "template", "spec", "nodeSelector", "pool"), "system"},
		"the name server is at the tenth address":    {field(t, find(t, dns, "Service", "kube-dns"), "spec", "clusterIP"), "10.100.0.10"},
		"the driver knows its cluster, for its tags": {strings.Contains(stringOf(t, find(t, ebs, "Deployment", "ebs-csi-controller")), `--k8s-tag-cluster-id=demo`), true},
		"the driver knows the tags of its volumes":   {strings.Contains(stringOf(t, find(t, ebs, "Deployment", "ebs-csi-controller")), `"--extra-tags=cost=b,team=a"`), true},
		"a variable takes the place of another's": {
			strings.Contains(stringOf(t, find(t, cni, "DaemonSet", "aws-node")), `[{"name":"MY_NODE_NAME","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}},`+
				`{"name":"ENABLE_PREFIX_DELEGATION","value":"true"},{"name":"WARM_ENI_TARGET","value":"2"}]`),
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func stringOf(t *testing.T, o *unstructured.Unstructured) string {
	t.Helper()
	b, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsNotPlayedHasNoObjects(t *testing.T) {
	a := Addon{Name: "amazon-cloudwatch-observability", Version: "v1"}
	if all, err := a.objects(cluster); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestWrongConfigurationValuesAreAnError(t *testing.T) {
	for _, text := range []string{"{", `{"replicaCount":"many"}`} {
		a := Addon{Name: "coredns", Version: "v1", ConfigurationValues: text}
		if _, err := a.objects(cluster); err == nil || !strings.Contains(err.Error(), "coredns") {
			t.Errorf("%q gives %v", text, err)
		}
	}
}
