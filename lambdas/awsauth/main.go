// Command awsauth is the Lambda function behind Custom::AWSAuth, which lets a
// principal into an existing cluster: by an access entry where the cluster's
// authentication mode has them, else by an entry in the ConfigMap aws-auth. For
// the latter it runs inside the cluster's network.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"k8s.io/klog/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

func main() {
	logger := lambdacontext.NewLogger()
	slog.SetDefault(logger)
	klog.SetSlogLogger(logger)

	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		logger.Error("AWS configuration", "error", err)
		os.Exit(1)
	}
	api := eks.NewFromConfig(cfg)
	mux := customresource.NewMux(customresource.Options{Logger: logger})
	customresource.Register(mux, contract.TypeAWSAuth, &awsAuth{
		clusters:  clusters{eks: api, region: cfg.Region, pace: updatePace},
		entries:   entries{eks: api, pace: entryPace},
		configMap: configMap{doors: newDoors(cfg)},
	})
	lambda.Start(mux.Invoke)
}
