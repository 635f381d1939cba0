package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Target is a region's bucket.
type Target struct {
	Region, Bucket string
	Client         *s3.Client // of the region
}

// Release is a staged version, or a bundle that was taken apart, on its way.
type Release struct {
	Dir     string // as Stage made it
	Version string
	// Account owns the buckets. Every request says so: a bucket of that name that
	// somebody else made is never written to.
	Account string
	Targets []Target
	// Private is a copy in a bucket of a customer's: public access to it must be
	// blocked, and nobody else need read it. The other buckets are a publisher's,
	// which must keep versions.
	Private bool
}

// plan is what is to be done in one bucket.
type plan struct {
	Target
	upload []string // not there yet, in order
	there  int      // with the right bytes
}

// plans looks at all buckets, changes nothing, and tells everything that keeps
// the version from being published, in every region.
func (r Release) plans(ctx context.Context) ([]plan, error) {
	names, err := Files(r.Dir)
	if err != nil {
		return nil, err
	}
	var plans []plan
	var problems []error
	for _, t := range r.Targets {
		if err := r.checkBucket(ctx, t); err != nil {
			problems = append(problems, err)
			continue
		}
		p, err := r.planOf(ctx, t, names)
		plans = append(plans, p)
		problems = append(problems, err)
	}
	return plans, errors.Join(problems...)
}

// checkBucket wants a bucket of the account, in its region.
func (r Release) checkBucket(ctx context.Context, t Target) error {
	head, err := t.Client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &t.Bucket, ExpectedBucketOwner: &r.Account})
	switch status(err) {
	case http.StatusNotFound:
		return fmt.Errorf("bucket %s is missing: make it in %s, in account %s (%s)", t.Bucket, t.Region, r.Account, r.page())
	case http.StatusForbidden:
		if r.Private {
			return fmt.Errorf("bucket %s is not account %s's, or these credentials may not use it: nothing is written to it (%s)", t.Bucket, r.Account, r.page())
		}
		return fmt.Errorf("bucket %s is not account %s's, or these credentials may not use it: nothing is written to it. "+
			"If somebody else has made it, take %s out of the published regions", t.Bucket, r.Account, t.Region)
	case http.StatusMovedPermanently:
		return fmt.Errorf("bucket %s is in another region than %s: launches would not find it", t.Bucket, t.Region)
	}
	if err != nil {
		return fmt.Errorf("look at bucket %s: %w", t.Bucket, err)
	}
	if in := aws.ToString(head.BucketRegion); in != "" && in != t.Region {
		return fmt.Errorf("bucket %s is in %s, not in %s: launches would not find it", t.Bucket, in, t.Region)
	}
	if r.Private {
		return r.checkPrivate(ctx, t)
	}
	return r.checkVersioning(ctx, t)
}

// page is where a person reads on.
func (r Release) page() string {
	return map[bool]string{true: "docs/air-gap.md", false: "docs/publish.md"}[r.Private]
}

// checkPrivate wants the bucket's own block of public access, whole.
func (r Release) checkPrivate(ctx context.Context, t Target) error {
	out, err := t.Client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &t.Bucket, ExpectedBucketOwner: &r.Account})
	if err != nil && status(err) != http.StatusNotFound { // a bucket without a block has none
		return fmt.Errorf("look whether public access to bucket %s is blocked: %w", t.Bucket, err)
	}
	block := types.PublicAccessBlockConfiguration{}
	if err == nil && out.PublicAccessBlockConfiguration != nil {
		block = *out.PublicAccessBlockConfiguration
	}
	for _, blocked := range []*bool{block.BlockPublicAcls, block.IgnorePublicAcls, block.BlockPublicPolicy, block.RestrictPublicBuckets} {
		if !aws.ToBool(blocked) {
			return fmt.Errorf("public access to bucket %s is not blocked: aws s3api put-public-access-block --bucket %s --public-access-block-configuration "+
				"BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true", t.Bucket, t.Bucket)
		}
	}
	return nil
}

