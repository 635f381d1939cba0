package rehearsal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// listRules lists the rules of the default bus.
func listRules(ctx context.Context, c *Clients) (ids []string, err error) {
	in := &eventbridge.ListRulesInput{}
	for {
		page, err := c.Events.ListRules(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Rules {
			ids = append(ids, aws.ToString(r.Name))
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return ids, nil
		}
	}
}

// listQueues lists the queues by URL.
func listQueues(ctx context.Context, c *Clients) (ids []string, err error) {
	p := sqs.NewListQueuesPaginator(c.SQS, &sqs.ListQueuesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *sqs.ListQueuesOutput) { ids = append(ids, o.QueueUrls...) })
	return ids, err
}

// listQueuePolicies lists the URLs of the queues that have a policy.
func listQueuePolicies(ctx context.Context, c *Clients) (ids []string, err error) {
	queues, err := listQueues(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, url := range queues {
		answer, err := c.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy},
		})
		if err != nil {
			return nil, fmt.Errorf("read the policy of %s: %w", url, err)
		}
		if answer.Attributes[string(sqstypes.QueueAttributeNamePolicy)] != "" {
			ids = append(ids, url)
		}
	}
	return ids, nil
}
