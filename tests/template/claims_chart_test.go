package template

import (
	"context"
	"maps"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/charts"
	"github.com/e6data/aws-quickstart/internal/chart"
)

// nodepoolChart stands for the objects of charts/nodepool, as Helm makes them
// with the values of the template's release, by kind.
const nodepoolChart = "charts/nodepool"

// rendered claims that an object of a chart has a value.
type rendered struct{ value }

func (c rendered) check(all templates) string {
	return evaluated(func() string {
		objects := all[nodepoolChart]
		if objects == nil {
			objects = renderNodepool(all, c.given)
		}
		found, ok := objects[c.id]
		if !ok {
			return "the chart makes no such object"
		}
		return c.judge(descend(found, c.path))
	})
}

// mutations take each step of the path out of the rendered objects.
func (c rendered) mutations(t *testing.T, all templates) map[string]templates {
	t.Helper()
	out := map[string]templates{}
	path := append([]string{c.id}, c.path...)
	add := func(name string, at []string, change func(any) any) {
		changed := maps.Clone(all)
		changed[nodepoolChart] = plain(t, renderNodepool(all, c.given)).(object)
		if edit(t, changed[nodepoolChart], at, change) {
			out[name] = changed
		}
	}
	if last := len(path) - 1; isAbsent(c.want) {
		add("with "+strings.Join(path, "."), path[:last], grown(path[last]))
		return out
	}
	for n := range path {
		name := strings.Join(path[:n+1], ".")
		add("without "+name, path[:n+1], nil)
		add("another "+name, path[:n+1], func(any) any { return "weakened" })
	}
	return out
}

// renderNodepool renders the chart with concrete answers: it checks the form of
// IDs.
func renderNodepool(all templates, given map[string]string) object {
	r := symbolicRun(all, quickstartFile, given)
	r.symbolic = false
	r.given["WorkspaceName"], r.given["DataBucketNames"] = "sales", "sales-data"
	r.pseudo["AWS::Region"], r.pseudo["AWS::Partition"], r.pseudo["AWS::AccountId"] = "us-east-1", "aws", "111122223333"
	maps.Copy(r.attributes, map[string]string{
		"Cluster.ClusterSecurityGroupId": "sg-0c1a55e5", "Network.Outputs.PrivateSubnetIds": "subnet-0a,subnet-0b",
		"Network.Outputs.NodeSubnetIds": "subnet-0a,subnet-0b", "Cluster.Endpoint": "https://cluster.example.com",
		"Network.Outputs.AvailabilityZones": "us-east-1a,us-east-1b",
	})
	text, _ := r.properties("NodePool")["Values"].(string)
	values, err := chart.Values(text)
	if err != nil {
		r.t.Fatal(err)
	}
	source := chart.Source{Builtin: charts.FS}
	loaded, err := source.Load(context.Background(), chart.Reference{Repository: "builtin:", Chart: "nodepool"})
	if err != nil {
		r.t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = "nodepool", "kube-system"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.3", Major: "1", Minor: "36"}
	out, err := install.RunWithContext(context.Background(), loaded.Helm, values)
	if err != nil {
		r.t.Fatal(err)
	}
	objects := object{}
	for text := range strings.SplitSeq(out.Manifest, "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			r.t.Fatal(err)
		}
		if kind, ok := o["kind"].(string); ok {
			objects[kind] = o
		}
	}
	return objects
}
