// Command outputs is the Lambda function behind the custom resources that ask
// facts of AWS before anything is made and tell results when a workspace is
// finished: Custom::Preflight, Custom::FixedAnswers, Custom::NetworkPlan,
// Custom::ClusterFacts and Custom::WorkspaceOutputs. It runs outside the VPC and
// only reads, but for the IAM OIDC provider of an existing cluster,
// Custom::OidcProvider.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

func main() {
	ctx := context.Background()
	log := lambdacontext.NewLogger()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.ErrorContext(ctx, "load the AWS configuration", "error", err)
		os.Exit(1)
	}
	m := customresource.NewMux(customresource.Options{Logger: log})
	stacks, api := cloudformation.NewFromConfig(cfg), ec2.NewFromConfig(cfg)
	customresource.Register(m, contract.TypePreflight, preflightCheck{account: accountOf(cfg, api), stacks: stacks, log: log})
	customresource.Register(m, contract.TypeClusterFacts, clusterFacts{
		clusters: eks.NewFromConfig(cfg), network: clusterNetwork{api}, stacks: stacks, log: log,
	})
	customresource.Register(m, contract.TypeFixedAnswers, fixedAnswers{})
	customresource.Register(m, contract.TypeNetworkPlan, networkPlan{network: network{api}, ways: clusterNetwork{api}, stacks: stacks, log: log})
	customresource.Register(m, contract.TypeOidcProvider, oidcProvider{providers: providers{iam.NewFromConfig(cfg)}, log: log})
	customresource.Register(m, contract.TypeWorkspaceOutputs, workspaceOutputs{newCallback(sts.NewPresignClient(sts.NewFromConfig(cfg)), log)})
	lambda.Start(m.Invoke)
}

func accountOf(cfg aws.Config, api *ec2.Client) account {
	return account{
		network: network{api},
		use:     networkUse{ec2: api, network: api},
		vpcs:    api,
		routes:  routing{api},
		compute: compute{api},
		eks:     clusters{eks.NewFromConfig(cfg)},
		logs:    logGroups{cloudwatchlogs.NewFromConfig(cfg)},
		iam:     identities{iam.NewFromConfig(cfg)},
		kms:     keys{kms.NewFromConfig(cfg)},
		s3:      chartBucket{s3.NewFromConfig(cfg)},
		quotas:  quotas{servicequotas.NewFromConfig(cfg)},
	}
}
