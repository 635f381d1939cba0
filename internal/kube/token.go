package kube

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
)

// EKS accepts a token for 15 minutes after its X-Amz-Date, whatever
// X-Amz-Expires says (aws-iam-authenticator, pkg/token). Four minutes less
// leave room for clocks that differ and for requests on their way.
const tokenLife = 11 * time.Minute

// presigner is the part of the STS presign client that makes a token.
type presigner interface {
	PresignGetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.PresignOptions)) (*v4.PresignedHTTPRequest, error)
}

// signer makes EKS tokens: presigned STS GetCallerIdentity requests.
type signer struct {
	cfg aws.Config
	now func() time.Time
}

func newSigner(cfg aws.Config) *signer { return &signer{cfg: cfg, now: time.Now} }

// token signs a token for one cluster. It makes no call beyond what the
// credentials need.
func (s *signer) token(ctx context.Context, cluster string) (*oauth2.Token, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	signed := s.now()
	request, err := client.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions,
				smithyhttp.SetHeaderValue("x-k8s-aws-id", cluster),
				smithyhttp.SetHeaderValue("X-Amz-Expires", "60"))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sign a token for cluster %s: %w", cluster, err)
	}
	return &oauth2.Token{
		AccessToken: "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(request.URL)),
		TokenType:   "Bearer",
		Expiry:      signed.Add(tokenLife),
	}, nil
}

// client presigns for the real regional STS host of the region's partition.
// The verifier inside EKS accepts no other, so an endpoint override that the
// other AWS calls may use must not reach the token.
func (s *signer) client(ctx context.Context) (presigner, error) {
	endpoint, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: aws.String(s.cfg.Region)})
	if err != nil {
		return nil, fmt.Errorf("STS endpoint of region %q: %w", s.cfg.Region, err)
	}
	return sts.NewPresignClient(sts.NewFromConfig(s.cfg, func(o *sts.Options) {
		o.BaseEndpoint = aws.String(endpoint.URI.String())
	})), nil
}
