package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The tables ask; these tests call, with credentials of the roles, got the way
// their users get them.

func (w *permissionWorld) callAsEverybody(t *testing.T) {
	w.makeRole(t, "stranger")
	t.Run("who assumes the cross-account role", w.assumeCrossAccount)
	t.Run("who assumes roles of service accounts", w.assumeByServiceAccount)
	t.Run("nobody else assumes a role", w.assumeAsStranger)
	t.Run("what the control plane may do", w.callAsControlPlane)
	t.Run("what the engine may do", w.callAsEngine)
	t.Run("what a function logs", w.logWithout)
	t.Run("what outlives the stack", w.deleteStack)
}

// makeRole makes a role outside of the stack that may assume any that lets it.
func (w *permissionWorld) makeRole(t *testing.T, name string) {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::` + account + `:root"}}]}`
	if _, err := w.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"}]}`
	if _, err := w.clients.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("assume"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
}

// as is the environment's configuration with other credentials; nil: none.
func (w *permissionWorld) as(c *ststypes.Credentials) aws.Config {
	config := w.AWSConfig()
	config.Credentials = aws.AnonymousCredentials{}
	if c != nil {
		config.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	}
	config.RetryMaxAttempts = 1
	return config
}

// session is a session of a role that newPermissionWorld's account made.
func (w *permissionWorld) session(t *testing.T, name string) aws.Config {
	t.Helper()
	out, err := sts.NewFromConfig(w.AWSConfig()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + name), RoleSessionName: aws.String("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.as(out.Credentials)
}

// assume assumes the cross-account role; a nil external ID is none.
func (w *permissionWorld) assume(ctx context.Context, caller aws.Config, externalID *string, tags ...ststypes.Tag) (*ststypes.Credentials, error) {
	out, err := sts.NewFromConfig(caller).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(w.roles["CrossAccountRole"]), RoleSessionName: aws.String("test"), ExternalId: externalID, Tags: tags,
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

func (w *permissionWorld) assumeCrossAccount(t *testing.T) {
	right := aws.String(w.fill.Replace("{externalId}"))
	tag := ststypes.Tag{Key: aws.String("workspace"), Value: aws.String("analytics")}
	controlPlane, stranger := w.session(t, controlPlaneRole), w.session(t, "stranger")
	for name, tt := range map[string]struct {
		caller     aws.Config
		externalID *string
		tags       []ststypes.Tag
		allowed    bool
	}{
		"the control plane with the external ID":                  {controlPlane, right, nil, true},
		"with tags of the session":                                {controlPlane, right, []ststypes.Tag{tag}, true},
		"without an external ID":                                  {controlPlane, nil, nil, false},
		"with another external ID":                                {controlPlane, aws.String("783562"), nil, false},
		"with the external ID in upper case":                      {controlPlane, aws.String(strings.ToUpper(*right)), nil, false},
		"with tags, and without an external ID":                   {controlPlane, nil, []ststypes.Tag{tag}, false},
		"with tags, and with another external ID":                 {controlPlane, aws.String("783562"), []ststypes.Tag{tag}, false},
		"another role of the same account with the external ID":   {stranger, right, nil, false},
		"another role of the same account with it and with a tag": {stranger, right, []ststypes.Tag{tag}, false},
		"nobody at all, though with the external ID":              {w.as(nil), right, nil, false},
	} {
		_, err := w.assume(t.Context(), tt.caller, tt.externalID, tt.tags...)
		if (err == nil) != tt.allowed {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !refused(err) {
			t.Errorf("%s: refused for another reason: %v", name, err)
		}
	}
}

// serviceAccounts are those that may assume a role of the stack.
var serviceAccounts = map[string]struct{ namespace, name string }{
	"EngineRole":                 {"e6data", "analytics"},
	"KarpenterControllerRole":    {"kube-system", "karpenter"},
	"LoadBalancerControllerRole": {"kube-system", "aws-load-balancer-controller"},
	"EbsCsiRole":                 {"kube-system", "ebs-csi-controller-sa"},
	"VpcCniRole":                 {"kube-system", "aws-node"},
}

func (w *permissionWorld) assumeByServiceAccount(t *testing.T) {
	for id, sa := range serviceAccounts {
		for name, tt := range map[string]struct {
			namespace, account, audience string
			allowed                      bool
		}{
			"its service account":                   {sa.namespace, sa.name, "sts.amazonaws.com", true},
			"for another audience":                  {sa.namespace, sa.name, "vault.example.com", false},
			"another account of the namespace":      {sa.namespace, "default", "sts.amazonaws.com", false},
			"the account's name in another":         {"default", sa.name, "sts.amazonaws.com", false},
			"an account whose name begins the same": {sa.namespace, sa.name + "-2", "sts.amazonaws.com", false},
		} {
			_, err := w.byToken(t, id, w.token(t, tt.namespace, tt.account, tt.audience))
			if (err == nil) != tt.allowed {
				t.Errorf("%s, %s: %v", id, name, err)
			}
		}
	}
	if _, err := w.byToken(t, "EngineRole", "e30.e30.e30"); err == nil {
		t.Error("a made-up token was taken")
	}
}

func (w *permissionWorld) byToken(t *testing.T, role, token string) (*ststypes.Credentials, error) {
	t.Helper()
	out, err := sts.NewFromConfig(w.as(nil)).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(w.roles[role]), RoleSessionName: aws.String("test"), WebIdentityToken: &token,
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

// token is a token of a service account, which is made if it is not there.
func (w *permissionWorld) token(t *testing.T, namespace, name, audience string) string {
	t.Helper()
	accounts := w.kube(t, w.fill.Replace("{cluster}")).CoreV1().ServiceAccounts(namespace)
	_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	switch {
	case err == nil:
		t.Cleanup(func() {
			if err := accounts.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		})
	case !apierrors.IsAlreadyExists(err):
		t.Fatal(err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}
	out, err := accounts.CreateToken(t.Context(), name, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out.Status.Token
}

// No role of the stack lets anybody of the account in who has the right to
// assume roles.
func (w *permissionWorld) assumeAsStranger(t *testing.T) {
	stranger := sts.NewFromConfig(w.session(t, "stranger"))
	for id, arn := range w.roles {
		_, err := stranger.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("test")})
		if err == nil || !refused(err) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// call is a real call, and whether IAM must let it through.
type call struct {
	what    string
	allowed bool
	do      func(context.Context) error
}

func makeCalls(t *testing.T, calls []call) {
	t.Helper()
	for _, c := range calls {
		if err := c.do(t.Context()); refused(err) == c.allowed {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// refused tells whether IAM said no. Whatever else is wrong with a call, IAM
// let it through.
func refused(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "MissingAuthenticationToken", "InvalidClientTokenId":
			return true
		}
	}
	return err != nil && strings.Contains(err.Error(), "is not authorized to perform")
}

func (w *permissionWorld) callAsControlPlane(t *testing.T) {
	session, err := w.assume(t.Context(), w.session(t, controlPlaneRole), aws.String(w.fill.Replace("{externalId}")))
	if err != nil {
		t.Fatal(err)
	}
	config := w.as(session)
	elsewhere := config.Copy()
	elsewhere.Region = "eu-west-1"
	subnets, err := w.clients.EC2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string, tags ...elbtypes.Tag) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := elb.NewFromConfig(config).CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
				Name: &name, Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{*subnets.Subnets[0].SubnetId}, Tags: tags,
			})
			return err
		}
	}
	remove := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			found, err := w.clients.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = elb.NewFromConfig(config).DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: found.LoadBalancers[0].LoadBalancerArn})
			return err
		}
	}
	describe := func(c aws.Config) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(c).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		}
	}
	cluster := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := eks.NewFromConfig(config).DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
			return err
		}
	}
	app := elbtypes.Tag{Key: aws.String("app"), Value: aws.String("e6data")}
	if _, err := w.clients.LoadBalancing.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("shop"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{*subnets.Subnets[0].SubnetId},
	}); err != nil {
		t.Fatal(err)
	}
	webACL := func(name, tags string) string {
		return `{"Name":"` + name + `","Scope":"REGIONAL","DefaultAction":{"Allow":{}},"VisibilityConfig":{"SampledRequestsEnabled":false,"CloudWatchMetricsEnabled":false,"MetricName":"m"}` + tags + `}`
	}
	const tagged = `,"Tags":[{"Key":"app","Value":"e6data"}]`
	makeCalls(t, append(w.workspaceCalls(config),
		call{"the cluster", true, cluster(w.fill.Replace("{cluster}"))},
		call{"another cluster", false, cluster("another")},
		call{"instances", true, describe(config)},
		call{"instances elsewhere", false, describe(elsewhere)},
		call{"an endpoint", true, create("e6data-analytics", app)},
		call{"an endpoint without the tag", false, create("e6data-untagged")},
		call{"an endpoint with another name", false, create("analytics", app)},
		call{"the end of the endpoint", true, remove("e6data-analytics")},
		call{"the end of another's load balancer", false, remove("shop")},
		call{"a web ACL", true, w.json(config, "wafv2", "AWSWAF_20190729.CreateWebACL", webACL("e6data-analytics", tagged))},
		call{"a web ACL without the tag", false, w.json(config, "wafv2", "AWSWAF_20190729.CreateWebACL", webACL("e6data-analytics", ""))},
		call{"a web ACL with another name", false, w.json(config, "wafv2", "AWSWAF_20190729.CreateWebACL", webACL("shop", tagged))},
		call{"a certificate", true, w.json(config, "acm", "CertificateManager.DescribeCertificate", `{"CertificateArn":"arn:aws:acm:`+w.Region+`:`+account+`:certificate/1"}`)},
		call{"the catalog", false, w.json(config, "glue", "AWSGlue.GetDatabases", `{}`)},
		call{"secrets", false, w.json(config, "secretsmanager", "secretsmanager.ListSecrets", `{}`)},
		call{"tables", false, w.json(config, "dynamodb", "DynamoDB_20120810.ListTables", `{}`)},
	))
}

