package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Source is where the files of a version are.
type Source interface {
	fmt.Stringer
	// open is one file; fs.ErrNotExist if there is none.
	open(ctx context.Context, name string) (io.ReadCloser, error)
	// names are all files that are there; nil if that cannot be told.
	names(ctx context.Context) ([]string, error)
}

// Open is the source at a folder or an https address.
func Open(place string) (Source, error) {
	if !strings.Contains(place, "://") {
		return folder(place), nil
	}
	at, err := url.Parse(place)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("%q: want a folder, an address with https, or s3://BUCKET/VERSION", place)
	}
	return site{at, http.DefaultClient}, nil
}

// OpenBucket is the source in a bucket, of whatever region, that the client's
// credentials can read, under a prefix without a slash at its end.
func OpenBucket(ctx context.Context, client *s3.Client, bucket, prefix string) Source {
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	// S3 tells a bucket's region with every answer, refusals too; what else is
	// wrong with the bucket is told when it is read.
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		if region := r.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			client = s3.New(client.Options(), func(o *s3.Options) { o.Region = region })
		}
	}
	return stored{client, bucket, strings.TrimSuffix(prefix, "/") + "/"}
}

// folder is a source on this machine.
type folder string

func (f folder) String() string { return string(f) }

func (f folder) open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), filepath.FromSlash(name)))
}

func (f folder) names(context.Context) ([]string, error) { return Files(string(f)) }

// site is a source at an address.
type site struct {
	at     *url.URL
	client *http.Client
}

func (s site) String() string { return s.at.String() }

func (s site) open(ctx context.Context, name string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at.JoinPath(name).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotFound:
		return nil, fmt.Errorf("get %s: %w", request.URL, fs.ErrNotExist)
	case http.StatusForbidden: // S3's answer for what is not there, to whom may not list
		return nil, fmt.Errorf("get %s: it is missing, or you may not read it (%s)", request.URL, response.Status)
	}
	return nil, fmt.Errorf("get %s: %s", request.URL, response.Status)
}

func (site) names(context.Context) ([]string, error) { return nil, nil }

// stored is a source in a bucket.
type stored struct {
	client         *s3.Client
	bucket, prefix string
}

func (s stored) String() string { return "s3://" + s.bucket + "/" + strings.TrimSuffix(s.prefix, "/") }

func (s stored) open(ctx context.Context, name string) (io.ReadCloser, error) {
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + name)})
	if status(err) == http.StatusNotFound {
		return nil, fmt.Errorf("get %s/%s: %w (%w)", s, name, fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", s, name, err)
	}
	return object.Body, nil
}

func (s stored) names(ctx context.Context) ([]string, error) {
	return list(ctx, s.client, &s.bucket, s.prefix, nil)
}

// list is the keys under a prefix, without it. The owner, if given, must be that
// of the bucket.
func list(ctx context.Context, client *s3.Client, bucket *string, prefix string, owner *string) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &prefix, ExpectedBucketOwner: owner})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", *bucket, prefix, err)
		}
		for _, o := range page.Contents {
			names = append(names, strings.TrimPrefix(aws.ToString(o.Key), prefix))
		}
	}
	return names, nil
}
