// Command controllers holds the rehearsal's stand-ins for controllers that
// AWS publishes as images. The embedded EKS starts it for pods that have those
// images, with the credentials of their service account's role.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/e6data/aws-quickstart/rehearsal/controllers/controller"
	"github.com/e6data/aws-quickstart/rehearsal/controllers/ebscsi"
	"github.com/e6data/aws-quickstart/rehearsal/controllers/loadbalancer"
)

const usage = "usage: controllers load-balancer|ebs-csi [flags of the image's program]"

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := controller.ParseFlags(args[1:])
	kube, err := controller.Connect(os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	// Region, endpoint, CA and the role of the service account come from AWS_*, as in the real programs' pods.
	region := flags.Text("aws-region", os.Getenv("AWS_REGION"))
	aws, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return fmt.Errorf("AWS settings from the environment: %w", err)
	}
	if aws.Region == "" {
		// The real programs ask the instance metadata service, which pods cannot reach where the hop limit is 1.
		return errors.New("no region: set --aws-region or AWS_REGION")
	}
	// The pods of a cluster share this host, so the embedded EKS gives each port of a container another one here.
	ports := controller.Ports(os.Getenv("REHEARSAL_PORTS"))
	switch args[0] {
	case "load-balancer":
		return loadbalancer.Run(ctx, kube, aws, flags, ports)
	case "ebs-csi":
		return ebscsi.Run(ctx, kube, aws, flags, ports)
	}
	return errors.New(usage)
}
