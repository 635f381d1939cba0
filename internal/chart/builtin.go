package chart

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
)

// builtin loads a chart of the binary. Its version is the binary's business:
// asking for another one is refused rather than ignored.
func (s *Source) builtin(ref Reference, rest string) (*Chart, error) {
	if rest != "" {
		return nil, fmt.Errorf("repository %q: builtin: takes nothing after the colon", ref.Repository)
	}
	if s.Builtin == nil {
		return nil, fmt.Errorf("chart %s: this function has no built-in charts", ref.Chart)
	}
	if ref.Digest != "" {
		return nil, fmt.Errorf("chart %s: a built-in chart has no archive, so ChartDigest cannot be compared; leave it out", ref.Chart)
	}
	var files []*loader.BufferedFile
	err := fs.WalkDir(s.Builtin, ref.Chart, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(s.Builtin, path)
		if err != nil {
			return err
		}
		files = append(files, &loader.BufferedFile{Name: strings.TrimPrefix(path, ref.Chart+"/"), Data: data})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no built-in chart %q; there are: %s", ref.Chart, strings.Join(s.builtinNames(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("built-in chart %s: %w", ref.Chart, err)
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("built-in chart %s: %w", ref.Chart, err)
	}
	if ref.Version != "" && !sameVersion(loaded.Metadata.Version, ref.Version) {
		return nil, fmt.Errorf("built-in chart %s is version %s, not %s: leave ChartVersion out, or use the function of the other version",
			ref.Chart, loaded.Metadata.Version, ref.Version)
	}
	return finish(loaded)
}

func (s *Source) builtinNames() []string {
	entries, err := fs.ReadDir(s.Builtin, ".")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
