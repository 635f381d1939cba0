package publish

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"
)

// project is a small one with all that is published.
func project(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, map[string]string{
		"go.mod": "module example.test/functions\n\ngo 1.24\n", "VERSION": "1.2.3\n", "LICENSE": "free\n", "THIRD_PARTY_NOTICES": "all ours\n", "quickstart.yaml": "a: 1\n",
		"templates/network.yaml": "b: 2\n", "templates/deployer-policy/new-vpc-1.json": "{}\n", "site/index.html": "<!doctype html>\n",
		"cdk.json":                `{"context": {"e6data:publishedRegions": ["eu-west-1", "us-east-1"]}}`,
		"lambdas/awsauth/main.go": "package main\n\nfunc main() { println(1) }\n", "lambdas/helminstaller/main.go": "package main\n\nfunc main() { println(2) }\n",
		"lambdas/outputs/main.go": "package main\n\nfunc main() { println(3) }\n",
	})
	return root
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// built is a staged version, built once: tests get copies.
var built = struct {
	sync.Once
	dir string
}{}

func stage(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "version-") //nolint:usetesting // it outlives the first test
		if err != nil {
			t.Fatal(err)
		}
		built.dir = stageAnew(t, dir)
	})
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(built.dir); err != nil {
		code = 1
	}
	os.Exit(code)
}

func stageAnew(t *testing.T, dir string) string {
	t.Helper()
	version, err := Stage(t.Context(), project(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	if version != "1.2.3" {
		t.Errorf("version %q", version)
	}
	return dir
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}

func TestTheSameSourceInAnotherFolderGivesTheSameVersion(t *testing.T) {
	first, second := contents(t, stage(t)), contents(t, stageAnew(t, t.TempDir()))
	for name, text := range first {
		if second[name] != text {
			t.Errorf("%s differs", name)
		}
	}
	if len(first) != 15 || len(second) != len(first) { // 7 files, 6 zips, SBOM, sums
		t.Errorf("%d and %d files", len(first), len(second))
	}
}

func TestWhatIsMissingInTheSourceIsSaid(t *testing.T) {
	root := project(t)
	if err := os.Remove(filepath.Join(root, "LICENSE")); err != nil {
		t.Fatal(err)
	}
	if _, err := Stage(t.Context(), root, t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no LICENSE") {
		t.Error(err)
	}
}

// Nothing is built of a version that would launch another one's functions.
func TestTemplatesOfAnotherVersionAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		wants []string
	}{
		"other templates": {map[string]string{
			"quickstart.yaml":        "Parameters: {Version: {Default: 1.2.2}}\n",
			"templates/network.yaml": "Parameters: {Version: {Default: '1.2.1'}}\n",
		}, []string{"quickstart.yaml is of version 1.2.2, VERSION says 1.2.3", "templates/network.yaml is of version 1.2.1"}},
		"no YAML":    {map[string]string{"quickstart.yaml": "{"}, []string{"read template quickstart.yaml"}},
		"no version": {map[string]string{"VERSION": "\n"}, []string{`VERSION is ""`}},
		"a path":     {map[string]string{"VERSION": "../1.2.3\n"}, []string{"not a version such as 1.2.3"}},
	} {
		root, dir := project(t), t.TempDir()
		write(t, root, c.files)
		_, err := Stage(t.Context(), root, dir)
		for _, want := range c.wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if zips, _ := filepath.Glob(filepath.Join(dir, "*.zip")); len(zips) > 0 {
			t.Errorf("%s: built %q", name, zips)
		}
	}
	root := project(t)
	write(t, root, map[string]string{"quickstart.yaml": "Parameters: {Version: {Default: 1.2.3}}\n"})
	if _, err := VersionOf(root); err != nil {
		t.Error(err)
	}
}

