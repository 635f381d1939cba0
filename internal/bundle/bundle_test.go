package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/chart"
)

const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// pod is a template of a chart with one container.
func pod(annotation, image string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: x, annotations: {a: b" + annotation + "}}\nspec: {containers: [{name: a, image: '" + image + "'}]}\n"
}

// templates are those of charts of the names that the project's templates
// install, by file.
var templates = map[string]map[string]string{
	"karpenter-crd": {},
	"karpenter": {
		"a": pod("", `{{ .Values.controller.image.repository }}:{{ .Chart.Version }}@`+digest),
		"b": pod(`, helm.sh/hook: pre-install`, `{{ .Values.controller.image.repository }}-hook:1`),
		"c": pod(`, helm.sh/hook: test`, `test.example.com/never:1`),
	},
	"aws-load-balancer-controller": {
		"a": `{{ if ne .Values.region "us-east-1" }}{{ fail "no region" }}{{ end }}` + pod("", `{{ .Values.image.repository }}:v{{ .Chart.Version }}`),
	},
	"workspace": {"a": pod("", "engine")},
}

// tarred is a gzipped tar of the files.
func tarred(t *testing.T, prefix string, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: prefix + name, Mode: 0o600, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packaged fetches charts with those templates.
func packaged(t *testing.T) Fetch {
	t.Helper()
	return func(_ context.Context, ref chart.Reference) ([]byte, error) {
		files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: " + ref.Chart + "\nversion: " + ref.Version + "\nkubeVersion: '>=1.30.0-0'\n"}
		for name, text := range templates[ref.Chart] {
			files["templates/"+name+".yaml"] = text
		}
		return tarred(t, ref.Chart+"/", files), nil
	}
}

// The lists follow from what the charts render with the values of the project's
// own templates.
func TestImagesFollowFromTheCharts(t *testing.T) {
	files, err := Gather(t.Context(), os.DirFS("../.."), packaged(t))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(files[ImagesFile])) {
		if !strings.HasPrefix(line, "# ") || strings.Contains(line, "whatever") || strings.Contains(line, "add-ons") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	version := func(name string) string {
		for file := range files {
			if v, ok := strings.CutPrefix(file, "charts/"+name+"-"); ok && v[0] >= '0' && v[0] <= '9' {
				return strings.TrimSuffix(v, ".tgz")
			}
		}
		t.Fatalf("no chart %s in %q", name, slices.Sorted(maps.Keys(files)))
		return ""
	}
	karpenter, balancer := version("karpenter"), version("aws-load-balancer-controller")
	want := []string{
		"# Not to be copied: the images of EKS's add-ons (aws-ebs-csi-driver, coredns, kube-proxy, vpc-cni). Nodes pull them from Amazon's own registry",
		"# Pulled from where it is, whatever ImageRegistry says: docker.io/library/engine:latest",
		"public.ecr.aws/eks/aws-load-balancer-controller:v" + balancer + " eks/aws-load-balancer-controller:v" + balancer,
		"public.ecr.aws/karpenter/controller-hook:1 karpenter/controller-hook:1",
		"public.ecr.aws/karpenter/controller@" + digest + " karpenter/controller:" + karpenter,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, files[ImagesFile])
	}
	if len(files) != len(templates)+2 || !strings.Contains(string(files[EndpointsFile]), "existing-vpc\tglue\t") {
		t.Errorf("gathered are %q", slices.Sorted(maps.Keys(files)))
	}
}

// All that cannot be got is told, each thing once.
func TestAllThatIsMissingIsTold(t *testing.T) {
	good := packaged(t)
	_, err := Gather(t.Context(), os.DirFS("../.."), func(ctx context.Context, ref chart.Reference) ([]byte, error) {
		switch ref.Chart {
		case "karpenter-crd":
			return nil, errors.New("out of reach")
		case "workspace":
			ref.Version = "9.9.9"
		case "karpenter":
			return []byte("no chart"), nil
		}
		return good(ctx, ref)
	})
	if err == nil {
		t.Fatal("gathered all the same")
	}
	for _, want := range []string{"out of reach", "the archive holds workspace 9.9.9 instead", "not a chart archive"} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%q is not in it once: %v", want, err)
		}
	}
}

