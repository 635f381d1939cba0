package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

func buildCommand() *cobra.Command {
	var (
		out, source   string
		architectures []string
	)
	c := &cobra.Command{
		Use:   "build",
		Short: "Build the functions' zips; the same commit gives the same bytes",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range architectures {
				a, err := artifact.ParseArchitecture(text)
				if err != nil {
					return err
				}
				for _, function := range artifact.Functions {
					path, err := artifact.Build(cmd.Context(), source, function, a, out)
					if err != nil {
						return err
					}
					info, err := os.Stat(path)
					if err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %.1f MB\n", path, float64(info.Size())/1e6)
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "dist", "folder for the zips")
	c.Flags().StringVar(&source, "source", ".", "the project's folder")
	c.Flags().StringSliceVar(&architectures, "architectures", []string{string(artifact.ARM64), string(artifact.X8664)}, "arm64, x86_64")
	return c
}
