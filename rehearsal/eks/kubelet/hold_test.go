package kubelet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/e6data/aws-quickstart/rehearsal/eks/program"
)

func secretVolume(name string, optional bool, keys ...string) corev1.Volume {
	s := &corev1.SecretVolumeSource{SecretName: name, Optional: &optional}
	for _, k := range keys {
		s.Items = append(s.Items, corev1.KeyToPath{Key: k, Path: k})
	}
	return corev1.Volume{Name: "v-" + name, VolumeSource: corev1.VolumeSource{Secret: s}}
}

func projected(sources ...corev1.VolumeProjection) corev1.Volume {
	return corev1.Volume{Name: "all", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: sources}}}
}

func fromConfigMap(name, key string) corev1.EnvVar {
	ref := &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}
	return corev1.EnvVar{Name: "V", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: ref}}
}

func TestHold(t *testing.T) {
	configMap := func(name string, keys ...string) corev1.VolumeProjection {
		c := &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: name}}
		for _, k := range keys {
			c.Items = append(c.Items, corev1.KeyToPath{Key: k, Path: k})
		}
		return corev1.VolumeProjection{ConfigMap: c}
	}
	token := corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}
	for name, tt := range map[string]struct {
		edit func(s *corev1.PodSpec)
		want string // what holds the pod, by container where it is one's
	}{
		"nothing is needed":            {func(*corev1.PodSpec) {}, ""},
		"a Secret that is there":       {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{secretVolume("here", false, "a")} }, ""},
		"a Secret that is not":         {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{secretVolume("gone", false)} }, `FailedMount MountVolume.SetUp failed for volume "v-gone" : secret "gone" not found`},
		"a Secret that need not be":    {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{secretVolume("gone", true, "k")} }, ""},
		"a Secret without the key":     {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{secretVolume("here", false, "k")} }, `FailedMount MountVolume.SetUp failed for volume "v-here" : references non-existent secret key: k`},
		"a projected ConfigMap":        {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{projected(token, configMap("gone"))} }, `FailedMount MountVolume.SetUp failed for volume "all" : configmap "gone" not found`},
		"a projected key":              {func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{projected(configMap("conf", "k"))} }, `FailedMount MountVolume.SetUp failed for volume "all" : references non-existent config key: k`},
		"an account without existence": {func(s *corev1.PodSpec) { s.ServiceAccountName, s.Volumes = "no", []corev1.Volume{projected(token)} }, `FailedMount MountVolume.SetUp failed for volume "all" : failed to fetch token: serviceaccounts "no" not found`},
		"a variable of a ConfigMap":    {func(s *corev1.PodSpec) { s.Containers[0].Env = []corev1.EnvVar{fromConfigMap("conf", "a")} }, ""},
		"a variable of no ConfigMap":   {func(s *corev1.PodSpec) { s.Containers[0].Env = []corev1.EnvVar{fromConfigMap("gone", "a")} }, `app: configmap "gone" not found`},
		"a variable of no key":         {func(s *corev1.PodSpec) { s.Containers[0].Env = []corev1.EnvVar{fromConfigMap("conf", "k")} }, "app: couldn't find key k in ConfigMap ns/conf"},
		"all variables of no Secret": {func(s *corev1.PodSpec) {
			s.InitContainers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "gone"}}}}
		}, `init: secret "gone" not found`},
		"the volumes come first": {func(s *corev1.PodSpec) {
			s.Containers[0].Env, s.Volumes = []corev1.EnvVar{fromConfigMap("gone", "a")}, []corev1.Volume{secretVolume("gone", false)}
		}, `FailedMount MountVolume.SetUp failed for volume "v-gone" : secret "gone" not found`},
		"a claim that is not there": {func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "no"}}}}
		}, `FailedMount persistentvolumeclaim "no" not found`},
		"a claim that waits": {func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "waits"}}}}
		}, ` persistentvolumeclaim "waits" is not bound`},
	} {
		t.Run(name, func(t *testing.T) {
			in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }
			kube := fake.NewClientset(
				&corev1.Secret{ObjectMeta: in("here"), Data: map[string][]byte{"a": nil}},
				&corev1.ConfigMap{ObjectMeta: in("conf"), Data: map[string]string{"a": ""}},
				&corev1.ServiceAccount{ObjectMeta: in("default")},
				&corev1.PersistentVolumeClaim{ObjectMeta: in("waits")},
			)
			k, err := Start(t.Context(), kube, "v", always{}, program.Config{})
			if err != nil {
				t.Fatal(err)
			}
			p := pod(corev1.RestartPolicyAlways, nil)
			p.Spec.ServiceAccountName = "default"
			tt.edit(&p.Spec)
			h, err := k.hold(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			got := h.reason + " " + h.message
			if h.message == "" {
				got = ""
				for c, why := range h.config {
					got = c + ": " + why
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("hold (-want +got):\n%s", diff)
			}
		})
	}
}

// always are machines whose kubelets always run.
type always struct{}

func (always) Alive(*corev1.Node) bool { return true }

func TestAHeldPodIsToldOnceAndThenStarts(t *testing.T) {
	p := pod(corev1.RestartPolicyAlways, nil)
	h := hold{config: map[string]string{"app": `secret "gone" not found`}}
	s := scene{pod: p, host: "10.0.0.10", podIP: "10.244.0.1", now: metav1.Now()}
	next, told := s.held(h, "")
	if next.status == nil || next.after == 0 || len(next.events) != 1 || next.events[0].message != `Error: secret "gone" not found` {
		t.Fatalf("the first step is %v", next)
	}
	p.Status = *next.status
	w := p.Status.ContainerStatuses[0].State.Waiting
	if p.Status.Phase != corev1.PodPending || w.Reason != "CreateContainerConfigError" || w.Message != `secret "gone" not found` {
		t.Errorf("the pod is %s, its container waits for %v", p.Status.Phase, w)
	}
	if again, _ := s.held(h, told); again.status != nil || len(again.events) > 0 || again.after == 0 {
		t.Errorf("the same is told again: %v", again)
	}
	if begun(p) {
		t.Error("a pod that is held has not begun")
	}
	if diff := cmp.Diff([]string{"Running ready Pulled Created Started after 0s"}, play(p, 1)); diff != "" {
		t.Errorf("once it is there (-want +got):\n%s", diff)
	}
	if !begun(p) {
		t.Error("a pod that runs has begun")
	}
}

func TestAVolumeHoldsAllContainers(t *testing.T) {
	p := pod(corev1.RestartPolicyAlways, nil)
	next, _ := scene{pod: p, podIP: "10.244.0.1", now: metav1.Now()}.held(hold{reason: "FailedMount", message: "why"}, "")
	var got []string
	for _, c := range append(next.status.InitContainerStatuses, next.status.ContainerStatuses...) {
		got = append(got, c.Name+" "+c.State.Waiting.Reason)
	}
	if diff := cmp.Diff("init PodInitializing, sidecar PodInitializing, app PodInitializing", strings.Join(got, ", ")); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if next.status.PodIP != "" {
		t.Error("a pod without its volumes has an address")
	}
}
