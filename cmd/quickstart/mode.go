package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// modeFlag adds the flag --mode, which checkMode checks.
func modeFlag(c *cobra.Command, mode *string) {
	c.Flags().StringVar(mode, "mode", "", strings.Join(contract.Modes(), ", "))
}

func checkMode(mode string) error {
	if !slices.Contains(contract.Modes(), mode) {
		return usageError{fmt.Errorf("mode %q: want --mode with one of %s", mode, strings.Join(contract.Modes(), ", "))}
	}
	return nil
}