func (w *permissionWorld) callAsEngine(t *testing.T) {
	session, err := w.byToken(t, "EngineRole", w.token(t, "e6data", "analytics", "sts.amazonaws.com"))
	if err != nil {
		t.Fatal(err)
	}
	config := w.as(session)
	bucket := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.s3(config).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name})
			return err
		}
	}
	makeCalls(t, append(w.workspaceCalls(config),
		call{"data", true, bucket("example-sales-data")},
		call{"other data", false, bucket("example-payroll")},
		call{"a table", true, w.json(config, "glue", "AWSGlue.GetTable", `{"DatabaseName":"sales","Name":"orders"}`)},
		call{"a new table", true, w.json(config, "glue", "AWSGlue.CreateTable", `{"DatabaseName":"sales","TableInput":{"Name":"orders"}}`)},
		call{"another account's table", false, w.json(config, "glue", "AWSGlue.GetTable", `{"CatalogId":"111122223333","DatabaseName":"sales","Name":"orders"}`)},
		call{"a new database", false, w.json(config, "glue", "AWSGlue.CreateDatabase", `{"DatabaseInput":{"Name":"sales"}}`)},
		call{"secrets", false, w.json(config, "secretsmanager", "secretsmanager.ListSecrets", `{}`)},
	))
}

