package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/servicecatalog"
	"github.com/aws/aws-sdk-go-v2/service/servicecatalog/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
)

const catalogTemplate = "templates/service-catalog.yaml"

// endUser is what AWSServiceCatalogEndUserFullAccess allows of CloudFormation
// and Service Catalog
// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSServiceCatalogEndUserFullAccess.html).
const endUser = `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Resource": ["arn:aws:cloudformation:*:*:stack/SC-*", "arn:aws:cloudformation:*:*:changeSet/SC-*"], "Action": [
    "cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks",
    "cloudformation:SetStackPolicy", "cloudformation:ValidateTemplate", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:ListChangeSets", "cloudformation:DeleteChangeSet"]},
  {"Effect": "Allow", "Resource": "*", "Action": ["cloudformation:GetTemplateSummary", "servicecatalog:DescribeProduct",
    "servicecatalog:DescribeProvisioningParameters", "servicecatalog:ListLaunchPaths", "servicecatalog:ProvisionProduct", "servicecatalog:SearchProducts"]},
  {"Effect": "Allow", "Resource": "*", "Condition": {"StringEquals": {"servicecatalog:userLevel": "self"}}, "Action": [
    "servicecatalog:DescribeProvisionedProduct", "servicecatalog:DescribeRecord", "servicecatalog:TerminateProvisionedProduct",
    "servicecatalog:UpdateProvisionedProduct"]}]}`

// catalog is a deployed portfolio, and a user who may launch its products and
// has no other rights.
type catalog struct {
	*deployment
	stack   *rehearsal.Stack
	outputs map[string]string
	user    *servicecatalog.Client
	as      aws.Config // the user's
}

