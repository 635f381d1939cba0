package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/diagnose"
)

// Bounds of what CloudWatch Logs gives at once (API Reference:
// DescribeLogStreams, GetLogEvents).
const (
	mostStreams = 50
	mostLines   = 10_000
)

// diagnosing is what the command line asks for.
type diagnosing struct {
	diagnose.Options
	region, out         string
	maskAccount, policy bool
}

func diagnoseCommand() *cobra.Command {
	var d diagnosing
	c := &cobra.Command{
		Use:   "diagnose",
		Short: "Collect all that tells why a stack is as it is into one redacted archive, for support",
		Long: `Read a stack's events, resources, functions, logs, cluster, Helm releases and pods with the credentials of the AWS SDK's
default chain, and write one zip whose SUMMARY.md says what failed first and why. It only reads.

Secrets, tokens, presigned URLs, the external ID, Helm values and the values of environment variables are left out. What may
not be read is listed with the missing action, and the rest is collected. Look through the archive before you send it.
A deleted stack is found by its ID, or by its name for 90 days. See docs/operate.md.`,
		Example: `  quickstart diagnose --stack e6data-analytics --region eu-west-1
  quickstart diagnose --stack e6data-analytics --region eu-west-1 --mask-account --out ticket-4711.zip
  quickstart diagnose --stack e6data-analytics --region eu-west-1 --policy`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.check(); err != nil {
				return usageError{err}
			}
			return d.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&d.Stack, "stack", "", "the stack's name, or its ID")
	f.StringVar(&d.region, "region", "", "the stack's region (default: that of --stack, if it is an ID)")
	f.StringVar(&d.out, "out", "", "file for the archive; it must not be there (default: e6data-diagnose-STACK-TIME.zip)")
	f.BoolVar(&d.maskAccount, "mask-account", false, "put ACCOUNT-1, ACCOUNT-2, ... in place of the numbers of AWS accounts")
	f.DurationVar(&d.Window, "since", 72*time.Hour, "how far back to read the functions' logs; the streams that failures name are read whatever their age")
	f.IntVar(&d.Streams, "streams", 8, fmt.Sprintf("how many of the newest log streams of each function to read (at most %d)", mostStreams))
	f.IntVar(&d.Lines, "lines", 2000, fmt.Sprintf("how many of the newest lines of each to read (at most %d)", mostLines))
	f.BoolVar(&d.policy, "policy", false, "only print the IAM policy with which everything in AWS can be read")
	return c
}

// check finds all mistakes of the command line, and completes it.
func (d *diagnosing) check() error {
	wrong := []error{d.checkStack()}
	if d.Streams < 1 || d.Streams > mostStreams {
		wrong = append(wrong, fmt.Errorf("--streams %d: want 1 to %d", d.Streams, mostStreams))
	}
	if d.Lines < 1 || d.Lines > mostLines {
		wrong = append(wrong, fmt.Errorf("--lines %d: want 1 to %d", d.Lines, mostLines))
	}
	if d.Window <= 0 {
		wrong = append(wrong, fmt.Errorf("--since %s: want a time such as 72h", d.Window))
	}
	return errors.Join(wrong...)
}

// checkStack also takes the region of a stack's ID.
func (d *diagnosing) checkStack() error {
	var wrong []error
	if d.Stack == "" {
		wrong = append(wrong, errors.New("give --stack with the stack's name or ID"))
	}
	id, err := arn.Parse(d.Stack)
	switch {
	case strings.HasPrefix(d.Stack, "arn:") && (err != nil || id.Service != "cloudformation" || len(strings.Split(id.Resource, "/")) != 3):
		wrong = append(wrong, fmt.Errorf("--stack %q is no stack's ID: want arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/UUID", d.Stack))
	case err == nil && d.region == "":
		d.region = id.Region
	case err == nil && d.region != id.Region:
		wrong = append(wrong, fmt.Errorf("--region %s is not the region of --stack, %s", d.region, id.Region))
	}
	if d.region == "" {
		wrong = append(wrong, errors.New("give --region with the stack's region"))
	}
	return errors.Join(wrong...)
}

func (d *diagnosing) run(ctx context.Context, out io.Writer) error {
	if d.policy {
		text, err := diagnose.Policy(diagnose.StackName(d.Stack), d.region)
		if err != nil {
			return usageError{err}
		}
		_, err = out.Write(text)
		return err
	}
	d.At, d.Tool = time.Now(), toolVersion()
	name := fmt.Sprintf("e6data-diagnose-%s-%s", diagnose.StackName(d.Stack), d.At.UTC().Format("20060102-150405"))
	if d.out == "" {
		d.out = name + ".zip"
	}
	// Before anything is read: it may take a minute.
	file, err := os.OpenFile(d.out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	defer file.Close()
	summary, gaps, err := d.archive(ctx, name, file)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return errors.Join(err, os.Remove(d.out))
	}
	fmt.Fprintf(out, "%s\n\n%s: %d parts could not be read. Look through it before you send it.\n", summary, d.out, gaps)
	return nil
}

// archive collects, and writes the archive; it returns the summary.
func (d *diagnosing) archive(ctx context.Context, folder string, to io.Writer) (summary []byte, gaps int, err error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(d.region))
	if err != nil {
		return nil, 0, fmt.Errorf("load the AWS configuration: %w", err)
	}
	facts := diagnose.Collect(ctx, cfg, d.Options)
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if err := facts.Nothing(); err != nil {
		return nil, 0, err
	}
	files, err := diagnose.Files(facts, d.maskAccount)
	if err != nil {
		return nil, 0, fmt.Errorf("make the archive: %w", err)
	}
	return bytes.TrimSpace(files[0].Text), len(facts.Gaps), diagnose.Write(to, folder, files)
}

// toolVersion is the version of this command as Go built it: the module's, and
// the commit.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := []string{"quickstart " + info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
			version = append(version, s.Key+" "+s.Value)
		}
	}
	return strings.Join(append(version, info.GoVersion), ", ")
}