// logWithout takes each right to logs from each function's role: its lines are
// lost then, and only then.
func (w *permissionWorld) logWithout(t *testing.T) {
	for _, function := range []string{"OutputsFunction", "HelmInstaller"} {
		name, group := w.physical[function], w.physical[function+"LogGroup"]
		lines := func() int {
			out, err := w.clients.Logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Events)
		}
		for _, missing := range []string{"", "logs:CreateLogStream", "logs:PutLogEvents"} {
			giveBack := func() {}
			if missing != "" {
				giveBack = w.withhold(t, grant{function + "Role", missing}, "logs")
			}
			before := lines()
			// An event that is none: the function says so in its log.
			if _, err := w.clients.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"RequestType":"Create"}`)}); err != nil {
				t.Fatal(err)
			}
			if got := lines() > before; got != (missing == "") {
				t.Errorf("%s without %q: lines were logged: %v", function, missing, got)
			}
			giveBack()
		}
	}
}

// deleteStack deletes the stack: the two buckets stay as they are, with what is
// in them, and nothing else does.
func (w *permissionWorld) deleteStack(t *testing.T) {
	ours := w.fill.Replace("{bucket}")
	if _, err := w.clients.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &ours, Key: aws.String("results/kept"), Body: strings.NewReader("kept")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{controlPlaneRole, "stranger"} { // ours, not the stack's
		if _, err := w.clients.IAM.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: aws.String("assume")}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.clients.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	shop, err := w.clients.LoadBalancing.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{Names: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.clients.LoadBalancing.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: shop.LoadBalancers[0].LoadBalancerArn}); err != nil {
		t.Fatal(err)
	}
	kept := retained(t, w.stack)
	if err := w.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, w.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	object, err := w.clients.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &ours, Key: aws.String("results/kept")})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if text, err := io.ReadAll(object.Body); err != nil || string(text) != "kept" {
		t.Errorf("a result reads %q after the stack has gone (%v)", text, err)
	}
	for _, bucket := range []string{ours, w.fill.Replace("{logs}")} {
		policy, err := w.clients.S3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &bucket})
		if err != nil || !strings.Contains(*policy.Policy, "DenyWithoutTLS") {
			t.Errorf("bucket %s has lost its policy: %v", bucket, err)
		}
	}
}

// workspaceCalls are those of whoever uses the workspace bucket.
func (w *permissionWorld) workspaceCalls(config aws.Config) []call {
	client, ours, logs := w.s3(config), w.fill.Replace("{bucket}"), w.fill.Replace("{logs}")
	put := func(bucket, key string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
			return err
		}
	}
	get := func(bucket, key string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			return err
		}
	}
	return []call{
		{"a result", true, put(ours, "results/1")},
		{"a result read", true, get(ours, "results/1")},
		{"results listed", true, func(ctx context.Context) error {
			_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &ours})
			return err
		}},
		{"a result removed", true, func(ctx context.Context) error {
			_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &ours, Key: aws.String("results/1")})
			return err
		}},
		{"parts of a big result", true, func(ctx context.Context) error {
			_, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &ours, Key: aws.String("results/big")})
			return err
		}},
		{"the bucket's policy", false, func(ctx context.Context) error {
			_, err := client.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &ours})
			return err
		}},
		{"the log bucket", false, put(logs, "workspace-bucket/1")},
		{"the functions' code", false, get(w.bucket, w.version+"/quickstart.yaml")},
	}
}

func (w *permissionWorld) s3(config aws.Config) *s3.Client {
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
}

// json calls a service that speaks AWS's JSON protocol, for which no client of
// the SDK is among this module's dependencies.
func (w *permissionWorld) json(config aws.Config, service, target, body string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := w.post(ctx, config, service, target, body)
		return err
	}
}

func (d *deployment) post(ctx context.Context, config aws.Config, service, target, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	who, err := config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, who, request, hex.EncodeToString(sum[:]), service, config.Region, time.Now()); err != nil {
		return nil, err
	}
	response, err := config.HTTPClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text))
	}
	return text, err
}

// newKey makes a KMS key with the policy that docs/kms-key-policy.md tells
// customers to give theirs, and returns its ARN.
func (d *deployment) newKey(t *testing.T) string {
	t.Helper()
	return d.key(t, map[string]string{"Policy": keyPolicy(t)})
}

// keyPolicy is the page's policy, for this account.
func keyPolicy(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/kms-key-policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, policy, _ := strings.Cut(string(page), "```json\n")
	policy, _, ok := strings.Cut(policy, "```")
	if !ok {
		t.Fatal("the page has no policy")
	}
	return strings.ReplaceAll(policy, "111122223333", account)
}
