package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// iamOf is an IAM with OIDC providers. Writes act on what is; reads may show
// what was up to lag ago, as IAM's do.
type iamOf struct {
	mu        sync.Mutex
	providers map[string][]version // by ARN, the newest last
	roles     map[string]string    // trust policies by name
	lag       time.Duration
	// latency is the longest that a call takes; what it does, it does in between.
	latency time.Duration
	random  *rand.Rand
	// fault, when set, may fail a call instead of doing it.
	fault func(operation string) error
	// deleted, when set, hears of every provider that goes.
	deleted func(arn string)
	calls   []string // of writes
	reads   int
}

// version is what a provider was from a time on; nil: it was not there.
type version struct {
	since  time.Time
	record *record
}

type record struct {
	audiences []string
	tags      map[string]string
}

func newIAM() *iamOf {
	return &iamOf{providers: map[string][]version{}, roles: map[string]string{}, random: rand.New(rand.NewPCG(1, 1))}
}

// has puts a provider there, long ago.
func (f *iamOf) has(arn string, audiences []string, tags map[string]string) { //nolint:unparam // reads as a sentence
	f.providers[arn] = []version{{record: &record{audiences, tags}}}
}

// now is what a provider is; nil: it is not there.
func (f *iamOf) now(arn string) *record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest(arn)
}

func (f *iamOf) newest(arn string) *record {
	if v := f.providers[arn]; len(v) > 0 {
		return v[len(v)-1].record
	}
	return nil
}

// call runs one operation, in the middle of the time that it takes.
func (f *iamOf) call(operation, what string, do func() error) error {
	before, after := f.wait(), f.wait()
	time.Sleep(before)
	defer time.Sleep(after)
	f.mu.Lock()
	defer f.mu.Unlock()
	if operation == "Get" || operation == "ListRoles" {
		f.reads++
	} else {
		f.calls = append(f.calls, strings.TrimSpace(operation+" "+what))
	}
	if f.fault != nil {
		if err := f.fault(operation); err != nil {
			return err
		}
	}
	return do()
}

func (f *iamOf) wait() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.latency == 0 {
		return 0
	}
	return time.Duration(f.random.Int64N(int64(f.latency)))
}

// put is called with the lock.
func (f *iamOf) put(arn string, r *record) {
	f.providers[arn] = append(f.providers[arn], version{time.Now(), r})
}

func none(arn string) error {
	return &types.NoSuchEntityException{Message: aws.String("OpenIDConnect Provider not found for arn " + arn)}
}

func (f *iamOf) GetOpenIDConnectProvider(_ context.Context, in *iam.GetOpenIDConnectProviderInput, _ ...func(*iam.Options)) (out *iam.GetOpenIDConnectProviderOutput, err error) {
	arn := *in.OpenIDConnectProviderArn
	err = f.call("Get", "", func() error {
		at := time.Now()
		if f.lag > 0 {
			at = at.Add(-time.Duration(f.random.Int64N(int64(f.lag))))
		}
		var seen *record
		for _, v := range f.providers[arn] {
			if !v.since.After(at) {
				seen = v.record
			}
		}
		if seen == nil {
			return none(arn)
		}
		out = &iam.GetOpenIDConnectProviderOutput{ClientIDList: seen.audiences}
		for _, key := range slices.Sorted(maps.Keys(seen.tags)) {
			out.Tags = append(out.Tags, mark(key, seen.tags[key]))
		}
		return nil
	})
	return out, err
}

func (f *iamOf) CreateOpenIDConnectProvider(_ context.Context, in *iam.CreateOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.CreateOpenIDConnectProviderOutput, error) {
	arn := "arn:aws:iam::111122223333:oidc-provider/" + strings.TrimPrefix(*in.Url, "https://")
	if strings.HasSuffix(*in.Url, ".com.cn/id/8EBD00AE") {
		arn = strings.Replace(arn, "arn:aws:", "arn:aws-cn:", 1)
	}
	what := fmt.Sprintf("%s for %s", *in.Url, strings.Join(in.ClientIDList, ","))
	if in.ThumbprintList != nil {
		what += " with thumbprints"
	}
	err := f.call("Create", what, func() error {
		if f.newest(arn) != nil {
			return &types.EntityAlreadyExistsException{Message: aws.String("Provider with url " + *in.Url + " already exists.")}
		}
		r := &record{in.ClientIDList, map[string]string{}}
		for _, t := range in.Tags {
			r.tags[*t.Key] = *t.Value
		}
		f.put(arn, r)
		return nil
	})
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: &arn}, err
}

