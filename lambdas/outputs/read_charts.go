package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// objectReader is the part of the S3 API that tells of objects.
type objectReader interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

type chartBucket struct{ api objectReader }

// charts looks whether the archives are in the customer's bucket.
func (b chartBucket) charts(ctx context.Context, a contract.PreflightAnswers) (*preflight.Charts, error) {
	bucket, prefix, _ := preflight.S3Place(a.ChartSource)
	c := &preflight.Charts{}
	for _, key := range preflight.ChartKeys(prefix, a.Charts) {
		_, err := b.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		switch {
		case err == nil:
		case regionOf(err) != "":
			c.Region = regionOf(err)
			return c, nil
		case !awserror.Denied(err) && !awserror.HasCode(err, "NotFound", "NoSuchKey", "NoSuchBucket"):
			return nil, err
		default:
			if err := b.explain(ctx, c, bucket, key); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// explain finds out why an archive cannot be had: the answer to a HEAD has no
// words, and S3 denies what is missing to those who may not list all of the
// bucket.
func (b chartBucket) explain(ctx context.Context, c *preflight.Charts, bucket, key string) error {
	out, err := b.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key, MaxKeys: aws.Int32(1)})
	switch {
	case awserror.HasCode(err, "NoSuchBucket"):
		c.BucketMissing = true
	case awserror.Denied(err) || err == nil && len(out.Contents) > 0:
		c.Hidden = append(c.Hidden, key)
	case err == nil:
		c.Missing = append(c.Missing, key)
	}
	if c.BucketMissing || awserror.Denied(err) {
		return nil
	}
	return err
}

// regionOf is where S3 says that a bucket is, when it sends the caller there.
func regionOf(err error) string {
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || r.Response == nil || r.HTTPStatusCode() != 301 {
		return ""
	}
	return r.Response.Header.Get("X-Amz-Bucket-Region")
}
