package charts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

// karpenterVersion is the version of Karpenter's charts: that of the module in
// rehearsal/karpenter, which has them. Upstream writes it, and the image's
// digest, into its charts on a branch of the release; the module has the version
// before.
const karpenterVersion = karpenter.Version

// upstream gives the files of one of Karpenter's own charts as upstream publishes
// it, but for the image's digest, which is not known here.
func (o Options) upstream(name string) (map[string][]byte, error) {
	if o.KarpenterCharts == "" {
		return nil, errors.New("the directory with Karpenter's charts is not given: the module in rehearsal/karpenter has them")
	}
	dir, err := fs.Sub(os.DirFS(o.KarpenterCharts), name)
	if err != nil {
		return nil, err
	}
	files, err := filesIn(dir)
	if err != nil {
		return nil, fmt.Errorf("read upstream's chart in %s: %w", o.KarpenterCharts, err)
	}
	if err := setVersion(files, karpenterVersion); err != nil {
		return nil, err
	}
	if name == KarpenterCRD {
		return files, nil
	}
	image := map[string]any{"tag": karpenterVersion, "digest": ""}
	return files, setValues(files, map[string]any{"controller": map[string]any{"image": image}})
}

// isUpstream tells whether a chart is taken from Karpenter's module.
func isUpstream(name string) bool { return slices.Contains([]string{Karpenter, KarpenterCRD}, name) }

// filesIn are all files of a chart's directory, by their path in it.
func filesIn(dir fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(dir, path)
		return err
	})
	if err == nil && files[chartutil.ChartfileName] == nil {
		err = fmt.Errorf("there is no %s", chartutil.ChartfileName)
	}
	return files, err
}
