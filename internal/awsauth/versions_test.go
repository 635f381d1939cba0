package awsauth

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// watchVersions looks at each version of aws-auth from one on. The function that
// it returns gives each text of mapRoles, nil for a deletion, and the newest
// version.
func watchVersions(t *testing.T, client kubernetes.Interface, from *core.ConfigMap) func() ([]*string, *core.ConfigMap) {
	t.Helper()
	const end = "seen-to-the-end"
	maps := client.CoreV1().ConfigMaps(Namespace)
	first := from.Data[key]
	versions := []*string{&first}
	w, err := maps.Watch(t.Context(), metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", Name).String(), ResourceVersion: from.ResourceVersion,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	var newest *core.ConfigMap
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range w.ResultChan() {
			m, ok := event.Object.(*core.ConfigMap)
			if !ok {
				t.Errorf("the watch gives %v", event.Object)
				return
			}
			if _, ok := m.Annotations[end]; ok {
				return
			}
			newest = m
			if text, ok := m.Data[key]; ok && event.Type != watch.Deleted {
				versions = append(versions, &text)
			} else {
				versions = append(versions, nil)
			}
		}
		t.Error("the watch ended before aws-auth did")
	}()
	return func() ([]*string, *core.ConfigMap) {
		mark := []byte(`{"metadata": {"annotations": {"` + end + `": ""}}}`)
		if _, err := maps.Patch(t.Context(), Name, types.MergePatchType, mark, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		<-done
		return versions, newest
	}
}

// checkVersions looks whether the nodes' entry is in each version as it was
// written, and whether each write changed one entry and no other.
func checkVersions(t *testing.T, versions []*string) {
	t.Helper()
	var before map[string]string
	for i, text := range versions {
		if text == nil || !strings.Contains(*text, platform) {
			t.Fatalf("version %d has the nodes' entry not as it was", i)
		}
		now := entriesOf(t, *text)
		var changed []string
		for arn, entry := range now {
			if before[arn] != entry {
				changed = append(changed, arn)
			}
		}
		for arn := range before {
			if now[arn] == "" {
				changed = append(changed, arn)
			}
		}
		if slices.Sort(changed); i > 0 && len(changed) != 1 {
			t.Errorf("version %d differs from the one before in %v, want one entry:\n%s", i, changed, *text)
		}
		before = now
	}
}

// entriesOf gives each entry of mapRoles, as YAML, by its ARN.
func entriesOf(t *testing.T, text string) map[string]string {
	t.Helper()
	var list []map[string]any
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	entries := map[string]string{}
	for _, e := range list {
		again, err := yaml.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		arn := e["rolearn"].(string)
		if entries[arn] != "" {
			t.Fatalf("%s is mapped twice:\n%s", arn, text)
		}
		entries[arn] = string(again)
	}
	return entries
}
