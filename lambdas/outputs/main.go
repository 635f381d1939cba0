// Command outputs is the Lambda function behind the custom resources that ask
// facts of AWS before a network is made and tell results when a workspace is
// finished: Custom::FixedAnswers, Custom::NetworkPlan, Custom::ClusterFacts and
// Custom::WorkspaceOutputs. It runs outside the VPC and reads: EC2's zones, and of an existing VPC its blocks, subnets, internet
// gateway and the ways out of given subnets; an existing cluster and its network; the status of its own stack. What it makes is the IAM OIDC
// provider of such a cluster, Custom::OidcProvider.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	customresource.Register(m, contract.TypeClusterFacts, clusterFacts{
		clusters: eks.NewFromConfig(cfg), network: clusterNetwork{ec2.NewFromConfig(cfg)}, stacks: cloudformation.NewFromConfig(cfg), log: log,
	})
	customresource.Register(m, contract.TypeFixedAnswers, fixedAnswers{})
	customresource.Register(m, contract.TypeNetworkPlan, networkPlan{
		network: network{ec2.NewFromConfig(cfg)}, ways: clusterNetwork{ec2.NewFromConfig(cfg)}, stacks: cloudformation.NewFromConfig(cfg), log: log,
	})
	customresource.Register(m, contract.TypeOidcProvider, oidcProvider{providers: providers{iam.NewFromConfig(cfg)}, log: log})
	customresource.Register(m, contract.TypeWorkspaceOutputs, workspaceOutputs{newCallback(sts.NewPresignClient(sts.NewFromConfig(cfg)), log)})
	lambda.Start(m.Invoke)
}
