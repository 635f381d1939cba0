package iam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	iamconfig "sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// entryReader is the part of the EKS API that says who may enter.
type entryReader interface {
	DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error)
	ListAccessEntries(context.Context, *eks.ListAccessEntriesInput, ...func(*eks.Options)) (*eks.ListAccessEntriesOutput, error)
	DescribeAccessEntry(context.Context, *eks.DescribeAccessEntryInput, ...func(*eks.Options)) (*eks.DescribeAccessEntryOutput, error)
	ListAssociatedAccessPolicies(context.Context, *eks.ListAssociatedAccessPoliciesInput, ...func(*eks.Options)) (*eks.ListAssociatedAccessPoliciesOutput, error)
}

// authMapper maps by aws-auth.
type authMapper interface {
	Map(id *token.Identity) (*iamconfig.IdentityMapping, error)
}

// access maps identities by the cluster's access entries, its aws-auth
// ConfigMap, or both in that order, as the cluster's authentication mode says.
// It asks the EKS API at every review: entries work as soon as they exist.
type access struct {
	eks      entryReader
	cluster  string
	awsAuth  authMapper
	policies *policies
	// creator is the file with the ARN of the principal that made the cluster.
	// The embedded AWS may write it at any time: CloudFormation says late on
	// whose behalf it made a cluster.
	creator string
}

func newAccess(ctx context.Context, kube *rest.Config, cluster, creator string, e *Endpoint, awsAuth authMapper) (*access, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.Proxy, t.DialTLSContext = nil, e.dial
	})
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(e.region), config.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("configure the EKS client: %w", err)
	}
	k, err := kubernetes.NewForConfig(kube)
	if err != nil {
		return nil, fmt.Errorf("make a Kubernetes client: %w", err)
	}
	api := eks.NewFromConfig(cfg, func(o *eks.Options) { o.BaseEndpoint = aws.String(e.url.String()) })
	return &access{eks: api, cluster: cluster, awsAuth: awsAuth, policies: &policies{kube: k}, creator: creator}, nil
}

// Map implements identityMapper.
func (a *access) Map(ctx context.Context, id *token.Identity) (*iamconfig.IdentityMapping, error) {
	c, err := a.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &a.cluster})
	if err != nil {
		return nil, fmt.Errorf("describe cluster %s: %w", a.cluster, err)
	}
	mode := ekstypes.AuthenticationModeConfigMap // what a cluster has if nobody says
	if ac := c.Cluster.AccessConfig; ac != nil && ac.AuthenticationMode != "" {
		mode = ac.AuthenticationMode
	}
	first := a.byEntry
	if mode == ekstypes.AuthenticationModeConfigMap {
		first = a.byCreation
	}
	if m, err := first(ctx, id); !errors.Is(err, errutil.ErrNotMapped) {
		return m, err
	}
	if mode != ekstypes.AuthenticationModeApi {
		return a.awsAuth.Map(id)
	}
	return nil, errutil.ErrNotMapped
}

// byCreation maps the principal that made the cluster, which in the mode CONFIG_MAP
// is an administrator that no visible configuration shows
// (docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html).
func (a *access) byCreation(_ context.Context, id *token.Identity) (*iamconfig.IdentityMapping, error) {
	text, err := os.ReadFile(a.creator)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("find out who made cluster %s: %w", a.cluster, err)
	}
	arn := strings.TrimSpace(string(text))
	if arn == "" || id.CanonicalARN != arn && id.CanonicalARN != withoutPath(arn) {
		return nil, errutil.ErrNotMapped
	}
	return &iamconfig.IdentityMapping{IdentityARN: id.CanonicalARN, Username: "kubernetes-admin", Groups: []string{"system:masters"}}, nil
}

// byEntry maps by the caller's access entry and the policies associated with it.
func (a *access) byEntry(ctx context.Context, id *token.Identity) (*iamconfig.IdentityMapping, error) {
	principal, err := a.principal(ctx, id.CanonicalARN)
	if err != nil {
		return nil, err
	}
	d, err := a.eks.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: &a.cluster, PrincipalArn: &principal})
	if err != nil {
		return nil, fmt.Errorf("describe the access entry of %s: %w", principal, err)
	}
	m := entryMapping(id, d.AccessEntry)
	in := &eks.ListAssociatedAccessPoliciesInput{ClusterName: &a.cluster, PrincipalArn: &principal}
	for p := eks.NewListAssociatedAccessPoliciesPaginator(a.eks, in); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the access policies of %s: %w", principal, err)
		}
		for i := range page.AssociatedAccessPolicies {
			groups, err := a.policies.groups(ctx, &page.AssociatedAccessPolicies[i])
			if err != nil {
				return nil, err
			}
			m.Groups = append(m.Groups, groups...)
		}
	}
	return m, nil
}

// principal finds the principal of the access entry that is the caller's. An
// entry's role ARN has the role's path; the ARN that STS answers has not.
func (a *access) principal(ctx context.Context, caller string) (string, error) {
	for p := eks.NewListAccessEntriesPaginator(a.eks, &eks.ListAccessEntriesInput{ClusterName: &a.cluster}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("list the access entries of cluster %s: %w", a.cluster, err)
		}
		for _, arn := range page.AccessEntries {
			if arn == caller || withoutPath(arn) == caller {
				return arn, nil
			}
		}
	}
	return "", errutil.ErrNotMapped
}

// entryMapping gives the user and groups of an entry. Without a user name an
// entry's is the caller's ARN, and nodes are nodes by the entry's type
// (docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html).
func entryMapping(id *token.Identity, e *ekstypes.AccessEntry) *iamconfig.IdentityMapping {
	m := &iamconfig.IdentityMapping{IdentityARN: id.CanonicalARN, Username: aws.ToString(e.Username), Groups: e.KubernetesGroups}
	switch t := aws.ToString(e.Type); {
	case strings.HasPrefix(t, "EC2"):
		m.Username, m.Groups = "system:node:"+nodeName, []string{"system:nodes"}
	case strings.HasPrefix(t, "FARGATE") || strings.HasPrefix(t, "HYBRID"):
		m.Username, m.Groups = "system:node:{{SessionName}}", []string{"system:nodes"}
	case m.Username == "" && id.SessionName != "":
		m.Username = strings.TrimSuffix(id.ARN, id.SessionName) + "{{SessionName}}"
	case m.Username == "":
		m.Username = id.ARN
	}
	return m
}

// withoutPath turns arn:aws:iam::1:role/a/b/name into arn:aws:iam::1:role/name.
func withoutPath(arn string) string {
	kind, rest, ok := strings.Cut(arn, "/")
	if !ok {
		return arn
	}
	return kind + "/" + path.Base(rest)
}
