package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Workspaces come and go at any times, several at once, with an IAM that shows
// changes late: nobody who has joined ever loses the provider, and the last one
// takes it along.
func TestOidcProviderIsSharedByManyWorkspaces(t *testing.T) {
	const workspaces = 4
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			api := newIAM()
			api.random = rand.New(rand.NewPCG(seed, 1))
			api.lag, api.latency = 4*time.Second, 400*time.Millisecond
			var (
				mu     sync.Mutex
				joined = map[string]bool{}
				all    sync.WaitGroup
			)
			api.deleted = func(string) {
				mu.Lock()
				defer mu.Unlock()
				if len(joined) > 0 {
					t.Errorf("seed %d: deleted while %v use it; writes: %v", seed, slices.Sorted(maps.Keys(joined)), api.calls)
				}
			}
			for n := range workspaces {
				name := fmt.Sprintf("w%d", n)
				start, stay := time.Duration(random.Int64N(int64(20*time.Second))), time.Duration(random.Int64N(int64(20*time.Second)))
				all.Go(func() {
					for range 2 {
						time.Sleep(start)
						ctx, cancel := context.WithTimeout(t.Context(), functionRun)
						_, err := handlerOf(api, name).Create(ctx, asks(name))
						cancel()
						if err != nil {
							t.Errorf("seed %d: %s: %v", seed, name, err)
							return
						}
						mu.Lock()
						joined[name] = true
						mu.Unlock()
						if r := api.now(providerID); r == nil || r.tags[contract.UsedByTag+name] == "" {
							t.Errorf("seed %d: %s joined %v", seed, name, r)
						}
						time.Sleep(stay)
						mu.Lock()
						delete(joined, name)
						mu.Unlock()
						ctx, cancel = context.WithTimeout(t.Context(), functionRun)
						err = handlerOf(api, name).Delete(ctx, leaves(name))
						cancel()
						if err != nil {
							t.Errorf("seed %d: %s: %v", seed, name, err)
						}
					}
				})
			}
			all.Wait()
			if r := api.now(providerID); r != nil {
				t.Errorf("seed %d: left behind with %v; writes: %v", seed, r.tags, api.calls)
			}
		})
		if t.Failed() {
			return
		}
	}
}
