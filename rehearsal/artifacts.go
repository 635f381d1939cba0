package rehearsal

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Artifacts is a published version: what lies in a region's bucket under the
// version's prefix.
type Artifacts struct {
	// Dir holds the files as they are published: quickstart.yaml, templates/,
	// charts/ and the functions' zips.
	Dir string
	// Version is the prefix in the bucket.
	Version string
}

// Publish makes the bucket and uploads every file of a.Dir under a.Version.
func (c *Clients) Publish(ctx context.Context, region, bucket string, a Artifacts) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if region != "us-east-1" { // us-east-1 is the default and refused as a constraint
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := c.S3.CreateBucket(ctx, in); err != nil {
		return fmt.Errorf("make the artefact bucket %s: %w", bucket, err)
	}
	return c.UploadAll(ctx, bucket, a)
}

// UploadAll uploads every file of a.Dir under a.Version.
func (c *Clients) UploadAll(ctx context.Context, bucket string, a Artifacts) error {
	files := os.DirFS(a.Dir)
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return c.Upload(ctx, bucket, path.Join(a.Version, name), body)
	})
}

// Upload puts one object.
func (c *Clients) Upload(ctx context.Context, bucket, key string, body []byte) error {
	if _, err := c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
		return fmt.Errorf("upload s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// TemplateURL is where CloudFormation reads an object of the bucket, in the
// path style that a quick-create link has. The host is S3's own: the embedded
// AWS answers for it.
func TemplateURL(region, bucket, key string) string {
	return "https://s3." + region + ".amazonaws.com/" + bucket + "/" + strings.TrimPrefix(key, "/")
}

// EmptyBucket removes every version of every object, so that a retained bucket
// can be deleted by its owner.
func (c *Clients) EmptyBucket(ctx context.Context, bucket string) error {
	pages := s3.NewListObjectVersionsPaginator(c.S3, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list s3://%s: %w", bucket, err)
		}
		for _, v := range page.Versions {
			if _, err := c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId}); err != nil {
				return fmt.Errorf("delete s3://%s/%s: %w", bucket, aws.ToString(v.Key), err)
			}
		}
		for _, v := range page.DeleteMarkers {
			if _, err := c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId}); err != nil {
				return fmt.Errorf("delete s3://%s/%s: %w", bucket, aws.ToString(v.Key), err)
			}
		}
	}
	return nil
}
