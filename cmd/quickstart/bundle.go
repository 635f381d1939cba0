package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/bundle"
	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/publish"
)

// publicCharts is --charts for the charts' public repositories.
const publicCharts = "public"

// bundling is what the command line asks for.
type bundling struct {
	signing
	source, out, charts string
}

func bundleCommand(getenv func(string) string) *cobra.Command {
	var b bundling
	c := &cobra.Command{
		Use:   "bundle",
		Short: "Pack a version, charts and lists of images and endpoints for accounts without internet access",
		Long: `Pack a version (functions for both architectures, templates, launch page, SBOM), the Helm charts that it installs, and lists of
the container images and VPC endpoints that its stacks need, with sums and signature, into one archive.

What cannot be got is told all at once, before anything is written. An archive that is there is never overwritten.
See docs/air-gap.md.`,
		Example: `  quickstart bundle --key ../e6data.key
  quickstart bundle --charts /media/charts --unsigned --out /tmp/bundle.tar.gz`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.keyOrUnsigned(); err != nil {
				return err
			}
			return b.run(cmd.Context(), cmd.OutOrStdout(), getenv)
		},
	}
	f := c.Flags()
	f.StringVar(&b.source, "source", ".", "the project's folder")
	f.StringVar(&b.out, "out", "", "file for the archive (default e6data-quickstart-VERSION.tar.gz)")
	f.StringVar(&b.charts, "charts", publicCharts, "where the charts are: "+publicCharts+", a folder or s3://BUCKET/PREFIX with files named CHART-VERSION.tgz")
	b.flags(c, "pack without a signature")
	c.AddCommand(bundleLoadCommand())
	return c
}

func (b bundling) run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	root := os.DirFS(b.source)
	version, err := publish.ReadVersion(root)
	if err != nil {
		return err
	}
	if b.out == "" {
		b.out = bundle.Name(version)
	}
	key, errKey := b.open(ctx, b.source, getenv)
	gathered, err := b.gather(ctx, root)
	if err := errors.Join(absent(b.out), errKey, err); err != nil {
		return err
	}
	dir, remove, err := emptyFolder("")
	if err != nil {
		return err
	}
	defer remove()
	if version, err = bundle.Stage(ctx, b.source, dir, gathered); err != nil {
		return err
	}
	if err := sign(dir, version, key); err != nil {
		return err
	}
	if err := writeArchive(b.out, dir, version); err != nil {
		return err
	}
	fmt.Fprintf(out, "version %s is packed in %s, with %d charts and lists\n", version, b.out, len(gathered))
	return nil
}

// absent wants no file of the name, so that none is overwritten.
func absent(file string) error {
	_, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s is there, and is not overwritten: give another --out, or remove it", file)
	}
	return err
}

func (b bundling) gather(ctx context.Context, root fs.FS) (map[string][]byte, error) {
	fetch := bundle.FromFolder(b.charts)
	switch {
	case b.charts == publicCharts:
		fetch = bundle.FromPublic(chart.NewSource(aws.Config{}, nil))
	case strings.HasPrefix(b.charts, "s3://"):
		c, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("find AWS credentials: %w", err)
		}
		fetch = bundle.FromS3(&chart.Source{S3: s3Client(c)}, b.charts)
	}
	return bundle.Gather(ctx, root, fetch)
}

// writeArchive makes the file, or none.
func writeArchive(file, dir, version string) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302: for others to read, nothing secret is in it
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	return bundle.Pack(dir, version, f)
}
