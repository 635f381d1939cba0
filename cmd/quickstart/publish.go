package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/publish"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// publishing is what the command line asks for.
type publishing struct {
	signing
	source, dir string
	regions     []string
	buildOnly   bool
}

func publishCommand(getenv func(string) string) *cobra.Command {
	var p publishing
	c := &cobra.Command{
		Use:   "publish",
		Short: "Build a version and put it into the regions' buckets",
		Long: `Build a version once (functions for both architectures, templates, launch page, SBOM, sums, signature) and put it into the
bucket of each region, with the credentials of the AWS SDK's default chain.

All buckets are looked at first; nothing is uploaded if anything is wrong with one. A version is never overwritten: what is
there with the same bytes stays, other bytes are an error. A run that was interrupted goes on when it is run again.
See docs/publish.md.`,
		Example: `  quickstart publish --key ../e6data.key
  quickstart publish --regions eu-west-1 --unsigned --dir /tmp/version --build-only`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.buildOnly && p.dir == "" {
				return usageError{errors.New("--build-only without --dir would build into a folder that is removed: name one")}
			}
			if err := p.keyOrUnsigned(); err != nil {
				return err
			}
			return p.run(cmd.Context(), cmd.OutOrStdout(), getenv)
		},
	}
	f := c.Flags()
	f.StringVar(&p.source, "source", ".", "the project's folder")
	f.StringVar(&p.dir, "dir", "", "an empty or missing folder for the version's files (default: one that is removed afterwards)")
	f.StringSliceVar(&p.regions, "regions", nil, "regions to publish in (default: those of cdk.json)")
	p.flags(c, "publish without a signature")
	f.BoolVar(&p.buildOnly, "build-only", false, "build and sign into --dir, and upload nothing")
	return c
}

func (p publishing) run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	regions, err := publish.Regions(p.source, p.regions)
	if err != nil {
		return err
	}
	key, err := p.open(ctx, p.source, getenv)
	if err != nil {
		return err
	}
	dir, remove, err := emptyFolder(p.dir)
	if err != nil {
		return err
	}
	defer remove()
	version, err := publish.Stage(ctx, p.source, dir)
	if err != nil {
		return err
	}
	if err := sign(dir, version, key); err != nil {
		return err
	}
	if p.buildOnly {
		fmt.Fprintf(out, "version %s is in %s\n", version, dir)
		return nil
	}
	release, err := newRelease(ctx, dir, version, regions)
	if err != nil {
		return err
	}
	if err := release.Upload(ctx, out, onTerminal(out)); err != nil {
		return err
	}
	return printLinks(out, dir, version, regions) //nolint:contextcheck // addresses are made without a request
}

// onTerminal is out if somebody looks on: nobody else wants a line for each file.
func onTerminal(out io.Writer) io.Writer {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return out
	}
	return io.Discard
}

// emptyFolder is where the version is built.
func emptyFolder(dir string) (folder string, remove func(), err error) {
	if dir == "" {
		dir, err = os.MkdirTemp("", "quickstart-version-")
		if err != nil {
			return "", nil, fmt.Errorf("make a folder for the version: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("make the folder for the version: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("read the folder for the version: %w", err)
	}
	if len(entries) > 0 {
		return "", nil, usageError{fmt.Errorf("--dir %s is not empty: everything in it would be published", dir)}
	}
	return dir, func() {}, nil
}

// newRelease has a client for each region, and the caller's account as the
// buckets' owner.
func newRelease(ctx context.Context, dir, version string, regions []string) (publish.Release, error) {
	release := publish.Release{Dir: dir, Version: version}
	for _, region := range regions {
		target, account, err := newTarget(ctx, region, artifact.Bucket(region))
		if err != nil {
			return release, err
		}
		release.Targets, release.Account = append(release.Targets, target), account
	}
	return release, nil
}

// newTarget has a client of the bucket's region; account is the caller's.
func newTarget(ctx context.Context, region, bucket string) (target publish.Target, account string, err error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return target, "", fmt.Errorf("find AWS credentials: %w", err)
	}
	caller, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return target, "", fmt.Errorf("find out which account the AWS credentials are of: %w", err)
	}
	return publish.Target{Region: region, Bucket: bucket, Client: s3Client(c)}, aws.ToString(caller.Account), nil
}

