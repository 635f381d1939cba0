// Command quickstart builds, rehearses and ships the e6data AWS quickstart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root(os.Getenv).ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
	case interrupted && errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "quickstart: interrupted; everything that was started has been stopped")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// root is the whole command. Its flags take their defaults from the
// environment that make sets.
func root(getenv func(string) string) *cobra.Command {
	c := &cobra.Command{
		Use:           "quickstart",
		Short:         "Build, rehearse and ship the e6data AWS quickstart",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(buildCommand(), rehearseCommand(getenv))
	return c
}