// as is the IAM of one stack's function.
func (f *iamOf) as(stack string) caller { return caller{f, stack} }

type caller struct {
	*iamOf
	stack string
}

// DeleteOpenIDConnectProvider is allowed, by the function's policy, for what has
// its own stack's mark.
func (c caller) DeleteOpenIDConnectProvider(_ context.Context, in *iam.DeleteOpenIDConnectProviderInput, options ...func(*iam.Options)) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	var o iam.Options
	for _, set := range options {
		set(&o)
	}
	what := ""
	if o.RetryMaxAttempts != 1 {
		what = "with the SDK's retries"
	}
	arn := *in.OpenIDConnectProviderArn
	return &iam.DeleteOpenIDConnectProviderOutput{}, c.call("Delete", what, func() error {
		if r := c.newest(arn); r == nil || r.tags[contract.MadeByTag] != c.stack {
			return errDenied
		}
		c.put(arn, nil)
		if c.deleted != nil {
			c.deleted(arn)
		}
		return nil
	})
}

func (f *iamOf) TagOpenIDConnectProvider(_ context.Context, in *iam.TagOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.TagOpenIDConnectProviderOutput, error) {
	var keys []string
	for _, t := range in.Tags {
		keys = append(keys, *t.Key)
	}
	return &iam.TagOpenIDConnectProviderOutput{}, f.call("Tag", strings.Join(keys, " "), func() error {
		return f.change(*in.OpenIDConnectProviderArn, func(tags map[string]string) {
			for _, t := range in.Tags {
				tags[*t.Key] = *t.Value
			}
		})
	})
}

func (f *iamOf) UntagOpenIDConnectProvider(_ context.Context, in *iam.UntagOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.UntagOpenIDConnectProviderOutput, error) {
	return &iam.UntagOpenIDConnectProviderOutput{}, f.call("Untag", strings.Join(in.TagKeys, " "), func() error {
		return f.change(*in.OpenIDConnectProviderArn, func(tags map[string]string) {
			for _, key := range in.TagKeys {
				delete(tags, key)
			}
		})
	})
}

// judge is the function's policy: it may change what a stack made. A provider
// that is gone has no tags either, and IAM judges before it looks.
func (f *iamOf) judge(arn string) error {
	if r := f.newest(arn); r == nil || r.tags[contract.MadeByTag] == "" {
		return errDenied
	}
	return nil
}

func (f *iamOf) change(arn string, do func(map[string]string)) error {
	if err := f.judge(arn); err != nil {
		return err
	}
	old := f.newest(arn)
	changed := &record{old.audiences, maps.Clone(old.tags)}
	if changed.tags == nil {
		changed.tags = map[string]string{}
	}
	do(changed.tags)
	f.put(arn, changed)
	return nil
}

// ListRoles answers two roles a page.
func (f *iamOf) ListRoles(_ context.Context, in *iam.ListRolesInput, _ ...func(*iam.Options)) (out *iam.ListRolesOutput, err error) {
	err = f.call("ListRoles", "", func() error {
		out = &iam.ListRolesOutput{}
		for _, name := range slices.Sorted(maps.Keys(f.roles)) {
			if in.Marker != nil && name <= *in.Marker {
				continue
			}
			if len(out.Roles) == 2 {
				out.IsTruncated, out.Marker = true, out.Roles[1].RoleName
				break
			}
			out.Roles = append(out.Roles, types.Role{RoleName: &name, AssumeRolePolicyDocument: aws.String(url.QueryEscape(f.roles[name]))})
		}
		return nil
	})
	return out, err
}

// once fails the first call of an operation.
func once(operation string, err error) func(string) error {
	failed := false
	return func(o string) error {
		if o != operation || failed {
			return nil
		}
		failed = true
		return err
	}
}

// always fails all calls of an operation.
func always(operation string, err error) func(string) error {
	return func(o string) error {
		if o != operation {
			return nil
		}
		return err
	}
}

var (
	errDenied     = &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform"}
	errConcurrent = &types.ConcurrentModificationException{Message: aws.String("changed at the same time")}
	errThrottled  = &smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}
)

// check compares what was written, and the provider's tags now.
func (f *iamOf) check(t *testing.T, calls []string, tags map[string]string) {
	t.Helper()
	if diff := cmp.Diff(calls, f.calls); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	var have map[string]string
	if r := f.now(providerID); r != nil {
		have = r.tags
	}
	if diff := cmp.Diff(tags, have); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