// offer deploys the catalog as its administrator does.
func (d *deployment) offer(t *testing.T, answers map[string]string) *catalog {
	t.Helper()
	user, err := d.clients.IAM.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("analyst")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.IAM.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: aws.String("analyst"), PolicyName: aws.String("end-user"), PolicyDocument: aws.String(endUser),
	}); err != nil {
		t.Fatal(err)
	}
	key, err := d.clients.IAM.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("analyst")})
	if err != nil {
		t.Fatal(err)
	}
	d.snapshot(t)
	c := &catalog{deployment: d, as: d.AWSConfig()}
	c.as.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	c.user = servicecatalog.NewFromConfig(c.as)
	c.stack = d.clients.NewStack("e6data-catalog", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/"+catalogTemplate), logEvents(t))
	given := map[string]string{
		"PrincipalArns": *user.User.Arn, "DataBucketNames": "example-sales-data,example-events-data",
		"ChartSource": d.parameters(nil)["ChartSource"], "TagOption": "team=data",
	}
	maps.Copy(given, answers)
	if err := c.stack.Create(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	c.outputs = outputsOf(t, c.stack)
	return c
}

func outputsOf(t *testing.T, s *rehearsal.Stack) map[string]string {
	t.Helper()
	found, err := s.Outputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range found {
		out[o.Key] = o.Value
	}
	return out
}

// answers are what a user of the catalog answers.
func (c *catalog) answers(more map[string]string) map[string]string {
	out := c.parameters(map[string]string{"PermissionsBoundaryArn": c.outputs["WorkspaceBoundaryArn"], "DataBucketNames": "example-sales-data"})
	maps.Copy(out, more)
	return out
}

// finished waits for a record.
func (c *catalog) finished(t *testing.T, started *types.RecordDetail, err error) *servicecatalog.DescribeRecordOutput {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var record *servicecatalog.DescribeRecordOutput
	await(t, "record "+*started.RecordId, func(ctx context.Context) error {
		var err error
		record, err = c.user.DescribeRecord(ctx, &servicecatalog.DescribeRecordInput{Id: started.RecordId})
		if err == nil && (record.RecordDetail.Status == types.RecordStatusCreated || record.RecordDetail.Status == types.RecordStatusInProgress) {
			err = fmt.Errorf("it is %s", record.RecordDetail.Status)
		}
		return err
	})
	return record
}

func (c *catalog) provision(t *testing.T, product, name string, answers map[string]string) *servicecatalog.DescribeRecordOutput {
	t.Helper()
	in := &servicecatalog.ProvisionProductInput{
		ProductId: &product, ProvisioningArtifactName: &c.version, ProvisionedProductName: &name, ProvisionToken: aws.String(name),
	}
	for k, v := range answers {
		in.ProvisioningParameters = append(in.ProvisioningParameters, types.ProvisioningParameter{Key: aws.String(k), Value: aws.String(v)})
	}
	started, err := c.user.ProvisionProduct(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c.finished(t, started.RecordDetail, nil)
}

func (c *catalog) update(t *testing.T, id *string, names []string, changed map[string]string) *servicecatalog.DescribeRecordOutput {
	t.Helper()
	in := &servicecatalog.UpdateProvisionedProductInput{ProvisionedProductId: id, UpdateToken: aws.String(fmt.Sprint(changed))}
	for _, name := range names {
		p := types.UpdateProvisioningParameter{Key: aws.String(name), UsePreviousValue: true}
		if v, ok := changed[name]; ok {
			p.Value, p.UsePreviousValue = &v, false
		}
		in.ProvisioningParameters = append(in.ProvisioningParameters, p)
	}
	started, err := c.user.UpdateProvisionedProduct(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c.finished(t, started.RecordDetail, nil)
}

func (c *catalog) terminate(t *testing.T, id *string) {
	t.Helper()
	started, err := c.user.TerminateProvisionedProduct(t.Context(), &servicecatalog.TerminateProvisionedProductInput{
		ProvisionedProductId: id, TerminateToken: aws.String("end" + *id),
	})
	if err != nil {
		t.Fatal(err)
	}
	mustSucceed(t, c.finished(t, started.RecordDetail, nil))
}

func mustSucceed(t *testing.T, record *servicecatalog.DescribeRecordOutput) {
	t.Helper()
	if record.RecordDetail.Status != types.RecordStatusSucceeded {
		t.Fatalf("%s: %s", record.RecordDetail.Status, told(record))
	}
}

func told(record *servicecatalog.DescribeRecordOutput) string {
	var out []string
	for _, e := range record.RecordDetail.RecordErrors {
		out = append(out, aws.ToString(e.Description))
	}
	return strings.Join(out, "\n")
}

// catalogModes are the products, by mode.
var catalogModes = map[string]struct{ product, file string }{
	contract.ModeNewVPC:      {"NewVpcProductId", "quickstart.yaml"},
	contract.ModeExistingVPC: {"ExistingVpcProductId", existingVPC},
	contract.ModeExistingEKS: {"ExistingEksProductId", existingEKS},
}

// A user who has an end user's rights of Service Catalog and no others launches,
// changes and ends a workspace of each mode. Nothing is left of it, and of the
// catalog nothing either.
func TestAUserLaunchesFromTheCatalog(t *testing.T) {
	t.Parallel()
	for i, mode := range contract.Modes() {
		t.Run(mode, func(t *testing.T) {
			if i > 0 {
				inTurn(t, uint64(i))
			}
			t.Parallel()
			d := start(t, "")
			offers := map[string]string{"OfferNewVpc": "No"}
			var own map[string]string
			var vpc *rehearsal.MadeVPC
			switch mode {
			case contract.ModeNewVPC:
				offers = nil
			case contract.ModeExistingVPC:
				vpc = d.customer(t, customers["bare"])
				maps.Copy(offers, map[string]string{"OfferExistingVpc": "Yes", "VpcIds": vpc.ID})
				own = map[string]string{"VpcId": vpc.ID}
			case contract.ModeExistingEKS:
				theirs := d.customersCluster(t, rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP"})
				maps.Copy(offers, map[string]string{"OfferExistingEks": "Yes", "ExistingClusterNames": theirs.Name})
				own = map[string]string{"ExistingClusterName": theirs.Name, "KarpenterOnCluster": "Install", "LoadBalancerControllerOnCluster": "Install"}
			}
			d.offer(t, offers).lifeOf(t, mode, own)
		})
	}
}

func (c *catalog) lifeOf(t *testing.T, mode string, own map[string]string) {
	t.Helper()
	of := catalogModes[mode]
	made := c.provision(t, c.outputs[of.product], "analytics", c.answers(own))
	mustSucceed(t, made)
	id := made.RecordDetail.ProvisionedProductId
	detail, err := c.user.DescribeProvisionedProduct(t.Context(), &servicecatalog.DescribeProvisionedProductInput{Id: id})
	if err != nil || detail.ProvisionedProductDetail.Status != types.ProvisionedProductStatusAvailable {
		t.Fatalf("%+v, %v: want AVAILABLE", detail, err)
	}
	stack, err := c.clients.FindStack(t.Context(), "SC-"+account+"-"+*id, logEvents(t))
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range made.RecordOutputs {
		outputs[*o.OutputKey] = aws.ToString(o.OutputValue)
	}
	if outputs["CloudformationStackARN"] != stack.ID() || outputs["WorkspaceConfig"] == "" || outputs["CrossAccountRoleArn"] == "" {
		t.Errorf("outputs %v", outputs)
	}
	resources, err := stack.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.checkBoundaries(t, resources)
	mustSucceed(t, c.update(t, id, slices.Sorted(maps.Keys(c.answers(own))), map[string]string{"NodePoolCpuLimit": "2000", "DataBucketNames": "example-sales-data,example-events-data"}))
	kept := committed(t, of.file).Retained(resources)
	c.terminate(t, id)
	if err := c.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, c.leftovers(t)); diff != "" {
		t.Errorf("left after the end (-retained +left):\n%s", diff)
	}
}

// checkBoundaries looks whether each role of the workspace has the boundary.
func (c *catalog) checkBoundaries(t *testing.T, resources map[string]string) {
	t.Helper()
	roles := 0
	for id, physical := range resources {
		role, err := c.clients.IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &physical})
		if err != nil {
			continue // no role
		}
		roles++
		if b := role.Role.PermissionsBoundary; b == nil || *b.PermissionsBoundaryArn != c.outputs["WorkspaceBoundaryArn"] {
			t.Errorf("%s has the boundary %v", id, b)
		}
	}
	if roles < 4 {
		t.Errorf("%d roles found in %v", roles, resources)
	}
}

// What a user could make rights of is refused, with a sentence, before anything
// is made.
func TestAUserOfTheCatalogGainsNoRights(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	c := d.offer(t, nil)
	before := d.leftovers(t)
	boundary := "arn:aws:iam::aws:policy/AdministratorAccess"
	for name, attempt := range map[string]struct{ parameter, answer string }{
		"charts of his own":         {"ChartSource", "s3://analysts-own-bucket/charts"},
		"images of his own":         {"ImageRegistry", "registry.example.com"},
		"a control plane":           {"ControlPlanePrincipalArn", "arn:aws:iam::111122223333:root"},
		"a boundary of his own":     {"PermissionsBoundaryArn", boundary},
		"no boundary":               {"PermissionsBoundaryArn", ""},
		"functions of his own":      {"ArtifactBucket", "analysts-own-bucket"},
		"another version":           {"Version", "0.0.1"},
		"an administrator":          {"AdminPrincipalArn", "arn:aws:iam::" + account + ":user/analyst"},
		"somebody to tell":          {"CallbackUrl", "https://example.com/told"},
		"data of others":            {"DataBucketNames", "example-sales-data,payroll"},
		"writing to the catalog":    {"GlueAccess", "ReadWrite"},
		"another path":              {"RolePath", "/mine/"},
		"somebody else's cluster":   {"ClusterName", "production"},
		"Karpenter's rights":        {"KarpenterNamespace", "analytics"},
		"the balancer's rights":     {"LoadBalancerControllerNamespace", "analytics"},
		"a console of his own":      {"ConsoleHost", "console.example.com"},
		"a key that is not offered": {"KmsKeyArn", "arn:aws:kms:us-east-1:" + account + ":key/11111111-2222-3333-4444-555555555555"},
	} {
		t.Run(name, func(t *testing.T) {
			record := c.provision(t, c.outputs["NewVpcProductId"], strings.ReplaceAll(name, " ", "-"), c.answers(map[string]string{attempt.parameter: attempt.answer}))
			if record.RecordDetail.Status != types.RecordStatusFailed || !strings.Contains(told(record), attempt.parameter) {
				t.Fatalf("%s: %s", record.RecordDetail.Status, told(record))
			}
			c.terminate(t, record.RecordDetail.ProvisionedProductId)
		})
	}
	if diff := cmp.Diff(before, d.leftovers(t)); diff != "" {
		t.Errorf("the attempts have made something:\n%s", diff)
	}
	t.Run("a stack of his own", func(t *testing.T) {
		own := cloudformation.NewFromConfig(c.as)
		name := "SC-" + account + "-pp-mine"
		if _, err := own.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &name, TemplateBody: aws.String(roleTemplate(t, boundary)), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
		}); err == nil {
			mustEnd(t, c.clients, name, "ROLLBACK_COMPLETE", "iam:CreateRole")
		}
		role := c.launchRole(t)
		if _, err := own.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: aws.String(name + "2"), TemplateBody: aws.String(roleTemplate(t, boundary)), RoleARN: &role,
			Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
		}); err == nil {
			t.Error("the launch role was handed to CloudFormation")
		}
	})
}