// checkVersioning wants versions, so that nothing that was published can be lost.
func (r Release) checkVersioning(ctx context.Context, t Target) error {
	versioning, err := t.Client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &t.Bucket, ExpectedBucketOwner: &r.Account})
	if err != nil {
		return fmt.Errorf("look at the versioning of bucket %s: %w", t.Bucket, err)
	}
	if versioning.Status != types.BucketVersioningStatusEnabled {
		return fmt.Errorf("bucket %s keeps no versions: enable its versioning, so that nothing published can be lost", t.Bucket)
	}
	return nil
}

// planOf compares what is in the bucket with the files. A version is never
// overwritten: other bytes, or other files, are errors.
func (r Release) planOf(ctx context.Context, t Target, names []string) (plan, error) {
	p := plan{Target: t}
	var problems []error
	stored, err := list(ctx, t.Client, &t.Bucket, r.Version+"/", &r.Account)
	if err != nil {
		return p, err
	}
	for _, name := range stored {
		if !slices.Contains(names, name) {
			problems = append(problems, r.conflict(t, name, "which this version has not"))
		}
	}
	for _, name := range names {
		if !slices.Contains(stored, name) {
			p.upload = append(p.upload, name)
			continue
		}
		if err := r.compare(ctx, t, name); err != nil {
			problems = append(problems, err)
			continue
		}
		p.there++
	}
	return p, errors.Join(problems...)
}

func (r Release) conflict(t Target, name, why string) error {
	instead := "Raise VERSION and publish that"
	if r.Private {
		instead = "Find out who put it there, and load into another bucket"
	}
	return fmt.Errorf("s3://%s/%s/%s is there, %s: a version is never overwritten. %s", t.Bucket, r.Version, name, why, instead)
}

// compare says whether an object has a file's bytes, by the sum that S3 keeps.
func (r Release) compare(ctx context.Context, t Target, name string) error {
	sum, err := sumOf(filepath.Join(r.Dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	head, err := t.Client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &t.Bucket, Key: aws.String(r.Version + "/" + name), ExpectedBucketOwner: &r.Account, ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return fmt.Errorf("look at s3://%s/%s/%s: %w", t.Bucket, r.Version, name, err)
	}
	if aws.ToString(head.ChecksumSHA256) != base64Sum(sum) {
		return r.conflict(t, name, "with other bytes")
	}
	if sse := head.ServerSideEncryption; sse != "" && sse != types.ServerSideEncryptionAes256 {
		return r.conflict(t, name, "encrypted with "+string(sse)+", which the functions have no right to decrypt")
	}
	return nil
}

// put uploads one file, if there is none of its name. S3 refuses bytes that are
// not those of the sum.
func (r Release) put(ctx context.Context, t Target, name string) error {
	file := filepath.Join(r.Dir, filepath.FromSlash(name))
	sum, err := sumOf(file)
	if err != nil {
		return err
	}
	body, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read a file of the version: %w", err)
	}
	defer body.Close()
	_, err = t.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &t.Bucket, Key: aws.String(r.Version + "/" + name), ExpectedBucketOwner: &r.Account, Body: body,
		IfNoneMatch: aws.String("*"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(base64Sum(sum)),
		ContentType: aws.String(contentType(name)), CacheControl: r.cacheControl(),
		// Whatever the bucket's default is: no role has a right to use a key of it.
		ServerSideEncryption: types.ServerSideEncryptionAes256,
	})
	if status(err) == http.StatusPreconditionFailed { // another publisher was first
		return r.compare(ctx, t, name)
	}
	if err != nil {
		return fmt.Errorf("upload s3://%s/%s/%s: %w", t.Bucket, r.Version, name, err)
	}
	return nil
}

// cacheControl lets anybody keep what anybody may read.
func (r Release) cacheControl() *string {
	if r.Private {
		return nil
	}
	return aws.String("public, max-age=31536000, immutable")
}

// contentType lets a browser show the launch page, and the texts.
func contentType(name string) string {
	types := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".json": "application/json", ".zip": "application/zip", ".tgz": "application/gzip",
	}
	if t, known := types[filepath.Ext(name)]; known {
		return t
	}
	return "text/plain; charset=utf-8"
}

// status is the HTTP status of S3's answer; 0 if there was none, or no error.
func status(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}
