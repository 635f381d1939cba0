package chart

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// fromS3 reads PREFIX/CHART-VERSION.tgz. The name is the one that helm package
// gives.
func (s *Source) fromS3(ctx context.Context, place *url.URL, ref Reference) ([]byte, error) {
	key := path.Join(strings.Trim(place.Path, "/"), ref.Chart+"-"+ref.Version+".tgz")
	where := "s3://" + place.Host + "/" + key
	out, err := s.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(place.Host), Key: aws.String(key)})
	if err != nil {
		return nil, s3Error(err, where)
	}
	defer out.Body.Close()
	data, err := limited(out.Body, maxArchive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", where, err)
	}
	return data, nil
}

// s3Error keeps what S3 says, since an AccessDenied names the action and the
// role, and drops the SDK's request IDs around it.
func s3Error(err error, where string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("read %s: %w", where, err)
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("there is no %s: upload the archive under this very name (CHART-VERSION.tgz), or correct the version: %w", where, api)
	case "NoSuchBucket":
		return fmt.Errorf("the bucket of %s does not exist: %w", where, api)
	case "AccessDenied":
		// To a role without s3:ListBucket, S3 does not say that an object is
		// missing: it denies the listing instead.
		if strings.Contains(api.ErrorMessage(), "s3:ListBucket") {
			return fmt.Errorf("there is probably no %s: upload the archive under this very name (CHART-VERSION.tgz), or correct the version. "+
				"S3 does not tell a role without s3:ListBucket what is missing; it answered AccessDenied: %s", where, api.ErrorMessage())
		}
		return fmt.Errorf("read %s: AccessDenied: %s", where, api.ErrorMessage())
	}
	return fmt.Errorf("read %s: %s: %s", where, api.ErrorCode(), api.ErrorMessage())
}
