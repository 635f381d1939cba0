package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// pack makes a chart archive. more are further files.
func pack(tb testing.TB, name, version string, more ...string) []byte {
	tb.Helper()
	entries := append([]string{name + "/Chart.yaml", fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version)}, more...)
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for i := 0; i < len(entries); i += 2 {
		if err := archive.WriteHeader(&tar.Header{Name: entries[i], Mode: 0o600, Size: int64(len(entries[i+1]))}); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(archive, entries[i+1]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// objects plays S3: bucket/key to content.
type objects struct {
	content map[string][]byte
	err     error
}

func (o objects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if o.err != nil {
		return nil, o.err
	}
	data, ok := o.content[aws.ToString(in.Bucket)+"/"+aws.ToString(in.Key)]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "NoSuchKey", Message: "The specified key does not exist."}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(data))}, nil
}

func check(t *testing.T, got *Chart, err error, say []string) {
	t.Helper()
	if len(say) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		if got.Helm.Name() != "app" || got.Digest == "" {
			t.Errorf("got chart %s, digest %q", got.Helm.Name(), got.Digest)
		}
		return
	}
	if err == nil {
		t.Fatalf("no error, want one with %q", say)
	}
	for _, part := range say {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

func TestS3(t *testing.T) {
	archive := pack(t, "app", "1.0.0")
	stored := map[string][]byte{
		"b/charts/app-1.0.0.tgz": archive, "b/app-1.0.0.tgz": archive, "b/charts/app-2.0.0.tgz": archive,
		"b/charts/app-3.0.0.tgz": []byte("no archive"), "b/charts/app-4.0.0.tgz": make([]byte, maxArchive+1),
		"b/charts/lib-1.0.0.tgz":   pack(t, "lib", "1.0.0", "lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n"),
		"b/charts/needy-1.0.0.tgz": pack(t, "needy", "1.0.0", "needy/Chart.yaml", "apiVersion: v2\nname: needy\nversion: 1.0.0\ndependencies: [{name: other, version: 1.0.0, repository: 'https://x'}]\n"),
	}
	cases := map[string]struct {
		ref Reference
		err error
		say []string
	}{
		"under a prefix":        {ref: Reference{"s3://b/charts", "app", "1.0.0", ""}},
		"a prefix with a slash": {ref: Reference{"s3://b/charts/", "app", "1.0.0", ""}},
		"no prefix":             {ref: Reference{"s3://b", "app", "1.0.0", ""}},
		"the right digest":      {ref: Reference{"s3://b", "app", "1.0.0", strings.ToUpper(sum(archive))}},
		"the wrong digest":      {ref: Reference{"s3://b", "app", "1.0.0", sum(nil)}, say: []string{"SHA-256", sum(archive), sum(nil)}},
		"a missing key":         {ref: Reference{"s3://b/charts", "app", "9.9.9", ""}, say: []string{"there is no s3://b/charts/app-9.9.9.tgz"}},
		"another chart inside":  {ref: Reference{"s3://b/charts", "app", "2.0.0", ""}, say: []string{"the archive holds app 1.0.0 instead"}},
		"no archive":            {ref: Reference{"s3://b/charts", "app", "3.0.0", ""}, say: []string{"not a chart archive"}},
		"too large":             {ref: Reference{"s3://b/charts", "app", "4.0.0", ""}, say: []string{"too large", "20 MiB"}},
		"a library":             {ref: Reference{"s3://b/charts", "lib", "1.0.0", ""}, say: []string{"library chart"}},
		"missing dependencies":  {ref: Reference{"s3://b/charts", "needy", "1.0.0", ""}, say: []string{"other", "helm dependency build"}},
		"no version":            {ref: Reference{"s3://b/charts", "app", "", ""}, say: []string{"ChartVersion is missing"}},
		"a name with a slash":   {ref: Reference{"s3://b/charts", "../app", "1.0.0", ""}, say: []string{"name without slashes"}},
		"an unknown scheme":     {ref: Reference{"ftp://b/charts", "app", "1.0.0", ""}, say: []string{"oci://HOST/PATH"}},
		"plain http":            {ref: Reference{"http://b/charts", "app", "1.0.0", ""}, say: []string{"https://HOST/PATH"}},
		"a denial names the role": {
			ref: Reference{"s3://b", "app", "1.0.0", ""},
			err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "User: arn:aws:sts::1:assumed-role/R/x is not authorized to perform: s3:GetObject"},
			say: []string{"read s3://b/app-1.0.0.tgz", "AccessDenied", "assumed-role/R/x", "s3:GetObject"},
		},
		"a denial of the listing is a missing object": {
			ref: Reference{"s3://b", "app", "1.0.0", ""},
			err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "User: arn:aws:sts::1:assumed-role/R/x is not authorized to perform: s3:ListBucket"},
			say: []string{"there is probably no s3://b/app-1.0.0.tgz", "correct the version", "AccessDenied", "s3:ListBucket"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			source := Source{S3: objects{stored, tc.err}}
			got, err := source.Load(t.Context(), tc.ref)
			check(t, got, err, tc.say)
		})
	}
}