// FromFolder finds archives by the name that a chart source wants.
func TestChartsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "karpenter-1.2.3.tgz"), []byte("it"), 0o600); err != nil {
		t.Fatal(err)
	}
	fetch := FromFolder(dir)
	if got, err := fetch(t.Context(), chart.Reference{Chart: "karpenter", Version: "1.2.3"}); err != nil || string(got) != "it" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := fetch(t.Context(), chart.Reference{Chart: "karpenter", Version: "1.2.4"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// What is packed has the same bytes each time, and comes out again.
func TestPackedIsUnpacked(t *testing.T) {
	from := t.TempDir()
	if err := os.MkdirAll(filepath.Join(from, "charts"), 0o755); err != nil {
		t.Fatal(err)
	}
	var archives [2]bytes.Buffer
	for i := range archives {
		for _, name := range []string{"VERSION", "charts/a-1.2.3.tgz", "SHA256SUMS"} { // with other times
			if err := os.WriteFile(filepath.Join(from, name), []byte("text of "+name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Pack(from, "1.2.3", &archives[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0].Bytes(), archives[1].Bytes()) {
		t.Error("packed twice, the bytes differ")
	}
	to := t.TempDir()
	if err := Unpack(t.Context(), &archives[0], to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(to, "charts/a-1.2.3.tgz")); err != nil || string(got) != "text of charts/a-1.2.3.tgz" {
		t.Errorf("%q, %v", got, err)
	}
}

// Names that lead elsewhere, and archives that are larger than a bundle, are
// refused, and nothing lands outside.
func TestUnpackRefuses(t *testing.T) {
	const top = "e6data-quickstart-1.2.3/"
	many := map[string]string{}
	for i := range maxFiles + 1 {
		many[top+fmt.Sprint("f", i)] = ""
	}
	whole := tarred(t, "", map[string]string{top + "VERSION": strings.Repeat("1.2.3", 1000)})
	tests := map[string]struct {
		archive []byte
		says    string
	}{
		"a way up":            {tarred(t, "", map[string]string{top + "../../x": ""}), "no name of a bundle's file"},
		"a way up at the top": {tarred(t, "", map[string]string{"../x": ""}), "no name of a bundle's file"},
		"a way from the root": {tarred(t, "", map[string]string{"/etc/x": ""}), "no name of a bundle's file"},
		"a hidden file":       {tarred(t, "", map[string]string{top + ".x": ""}), "no name of a bundle's file"},
		"a backslash":         {tarred(t, "", map[string]string{top + `..\x`: ""}), "no name of a bundle's file"},
		"a device of Windows": {tarred(t, "", map[string]string{top + "c:x": ""}), "no name of a bundle's file"},
		"a file on a folder":  {tarred(t, "", map[string]string{top + "a": "", top + "a/b": ""}), "not a directory"},
		"two folders":         {tarred(t, "", map[string]string{top + "x": "", "e6data-quickstart-1.2.4/x": ""}), "is not in the folder"},
		"too many files":      {tarred(t, "", many), "more than 1000 files"},
		"no archive":          {[]byte("text"), "it is no bundle"},
		"an archive cut off":  {whole[:len(whole)-12], "unexpected EOF"},
		"something behind it": {append(bytes.Clone(whole), "more"...), "take it apart"},
		"a byte of the gzip":  {flipped(whole), "take it apart"},
		"more than it may be": {tarred(t, "", map[string]string{top + "x": strings.Repeat("0", 20000)}), "more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "in", "here")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			limit := int64(maxBytes)
			if strings.HasPrefix(tt.says, "more than") && !strings.Contains(tt.says, "files") {
				limit = 10000
			}
			err := unpack(t.Context(), bytes.NewReader(tt.archive), dir, limit)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
				t.Errorf("outside there are %v, %v", left, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Unpack(ctx, bytes.NewReader(whole), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// flipped has a bit changed in the sum at the end.
func flipped(archive []byte) []byte {
	out := bytes.Clone(archive)
	out[len(out)-8] ^= 1
	return out
}