// s3Client is a client that does not warn of answers without a sum of the SDK's:
// what is read is compared with the version's own sums.
func s3Client(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
}

// printLinks shows how the version is launched in each region.
func printLinks(out io.Writer, dir, version string, regions []string) error {
	for _, region := range regions {
		page, err := quickcreate.TemplateURL(region, artifact.Bucket(region), version, "site/index.html")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n  launch page   %s\n", region, page)
		for _, mode := range contract.Modes() {
			link, err := modeLink(dir, mode, quickcreate.Launch{Region: region, Version: version})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, linkLine, mode, link)
		}
	}
	return nil
}

// linkLine shows a mode's link.
const linkLine = "  %-13s %s\n"

// modeLink is the link to a mode's template in a version's folder.
func modeLink(dir, mode string, l quickcreate.Launch) (string, error) {
	l.Template = contract.ModeTemplate(mode)
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(l.Template)))
	if err != nil {
		return "", fmt.Errorf("read the template of mode %s: %w", mode, err)
	}
	form, err := quickcreate.ReadForm(text)
	if err != nil {
		return "", err
	}
	return form.Link(l)
}

func verifyCommand() *cobra.Command {
	var keyFile string
	c := &cobra.Command{
		Use:   "verify FOLDER|ADDRESS|S3-URI",
		Short: "Check a version's files against its sums and their signature",
		Long: `Check a version that was downloaded to a folder, that lies at an https address, or in a bucket that the credentials of the AWS
SDK's default chain can read, against its SHA256SUMS, and these against their signature. Every file that is missing or changed
is named, and in a folder or bucket every file too many. (An https address cannot be asked what else is there.)`,
		Example: `  quickstart verify 0.1.0 --public-key e6data.pub
  quickstart verify https://s3.eu-west-1.amazonaws.com/e6data-quickstart-eu-west-1/0.1.0
  quickstart verify s3://copies-of-ours/0.1.0 --public-key e6data.pub`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("want one folder, address or s3:// URI")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := publicKey(keyFile)
			if err != nil {
				return err
			}
			source, err := openSource(cmd.Context(), strings.TrimSuffix(args[0], "/"))
			if err != nil {
				return err
			}
			version, right, err := publish.Verify(cmd.Context(), source, key)
			if err != nil {
				return err
			}
			sayVerified(cmd.OutOrStdout(), version, right, key)
			return nil
		},
	}
	c.Flags().StringVar(&keyFile, "public-key", "", "file with the publisher's public key of minisign")
	return c
}

// publicKey reads minisign's public key; nil if no file is named.
func publicKey(file string) (*minisign.PublicKey, error) {
	if file == "" {
		return nil, nil
	}
	key, err := minisign.PublicKeyFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the public key %s: %w", file, err)
	}
	return &key, nil
}

func sayVerified(out io.Writer, version string, right int, key *minisign.PublicKey) {
	signed := "signed with the key"
	if key == nil {
		signed = "the signature was not looked at: give --public-key"
	}
	fmt.Fprintf(out, "version %s: %d files are as published (%s)\n", version, right, signed)
}

// openSource is the source of an argument.
func openSource(ctx context.Context, place string) (publish.Source, error) {
	bucket, isBucket := strings.CutPrefix(place, "s3://")
	if !isBucket {
		source, err := publish.Open(place)
		if err != nil {
			return nil, usageError{err}
		}
		return source, nil
	}
	bucket, prefix, _ := strings.Cut(bucket, "/")
	if bucket == "" || prefix == "" {
		return nil, usageError{fmt.Errorf("%q: want s3://BUCKET/VERSION", place)}
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("find AWS credentials: %w", err)
	}
	return publish.OpenBucket(ctx, s3Client(c), bucket, prefix), nil
}
