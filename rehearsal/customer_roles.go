package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// customerPath is the path of the customer's roles: aws-auth knows a role
// without its path, access entries with it.
const customerPath = "/customer/"

// nodePolicies are AWS's policies for the role of a node, with the VPC CNI's,
// which most customers' nodes still have.
var nodePolicies = []string{"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly", "AmazonSSMManagedInstanceCore"}

// makeRoles makes the roles that are there before the cluster, and clients with
// the creator's rights.
func (m *MadeCluster) makeRoles(ctx context.Context) error {
	root := trust("AWS", "arn:aws:iam::"+m.account+":root")
	for _, r := range []struct {
		arn     *string
		name    string
		trust   map[string]any
		managed []string
	}{
		{&m.Creator, "creator", root, []string{"AdministratorAccess"}},
		{&m.Admin, "admin", root, []string{"AdministratorAccess"}},
		{new(string), "cluster", trust("Service", "eks.amazonaws.com"), []string{"AmazonEKSClusterPolicy"}},
		{&m.Nodes, "nodes", trust("Service", "ec2.amazonaws.com"), nodePolicies},
	} {
		var err error
		if *r.arn, err = m.makeRole(ctx, r.name, r.trust, r.managed); err != nil {
			return err
		}
	}
	as, err := m.env.As(ctx, m.Creator, "")
	if err != nil {
		return err
	}
	m.clients = newClients(as)
	return nil
}

// trust lets a principal assume a role.
func trust(kind, principal string) map[string]any {
	return map[string]any{"Effect": "Allow", "Principal": map[string]any{kind: principal}, "Action": "sts:AssumeRole"}
}

// webTrust lets a service account of the cluster assume a role.
func (m *MadeCluster) webTrust(namespace, account string) map[string]any {
	issuer := strings.TrimPrefix(aws.ToString(m.cluster.Identity.Oidc.Issuer), "https://")
	return map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Federated": m.OIDCProvider}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": map[string]any{"StringEquals": map[string]any{
			issuer + ":sub": "system:serviceaccount:" + namespace + ":" + account, issuer + ":aud": "sts.amazonaws.com",
		}},
	}
}

// makeRole makes a role with AWS's policies of these names, and returns its ARN.
func (m *MadeCluster) makeRole(ctx context.Context, name string, trusts map[string]any, managed []string) (string, error) {
	api := m.env.Clients().IAM
	name = m.Name + "-" + name
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{trusts}})
	if err != nil {
		return "", err
	}
	made, err := api.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(customerPath), AssumeRolePolicyDocument: aws.String(string(document)),
		Tags: iamTags(customerTags),
	})
	if err != nil {
		return "", fmt.Errorf("role %s: %w", name, err)
	}
	m.roles = append(m.roles, name)
	for _, policy := range managed {
		if _, err := api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + policy)}); err != nil {
			return "", fmt.Errorf("role %s: policy %s: %w", name, policy, err)
		}
	}
	return aws.ToString(made.Role.Arn), nil
}

// attach makes a managed policy of the customer's and attaches it to a role.
// Values are what the statements' placeholders stand for.
func (m *MadeCluster) attach(ctx context.Context, role, name string, statements []policy.Statement, values map[string]string) error {
	api := m.env.Clients().IAM
	text, err := json.Marshal(policy.Document(statements))
	if err != nil {
		return err
	}
	values["${AWS::Partition}"], values["${AWS::Region}"], values["${AWS::AccountId}"] = "aws", m.env.Region, m.account
	document := string(text)
	for placeholder, value := range values {
		document = strings.ReplaceAll(document, placeholder, value)
	}
	made, err := api.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(m.Name + "-" + name), Path: aws.String(customerPath), PolicyDocument: &document})
	if err != nil {
		return fmt.Errorf("policy %s: %w", name, err)
	}
	m.policies = append(m.policies, aws.ToString(made.Policy.Arn))
	if _, err := api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String(nameOf(role)), PolicyArn: made.Policy.Arn}); err != nil {
		return fmt.Errorf("attach policy %s: %w", name, err)
	}
	return nil
}

// nameOf is the name of the role with an ARN.
func nameOf(role string) string { return role[strings.LastIndex(role, "/")+1:] }
