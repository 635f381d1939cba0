// Package chart brings Helm charts from where they are (this binary, an S3
// bucket, a chart repository, an OCI registry) into memory. It reads no HELM_*
// variable and no credential file, and leaves nothing on disk.
package chart

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

const (
	// maxArchive is the largest chart archive that is read, in bytes. Helm
	// itself stops at 100 MiB unpacked.
	maxArchive = 20 << 20
	// maxIndex is the largest index.yaml of a chart repository, in bytes.
	maxIndex = 40 << 20
)

// Reference says which chart is wanted. Its fields are those of
// contract.HelmRelease of the same names.
type Reference struct {
	Repository string // builtin:, s3://, https:// or oci://
	Chart      string
	Version    string // exact; empty only for a built-in chart
	Digest     string // SHA-256 of the archive in hexadecimal; empty: not compared
}

// Chart is a chart in memory.
type Chart struct {
	Helm *helmchart.Chart
	// Digest is the SHA-256 of the chart's files, in hexadecimal. It is the
	// same for the same files wherever they came from and however they were
	// packed.
	Digest string
}

// Source finds charts. Builtin is needed for "builtin:" charts only, the
// clients for the others only.
type Source struct {
	// Builtin holds one folder for each built-in chart, named as the chart.
	Builtin fs.FS
	// HTTP serves https:// and oci:// repositories; nil means a client that
	// takes proxies from the environment.
	HTTP *http.Client
	// S3 serves s3:// repositories.
	S3 ObjectGetter
}

// ObjectGetter is the part of the S3 API that a Source needs.
type ObjectGetter interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// NewSource returns a source whose S3 calls use cfg.
func NewSource(cfg aws.Config, builtin fs.FS) *Source {
	return &Source{Builtin: builtin, S3: s3.NewFromConfig(cfg)}
}

// Load brings the chart that ref names. The error is a sentence that names the
// chart, the place and what was found there.
func (s *Source) Load(ctx context.Context, ref Reference) (*Chart, error) {
	if scheme, rest, _ := strings.Cut(ref.Repository, ":"); scheme == "builtin" && checkName(ref) == nil {
		return s.builtin(ref, rest)
	}
	archive, err := s.Archive(ctx, ref)
	if err != nil {
		return nil, err
	}
	return Read(archive, ref)
}

// Archive brings the archive of a chart that is not built in, as it is there. Read
// says whether it is that chart.
func (s *Source) Archive(ctx context.Context, ref Reference) ([]byte, error) {
	if err := checkName(ref); err != nil {
		return nil, err
	}
	if ref.Version == "" {
		return nil, fmt.Errorf("chart %s of %s: ChartVersion is missing; name the exact version", ref.Chart, ref.Repository)
	}
	scheme, _, _ := strings.Cut(ref.Repository, ":")
	archive, err := s.archive(ctx, scheme, ref)
	if err != nil {
		return nil, fmt.Errorf("chart %s %s: %w", ref.Chart, ref.Version, err)
	}
	return archive, nil
}

// Read reads an archive, which must be that of the chart that ref names.
func Read(archive []byte, ref Reference) (*Chart, error) {
	if err := verify(archive, ref.Digest); err != nil {
		return nil, fmt.Errorf("chart %s %s of %s: %w", ref.Chart, ref.Version, ref.Repository, err)
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("chart %s %s of %s: not a chart archive: %w", ref.Chart, ref.Version, ref.Repository, err)
	}
	if loaded.Name() != ref.Chart || !sameVersion(loaded.Metadata.Version, ref.Version) {
		return nil, fmt.Errorf("chart %s %s of %s: the archive holds %s %s instead",
			ref.Chart, ref.Version, ref.Repository, loaded.Name(), loaded.Metadata.Version)
	}
	return finish(loaded)
}

func checkName(ref Reference) error {
	if ref.Chart == "" || strings.ContainsAny(ref.Chart, "/\\") {
		return fmt.Errorf("chart name %q: a name without slashes is needed", ref.Chart)
	}
	return nil
}

func (s *Source) archive(ctx context.Context, scheme string, ref Reference) ([]byte, error) {
	place, err := url.Parse(strings.TrimSuffix(ref.Repository, "/"))
	if err != nil || place.Host == "" {
		return nil, unknownRepository(ref.Repository)
	}
	switch scheme {
	case "s3":
		return s.fromS3(ctx, place, ref)
	case "https":
		return s.fromRepository(ctx, place, ref)
	case "oci":
		return s.fromRegistry(ctx, place, ref)
	}
	return nil, unknownRepository(ref.Repository)
}

func unknownRepository(repository string) error {
	return fmt.Errorf("repository %q: want builtin:, s3://BUCKET/PREFIX, https://HOST/PATH or oci://HOST/PATH", repository)
}

func (s *Source) client() *http.Client {
	if s.HTTP != nil {
		return s.HTTP
	}
	return defaultClient
}

// defaultClient bounds each step of a request but not the download: its limit
// is the caller's context.
var defaultClient = func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: t}
}()

// verify compares the archive with the digest that was asked for.
func verify(archive []byte, want string) error {
	if want == "" {
		return nil
	}
	sum := sha256.Sum256(archive)
	got := hex.EncodeToString(sum[:])
	if !strings.EqualFold(strings.TrimPrefix(want, "sha256:"), got) {
		return fmt.Errorf("its SHA-256 is %s, not the expected %s: the archive is not the one that was approved", got, want)
	}
	return nil
}

// finish checks that the chart can be installed and computes its digest.
func finish(c *helmchart.Chart) (*Chart, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.Name(), err)
	}
	if c.Metadata.Type != "" && c.Metadata.Type != "application" {
		return nil, fmt.Errorf("chart %s is a %s chart: it cannot be installed", c.Name(), c.Metadata.Type)
	}
	if missing := missingDependencies(c); len(missing) > 0 {
		return nil, fmt.Errorf("chart %s lacks the charts it depends on (%s): package it after helm dependency build",
			c.Name(), strings.Join(missing, ", "))
	}
	return &Chart{Helm: c, Digest: digest(c)}, nil
}

func missingDependencies(c *helmchart.Chart) []string {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	var missing []string
	for _, want := range c.Metadata.Dependencies {
		if !have[want.Name] {
			missing = append(missing, want.Name)
		}
	}
	return missing
}

// digest is the hash of all files by name. Name and length stand before each
// file, so that no two sets of files give the same stream.
func digest(c *helmchart.Chart) string {
	files := append([]*helmchart.File(nil), c.Raw...)
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d:%s%d:", len(f.Name), f.Name, len(f.Data))
		h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

var errTooLarge = errors.New("too large")