func (c *catalog) launchRole(t *testing.T) string {
	t.Helper()
	roles, err := c.clients.IAM.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/e6data-service-catalog/")})
	if err != nil || len(roles.Roles) != 1 {
		t.Fatalf("%d launch roles, %v", len(roles.Roles), err)
	}
	return *roles.Roles[0].Arn
}

// roleTemplate makes one role, with a boundary if one is given.
func roleTemplate(t *testing.T, boundary string) string {
	t.Helper()
	role := map[string]any{"AssumeRolePolicyDocument": json.RawMessage(trustNobody)}
	if boundary != "" {
		role["PermissionsBoundary"] = boundary
	}
	text, err := json.Marshal(map[string]any{"Resources": map[string]any{"Role": map[string]any{"Type": "AWS::IAM::Role", "Properties": role}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustEnd waits for a stack, and looks for a sentence among the reasons of what
// failed.
func mustEnd(t *testing.T, c *rehearsal.Clients, name, status, reason string) {
	t.Helper()
	await(t, name+" is "+status, func(ctx context.Context) error {
		found, err := c.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return err
		}
		if got := string(found.Stacks[0].StackStatus); got != status {
			return errors.New(got)
		}
		return nil
	})
	events, err := c.CloudFormation.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if reason != "" && !slices.ContainsFunc(events.StackEvents, func(e cfntypes.StackEvent) bool {
		return strings.Contains(aws.ToString(e.ResourceStatusReason), reason)
	}) {
		t.Errorf("%s: no event says %q", name, reason)
	}
}

// The launch role makes roles within the boundary only, cannot take it off, and
// has no stacks but those of Service Catalog.
func TestTheLaunchRoleStaysWithinTheBoundary(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	c := d.offer(t, nil)
	role, boundary := c.launchRole(t), c.outputs["WorkspaceBoundaryArn"]
	// It lets in nobody but Service Catalog; for this test, the account's root.
	trust := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::%s:root"}}]}`, account)
	if _, err := d.clients.IAM.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(lastOf(role)), PolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	as, err := d.As(t.Context(), role, "")
	if err != nil {
		t.Fatal(err)
	}
	own := cloudformation.NewFromConfig(as)
	create := func(name, template string) error {
		_, err := own.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &name, TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
		})
		return err
	}
	if err := create("other", roleTemplate(t, boundary)); err == nil || !strings.Contains(err.Error(), "cloudformation:CreateStack") {
		t.Errorf("a stack of another name: %v", err)
	}
	for name, with := range map[string]string{"SC-without": "", "SC-another": "arn:aws:iam::aws:policy/AdministratorAccess"} {
		if err := create(name, roleTemplate(t, with)); err != nil {
			t.Fatal(err)
		}
		mustEnd(t, d.clients, name, "ROLLBACK_COMPLETE", "iam:CreateRole")
	}
	if err := create("SC-within", roleTemplate(t, boundary)); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, d.clients, "SC-within", "CREATE_COMPLETE", "")
	if _, err := own.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("SC-within"), TemplateBody: aws.String(roleTemplate(t, "")), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
	}); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, d.clients, "SC-within", "UPDATE_ROLLBACK_COMPLETE", "iam:DeleteRolePermissionsBoundary")
	if _, err := own.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("e6data-catalog")}); err == nil {
		t.Error("the launch role may delete the catalog")
	}
}