func TestTheSBOMNamesWhatIsInTheFunctions(t *testing.T) {
	var bom struct {
		BOMFormat    string
		SerialNumber string
		Metadata     struct{ Timestamp string }
		Components   []struct{ Type, Name, Version, PURL string }
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal([]byte(contents(t, stage(t))[SBOMFile]), &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.SerialNumber != "" || bom.Metadata.Timestamp != "" || len(bom.Dependencies) != 6 {
		t.Errorf("%+v", bom)
	}
	last := bom.Components[len(bom.Components)-1]
	if len(bom.Components) != 7 || bom.Components[0].Name != "awsauth-arm64.zip" || last.Name != "stdlib" || !strings.HasPrefix(last.PURL, "pkg:golang/stdlib@1.") {
		t.Errorf("%+v", bom.Components)
	}
}

// No library is given on without its licence.
func TestNoticesMissALibrary(t *testing.T) {
	dir := t.TempDir()
	bom := []byte(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
		{"type": "library", "name": "x.test/a", "version": "v1.2.3"}, {"type": "library", "name": "stdlib", "version": "1.26"}]}`)
	for text, fits := range map[string]bool{"\n* x.test/a v1.2.3 (MIT)\n": true, "\n* x.test/a v1.2.4 (MIT)\n": false, "* x.test/b\n": false} {
		write(t, dir, map[string]string{"THIRD_PARTY_NOTICES": text})
		if err := checkNotices(dir, bom); fits != (err == nil) || !fits && !strings.Contains(err.Error(), "no licence of x.test/a v1.2.3: run make notices") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// signed is a signed version with its key.
func signed(t *testing.T) (dir string, key minisign.PublicKey) {
	t.Helper()
	dir = stage(t)
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Sign(dir, "1.2.3", secret); err != nil {
		t.Fatal(err)
	}
	return dir, public
}

func verify(t *testing.T, place string, key *minisign.PublicKey) (right int, err error) {
	t.Helper()
	s, err := Open(place)
	if err != nil {
		t.Fatal(err)
	}
	_, right, err = Verify(t.Context(), s, key)
	return right, err
}

// Whatever is changed in a version is seen, and named.
func TestATamperedFileIsNamed(t *testing.T) {
	dir, key := signed(t)
	if right, err := verify(t, dir, &key); err != nil || right != 14 {
		t.Fatalf("%d right, %v", right, err)
	}
	for name, text := range contents(t, dir) {
		for what, change := range map[string]func(file string) error{
			"one byte":  func(f string) error { return os.WriteFile(f, append([]byte{text[0] ^ 1}, text[1:]...), 0o600) },
			"cut":       func(f string) error { return os.WriteFile(f, []byte(text[:len(text)-1]), 0o600) },
			"a line on": func(f string) error { return os.WriteFile(f, []byte(text+"\n\n"), 0o600) },
			"missing":   os.Remove,
		} {
			file := filepath.Join(dir, name)
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			_, err := verify(t, dir, &key)
			atItsEnd := name == SignatureFile && (what == "cut" || what == "a line on") // line breaks there say nothing
			if !atItsEnd && (err == nil || name != SumsFile && !strings.Contains(err.Error(), name)) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, dir, map[string]string{"site/more.js": "evil()"})
	if _, err := verify(t, dir, &key); err == nil || !strings.Contains(err.Error(), "site/more.js is no file of the version") {
		t.Error(err)
	}
}

// Who changes the sums too is found by the signature.
func TestOnlyThePublishersSumsCount(t *testing.T) {
	dir, key := signed(t)
	write(t, dir, map[string]string{"quickstart.yaml": "evil: true\n"})
	s, err := sumsOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{SumsFile: string(s.text())})
	if _, err := verify(t, dir, nil); err != nil {
		t.Errorf("without a key the sums are all there is: %v", err)
	}
	if _, err := verify(t, dir, &key); err == nil || !strings.Contains(err.Error(), "was not signed with the key") {
		t.Error(err)
	}
	// An old version under a new number.
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Sign(dir, "0.9.0", secret); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, dir, &public); err == nil || !strings.Contains(err.Error(), "not of version 1.2.3") {
		t.Error(err)
	}
}

func TestAnAddressIsVerifiedToo(t *testing.T) {
	dir, key := signed(t)
	server := httptest.NewTLSServer(http.StripPrefix("/1.2.3", http.FileServer(http.Dir(dir))))
	t.Cleanup(server.Close)
	opened, err := Open(server.URL + "/1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	s := site{opened.(site).at, server.Client()}
	if version, right, err := Verify(t.Context(), s, &key); err != nil || right != 14 || version != "1.2.3" {
		t.Errorf("version %q, %d right, %v", version, right, err)
	}
	write(t, dir, map[string]string{"site/index.html": "<!doctype html><script src=evil.js></script>\n"})
	if err := os.Remove(filepath.Join(dir, "VERSION")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Verify(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "site/index.html was changed") || !strings.Contains(err.Error(), "VERSION is missing") {
		t.Error(err)
	}
	for _, place := range []string{"http://example.test/1.2.3", "ftp://example.test", "https://"} {
		if _, err := Open(place); err == nil {
			t.Errorf("%s was taken", place)
		}
	}
}

func TestTheSumsComeLast(t *testing.T) {
	dir, _ := signed(t)
	names, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	if names[len(names)-1] != SumsFile || !slices.Contains(names, SignatureFile) {
		t.Errorf("%q", names)
	}
}

// Sums are somebody else's text: none of their names leads out of the folder.
func TestSumsThatLeadElsewhere(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, text := range []string{
		"", sum + "  ../up\n", sum + "  /etc/passwd\n", sum + "  a/../../b\n", sum + "  a//b\n", sum + "  .hidden\n", sum + "  a/\n", sum + " x\n", "00  short\n",
		sum + "  a\n" + sum + "  a\n", sum + "  a\\b\n", strings.ToUpper(strings.Repeat("a", 64)) + "  a\n",
	} {
		if _, err := parseSums([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	s, err := parseSums([]byte(sum + "  a/b-1.json\n" + sum + " *c.zip\n"))
	if err != nil || len(s) != 2 {
		t.Error(s, err)
	}
}

func FuzzParseSums(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 64) + "  templates/network.yaml\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSums(text)
		if err != nil {
			return
		}
		again, err := parseSums(s.text())
		if err != nil || !cmp.Equal(s, again) || bytes.Contains(text, []byte("..//")) {
			t.Errorf("%q: %v", text, err)
		}
		for name := range s {
			if !filepath.IsLocal(name) {
				t.Errorf("%q leads elsewhere", name)
			}
		}
	})
}

func TestRegions(t *testing.T) {
	root := project(t)
	if got, err := Regions(root, nil); err != nil || !slices.Equal(got, []string{"eu-west-1", "us-east-1"}) {
		t.Error(got, err)
	}
	if _, err := Regions(root, []string{"us-east-1", "eu-north-1", "sa-east-1"}); err == nil || !strings.Contains(err.Error(), "eu-north-1") || !strings.Contains(err.Error(), "sa-east-1") {
		t.Error(err)
	}
	if _, err := Regions(root, []string{"us-east-1", "us-east-1"}); err == nil || !strings.Contains(err.Error(), "us-east-1 is there twice") {
		t.Error(err)
	}
	write(t, root, map[string]string{"cdk.json": `{"context": {}}`})
	if _, err := Regions(root, nil); err == nil || !strings.Contains(err.Error(), "nowhere to publish") {
		t.Error(err)
	}
}
