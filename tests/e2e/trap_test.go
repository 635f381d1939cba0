package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// printed is the command in the reason of a launch that nobody lets in.
var printed = regexp.MustCompile(`with kubectl and jq: (kubectl .*\| kubectl replace -f -) -- \(2\)`)

// A cluster of the mode CONFIG_MAP that does not know the installer's role
// refuses the launch, with the command that lets it in. Who runs exactly that
// command, as an administrator, can launch; nothing is left of the first try.
func TestPrintedCommandLetsTheNextLaunchIn(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	for _, program := range []string{"kubectl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the printed command needs %s: %v", program, err)
		}
	}
	d := start(t, "")
	m := d.customersCluster(t, rehearsal.CustomerCluster{})
	given, _ := launch{}.answers(t, d, m)
	s := d.of(t, existingEKS, "quickstart")
	refusal := s.Create(t.Context(), given)
	if refusal == nil {
		t.Fatal("the stack got in")
	}
	for _, want := range []string{
		"does not let this function's role " + installerRole + " edit it", "eksctl create iamidentitymapping --cluster " + m.Name,
		"Set ClusterAdminRoleArn", "Set AllowAuthModeChange to Yes",
	} {
		if !strings.Contains(refusal.Error(), want) {
			t.Errorf("the reason lacks %q: %v", want, refusal)
		}
	}
	command := printed.FindStringSubmatch(refusal.Error())
	if command == nil {
		t.Fatalf("the reason has no command of kubectl: %v", refusal)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.CheckBack(t.Context(), rehearsal.Allowance{}); err != nil {
		t.Error(err)
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("left of the refused launch: %v", left)
	}
	run := exec.CommandContext(t.Context(), "sh", "-c", command[1])
	run.Env = append(os.Environ(), "KUBECONFIG="+d.kubeconfig(t, m.Name, m.Creator))
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[1], err, out)
	}
	if err := m.Remember(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.live(t, launch{}, m)
	if err := m.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}

// header is the round trip that tells which token a client sends.
type header struct{ authorization string }

func (h *header) RoundTrip(r *http.Request) (*http.Response, error) {
	h.authorization = r.Header.Get("Authorization")
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// kubeconfig is a file for kubectl, with a token of a role.
func (d *deployment) kubeconfig(t *testing.T, cluster, role string) string {
	t.Helper()
	config, err := d.ConfigAs(t.Context(), cluster, role, "")
	if err != nil {
		t.Fatal(err)
	}
	sent := &header{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := config.WrapTransport(sent).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		CurrentContext: "customer",
		Contexts:       map[string]*clientcmdapi.Context{"customer": {Cluster: "customer", AuthInfo: "customer"}},
		Clusters:       map[string]*clientcmdapi.Cluster{"customer": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"customer": {Token: strings.TrimPrefix(sent.authorization, "Bearer ")}},
	}, file); err != nil {
		t.Fatal(err)
	}
	return file
}
