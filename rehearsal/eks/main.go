// Command localkube plays an EKS cluster on loopback: etcd, Kubernetes' API
// server, controller manager and scheduler, kubelets that play pods, and EKS's
// authentication, in one process. README.md says what is played and what is not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/e6data/aws-quickstart/rehearsal/eks/options"
)

func main() {
	o, err := options.Parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	if o.StopOnStdinEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, o, os.Getenv("PATH"), os.Stdout); err != nil {
		fail(err)
	}
	// Exit at once: Kubernetes' components would take seconds to end the watches
	// that they hold on each other.
	os.Exit(0)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "localkube:", err)
	os.Exit(1)
}
