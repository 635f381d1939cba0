package rehearsal

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (e *Environment) tlsConfig() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.roots)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func (e *Environment) httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: e.tlsConfig()}} // no proxy: loopback only
}

// AWSConfig is the configuration of an SDK client of this environment, with
// the rights of the account's root user.
func (e *Environment) AWSConfig() aws.Config {
	return aws.Config{
		Region:       e.Region,
		BaseEndpoint: aws.String(e.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: wholeRequests{awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.Proxy, t.TLSClientConfig = nil, e.tlsConfig()
		})},
	}
}

// Clients are SDK clients of one environment, made once.
type Clients struct {
	CloudFormation *cloudformation.Client
	EC2            *ec2.Client
	Events         *eventbridge.Client
	EKS            *eks.Client
	IAM            *iam.Client
	Lambda         *lambda.Client
	LoadBalancing  *elasticloadbalancingv2.Client
	Logs           *cloudwatchlogs.Client
	S3             *s3.Client
	SQS            *sqs.Client
}

// Clients returns SDK clients with the rights of the account's root user.
func (e *Environment) Clients() *Clients { return newClients(e.AWSConfig()) }

func newClients(c aws.Config) *Clients {
	return &Clients{
		CloudFormation: cloudformation.NewFromConfig(c),
		EC2:            ec2.NewFromConfig(c),
		Events:         eventbridge.NewFromConfig(c),
		EKS:            eks.NewFromConfig(c),
		IAM:            iam.NewFromConfig(c),
		Lambda:         lambda.NewFromConfig(c),
		LoadBalancing:  elasticloadbalancingv2.NewFromConfig(c),
		Logs:           cloudwatchlogs.NewFromConfig(c),
		S3:             s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
		SQS:            sqs.NewFromConfig(c),
	}
}
