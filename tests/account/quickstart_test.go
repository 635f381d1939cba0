//go:build account

package account

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// TestQuickstart creates, updates and deletes a stack of a published version
// with the credentials of the environment (the SDK's default chain).
//
//	QUICKSTART_ACCOUNT_TEMPLATE_URL  the published quickstart.yaml, in S3
//	QUICKSTART_ACCOUNT_DATA_BUCKETS  comma-joined names for DataBucketNames
//
// What it makes is named acctest-<time>. The two buckets that the template
// retains are emptied and deleted at the end, also after a failure.
func TestQuickstart(t *testing.T) {
	url, buckets := os.Getenv("QUICKSTART_ACCOUNT_TEMPLATE_URL"), os.Getenv("QUICKSTART_ACCOUNT_DATA_BUCKETS")
	if url == "" || buckets == "" {
		t.Skip("QUICKSTART_ACCOUNT_TEMPLATE_URL and QUICKSTART_ACCOUNT_DATA_BUCKETS are not set")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clients := &rehearsal.Clients{CloudFormation: cloudformation.NewFromConfig(cfg), S3: s3.NewFromConfig(cfg)}
	workspace := fmt.Sprintf("acctest-%d", time.Now().Unix()%1_000_000)
	stack := clients.NewStack(workspace, url, func(e rehearsal.Event) {
		t.Logf("%8.0fs %s %s %s %s", e.Elapsed.Seconds(), e.LogicalID, e.Type, e.Status, e.Reason)
	})
	t.Cleanup(func() { sweep(t, clients, stack) })
	if err := stack.Create(t.Context(), map[string]string{"WorkspaceName": workspace, "DataBucketNames": buckets}); err != nil {
		t.Fatal(err)
	}
	if err := stack.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000"}); err != nil {
		t.Fatal(err)
	}
	outputs, err := stack.Outputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outputs {
		if o.Key != "WorkspaceConfig" {
			continue
		}
		var c contract.WorkspaceConfig
		if err := json.Unmarshal([]byte(o.Value), &c); err != nil || c.WorkspaceName != workspace {
			t.Errorf("WorkspaceConfig %s: %v", o.Value, err)
		}
	}
}

// sweep deletes the stack and then the buckets that it kept.
func sweep(t *testing.T, clients *rehearsal.Clients, stack *rehearsal.Stack) {
	t.Helper()
	if stack.ID() == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	resources, err := stack.Resources(ctx)
	if err != nil {
		t.Error(err)
	}
	if err := stack.Delete(ctx); err != nil {
		t.Error(err)
	}
	for logicalID, bucket := range resources {
		if !strings.HasSuffix(logicalID, "Bucket") || bucket == "" {
			continue
		}
		if err := clients.EmptyBucket(ctx, bucket); err != nil {
			t.Error(err)
			continue
		}
		if _, err := clients.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
			t.Error(err)
		}
	}
}
