package controller

import (
	"context"
	"log/slog"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// A failing key is tried again after 5 ms, 10 ms and so on, up to longestWait.
// The real controllers go up to 1000 seconds.
const (
	firstWait   = 5 * time.Millisecond
	longestWait = 30 * time.Second
)

// Queue calls a function for keys, one at a time, and again for those that fail.
type Queue struct {
	name      string
	reconcile func(ctx context.Context, key string) error
	keys      workqueue.TypedRateLimitingInterface[string]
}

// NewQueue makes a queue whose name stands in the log.
func NewQueue(name string, reconcile func(ctx context.Context, key string) error) *Queue {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstWait, longestWait)
	return &Queue{name: name, reconcile: reconcile, keys: workqueue.NewTypedRateLimitingQueue(limiter)}
}

// Add wants key to be reconciled.
func (q *Queue) Add(key string) { q.keys.Add(key) }

func (q *Queue) run(ctx context.Context) {
	context.AfterFunc(ctx, q.keys.ShutDown)
	for {
		key, done := q.keys.Get()
		if done {
			return
		}
		if err := q.reconcile(ctx, key); err != nil {
			slog.ErrorContext(ctx, "reconciler error", "queue", q.name, "key", key, "error", err)
			q.keys.AddRateLimited(key)
		} else {
			q.keys.Forget(key)
		}
		q.keys.Done(key)
	}
}
