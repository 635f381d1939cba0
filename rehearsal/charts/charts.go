// Package charts packages the rehearsal's charts. Karpenter's are upstream's own,
// out of the module that its controller is built from; the caller gives their
// directory. The others are stand-ins: charts with the names, versions, values
// and kinds of objects of the public ones, written for a rehearsal without
// internet.
//
// The archives are named as an s3:// chart source wants them (NAME-VERSION.tgz)
// and have the same bytes each time.
package charts

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// Names of the charts.
const (
	KarpenterCRD           = "karpenter-crd"
	Karpenter              = "karpenter"
	LoadBalancerController = "aws-load-balancer-controller"
	Workspace              = "workspace"
)

// With "all:", since helper templates begin with an underscore, which go:embed
// leaves out otherwise.
//
//go:embed all:aws-load-balancer-controller all:workspace
var sources embed.FS

// Options say what is packaged. The zero value packages all charts as they
// are, and fails for want of KarpenterCharts.
type Options struct {
	// Charts are the names of the charts to package; empty: all of them.
	Charts []string
	// KarpenterCharts is the directory charts of Karpenter's module. Needed for
	// Karpenter and KarpenterCRD only.
	KarpenterCharts string
	// Versions gives charts, by name, another version than their own, which
	// becomes their appVersion too.
	Versions map[string]string
	// Values are laid over the default values of charts, by name. Maps are
	// merged; everything else, lists too, is replaced; null removes a default.
	// So a test has a chart that never gets ready without a value in the
	// release.
	Values map[string]map[string]any
}

// Names returns the names of all charts, sorted.
func Names() []string {
	return []string{LoadBalancerController, Karpenter, KarpenterCRD, Workspace}
}

// Package writes the archive of each chart into dir, which it makes if
// missing, and returns their paths, sorted by chart name. An archive of the same
// name is replaced. Nothing is written if any of the charts cannot be made.
func Package(dir string, o Options) ([]string, error) {
	names := Names()
	if len(o.Charts) > 0 {
		names = slices.Compact(slices.Sorted(slices.Values(o.Charts)))
	}
	if err := o.check(names); err != nil {
		return nil, err
	}

	archives := map[string][]byte{}
	for _, name := range names {
		files, err := o.files(name)
		if err != nil {
			return nil, fmt.Errorf("package chart %s: %w", name, err)
		}
		file, body, err := archive(name, files)
		if err != nil {
			return nil, fmt.Errorf("package chart %s: %w", name, err)
		}
		archives[filepath.Join(dir, file)] = body
	}

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for charts: %w", err)
	}
	paths := slices.Sorted(maps.Keys(archives))
	for _, path := range paths {
		if err := os.WriteFile(path, archives[path], 0o644); err != nil {
			return nil, fmt.Errorf("write chart: %w", err)
		}
	}
	return paths, nil
}

// check finds names that no chart has, all of them at once: a misspelt key
// would otherwise be an override that does nothing.
func (o Options) check(names []string) error {
	var errs []error
	for option, keys := range map[string][]string{
		"Charts":   names,
		"Versions": slices.Sorted(maps.Keys(o.Versions)),
		"Values":   slices.Sorted(maps.Keys(o.Values)),
	} {
		for _, key := range keys {
			if !slices.Contains(Names(), key) {
				errs = append(errs, fmt.Errorf("%s: there is no chart %q, only %s", option, key, strings.Join(Names(), ", ")))
			}
		}
	}
	return errors.Join(errs...)
}

// files are the files of a chart by their path in it, with o's changes.
func (o Options) files(name string) (map[string][]byte, error) {
	files, err := o.sources(name)
	if err != nil {
		return nil, err
	}
	if version, ok := o.Versions[name]; ok {
		if err := setVersion(files, version); err != nil {
			return nil, err
		}
	}
	if values, ok := o.Values[name]; ok {
		if err := setValues(files, values); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// sources are the files of a chart as they are.
func (o Options) sources(name string) (map[string][]byte, error) {
	if isUpstream(name) {
		return o.upstream(name)
	}
	dir, err := fs.Sub(sources, name)
	if err != nil {
		return nil, err
	}
	return filesIn(dir)
}

func setVersion(files map[string][]byte, version string) error {
	if _, err := semver.StrictNewVersion(version); err != nil {
		return fmt.Errorf("version %q: %w", version, err)
	}
	return edit(files, chartutil.ChartfileName, func(metadata map[string]any) map[string]any {
		metadata["version"], metadata["appVersion"] = version, version
		return metadata
	})
}

func setValues(files map[string][]byte, values map[string]any) error {
	text, err := yaml.Marshal(values)
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	var own map[string]any // a copy, since merging changes it
	if err := yaml.Unmarshal(text, &own); err != nil {
		return fmt.Errorf("values: %w", err)
	}
	return edit(files, chartutil.ValuesfileName, func(defaults map[string]any) map[string]any {
		return chartutil.CoalesceTables(own, defaults)
	})
}

// edit replaces a YAML file of a chart by what change makes of its content.
func edit(files map[string][]byte, name string, change func(map[string]any) map[string]any) error {
	content := map[string]any{}
	if err := yaml.Unmarshal(files[name], &content); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	text, err := yaml.Marshal(change(content))
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	files[name] = text
	return nil
}
