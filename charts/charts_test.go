package charts_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/e6data/aws-quickstart/charts"
	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/tests/golden"
)

// least are the values that have no default.
const least = `{"workspaceName":"sales","clusterName":"e6data-sales","nodePool":{"name":"e6data-sales"},
"nodeClass":{"name":"e6data-sales"},"instanceProfile":"sales-nodes","instanceFamilies":["r7g","c7g"],
"subnetIDs":["subnet-0a","subnet-0b"],"securityGroupIDs":["sg-0a"]`

// render runs the chart as helm template does, without a cluster.
func render(t *testing.T, values string) (string, error) {
	t.Helper()
	source := chart.Source{Builtin: charts.FS}
	loaded, err := source.Load(t.Context(), chart.Reference{Repository: "builtin:", Chart: "nodepool"})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := chart.Values(values)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = "nodepool", "kube-system"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.3", Major: "1", Minor: "36"}
	rendered, err := install.RunWithContext(context.WithoutCancel(t.Context()), loaded.Helm, parsed)
	if err != nil {
		return "", err
	}
	return rendered.Manifest, nil
}

func TestNodepool(t *testing.T) {
	cases := map[string]struct{ golden, more string }{
		"defaults": {"defaults.yaml", `}`},
		"every value set": {"everything.yaml", `,"architectures":["arm64","amd64"],"capacityTypes":["spot","on-demand"],
			"zones":["us-east-1a","us-east-1b"],"cpuLimit":500,"diskGiB":200,"kmsKeyID":"alias/e6","amiAlias":"al2023@v20260101",
			"nodeTags":{"cost":"42","Name":"mine"},"kubelet":{"maxPods":58},"storageClass":{"create":true,"default":true},
			"disruption":{"consolidateAfter":"2m","drifted":"1","quiet":{"schedule":""}}}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := render(t, least+tc.more)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", tc.golden), got)
		})
	}
}

func TestNodepoolRefuses(t *testing.T) {
	cases := map[string]struct{ values, say string }{
		"no values":               {`{}`, "workspaceName"},
		"a misspelt value":        {least + `,"diskGib":100}`, "diskGib"},
		"a number as text":        {least + `,"cpuLimit":"100"}`, "cpuLimit"},
		"a tag of Karpenter's":    {least + `,"nodeTags":{"kubernetes.io/cluster/x":"owned"}}`, "kubernetes.io/cluster/x"},
		"an image of another OS":  {least + `,"amiAlias":"bottlerocket@latest"}`, "amiAlias"},
		"an unknown architecture": {least + `,"architectures":["x86_64"]}`, "architectures"},
		"a family of another one": {
			strings.Replace(least, `"c7g"`, `"m7i"`, 1) + `,"architectures":["arm64"]}`,
			"instance family m7i has amd64 processors, but only arm64 may be used",
		},
		"a family of Graviton": {least + `,"architectures":["amd64"]}`, "instance family r7g has arm64 processors"},
		"no subnets":           {strings.Replace(least, `["subnet-0a","subnet-0b"]`, `[]`, 1) + `}`, "subnetIDs"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, tc.values)
			if err == nil || !strings.Contains(err.Error(), tc.say) {
				t.Errorf("error %v does not name %s", err, tc.say)
			}
		})
	}
}
