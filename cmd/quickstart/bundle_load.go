package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/bundle"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/publish"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// loading is what the command line asks for.
type loading struct {
	archive, bucket, region, keyFile, imageRegistry string
}

func bundleLoadCommand() *cobra.Command {
	var l loading
	c := &cobra.Command{
		Use:   "load ARCHIVE",
		Short: "Check a bundle, put it into a bucket of yours, and print the links to launch from there",
		Long: `Check a bundle against its sums, and these against their signature, and put its files into a bucket of your own, under the
version's number, with the credentials of the AWS SDK's default chain. Then print a quick-create link for each mode that takes
all files and charts from there.

Nothing is uploaded if anything is wrong with the archive or the bucket. What is there with the same bytes stays, other bytes
are an error. A run that was interrupted goes on when it is run again. See docs/air-gap.md.`,
		Example: `  quickstart bundle load e6data-quickstart-0.1.0.tar.gz --bucket our-quickstart --region eu-west-1 --public-key e6data.pub`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("want one archive")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.bucket == "" || l.region == "" {
				return usageError{errors.New("give --bucket and --region: a bucket of yours in the region to launch in")}
			}
			l.archive = args[0]
			return l.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&l.bucket, "bucket", "", "a bucket of yours, in the region to launch in")
	f.StringVar(&l.region, "region", "", "the region to launch in")
	f.StringVar(&l.keyFile, "public-key", "", "file with the publisher's public key of minisign")
	f.StringVar(&l.imageRegistry, "image-registry", "", "the registry that has copies of the images, for the links")
	return c
}

func (l loading) run(ctx context.Context, out io.Writer) error {
	key, err := publicKey(l.keyFile)
	if err != nil {
		return err
	}
	dir, remove, err := emptyFolder("")
	if err != nil {
		return err
	}
	defer remove()
	if err := unpack(ctx, l.archive, dir); err != nil {
		return err
	}
	source, err := publish.Open(dir)
	if err != nil {
		return err
	}
	_, right, err := publish.Verify(ctx, source, key)
	if err != nil {
		return fmt.Errorf("nothing was uploaded: %w", err)
	}
	version, err := publish.VersionOf(dir)
	if err != nil {
		return err
	}
	links, err := l.links(dir, version) //nolint:contextcheck // addresses are made without a request
	if err != nil {
		return err
	}
	sayVerified(out, version, right, key)
	target, account, err := newTarget(ctx, l.region, l.bucket)
	if err != nil {
		return err
	}
	release := publish.Release{Dir: dir, Version: version, Account: account, Targets: []publish.Target{target}, Private: true}
	if err := release.Upload(ctx, out, onTerminal(out)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s", links)
	l.sayNext(out, version)
	return nil
}

func unpack(ctx context.Context, archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("read the bundle: %w", err)
	}
	defer f.Close()
	if err := bundle.Unpack(ctx, f, dir); err != nil {
		return fmt.Errorf("nothing was uploaded: %s: %w", archive, err)
	}
	if _, err := os.Stat(filepath.Join(dir, bundle.ImagesFile)); err != nil {
		return fmt.Errorf("nothing was uploaded: %s has no %s: it is no bundle", archive, bundle.ImagesFile)
	}
	return nil
}

// place is where something of the version is in the bucket.
func (l loading) place(version, name string) string {
	return "s3://" + l.bucket + "/" + version + "/" + name
}

// links are those of all modes, a line each.
func (l loading) links(dir, version string) (lines string, err error) {
	answers := map[string]string{"ChartSource": l.place(version, bundle.ChartsFolder)}
	if l.imageRegistry != "" {
		answers["ImageRegistry"] = l.imageRegistry
	}
	for _, mode := range contract.Modes() {
		link, err := modeLink(dir, mode, quickcreate.Launch{Region: l.region, Bucket: l.bucket, Version: version, Answers: answers})
		if err != nil {
			return "", fmt.Errorf("nothing was uploaded: the link of mode %s: %w", mode, err)
		}
		lines += fmt.Sprintf(linkLine, mode, link)
	}
	return lines, nil
}

// sayNext is what no command of ours can do.
func (l loading) sayNext(out io.Writer, version string) {
	registry := l.imageRegistry
	if registry == "" {
		registry = "a registry that the nodes reach, and give it as ImageRegistry (--image-registry puts it into the links)"
	}
	fmt.Fprintf(out, `
Before a launch:
  copy the images that %s lists to %s
  make the VPC endpoints that %s lists, where nothing leads out of the VPC
  let who launches read s3://%s/%s/* (quickstart policy --artifact-bucket %s)
`, l.place(version, bundle.ImagesFile), registry, l.place(version, bundle.EndpointsFile), l.bucket, version, l.bucket)
}
