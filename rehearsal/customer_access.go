package rehearsal

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

const clusterAdminPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

// ForeignAWSAuth is an aws-auth with what people put into theirs: comments,
// quoted account IDs with leading zeros, templates, keys that are no role's,
// flow style beside block style, users and accounts.
func ForeignAWSAuth() map[string]string {
	return map[string]string{
		"mapRoles": `# Kept by the platform team: ask in #platform before you change it.
- groups:
    - system:bootstrappers
    - system:nodes
  rolearn: ${NodeRole}
  username: system:node:{{EC2PrivateDNSName}}

- rolearn: ${AdminRole}   # the platform team itself
  username: "admin:{{SessionName}}"
  groups: [ "system:masters" ]
- {rolearn: 'arn:aws:iam::012345678901:role/BreakGlass', username: 'break-glass:{{SessionName}}', groups: ['system:masters']}
- sso:
    permissionSetName: PlatformReadOnly
    accountID: "000123456789"
  username: sso:{{SessionNameRaw}}
  groups:
  - platform:readers
# - rolearn: arn:aws:iam::${Account}:role/left-in-2023
- rolearn: arn:aws:iam::${Account}:role/ci-deployer
  username: ci
  ticket: PLAT-0042
  groups:
    - ci:deployers
`,
		"mapUsers": `- userarn: "arn:aws:iam::012345678901:user/alice"
  username: alice
  groups: [platform:readers]
`,
		"mapAccounts": `- "012345678901"
- '000123456789'
`,
	}
}

// karpenterNodesAuth is the entry for the nodes of the customer's Karpenter.
const karpenterNodesAuth = `- rolearn: ${KarpenterNodeRole}
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes
`

// giveAccess lets the customer's admin in, and the nodes of the customer's
// Karpenter: by access entries in the mode API, else by aws-auth, which the
// creator writes.
func (m *MadeCluster) giveAccess(ctx context.Context) error {
	if m.described.Karpenter {
		var err error
		if m.KarpenterNodes, err = m.makeRole(ctx, "karpenter-nodes", trust("Service", "ec2.amazonaws.com"), nodePolicies); err != nil {
			return err
		}
	}
	entries := m.described.Mode == ekstypes.AuthenticationModeApi || m.described.NoAWSAuth && m.described.Mode != ekstypes.AuthenticationModeConfigMap
	if entries {
		if err := m.makeEntries(ctx); err != nil {
			return err
		}
	}
	if m.described.NoAWSAuth {
		return m.dropAWSAuth(ctx)
	}
	return m.writeAWSAuth(ctx)
}

func (m *MadeCluster) makeEntries(ctx context.Context) error {
	if _, err := m.clients.EKS.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{ClusterName: &m.Name, PrincipalArn: &m.Admin, Tags: customerTags}); err != nil {
		return fmt.Errorf("access entry of %s: %w", m.Admin, err)
	}
	_, err := m.clients.EKS.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
		ClusterName: &m.Name, PrincipalArn: &m.Admin, PolicyArn: aws.String(clusterAdminPolicy), AccessScope: &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeCluster},
	})
	if err != nil {
		return fmt.Errorf("access policy of %s: %w", m.Admin, err)
	}
	if m.KarpenterNodes == "" {
		return nil
	}
	_, err = m.clients.EKS.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{ClusterName: &m.Name, PrincipalArn: &m.KarpenterNodes, Type: aws.String("EC2_LINUX")})
	if err != nil {
		return fmt.Errorf("access entry of %s: %w", m.KarpenterNodes, err)
	}
	return nil
}

// writeAWSAuth has the creator write the whole map, as kubectl edit does: EKS
// has made it by then, if there are node groups and the mode reads it.
func (m *MadeCluster) writeAWSAuth(ctx context.Context) error {
	maps, data := m.kube.CoreV1().ConfigMaps("kube-system"), m.awsAuth()
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		found, err := maps.Get(ctx, "aws-auth", metav1.GetOptions{})
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return fmt.Errorf("read aws-auth: %w", err)
		}
		found.Name, found.Data = "aws-auth", data
		found.Labels = map[string]string{"app.kubernetes.io/managed-by": "platform-team"}
		found.Annotations = map[string]string{"platform.example.com/reviewed": "2026-01-31"}
		if missing {
			_, err = maps.Create(ctx, found, metav1.CreateOptions{})
		} else {
			_, err = maps.Update(ctx, found, metav1.UpdateOptions{})
		}
		return err
	})
}

func (m *MadeCluster) dropAWSAuth(ctx context.Context) error {
	if err := m.kube.CoreV1().ConfigMaps("kube-system").Delete(ctx, "aws-auth", metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete aws-auth: %w", err)
	}
	return nil
}

// awsAuth is the map's data with the customer's roles, without their paths.
func (m *MadeCluster) awsAuth() map[string]string {
	withoutPath := func(arn string) string { return strings.Replace(arn, customerPath, "/", 1) }
	fill := strings.NewReplacer(
		"${Account}", m.account, "${AdminRole}", withoutPath(m.Admin), "${NodeRole}", withoutPath(m.Nodes), "${KarpenterNodeRole}", withoutPath(m.KarpenterNodes),
	)
	data := map[string]string{}
	for key, text := range m.described.AWSAuth {
		if key == "mapRoles" && m.KarpenterNodes != "" && !strings.Contains(text, "${KarpenterNodeRole}") {
			text += karpenterNodesAuth
		}
		data[key] = fill.Replace(text)
	}
	return data
}

func iamTags(tags map[string]string) (list []iamtypes.Tag) {
	for key, value := range tags {
		list = append(list, iamtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	return list
}
