package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/e6data/aws-quickstart/internal/chart"
)

// Fetch brings the archive of a chart; its reference has the public repository.
type Fetch func(context.Context, chart.Reference) ([]byte, error)

// FromPublic takes charts from their public repositories.
func FromPublic(s *chart.Source) Fetch { return s.Archive }

// FromS3 takes charts from s3://BUCKET/PREFIX, where they are named as ChartSource
// wants them.
func FromS3(s *chart.Source, place string) Fetch {
	return func(ctx context.Context, ref chart.Reference) ([]byte, error) {
		ref.Repository = strings.TrimSuffix(place, "/")
		return s.Archive(ctx, ref)
	}
}

// FromFolder takes charts from a folder of archives with such names.
func FromFolder(dir string) Fetch {
	return func(_ context.Context, ref chart.Reference) ([]byte, error) {
		archive, err := os.ReadFile(filepath.Join(dir, archiveName(ref)))
		if err != nil {
			return nil, fmt.Errorf("chart %s %s: %w", ref.Chart, ref.Version, err)
		}
		return archive, nil
	}
}

// archiveName is the one that helm package gives, and that an s3:// chart source
// is searched for.
func archiveName(ref chart.Reference) string { return ref.Chart + "-" + ref.Version + ".tgz" }