func TestBuiltin(t *testing.T) {
	source := Source{Builtin: fstest.MapFS{
		"app/Chart.yaml":          {Data: []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n")},
		"app/templates/_x.tpl":    {Data: []byte("x")},
		"other/Chart.yaml":        {Data: []byte("apiVersion: v2\nname: other\nversion: 1.0.0\n")},
		"broken/templates/x.yaml": {Data: []byte("x")},
	}}
	cases := map[string]struct {
		ref Reference
		say []string
	}{
		"by name":         {ref: Reference{Repository: "builtin:", Chart: "app"}},
		"its own version": {ref: Reference{Repository: "builtin:", Chart: "app", Version: "1.0.0"}},
		"another version": {ref: Reference{Repository: "builtin:", Chart: "app", Version: "2.0.0"}, say: []string{"is version 1.0.0, not 2.0.0"}},
		"a digest":        {ref: Reference{Repository: "builtin:", Chart: "app", Digest: "00"}, say: []string{"no archive"}},
		"an unknown one":  {ref: Reference{Repository: "builtin:", Chart: "nope"}, say: []string{"app", "other"}},
		"a broken one":    {ref: Reference{Repository: "builtin:", Chart: "broken"}, say: []string{"Chart.yaml"}},
		"a longer source": {ref: Reference{Repository: "builtin:x", Chart: "app"}, say: []string{"nothing after the colon"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := source.Load(t.Context(), tc.ref)
			check(t, got, err, tc.say)
			if err == nil && len(got.Helm.Raw) != 2 {
				t.Errorf("%d files, want both", len(got.Helm.Raw))
			}
		})
	}
}

func TestDigestIsOfTheFiles(t *testing.T) {
	load := func(more ...string) string {
		t.Helper()
		source := Source{S3: objects{content: map[string][]byte{"b/app-1.0.0.tgz": pack(t, "app", "1.0.0", more...)}}}
		got, err := source.Load(t.Context(), Reference{"s3://b", "app", "1.0.0", ""})
		if err != nil {
			t.Fatal(err)
		}
		return got.Digest
	}
	one := load("app/templates/a.yaml", "a", "app/templates/b.yaml", "b")
	if one != load("app/templates/b.yaml", "b", "app/templates/a.yaml", "a") {
		t.Error("the order of files in the archive matters")
	}
	if one == load("app/templates/a.yaml", "a", "app/templates/b.yaml", "B") {
		t.Error("a changed file does not matter")
	}
	if load("app/templates/a", "bc") == load("app/templates/ab", "c") {
		t.Error("two charts have one digest")
	}
}

func TestRepository(t *testing.T) {
	archive := pack(t, "app", "1.0.0")
	var hiccups atomic.Int32
	pages := map[string]string{
		"/charts/index.yaml": `apiVersion: v1
entries:
  app:
  - {apiVersion: v2, name: app, version: 1.0.0, urls: [app-1.0.0.tgz], digest: ` + sum(archive) + `}
  - {apiVersion: v2, name: app, version: 1.0.1, urls: [app-1.0.0.tgz], digest: ` + sum(nil) + `}
  - {apiVersion: v2, name: app, version: 1.10.0, urls: []}
  - {apiVersion: v2, name: app, version: 1.9.0, urls: ["http://plain.test/app.tgz"]}
  zoo:
  - {apiVersion: v2, name: zoo, version: 1.0.0, urls: [zoo.tgz]}
`,
		"/charts/app-1.0.0.tgz": string(archive),
		"/html/index.yaml":      "<html>",
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		switch {
		case hiccups.Add(-1) >= 0:
			w.WriteHeader(http.StatusBadGateway)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, page)
		}
	}))
	defer server.Close()
	cases := map[string]struct {
		path, chart, version string
		hiccups              int32
		say                  []string
	}{
		"in the index":                  {"/charts", "app", "1.0.0", 0, nil},
		"with a v":                      {"/charts/", "app", "v1.0.0", 0, nil},
		"a server that is back soon":    {"/charts", "app", "1.0.0", 2, nil},
		"a server that is not":          {"/charts", "app", "1.0.0", 99, []string{"502"}},
		"a version that is not there":   {"/charts", "app", "2.0.0", 0, []string{"no such version; the newest are 1.10.0, 1.9.0, 1.0.1, 1.0.0"}},
		"a version is not a range":      {"/charts", "app", "1.0", 0, nil},
		"a range is not a version":      {"/charts", "app", ">=1.0.0", 0, []string{"no such version"}},
		"a chart that is not there":     {"/charts", "nope", "1.0.0", 0, []string{"it has app, zoo"}},
		"an archive that was exchanged": {"/charts", "app", "1.0.1", 0, []string{"the repository's own index", "SHA-256"}},
		"no address":                    {"/charts", "app", "1.10.0", 0, []string{"names no address"}},
		"an address without TLS":        {"/charts", "app", "1.9.0", 0, []string{"not https"}},
		"no repository":                 {"/nowhere", "app", "1.0.0", 0, []string{"no chart repository", "404"}},
		"a web page":                    {"/html", "app", "1.0.0", 0, []string{"no chart repository", "does not parse"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			hiccups.Store(tc.hiccups)
			source := Source{HTTP: server.Client()}
			got, err := source.Load(t.Context(), Reference{server.URL + tc.path, tc.chart, tc.version, ""})
			check(t, got, err, tc.say)
		})
	}
}

