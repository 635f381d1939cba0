// Package bundle packs a version, with all that its stacks take from the
// internet or a list of it, into one archive for accounts without internet
// access, and takes it apart again.
package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/publish"
)

// What a bundle has beside a published version.
const (
	ChartsFolder  = "charts" // archives as ChartSource=s3://… wants them
	ImagesFile    = "images.txt"
	EndpointsFile = "endpoints.txt"
)

// extras are a bundle's files beside the version's, by name.
type extras map[string][]byte

// Gather brings the charts of the version whose templates these are, and derives
// the lists of images and endpoints. It writes nothing, and tells all that it
// could not get.
func Gather(ctx context.Context, templates fs.FS, fetch Fetch) (map[string][]byte, error) {
	files := extras{EndpointsFile: endpointList()}
	images := map[string]image{}
	addons := map[string]bool{}
	var problems []error
	kubernetes, err := kubernetesVersion(templates)
	problems = append(problems, err)
	for _, mode := range contract.Modes() {
		public, err := readStack(templates, mode, map[string]string{"ChartSource": "Public"})
		if err != nil {
			problems = append(problems, err)
			continue
		}
		mirrored, err := readStack(templates, mode, map[string]string{"ChartSource": "Public", "ImageRegistry": mirror})
		if err != nil {
			problems = append(problems, err)
			continue
		}
		problems = append(problems, files.ofMode(ctx, mode, public, mirrored, kubernetes, fetch, images)...)
		names, err := public.addons()
		problems = append(problems, err)
		for _, name := range names {
			addons[name] = true
		}
	}
	version, err := publish.ReadVersion(templates)
	if err := errors.Join(once(append(problems, err))...); err != nil {
		return nil, err
	}
	files[ImagesFile] = imageList(version, images, slices.Sorted(maps.Keys(addons)))
	return files, nil
}

// once leaves out what was said before: modes share charts.
func once(problems []error) []error {
	said := map[string]bool{}
	return slices.DeleteFunc(problems, func(err error) bool {
		again := err == nil || said[err.Error()]
		if err != nil {
			said[err.Error()] = true
		}
		return again
	})
}

// kubernetesVersion is the one that the templates make clusters of.
func kubernetesVersion(templates fs.FS) (string, error) {
	s, err := readStack(templates, contract.ModeNewVPC, nil)
	if err != nil {
		return "", err
	}
	version, err := s.Ref("KubernetesVersion")
	return fmt.Sprint(version), err
}

// ofMode adds the charts that a mode installs, and their images.
func (f extras) ofMode(ctx context.Context, mode string, public, mirrored *stack, kubernetes string, fetch Fetch, images map[string]image) []error {
	as, err := public.releases()
	if err != nil {
		return []error{fmt.Errorf("mode %s: %w", mode, err)}
	}
	moved, err := mirrored.releases()
	if err != nil {
		return []error{fmt.Errorf("mode %s: %w", mode, err)}
	}
	var problems []error
	for i, r := range as {
		r.rendering.Kubernetes, moved[i].rendering.Kubernetes = kubernetes, kubernetes
		problems = append(problems, f.ofRelease(ctx, r, moved[i], fetch, images)...)
	}
	return problems
}

// ofRelease adds a chart, if another mode has not added it, and its images.
func (f extras) ofRelease(ctx context.Context, r, moved release, fetch Fetch, images map[string]image) []error {
	name := ChartsFolder + "/" + archiveName(r.chart)
	if f[name] == nil {
		archive, err := fetch(ctx, r.chart)
		if err != nil {
			return []error{err}
		}
		f[name] = archive
	}
	c, err := chart.Read(f[name], r.chart)
	if err != nil {
		return []error{err}
	}
	texts, err := c.Images(ctx, r.rendering)
	if err != nil {
		return []error{err}
	}
	elsewhere, err := c.Images(ctx, moved.rendering)
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, text := range texts {
		i, err := imageOf(text, elsewhere)
		if err != nil {
			problems = append(problems, fmt.Errorf("chart %s %s: %w", r.chart.Chart, r.chart.Version, err))
		}
		images[text] = i
	}
	return problems
}

// Stage builds the version from the project's folder, as publish.Stage does, and
// puts what was gathered beside it, under the same sums.
func Stage(ctx context.Context, source, dir string, gathered map[string][]byte) (version string, err error) {
	if version, err = publish.Stage(ctx, source, dir); err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(gathered)) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", fmt.Errorf("make the folder of %s: %w", name, err)
		}
		if err := os.WriteFile(file, gathered[name], 0o644); err != nil {
			return "", fmt.Errorf("write %s of the bundle: %w", name, err)
		}
	}
	return version, publish.Sum(dir)
}

// Name is the file name of a version's bundle.
func Name(version string) string { return folderPrefix + version + ".tar.gz" }

// folderPrefix and the version are the one folder that a bundle unpacks to.
const folderPrefix = "e6data-quickstart-"
