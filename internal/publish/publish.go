// Package publish puts a version of the quickstart where customers launch it
// from: one set of files, built once, in a bucket of each region.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/notices"
)

// The files that say what a version is.
const (
	SumsFile      = "SHA256SUMS"          // of all other files, as sha256sum writes and checks it
	SignatureFile = SumsFile + ".minisig" // of SumsFile
	SBOMFile      = "sbom.cdx.json"
)

// patterns are the project's files that are published as they are.
var patterns = []string{"VERSION", "LICENSE", notices.File, "quickstart.yaml", "templates/*.yaml", "templates/deployer-policy/*.json", "site/*"}

// Stage builds a version from the project's folder into an empty one: the
// functions' zips for both architectures, the templates, the launch page, the
// SBOM and the sums. The same source gives the same bytes. It returns the
// version.
func Stage(ctx context.Context, source, dir string) (version string, err error) {
	if err := copyFiles(source, dir); err != nil {
		return "", err
	}
	if version, err = VersionOf(dir); err != nil {
		return "", err
	}
	var zips []string
	for _, function := range artifact.Functions {
		for _, a := range []artifact.Architecture{artifact.ARM64, artifact.X8664} {
			zip, err := artifact.Build(ctx, source, function, a, dir)
			if err != nil {
				return "", err
			}
			zips = append(zips, zip)
		}
	}
	bom, err := sbom(version, zips)
	if err != nil {
		return "", err
	}
	if err := checkNotices(dir, bom); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, SBOMFile), bom, 0o644); err != nil {
		return "", fmt.Errorf("write the SBOM: %w", err)
	}
	return version, Sum(dir)
}

// Sum writes the sums of all files of a version's folder.
func Sum(dir string) error {
	s, err := sumsOf(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, SumsFile), s.text(), 0o644); err != nil {
		return fmt.Errorf("write the sums: %w", err)
	}
	return nil
}

// ReadVersion is what VERSION says in the project's folder, or a version's.
func ReadVersion(dir fs.FS) (string, error) {
	text, err := fs.ReadFile(dir, "VERSION")
	if err != nil {
		return "", fmt.Errorf("read the version: %w", err)
	}
	version := strings.TrimSpace(string(text))
	if _, err := semver.StrictNewVersion(version); err != nil {
		return "", fmt.Errorf("VERSION is %q, not a version such as 1.2.3: %w", version, err)
	}
	return version, nil
}

// VersionOf is the version of a folder's files. Templates of another one are an
// error: their stacks would take that one's functions.
func VersionOf(dir string) (string, error) {
	version, err := ReadVersion(os.DirFS(dir))
	if err != nil {
		return "", err
	}
	names, err := Files(dir)
	if err != nil {
		return "", err
	}
	var problems []error
	for _, name := range names {
		if path.Ext(name) != ".yaml" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", fmt.Errorf("read a template: %w", err)
		}
		var template struct {
			Parameters struct {
				Version struct {
					Default *string `yaml:"Default"`
				} `yaml:"Version"`
			} `yaml:"Parameters"`
		}
		if err := yaml.Unmarshal(text, &template); err != nil {
			problems = append(problems, fmt.Errorf("read template %s: %w", name, err))
		} else if of := template.Parameters.Version.Default; of != nil && *of != version {
			problems = append(problems, fmt.Errorf("%s is of version %s, VERSION says %s: run make template, and commit what it writes", name, *of, version))
		}
	}
	return version, errors.Join(problems...)
}

// copyFiles copies what the patterns name. A pattern without a file is an error:
// something is missing in the source.
func copyFiles(source, dir string) error {
	from := os.DirFS(source)
	for _, pattern := range patterns {
		names, err := fs.Glob(from, pattern)
		if err != nil || len(names) == 0 {
			return fmt.Errorf("%s has no %s: is it the project's folder? (%v)", source, pattern, err) //nolint:errorlint // a bad pattern, if any
		}
		for _, name := range names {
			text, err := fs.ReadFile(from, name)
			if err != nil {
				return fmt.Errorf("read what is published: %w", err)
			}
			to := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return fmt.Errorf("make the folder of %s: %w", name, err)
			}
			if err := os.WriteFile(to, text, 0o644); err != nil {
				return fmt.Errorf("copy what is published: %w", err)
			}
		}
	}
	return nil
}

// Files are the files of a folder, with slashes, in the order in which they are
// uploaded: what says that the version is complete comes last.
func Files(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path.Clean(name))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the folder of the version: %w", err)
	}
	slices.SortFunc(names, func(a, b string) int {
		if a == SumsFile || b == SumsFile {
			return map[bool]int{true: 1, false: -1}[a == SumsFile]
		}
		return strings.Compare(a, b)
	})
	return names, nil
}

// Regions are the wanted ones, or those of the project's cdk.json, which the
// templates let launch. All wanted must be among the latter.
func Regions(source string, wanted []string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(source, "cdk.json"))
	if err != nil {
		return nil, fmt.Errorf("read the published regions: %w", err)
	}
	var file struct {
		Context struct {
			Regions []string `json:"e6data:publishedRegions"`
		} `json:"context"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read the published regions from cdk.json: %w", err)
	}
	if len(wanted) == 0 {
		wanted = file.Context.Regions
	}
	if len(wanted) == 0 {
		return nil, errors.New("cdk.json has no e6data:publishedRegions: there is nowhere to publish")
	}
	var problems []error
	for i, region := range wanted {
		if slices.Contains(wanted[:i], region) {
			problems = append(problems, fmt.Errorf("region %s is there twice", region))
		}
		if !slices.Contains(file.Context.Regions, region) {
			problems = append(problems, fmt.Errorf("the templates refuse region %s: add it to e6data:publishedRegions in cdk.json, and run make template", region))
		}
	}
	return wanted, errors.Join(problems...)
}