// registryOf plays an OCI registry that gives everybody a token who asks.
func registryOf(t *testing.T, repository, tag string, mediaType string, archive []byte) *httptest.Server {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:" + sum([]byte("{}")), "size": 2},
		"layers": []any{map[string]any{"mediaType": mediaType, "digest": "sha256:" + sum(archive), "size": len(archive)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"token":"anybody"}`)
	})
	serve := func(kind string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer anybody" {
				w.Header().Set("Www-Authenticate", `Bearer realm="`+server.URL+`/token",service="s",scope="repository:`+repository+`:pull"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Docker-Content-Digest", "sha256:"+sum(body))
			_, _ = w.Write(body)
		}
	}
	mux.HandleFunc("GET /v2/"+repository+"/manifests/"+tag, serve("application/vnd.oci.image.manifest.v1+json", manifest))
	mux.HandleFunc("GET /v2/"+repository+"/blobs/sha256:"+sum(archive), serve("application/octet-stream", archive))
	mux.HandleFunc("GET /v2/private/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	t.Cleanup(server.Close)
	return server
}

func TestRegistry(t *testing.T) {
	const helm = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	cases := map[string]struct {
		path, version, tag, kind string
		archive                  []byte
		say                      []string
	}{
		"anonymous":             {"/charts", "1.0.0", "1.0.0", helm, pack(t, "app", "1.0.0"), nil},
		"a version with a plus": {"/charts", "1.0.0+5", "1.0.0_5", helm, pack(t, "app", "1.0.0+5"), nil},
		"no such tag":           {"/charts", "2.0.0", "1.0.0", helm, pack(t, "app", "1.0.0"), []string{"has no tag 2.0.0"}},
		"an image":              {"/charts", "1.0.0", "1.0.0", "application/vnd.oci.image.layer.v1.tar+gzip", pack(t, "app", "1.0.0"), []string{"something else than a Helm chart"}},
		"private":               {"/private", "1.0.0", "1.0.0", helm, pack(t, "app", "1.0.0"), []string{"without credentials", "s3://"}},
		"too large":             {"/charts", "1.0.0", "1.0.0", helm, make([]byte, maxArchive+1), []string{"too large"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			server := registryOf(t, "charts/app", tc.tag, tc.kind, tc.archive)
			source := Source{HTTP: server.Client()}
			got, err := source.Load(t.Context(), Reference{"oci://" + strings.TrimPrefix(server.URL, "https://") + tc.path, "app", tc.version, ""})
			check(t, got, err, tc.say)
		})
	}
}
