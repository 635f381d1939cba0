package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// modTime is when every file of an archive was last changed. Helm's own packager
// takes the present, so that two archives of one chart never have one digest.
var modTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// archive packs a chart's files, in the order of their paths. It returns the
// archive's name, NAME-VERSION.tgz, and its bytes.
func archive(name string, files map[string][]byte) (string, []byte, error) {
	var metadata struct{ Name, Version string }
	if err := yaml.Unmarshal(files[chartutil.ChartfileName], &metadata); err != nil {
		return "", nil, fmt.Errorf("read %s: %w", chartutil.ChartfileName, err)
	}
	if metadata.Name != name {
		return "", nil, fmt.Errorf("%s names the chart %q", chartutil.ChartfileName, metadata.Name)
	}

	var out bytes.Buffer
	zipped := gzip.NewWriter(&out) // its header has no time unless it is given one
	tarred := tar.NewWriter(zipped)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{
			Name:    path.Join(name, file),
			Mode:    0o644,
			Size:    int64(len(files[file])),
			ModTime: modTime,
			Format:  tar.FormatUSTAR,
		}
		if err := tarred.WriteHeader(header); err != nil {
			return "", nil, fmt.Errorf("pack %s: %w", file, err)
		}
		if _, err := tarred.Write(files[file]); err != nil {
			return "", nil, fmt.Errorf("pack %s: %w", file, err)
		}
	}
	if err := tarred.Close(); err != nil {
		return "", nil, fmt.Errorf("pack: %w", err)
	}
	if err := zipped.Close(); err != nil {
		return "", nil, fmt.Errorf("compress: %w", err)
	}
	return metadata.Name + "-" + metadata.Version + ".tgz", out.Bytes(), nil
}
