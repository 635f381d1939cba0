package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// atOnce is how many files are on their way at a time.
const atOnce = 8

// Upload publishes the version in all regions. It first looks at all buckets, and
// uploads nothing if anything is wrong with one. A run that was interrupted goes
// on where it stopped. In each region the sums come last, when all else is there;
// a version without them is not whole. What was uploaded is then compared with
// what was to be.
//
// It writes a line for each region to out, and one for each file to files.
func (r Release) Upload(ctx context.Context, out, files io.Writer) error {
	plans, err := r.plans(ctx)
	if err != nil {
		return err
	}
	var writing sync.Mutex
	left := make([]int, len(plans))
	group, uploading := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, p := range plans {
		left[i] = len(p.upload)
		for _, name := range p.upload {
			if name == SumsFile {
				continue
			}
			group.Go(func() error {
				if err := r.put(uploading, p.Target, name); err != nil {
					return err
				}
				writing.Lock()
				defer writing.Unlock()
				left[i]--
				fmt.Fprintf(files, "%s: %s uploaded, %d to go\n", p.Region, name, left[i])
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%w (run it again: it goes on where it stopped)", err)
	}
	var problems []error
	for _, p := range plans {
		if err := r.finish(ctx, p); err != nil {
			problems = append(problems, err)
			continue
		}
		fmt.Fprintf(out, "%s: version %s is whole in s3://%s (%d files uploaded, %d were there)\n", p.Region, r.Version, p.Bucket, len(p.upload), p.there)
		if r.Private {
			continue
		}
		if why := r.unreadable(ctx, p.Target); why != nil {
			fmt.Fprintf(out, "%s: customers cannot launch it yet: without credentials, the sums are not read (%v). Let everybody read the bucket's objects (docs/publish.md)\n", p.Region, why)
		}
	}
	return errors.Join(problems...)
}

// unreadable says why a customer cannot read the version: nil if he can.
func (r Release) unreadable(ctx context.Context, t Target) error {
	anybody := s3.New(t.Client.Options(), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	object, err := anybody.GetObject(ctx, &s3.GetObjectInput{Bucket: &t.Bucket, Key: aws.String(r.Version + "/" + SumsFile)})
	if err != nil {
		return err
	}
	return object.Body.Close()
}

// finish uploads the sums, and checks all.
func (r Release) finish(ctx context.Context, p plan) error {
	for _, name := range p.upload {
		if name == SumsFile {
			if err := r.put(ctx, p.Target, name); err != nil {
				return err
			}
			continue
		}
		if err := r.compare(ctx, p.Target, name); err != nil {
			return err
		}
	}
	want, err := os.ReadFile(filepath.Join(r.Dir, SumsFile))
	if err != nil {
		return fmt.Errorf("read the sums: %w", err)
	}
	object, err := p.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.Bucket, Key: aws.String(r.Version + "/" + SumsFile), ExpectedBucketOwner: &r.Account})
	if err != nil {
		return fmt.Errorf("read the sums back from bucket %s: %w", p.Bucket, err)
	}
	defer object.Body.Close()
	got, err := io.ReadAll(object.Body)
	if err != nil || !bytes.Equal(got, want) {
		return errors.Join(fmt.Errorf("the sums in bucket %s are not those that were uploaded", p.Bucket), err)
	}
	return nil
}
