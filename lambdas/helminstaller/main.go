// Command helminstaller is the Lambda function behind the custom resources that
// need Kubernetes and Helm, inside the cluster's network: Custom::HelmRelease
// installs, upgrades and uninstalls a release, Custom::ClusterCheck looks first
// whether an existing cluster suits a workspace.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"k8s.io/klog/v2"

	"github.com/e6data/aws-quickstart/charts"
	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
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
	mux := customresource.NewMux(customresource.Options{Logger: logger})
	connector := kube.NewConnector(cfg)
	customresource.Register(mux, contract.TypeHelmRelease, &helmRelease{
		charts:   chart.NewSource(cfg, charts.FS),
		clusters: newClusters(connector, release.DefaultTiming),
	})
	customresource.Register(mux, contract.TypeClusterCheck, &clusterCheck{clusters: newWatchers(connector)})
	lambda.Start(mux.Invoke)
}
