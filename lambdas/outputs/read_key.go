package main

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// keyReader is the part of the KMS API that is read.
type keyReader interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	ListGrants(context.Context, *kms.ListGrantsInput, ...func(*kms.Options)) (*kms.ListGrantsOutput, error)
}

type keys struct{ api keyReader }

// key reads the customer's key. That its policy or its grants cannot be read is
// told by itself: in another account that is usual.
func (k keys) key(ctx context.Context, l *looks, arn string) (*preflight.Key, error) {
	out, err := k.api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if awserror.HasCode(err, "NotFoundException") {
		return &preflight.Key{}, nil
	}
	if err != nil {
		return nil, err
	}
	m := out.KeyMetadata
	found := &preflight.Key{Found: true, State: string(m.KeyState), Usage: string(m.KeyUsage), Spec: string(m.KeySpec), Manager: string(m.KeyManager)}
	if policy, err := k.api.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &arn, PolicyName: aws.String("default")}); err != nil {
		l.failed(arn, err)
	} else {
		found.Policy = aws.ToString(policy.Policy)
	}
	if found.Grantees, err = k.grantees(ctx, arn); err != nil {
		l.failed(arn, err)
	}
	found.GrantsRead = err == nil
	return found, nil
}

// grantees are the principals that may lend the key to disks.
func (k keys) grantees(ctx context.Context, arn string) ([]string, error) {
	var found []string
	pages := kms.NewListGrantsPaginator(k.api, &kms.ListGrantsInput{KeyId: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.Grants {
			if slices.Contains(g.Operations, types.GrantOperationCreateGrant) {
				found = append(found, aws.ToString(g.GranteePrincipal))
			}
		}
	}
	return found, nil
}
