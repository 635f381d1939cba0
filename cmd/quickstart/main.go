// Command quickstart builds, rehearses and ships the e6data AWS quickstart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitRed         = 1   // the rehearsal failed, or could not be run
	exitUsage       = 2   // the command line asks for what there is not
	exitInterrupted = 130 // as shells have it for Ctrl-C
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := root(withSettings(os.Getenv, settings())).ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil {
		code := exitCode(err, interrupted)
		if code == exitInterrupted {
			err = errors.New("interrupted; everything that was started has been stopped")
		}
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(code)
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, interrupted bool) int {
	switch {
	case interrupted && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, new(usageError)), strings.HasPrefix(err.Error(), "unknown command"): // cobra's own, without a type
		return exitUsage
	}
	return exitRed
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
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.AddCommand(
		buildCommand(), bundleCommand(getenv), diagnoseCommand(), linkCommand(), policyCommand(), publishCommand(getenv), rehearseCommand(getenv), verifyCommand(),
	)
	return c
}

// noArguments refuses arguments as a mistake of usage.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown argument %q for %q", args[0], c.CommandPath())}
	}
	return nil
}
