package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Policy is an IAM policy document with a name.
type Policy struct{ Name, Document string }

// deployerRole is the role that deploys when a run has policies for it.
const deployerRole = "rehearsal-deployer"

// Deployer makes a role that has these policies and nothing else, and returns
// its ARN and clients with its credentials. The policies are managed ones, as
// a customer would attach them, so IAM's limit of 6144 characters holds.
func (e *Environment) Deployer(ctx context.Context, policies []Policy) (string, *Clients, error) {
	return e.DeployerNamed(ctx, deployerRole, policies)
}

// DeployerNamed makes such a role of another name.
func (e *Environment) DeployerNamed(ctx context.Context, name string, policies []Policy) (string, *Clients, error) {
	root := e.Clients()
	identity, err := sts.NewFromConfig(e.AWSConfig()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", nil, fmt.Errorf("ask for the account: %w", err)
	}
	trust, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + aws.ToString(identity.Account) + ":root"},
	}}})
	if err != nil {
		return "", nil, err
	}
	role, err := root.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(string(trust))})
	if err != nil {
		return "", nil, fmt.Errorf("make the deployer's role: %w", err)
	}
	for _, p := range policies {
		made, err := root.IAM.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(name + "-" + p.Name), PolicyDocument: aws.String(p.Document)})
		if err != nil {
			return "", nil, fmt.Errorf("make the deployer's policy %s: %w", p.Name, err)
		}
		if _, err := root.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: made.Policy.Arn}); err != nil {
			return "", nil, fmt.Errorf("attach the deployer's policy %s: %w", p.Name, err)
		}
	}
	c, err := e.As(ctx, aws.ToString(role.Role.Arn), "")
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(role.Role.Arn), newClients(c), nil
}
