package kube

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
)

// AccessPatience is how long a refusal of a known role may be only that: EKS
// applies changes of access entries after some seconds ("access entries are
// eventually consistent", EKS User Guide, "Create access entries").
const AccessPatience = 30 * time.Second

// Admitted makes one small request (the server's version) and returns when the
// cluster lets this role in. While the answer is Unauthorized it asks again for
// as long as patience; any other failure is returned at once. The error is
// Explain's.
func (c *Cluster) Admitted(ctx context.Context, patience time.Duration) error {
	client, err := discovery.NewDiscoveryClientForConfig(c.Config())
	if err != nil {
		return fmt.Errorf("cluster %s: %w", c.name, err)
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		_, err := client.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
		if apierrors.IsUnauthorized(err) {
			slog.InfoContext(ctx, "the cluster does not know this role, asking again", "cluster", c.name)
			return struct{}{}, err
		}
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 500 * time.Millisecond, Multiplier: 2, MaxInterval: 4 * time.Second}),
		backoff.WithMaxElapsedTime(patience))
	return c.Explain(ctx, err)
}
