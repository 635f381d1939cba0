package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// installerRoleName is known before the launch, so that an administrator can map
// it in aws-auth before, and a map survives a launch that failed.
var installerRoleName = contract.InstallerRole("${WorkspaceName}", "${AWS::Region}")

// installerRoleArn does not wait for the role, whose own policies name it.
func installerRoleArn() *string {
	return sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role${RolePath}" + installerRoleName)
}

// newInstallers adds the two functions that talk to the API of a customer's
// cluster: the one that installs charts, and the one that lets principals in.
// They have one role, so that the customer lets in one, and the cluster's own
// security group, which lets itself in: no rule of the customer's is changed.
// The principals are whom the latter lets in, beside that role.
func newInstallers(s awscdk.Stack, cfg Config, c Cluster, n Network, principals ...any) (helm, auth Provider) {
	const helmID, authID = "HelmInstaller", "AwsAuth"
	network := &ProviderNetwork{SubnetIDs: n.PrivateSubnetIDs, SecurityGroupID: c.SecurityGroupID}
	role := newFunctionRole(s, "InstallerRole", ProviderProps{
		Description: "e6data: installs Helm charts on the cluster and lets the workspace's principals in",
		Policies:    append(installPolicies(c), awsAuthPolicies(c, append([]any{installerRoleArn()}, principals...))...),
		Network:     network,
	}, sub("${"+helmID+"LogGroup.Arn}"), sub("${"+authID+"LogGroup.Arn}"))
	role.SetRoleName(sub(installerRoleName))
	functions := ProviderProps{
		TimeoutSeconds: 900, ServiceTimeoutSeconds: 1200,
		Proxy: proxyVariables(c), Network: network, RoleArn: role.AttrArn(),
	}
	functions.Binary, functions.Description = "helminstaller", "e6data: installs Helm charts on the cluster"
	helm = newProvider(s, cfg, helmID, functions)
	functions.Binary, functions.Description = "awsauth", "e6data: lets IAM principals in to the cluster"
	auth = newProvider(s, cfg, authID, functions)
	return helm, auth
}
