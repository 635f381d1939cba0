package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

func rehearseCommand(getenv func(string) string) *cobra.Command {
	c := &cobra.Command{
		Use:   "rehearse",
		Short: "Run the quickstart on an embedded AWS and Kubernetes, with no AWS account",
		Long: `Run the quickstart on an embedded AWS and Kubernetes, with no AWS account.

Every server listens on 127.0.0.1. No profile, credentials file or instance metadata is read.

Exit codes: 0 green, 1 red, 2 a mistake on the command line, 130 interrupted.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return requireLoopback(getenv)
		},
	}
	c.AddCommand(rehearseRunCommand(getenv), rehearseUpCommand(getenv), rehearseStatusCommand(getenv), rehearseEnvCommand(getenv), rehearseDownCommand(getenv))
	return c
}

// endpointVariables lead AWS's SDKs to another endpoint (AWS SDKs and Tools
// reference guide, "Service-specific endpoints").
var endpointVariables = []string{
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDFORMATION", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_EKS",
	"AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS",
}

// requireLoopback refuses a shell that is set up for another endpoint. The
// rehearsal would not use it, but its user expects that it does.
func requireLoopback(getenv func(string) string) error {
	for _, name := range endpointVariables {
		if endpoint := getenv(name); endpoint != "" {
			if err := rehearsal.RequireLoopback("$"+name, endpoint); err != nil {
				return usageError{fmt.Errorf("%w; unset it", err)}
			}
		}
	}
	return nil
}

// environmentFlags are the flags that say what an environment is made of.
func environmentFlags(f *pflag.FlagSet, c *rehearsal.Config, a *rehearsal.Artifacts, getenv func(string) string) {
	f.StringVar(&c.Region, "region", "us-east-1", "AWS region to play")
	f.StringVar(&c.Order, "order-seed", getenv("ORDER"), "order of independent resources: custom-first, or a number that seeds a shuffle (default: $ORDER)")
	f.StringVar(&c.Order, "order", getenv("ORDER"), "the same as --order-seed")
	_ = f.MarkHidden("order")
	f.IntVar(&c.Port, "port", 0, "port of the embedded AWS (default: a free one)")
	f.StringVar(&a.Dir, "dist", getenv("QUICKSTART_DIST"), "built version to deploy (default: $QUICKSTART_DIST)")
	f.StringVar(&c.Python, "python", getenv("REHEARSAL_PYTHON"), "interpreter with MiniStack (default: $REHEARSAL_PYTHON)")
	f.StringVar(&c.Localkube, "localkube", getenv("REHEARSAL_LOCALKUBE"), "embedded Kubernetes (default: $REHEARSAL_LOCALKUBE)")
	f.StringVar(&c.Karpenter, "karpenter", getenv("REHEARSAL_KARPENTER"), "Karpenter's controller (default: $REHEARSAL_KARPENTER)")
	f.StringVar(&c.Controllers, "controllers", getenv("REHEARSAL_CONTROLLERS"), "stand-in controllers (default: $REHEARSAL_CONTROLLERS)")
	f.StringVar(&c.Launcher, "launcher", getenv("REHEARSAL_LAUNCHER"), "embedded AWS (default: $REHEARSAL_LAUNCHER)")
}

// checkEnvironment refuses what the flags must not say, and reads the version.
func checkEnvironment(c *rehearsal.Config, a *rehearsal.Artifacts) error {
	if o := c.Order; o != "" && o != "custom-first" && strings.Trim(strings.TrimPrefix(o, "-"), "0123456789") != "" {
		return usageError{fmt.Errorf("order %q: want custom-first or a number", o)}
	}
	if c.Port < 0 || c.Port > 65535 {
		return usageError{fmt.Errorf("port %d: want one from 1 to 65535", c.Port)}
	}
	version, err := os.ReadFile(filepath.Join(a.Dir, "VERSION"))
	if err != nil {
		return fmt.Errorf("%q is not a built version (run make release): %w", a.Dir, err)
	}
	a.Version = strings.TrimSpace(string(version))
	return nil
}

// sampleParameters are what a customer would type, and the architecture of the
// machine on which the functions run here.
func sampleParameters() map[string]string {
	return map[string]string{
		"WorkspaceName":        "analytics",
		"DataBucketNames":      "example-sales-data,example-events-data",
		"FunctionArchitecture": string(artifact.Host()),
	}
}

// sampleChanges change both our own chart's values and the workspace chart's.
func sampleChanges() map[string]string {
	return map[string]string{
		"NodePoolCpuLimit": "2000",
		"DebugNamespaces":  "kube-system,default",
	}
}
