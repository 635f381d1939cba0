package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// karpenterCharts is the directory with the pinned Karpenter's own charts.
func karpenterCharts(t *testing.T) string {
	t.Helper()
	const module = "github.com/aws/karpenter-provider-aws"
	for _, args := range [][]string{{"mod", "download", module}, {"list", "-m", "-f", "{{.Dir}}", module}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = filepath.Join("..", "karpenter")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s in rehearsal/karpenter: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		if dir := strings.TrimSpace(string(out)); dir != "" {
			return filepath.Join(dir, "charts")
		}
	}
	t.Fatal("go list gave no directory for " + module)
	return ""
}

// packaged packages charts into a new directory and returns the path of each
// archive by its file name.
func packaged(t *testing.T, o Options) map[string]string {
	t.Helper()
	paths, err := Package(filepath.Join(t.TempDir(), "charts"), o)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, path := range paths {
		byName[filepath.Base(path)] = path
	}
	return byName
}

// only returns the one archive of a packaged chart.
func only(t *testing.T, o Options) string {
	t.Helper()
	for _, path := range packaged(t, o) {
		return path
	}
	t.Fatal("no chart was packaged")
	return ""
}

func TestPackageWritesEveryChart(t *testing.T) {
	archives := packaged(t, Options{KarpenterCharts: karpenterCharts(t)})

	got := map[string]string{}
	for file, path := range archives {
		c, err := loader.Load(path)
		if err != nil {
			t.Fatalf("load %s: %v", file, err)
		}
		got[file] = c.Name() + " " + c.Metadata.Version
	}
	want := map[string]string{
		"karpenter-crd-1.14.0.tgz":               "karpenter-crd 1.14.0",
		"karpenter-1.14.0.tgz":                   "karpenter 1.14.0",
		"aws-load-balancer-controller-3.5.0.tgz": "aws-load-balancer-controller 3.5.0",
		"workspace-2.1.12.tgz":                   "workspace 2.1.12",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("charts (-want +got):\n%s", diff)
	}
}

func TestKarpenterChartsHaveThePinnedVersion(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "karpenter", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	pin := regexp.MustCompile(`karpenter-provider-aws v(\S+)`).FindSubmatch(mod)
	if pin == nil {
		t.Fatal("rehearsal/karpenter/go.mod does not require karpenter-provider-aws")
	}
	if karpenterVersion != string(pin[1]) {
		t.Errorf("Karpenter's charts are packaged as %s, the module pins %s", karpenterVersion, pin[1])
	}
}

func TestPackageGivesTheSameBytesEachTime(t *testing.T) {
	own := karpenterCharts(t)
	first := packaged(t, Options{KarpenterCharts: own})
	second := packaged(t, Options{KarpenterCharts: own})
	for file, path := range first {
		a, b := content(t, path), content(t, second[file])
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two runs", file)
		}
	}

	changed := only(t, Options{Charts: []string{Workspace}, Values: map[string]map[string]any{Workspace: {"added": true}}})
	if bytes.Equal(content(t, changed), content(t, first["workspace-2.1.12.tgz"])) {
		t.Error("a chart with other values has the same bytes")
	}
}

func TestArchivesSayNothingOfWhenAndWhereTheyWereMade(t *testing.T) {
	for file, path := range packaged(t, Options{KarpenterCharts: karpenterCharts(t)}) {
		zipped, err := gzip.NewReader(bytes.NewReader(content(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		if !zipped.ModTime.IsZero() || zipped.Name != "" {
			t.Errorf("%s: compressed at %s from %q", file, zipped.ModTime, zipped.Name)
		}
		var names []string
		for tarred := tar.NewReader(zipped); ; {
			header, err := tarred.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, header.Name)
			if !header.ModTime.Equal(modTime) || header.Mode != 0o644 || header.Uid != 0 || header.Uname != "" {
				t.Errorf("%s: %s is from %s, mode %o, owner %d %s", file, header.Name, header.ModTime, header.Mode, header.Uid, header.Uname)
			}
		}
		if !slices.IsSorted(names) || len(names) == 0 {
			t.Errorf("%s: files are not in order: %v", file, names)
		}
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPackageOverridesDefaultsAndVersion(t *testing.T) {
	values := map[string]any{
		"cloud":     map[string]any{"control_plane_user": []any{"somebody"}},
		"karpenter": map[string]any{"nodepool": nil},
		"rehearsal": map[string]any{"deployment": map[string]any{"replicas": 3}},
	}
	path := only(t, Options{
		Charts:   []string{Workspace},
		Versions: map[string]string{Workspace: "2.1.13"},
		Values:   map[string]map[string]any{Workspace: values},
	})

	if got, want := filepath.Base(path), "workspace-2.1.13.tgz"; got != want {
		t.Errorf("archive is named %s, want %s", got, want)
	}
	c, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"cloud":            map[string]any{"type": "AWS", "oidc_value": "", "control_plane_user": []any{"somebody"}},
		"karpenter":        map[string]any{"nodeclass": "e6data-nodeclass"},
		"debug_namespaces": []any{},
		"rehearsal": map[string]any{
			"hook":       map[string]any{"enabled": false, "podAnnotations": map[string]any{}},
			"deployment": map[string]any{"enabled": false, "replicas": float64(3), "podAnnotations": map[string]any{}},
		},
	}
	if diff := cmp.Diff(want, c.Values); diff != "" {
		t.Errorf("default values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"control_plane_user": []any{"somebody"}}, values["cloud"]); diff != "" {
		t.Errorf("the caller's values were changed (-want +got):\n%s", diff)
	}
}

func TestPackageRefusesWhatItCannotMake(t *testing.T) {
	tests := map[string]struct {
		options Options
		want    []string // parts of the error
	}{
		"no directory of Karpenter's charts": {Options{}, []string{"chart karpenter", "rehearsal/karpenter"}},
		"directory without charts":           {Options{KarpenterCharts: t.TempDir()}, []string{"chart karpenter", "no such file"}},
		"names that no chart has": {
			Options{
				Charts:   []string{"karpentier"},
				Versions: map[string]string{"workspaces": "1.0.0"},
				Values:   map[string]map[string]any{"lbc": nil},
			},
			[]string{`Charts: there is no chart "karpentier"`, `Versions: there is no chart "workspaces"`, `Values: there is no chart "lbc"`},
		},
		"a version that is none": {
			Options{Charts: []string{Workspace}, Versions: map[string]string{Workspace: "../latest"}},
			[]string{"package chart workspace", `version "../latest"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "charts")
			_, err := Package(dir, tt.options)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q: %v", part, err)
				}
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}
