// Command localkube plays an EKS cluster on loopback: etcd, Kubernetes' API
// server, controller manager and scheduler, kubelets that play pods, and EKS's
// authentication, in one process. README.md says what is played and what is not.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	o, stopOnEOF, err := parseFlags(os.Args[1:], os.Stderr)
	if err != nil {
		if err == flag.ErrHelp { //nolint:errorlint // the flag package returns it as it is
			os.Exit(0)
		}
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	if stopOnEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, o, os.Stdout); err != nil {
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
