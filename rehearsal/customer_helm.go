package rehearsal

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/e6data/aws-quickstart/internal/kube"
)

// shopNamespace is where the customer's own workload runs.
const shopNamespace = "shop"

//go:embed all:shop
var shopFiles embed.FS

// install installs a chart as the helm command does: with none of the marks
// that releases of a stack have.
func (m *MadeCluster) install(ctx context.Context, namespace, release string, c *chart.Chart, values map[string]any) error {
	config := new(action.Configuration)
	getter := kube.NewCluster(m.Name, m.config).Getter(namespace)
	if err := config.Init(getter, namespace, "secret", func(string, ...any) {}); err != nil {
		return fmt.Errorf("install %s: %w", release, err)
	}
	i := action.NewInstall(config)
	i.ReleaseName, i.Namespace, i.CreateNamespace, i.Timeout = release, namespace, true, patience
	i.DisableOpenAPIValidation = true // it takes the API server a second to write its schema for each release
	if _, err := i.RunWithContext(ctx, c, values); err != nil {
		return fmt.Errorf("install %s: %w", release, err)
	}
	return nil
}

// published is a chart of the folder with the controllers' charts, in the one
// version that is there.
func (m *MadeCluster) published(name string) (*chart.Chart, error) {
	archives, err := filepath.Glob(filepath.Join(m.described.Charts, name+"-[0-9]*.tgz"))
	if err != nil {
		return nil, err
	}
	if len(archives) != 1 {
		return nil, fmt.Errorf("folder %s has %d archives of the chart %s, want one", m.described.Charts, len(archives), name)
	}
	return loader.Load(archives[0])
}

// shop is the chart of the customer's own workload.
func shop() (*chart.Chart, error) {
	var files []*loader.BufferedFile
	err := fs.WalkDir(shopFiles, "shop", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := shopFiles.ReadFile(path)
		files = append(files, &loader.BufferedFile{Name: strings.TrimPrefix(path, "shop/"), Data: text})
		return err
	})
	if err != nil {
		return nil, err
	}
	return loader.LoadFiles(files)
}
