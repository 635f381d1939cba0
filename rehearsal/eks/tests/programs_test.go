package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// programArgument is the first argument that makes this test's binary the program of a pod.
const programArgument = "be-a-program"

// beProgram is a controller in small: it tells its environment, serves probes and
// ends when told to. Its arguments say what goes wrong with it.
func beProgram(args []string) int {
	if len(args) > 0 && args[0] == "fail" {
		fmt.Fprintln(os.Stderr, "fatal: no license")
		return 3
	}
	b, _ := json.Marshal(os.Environ())
	fmt.Printf("environment %s\nprocess %d\narguments %q\n", b, os.Getpid(), args)
	sick := len(args) > 0 && args[0] == "sicken"
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if sick {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	go func() { _ = http.ListenAndServe("127.0.0.1:"+os.Getenv("HEALTH_PROBE_PORT"), mux) }()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	fmt.Println("bye")
	return 0
}

// withPrograms starts a cluster that runs this test's binary for pods of the
// image example/program.
func withPrograms(t *testing.T) *localkube {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command, err := json.Marshal([]string{self, programArgument})
	if err != nil {
		t.Fatal(err)
	}
	return own(t, "-nodes", "2", "-program", "example/program="+string(command))
}

// podOfProgram is a pod with everything that a program gets from it.
func podOfProgram(name string, args ...string) *corev1.Pod {
	grace := int64(5)
	ref := corev1.LocalObjectReference{Name: "settings"}
	probe := &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http")}},
		PeriodSeconds: 1,
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "program"}},
		Spec: corev1.PodSpec{
			ServiceAccountName: "controller", TerminationGracePeriodSeconds: &grace,
			Containers: []corev1.Container{{Name: "side", Image: "example/side:1"}, {
				Name: "controller", Image: "registry.example:5000/example/program:1.2@sha256:" + strings.Repeat("0", 64),
				Args:  append(args, "--cluster=$(CLUSTER)", "--metrics-bind-addr=:8080"),
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8081}, {Name: "metrics", ContainerPort: 8080}},
				Env: []corev1.EnvVar{
					{Name: "CLUSTER", Value: "demo"},
					{Name: "NAME", Value: "of-$(CLUSTER)"},
					{Name: "HEALTH_PROBE_PORT", Value: "8081"},
					{Name: "REPLICAS", Value: "8081"},
					{Name: "NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
					{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "requests.cpu", Divisor: resource.MustParse("1m")}}},
					{Name: "COLOUR", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref, Key: "colour"}}},
					{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref, Key: "password"}}},
				},
				EnvFrom:        []corev1.EnvFromSource{{Prefix: "FROM_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref}}},
				Resources:      corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")}},
				ReadinessProbe: probe, LivenessProbe: probe,
			}},
		},
	}
}

// fill makes what the pods refer to.
func fill(t *testing.T, l *localkube) {
	t.Helper()
	core, ctx := l.client.CoreV1(), t.Context()
	_, err := core.ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "green"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.Secrets("default").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string][]byte{"password": []byte("sesame")}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.ServiceAccounts("default").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Name: "controller", Annotations: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::000000000000:role/controller"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (l *localkube) create(t *testing.T, p *corev1.Pod) {
	t.Helper()
	if _, err := l.client.CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// status gives the status of a pod's program.
func (l *localkube) status(ctx context.Context, pod string) (corev1.ContainerStatus, error) {
	p, err := l.client.CoreV1().Pods("default").Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return corev1.ContainerStatus{}, err
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == "controller" {
			return c, nil
		}
	}
	return corev1.ContainerStatus{}, errors.New("it has no status yet")
}

func (l *localkube) awaitReady(t *testing.T, pod string) {
	t.Helper()
	eventually(t, pod+" is ready", func(ctx context.Context) error {
		c, err := l.status(ctx, pod)
		if err == nil && !c.Ready {
			err = fmt.Errorf("not ready: %+v", c.State)
		}
		return err
	})
}

