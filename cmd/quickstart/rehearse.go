package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

func rehearseCommand(getenv func(string) string) *cobra.Command {
	c := &cobra.Command{
		Use:   "rehearse",
		Short: "Run the quickstart on an embedded AWS and Kubernetes, with no AWS account",
	}
	c.AddCommand(rehearseRunCommand(getenv))
	return c
}

func rehearseRunCommand(getenv func(string) string) *cobra.Command {
	var o rehearsal.RunOptions
	var parameters, changes map[string]string
	c := &cobra.Command{
		Use:   "run",
		Short: "Create, update and delete the stack, and check that nothing is left",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			version, err := os.ReadFile(filepath.Join(o.Dir, "VERSION"))
			if err != nil {
				return fmt.Errorf("%q is not a built version (run make release): %w", o.Dir, err)
			}
			o.Version = strings.TrimSpace(string(version))
			o.Parameters, o.Changes = sampleParameters(), sampleChanges()
			maps.Copy(o.Parameters, parameters)
			maps.Copy(o.Changes, changes)
			o.Output = cmd.OutOrStdout()
			_, err = rehearsal.Run(cmd.Context(), o)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Region, "region", "us-east-1", "AWS region to play")
	f.StringVar(&o.Order, "order", getenv("ORDER"), "order of independent resources: custom-first, or a number that seeds a shuffle (default: $ORDER)")
	f.StringToStringVar(&parameters, "parameter", nil, "template parameter NAME=VALUE for the create (repeatable)")
	f.StringToStringVar(&changes, "change", nil, "template parameter NAME=VALUE for the update (repeatable)")
	f.BoolVar(&o.Keep, "keep", false, "keep the state folder with all logs")
	f.StringVar(&o.StateDir, "state", "", "state folder with a short path (default: a new one under the system's temporary folder)")
	f.StringVar(&o.Dir, "dist", getenv("QUICKSTART_DIST"), "built version to deploy (default: $QUICKSTART_DIST)")
	f.StringVar(&o.Python, "python", getenv("REHEARSAL_PYTHON"), "interpreter with MiniStack (default: $REHEARSAL_PYTHON)")
	f.StringVar(&o.Localkube, "localkube", getenv("REHEARSAL_LOCALKUBE"), "embedded Kubernetes (default: $REHEARSAL_LOCALKUBE)")
	f.StringVar(&o.Karpenter, "karpenter", getenv("REHEARSAL_KARPENTER"), "Karpenter's controller (default: $REHEARSAL_KARPENTER)")
	f.StringVar(&o.Controllers, "controllers", getenv("REHEARSAL_CONTROLLERS"), "stand-in controllers (default: $REHEARSAL_CONTROLLERS)")
	f.StringVar(&o.Launcher, "launcher", getenv("REHEARSAL_LAUNCHER"), "embedded AWS (default: $REHEARSAL_LAUNCHER)")
	return c
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
