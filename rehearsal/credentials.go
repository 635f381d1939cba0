package rehearsal

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// sessionName is what sessions of roles are called.
const sessionName = "rehearsal"

// As is the configuration of an SDK client that speaks as a role, in a session
// that the account's root asks for. ExternalID may be empty. The error is
// STS's, if the role's trust does not let root in this way.
func (e *Environment) As(ctx context.Context, role, externalID string) (aws.Config, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String(sessionName)}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	c := e.AWSConfig()
	session, err := sts.NewFromConfig(c).AssumeRole(ctx, in)
	if err != nil {
		return aws.Config{}, fmt.Errorf("assume role %s: %w", role, err)
	}
	c.Credentials = credentials.NewStaticCredentialsProvider(
		aws.ToString(session.Credentials.AccessKeyId), aws.ToString(session.Credentials.SecretAccessKey), aws.ToString(session.Credentials.SessionToken))
	return c, nil
}

// ConfigAs is the configuration of a Kubernetes client that speaks as a role:
// with tokens that its sessions sign, as aws eks get-token does. What the role
// may do on the cluster is up to the cluster's access entries and aws-auth; it
// needs no rights in IAM. ExternalID may be empty.
func (e *Environment) ConfigAs(ctx context.Context, cluster, role, externalID string) (*rest.Config, error) {
	as, err := e.As(ctx, role, externalID)
	if err != nil {
		return nil, err
	}
	o, err := e.Clients().EKS.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &cluster})
	if err != nil {
		return nil, fmt.Errorf("describe cluster %s: %w", cluster, err)
	}
	ca, err := base64.StdEncoding.DecodeString(aws.ToString(o.Cluster.CertificateAuthority.Data))
	if err != nil {
		return nil, fmt.Errorf("certificate authority of cluster %s: %w", cluster, err)
	}
	tokens := transport.NewCachedTokenSource(&tokenSource{cluster: cluster, as: as})
	return &rest.Config{
		Host: aws.ToString(o.Cluster.Endpoint), TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		WrapTransport: transport.ResettableTokenSourceWrapTransport(tokens), QPS: -1,
	}, nil
}

// tokenSource signs EKS tokens. It is not internal/kube's: whatever that one
// does wrong, the embedded EKS must find.
type tokenSource struct {
	cluster string
	as      aws.Config
}

// Token presigns a GetCallerIdentity for STS's own host and the cluster's name.
func (s *tokenSource) Token() (*oauth2.Token, error) {
	const life = 10 * time.Minute // of the 15 that EKS takes a token
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	endpoint, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &s.as.Region})
	if err != nil {
		return nil, fmt.Errorf("STS endpoint of region %q: %w", s.as.Region, err)
	}
	client := sts.NewPresignClient(sts.NewFromConfig(s.as, func(o *sts.Options) { o.BaseEndpoint = aws.String(endpoint.URI.String()) }))
	signed := time.Now()
	request, err := client.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("x-k8s-aws-id", s.cluster), smithyhttp.SetHeaderValue("X-Amz-Expires", "60"))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sign a token for cluster %s: %w", s.cluster, err)
	}
	return &oauth2.Token{
		AccessToken: "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(request.URL)), TokenType: "Bearer", Expiry: signed.Add(life),
	}, nil
}