func (l *localkube) log(t *testing.T, pod string, previous bool) string {
	t.Helper()
	b, err := l.client.CoreV1().Pods("default").GetLogs(pod, &corev1.PodLogOptions{Container: "controller", Previous: previous}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// told gives what a program told about itself after that word.
func told(t *testing.T, log, word string) string {
	t.Helper()
	for line := range strings.Lines(log) {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("the program did not tell its %s:\n%s", word, log)
	return ""
}

func environment(t *testing.T, log string) map[string]string {
	t.Helper()
	var list []string
	if err := json.Unmarshal([]byte(told(t, log, "environment")), &list); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, e := range list {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	return env
}

func runs(t *testing.T, log string) (alive func() bool) {
	t.Helper()
	pid, err := strconv.Atoi(told(t, log, "process"))
	if err != nil {
		t.Fatal(err)
	}
	return func() bool { return syscall.Kill(pid, 0) == nil }
}

func TestAProgramRunsForItsPod(t *testing.T) {
	l := withPrograms(t)
	fill(t, l)
	l.create(t, podOfProgram("one"))
	l.create(t, podOfProgram("two"))
	l.awaitReady(t, "one")
	l.awaitReady(t, "two")
	log := l.log(t, "one", false)
	env, other := environment(t, log), environment(t, l.log(t, "two", false))

	t.Run("with its environment and nothing of the host's", func(t *testing.T) {
		port := env["HEALTH_PROBE_PORT"]
		if port == "8081" || port == other["HEALTH_PROBE_PORT"] {
			t.Errorf("ports %s and %s: each pod needs one of its own", port, other["HEALTH_PROBE_PORT"])
		}
		got := map[string]string{}
		for name, value := range env {
			switch name {
			case "PATH", "HOME", "TMPDIR", "KUBECONFIG", "AWS_WEB_IDENTITY_TOKEN_FILE", "HEALTH_PROBE_PORT", "REHEARSAL_PORTS":
			default:
				got[name] = value
			}
		}
		want := map[string]string{
			"CLUSTER": "demo", "NAME": "of-demo", "REPLICAS": "8081", "NAMESPACE": "default", "CPU": "250", "COLOUR": "green", "PASSWORD": "sesame",
			"FROM_colour": "green", "LEADER_ELECTION_NAMESPACE": "default", "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/controller",
			"AWS_STS_REGIONAL_ENDPOINTS": "regional",
			"HTTP_PROXY":                 "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
		args := told(t, log, "arguments")
		if !strings.Contains(args, `"--cluster=demo" "--metrics-bind-addr=127.0.0.1:`) || strings.Contains(args, "8080") {
			t.Errorf("arguments %s", args)
		}
	})

	t.Run("with its service account", func(t *testing.T) {
		config, err := clientcmd.BuildConfigFromFlags("", env["KUBECONFIG"])
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := review.Status.UserInfo.Username, "system:serviceaccount:default:controller"; got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
		token, err := os.ReadFile(env["AWS_WEB_IDENTITY_TOKEN_FILE"])
		if err != nil {
			t.Fatal(err)
		}
		for audience, want := range map[string]bool{"sts.amazonaws.com": true, "https://kubernetes.default.svc.cluster.local": false} {
			review, err := l.client.AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
				Spec: authenticationv1.TokenReviewSpec{Token: string(token), Audiences: []string{audience}},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if review.Status.Authenticated != want {
				t.Errorf("the role's token for %s: %t, want %t (%s)", audience, review.Status.Authenticated, want, review.Status.Error)
			}
		}
	})

	t.Run("until the pod is deleted", func(t *testing.T) {
		alive := runs(t, log)
		stream, err := l.client.CoreV1().Pods("default").GetLogs("one", &corev1.PodLogOptions{Container: "controller", Follow: true}).Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if err := l.client.CoreV1().Pods("default").Delete(t.Context(), "one", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the pod is gone", func(ctx context.Context) error {
			if _, err := l.status(ctx, "one"); err == nil {
				return errors.New("it is there")
			}
			return nil
		})
		if alive() {
			t.Error("the pod is gone and its program runs")
		}
		if b, _ := io.ReadAll(stream); !strings.HasPrefix(string(b), "environment") {
			t.Errorf("followed log: %s", b)
		}
	})

	t.Run("and no longer than the cluster, however it ends", func(t *testing.T) {
		alive := runs(t, l.log(t, "two", false))
		if !alive() {
			t.Fatal("the program does not run")
		}
		_ = l.cmd.Process.Kill()
		<-l.ended
		l.ended <- nil
		eventually(t, "the program ends with a killed cluster", func(context.Context) error {
			if alive() {
				return errors.New("it runs")
			}
			return nil
		})
	})
}

func TestAProgramThatFails(t *testing.T) {
	l := withPrograms(t)
	fill(t, l)
	l.create(t, podOfProgram("fails", "fail"))
	l.create(t, podOfProgram("sick", "sicken"))
	lacking := podOfProgram("lacking")
	lacking.Spec.Containers[1].Env[6].ValueFrom.ConfigMapKeyRef.Key = "shape"
	l.create(t, lacking)

	eventually(t, "a program that ends backs off", func(ctx context.Context) error {
		c, err := l.status(ctx, "fails")
		if err != nil || c.State.Waiting == nil || c.State.Waiting.Reason != "CrashLoopBackOff" || c.RestartCount < 1 {
			return fmt.Errorf("status %+v (%w)", c, err)
		}
		if last := c.LastTerminationState.Terminated; last.ExitCode != 3 || !strings.Contains(last.Message, "no license") {
			t.Errorf("it ended with %+v", last)
		}
		return nil
	})
	if log := l.log(t, "fails", true); log != "fatal: no license\n" {
		t.Errorf("the log of the run before is %q", log)
	}
	eventually(t, "a sick program is started again", func(ctx context.Context) error {
		c, err := l.status(ctx, "sick")
		if err != nil || c.RestartCount == 0 || c.Ready {
			return fmt.Errorf("status %+v (%w)", c, err)
		}
		return nil
	})
	if log := l.log(t, "sick", true); !strings.Contains(log, "bye") {
		t.Errorf("it was not asked to end: %s", log)
	}
	eventually(t, "a program waits for what it refers to", func(ctx context.Context) error {
		c, err := l.status(ctx, "lacking")
		if err != nil || c.State.Waiting == nil || c.State.Waiting.Reason != "CreateContainerConfigError" {
			return fmt.Errorf("status %+v (%w)", c, err)
		}
		if want := "couldn't find key shape in ConfigMap default/settings"; c.State.Waiting.Message != want {
			t.Errorf("it says %q, want %q", c.State.Waiting.Message, want)
		}
		return nil
	})
	patch := []byte(`{"data":{"shape":"round"}}`)
	if _, err := l.client.CoreV1().ConfigMaps("default").Patch(t.Context(), "settings", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	l.awaitReady(t, "lacking")
	for reason, pod := range map[string]string{"BackOff": "fails", "Unhealthy": "sick", "Killing": "sick"} {
		eventually(t, "event "+reason, func(ctx context.Context) error {
			list, err := l.client.CoreV1().Events("default").List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason + ",involvedObject.name=" + pod})
			if err == nil && len(list.Items) == 0 {
				err = errors.New("there is none")
			}
			return err
		})
	}
}
