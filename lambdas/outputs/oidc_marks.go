package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// audience is whom pods' tokens are for, in every partition: what EKS's webhook
// asks for (eks/latest/userguide/enable-iam-roles-for-service-accounts.html).
const audience = "sts.amazonaws.com"

// leaverLives is how long a stack that leaves a provider may be about to delete
// it: the function's longest run, and something for clocks.
const leaverLives = 130 * time.Second

// provider is what an IAM OIDC provider says of itself.
type provider struct {
	audiences []string
	// madeBy is the UUID of the stack that made it; empty: it is the customer's.
	madeBy string
	// users are the workspaces that use it, leavers the times at which stacks
	// began to leave it, both by the stack's UUID.
	users   map[string]string
	leavers map[string]time.Time
}

// readProvider reads the marks. A leaver's time that cannot be read is long ago.
func readProvider(out *iam.GetOpenIDConnectProviderOutput) provider {
	p := provider{audiences: out.ClientIDList, users: map[string]string{}, leavers: map[string]time.Time{}}
	for _, t := range out.Tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		if stack, ok := strings.CutPrefix(key, contract.UsedByTag); ok {
			p.users[stack] = value
		}
		if stack, ok := strings.CutPrefix(key, contract.LeavingTag); ok {
			p.leavers[stack], _ = time.Parse(time.RFC3339, value)
		}
		if key == contract.MadeByTag {
			p.madeBy = value
		}
	}
	return p
}

// knows tells whether a stack made the provider, uses it or has begun to leave
// it.
func (p provider) knows(stack string) bool {
	_, uses := p.users[stack]
	_, leaves := p.leavers[stack]
	return p.madeBy == stack || uses || leaves
}

// others are the workspaces of other stacks that use the provider, sorted.
func (p provider) others(stack string) []string {
	users := maps.Clone(p.users)
	delete(users, stack)
	return slices.Sorted(maps.Values(users))
}

// goers are the UUIDs of other stacks that may delete the provider any moment,
// sorted.
func (p provider) goers(stack string, now time.Time) []string {
	var live []string
	for other, since := range p.leavers {
		if other != stack && now.Sub(since) < leaverLives {
			live = append(live, other)
		}
	}
	slices.Sort(live)
	return live
}

// admits fails for a provider that does not take the tokens of pods.
func (p provider) admits(arn string) error {
	if slices.Contains(p.audiences, audience) {
		return nil
	}
	return fmt.Errorf("the OIDC provider %s was there before and is left as it is, but it lacks the audience %s, "+
		"without which pods can assume no roles: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn %s --client-id %s, "+
		"then launch again", arn, audience, arn, audience)
}

// marks are the tags of a provider that a stack makes.
func marks(stack, workspace string) []types.Tag {
	return []types.Tag{mark(contract.MadeByTag, stack), mark(contract.UsedByTag+stack, workspace)}
}

func mark(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
