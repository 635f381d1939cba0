package main

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// account reads an AWS account, one topic beside the other. The SDK tries again
// what was throttled.
type account struct {
	network network
	use     networkUse
	vpcs    vpcSettings
	routes  routing
	compute compute
	eks     clusters
	logs    logGroups
	iam     identities
	kms     keys
	s3      chartBucket
	quotas  quotas
}

// read fills in what a launch or an update depends on. What cannot be read is
// left open, with a word in Unread.
func (a account) read(ctx context.Context, f *preflight.Facts) {
	asked := preflight.Asked(*f)
	l := &looks{before: *f, facts: f}
	a.readNetwork(ctx, l, asked)
	a.readCompute(ctx, l, asked)
	a.readCluster(ctx, l, asked)
	a.readIdentities(ctx, l, asked)
	if asked.Key {
		look(l, f.Answers.KmsKeyArn, func() (*preflight.Key, error) { return a.kms.key(ctx, l, l.before.Answers.KmsKeyArn) },
			func(f *preflight.Facts, k *preflight.Key) { f.Key = k })
	}
	if asked.Charts {
		look(l, f.Answers.ChartSource, func() (*preflight.Charts, error) { return a.s3.charts(ctx, l.before.Answers) },
			func(f *preflight.Facts, c *preflight.Charts) { f.Charts = c })
	}
	l.wait.Wait()
}

// looks are reads that run beside each other.
type looks struct {
	// before is what was known before the first of them: the answers.
	before preflight.Facts
	wait   sync.WaitGroup
	mu     sync.Mutex       // of facts
	facts  *preflight.Facts // what they find
}

// look starts a read about something and keeps what it gives. A read that fails
// is told in Unread.
func look[T any](l *looks, on string, read func() (T, error), keep func(*preflight.Facts, T)) {
	l.wait.Go(func() {
		got, err := read()
		if err != nil {
			l.failed(on, err)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		keep(l.facts, got)
	})
}

// failed tells of a read that failed, or of a part of one.
func (l *looks) failed(on string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.Unread = append(l.facts.Unread, unread(on, err))
}

func unread(on string, err error) preflight.Unread {
	denied, text := awserror.Denied(err), awserror.Text(err)
	return preflight.Unread{
		On: on, Action: awserror.Action(err), Text: text,
		Denied: denied, ByOrganization: denied && strings.Contains(strings.ToLower(text), "service control policy"),
	}
}

// values are the texts behind pointers.
func values[T any](items []T, of func(T) *string) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		out = append(out, aws.ToString(of(i)))
	}
	return out
}
