package chart

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/repo"
)

// fromRepository reads the archive that the repository's index.yaml names.
func (s *Source) fromRepository(ctx context.Context, place *url.URL, ref Reference) ([]byte, error) {
	index, err := s.index(ctx, place)
	if err != nil {
		return nil, err
	}
	entry, err := find(index, place.String(), ref)
	if err != nil {
		return nil, err
	}
	if len(entry.URLs) == 0 {
		return nil, fmt.Errorf("the index of %s names no address for it", place)
	}
	address, err := repo.ResolveReferenceURL(place.String(), entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("the index of %s names the address %q: %w", place, entry.URLs[0], err)
	}
	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the index of %s names the address %q: %w", place, address, err)
	}
	if target.Scheme == "oci" {
		return s.fromAddress(ctx, target, ref)
	}
	if target.Scheme != "https" {
		return nil, fmt.Errorf("the index of %s names the address %s, which is not https", place, address)
	}
	archive, err := s.get(ctx, address, maxArchive)
	if err != nil {
		return nil, err
	}
	if err := verify(archive, entry.Digest); err != nil {
		return nil, fmt.Errorf("%s against the repository's own index: %w", address, err)
	}
	return archive, nil
}

func (s *Source) index(ctx context.Context, place *url.URL) (*repo.IndexFile, error) {
	address, err := repo.ResolveReferenceURL(place.String(), "index.yaml")
	if err != nil {
		return nil, err
	}
	data, err := s.get(ctx, address, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("%s is no chart repository that can be read: %w", place, err)
	}
	// Helm's parser reads files only.
	dir, err := os.MkdirTemp("", "chart-index-")
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", place, err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "index.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", place, err)
	}
	index, err := repo.LoadIndexFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s is no chart repository: its index.yaml does not parse: %w", place, errors.Unwrap(err))
	}
	return index, nil
}

// find returns the entry of the exact version. Helm's own look-up would take a
// version for a range and answer a near one.
func find(index *repo.IndexFile, place string, ref Reference) (*repo.ChartVersion, error) {
	versions, ok := index.Entries[ref.Chart]
	if !ok || len(versions) == 0 {
		return nil, fmt.Errorf("%s has no chart of this name; it has %s", place, firstFew(chartNames(index), 8))
	}
	for _, v := range versions {
		if sameVersion(v.Version, ref.Version) {
			return v, nil
		}
	}
	sort.Sort(sort.Reverse(versions))
	have := make([]string, 0, len(versions))
	for _, v := range versions {
		have = append(have, v.Version)
	}
	return nil, fmt.Errorf("%s has no such version; the newest are %s", place, firstFew(have, 5))
}

func chartNames(index *repo.IndexFile) []string {
	names := make([]string, 0, len(index.Entries))
	for name := range index.Entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func firstFew(items []string, n int) string {
	switch {
	case len(items) == 0:
		return "none"
	case len(items) > n:
		return strings.Join(items[:n], ", ") + fmt.Sprintf(" and %d more", len(items)-n)
	}
	return strings.Join(items, ", ")
}

// sameVersion compares two versions as written or, if both are semantic
// versions, without regard to a leading v.
func sameVersion(a, b string) bool {
	if a == b {
		return true
	}
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && va.Equal(vb) && va.Metadata() == vb.Metadata()
}
