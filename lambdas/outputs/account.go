package main

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

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

// prefixes are the IAM prefixes of services, by the SDK's names.
var prefixes = map[string]string{
	"CloudWatch Logs": "logs", "EC2": "ec2", "EKS": "eks", "IAM": "iam", "KMS": "kms", "S3": "s3", "Service Quotas": "servicequotas",
}

func unread(on string, err error) preflight.Unread {
	u := preflight.Unread{On: on, Text: err.Error()}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		u.Action = prefixes[op.Service()] + ":" + op.Operation()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		u.Text = api.ErrorCode() + ": " + api.ErrorMessage()
		u.Denied = isDenied(err)
		u.ByOrganization = u.Denied && strings.Contains(strings.ToLower(api.ErrorMessage()), "service control policy")
	}
	return u
}

// hasCode tells whether AWS answered with one of these error codes.
func hasCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}

// isDenied tells whether a right was missing: each service has its own word.
func isDenied(err error) bool {
	return hasCode(err, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "NotAuthorized", "AuthFailure")
}

// values are the texts behind pointers.
func values[T any](items []T, of func(T) *string) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		out = append(out, aws.ToString(of(i)))
	}
	return out
}
