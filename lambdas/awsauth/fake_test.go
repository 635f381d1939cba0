package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"
	"k8s.io/client-go/kubernetes"
)

// fakeEKS is one cluster, demo, with its access entries, as the EKS API has it.
// It is not for concurrent use.
type fakeEKS struct {
	none   bool // there is no such cluster
	status types.ClusterStatus
	mode   types.AuthenticationMode
	// entries are the access entries by principal, without policies.
	entries  map[string]types.AccessEntry
	policies map[string]map[string]*types.AccessScope
	// faults are given once each, by operation, in the place of the answer.
	faults map[string][]error
	// later is how many looks a mode change takes.
	later int
	// broken is why a mode change fails.
	broken string
	// calls are the operations that change something.
	calls []string
}

func newEKS(mode types.AuthenticationMode) *fakeEKS {
	return &fakeEKS{
		status: types.ClusterStatusActive, mode: mode, entries: map[string]types.AccessEntry{}, policies: map[string]map[string]*types.AccessScope{},
		faults: map[string][]error{},
	}
}

var (
	_ entryAPI   = (*fakeEKS)(nil)
	_ clusterAPI = (*fakeEKS)(nil)
)

// call notes an operation and gives its fault.
func (f *fakeEKS) call(operation, subject string) error {
	if !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "List") {
		f.calls = append(f.calls, strings.TrimSpace(operation+" "+subject))
	}
	if queued := f.faults[operation]; len(queued) > 0 {
		f.faults[operation] = queued[1:]
		if queued[0] != nil {
			return queued[0]
		}
	}
	if f.none {
		return &types.ResourceNotFoundException{Message: aws.String("No cluster found for name: demo.")}
	}
	return nil
}

// entryCall is call for an operation on access entries.
func (f *fakeEKS) entryCall(operation string, principal *string) error {
	if err := f.call(operation, nameOf(aws.ToString(principal))); err != nil {
		return err
	}
	if f.hasNoEntries() {
		return &types.InvalidRequestException{Message: aws.String("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.")}
	}
	if _, ok := f.entries[aws.ToString(principal)]; !ok && operation != "CreateAccessEntry" {
		return &types.ResourceNotFoundException{Message: aws.String("The specified principalArn could not be found.")}
	}
	return nil
}

// hasNoEntries tells whether the mode is CONFIG_MAP, which old clusters do not say.
func (f *fakeEKS) hasNoEntries() bool {
	return f.mode == "" || f.mode == types.AuthenticationModeConfigMap
}

func nameOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (f *fakeEKS) CreateAccessEntry(_ context.Context, in *eks.CreateAccessEntryInput, _ ...func(*eks.Options)) (*eks.CreateAccessEntryOutput, error) {
	if err := f.entryCall("CreateAccessEntry", in.PrincipalArn); err != nil {
		return nil, err
	}
	arn := aws.ToString(in.PrincipalArn)
	if _, there := f.entries[arn]; there {
		return nil, &types.ResourceInUseException{Message: aws.String("The specified access entry resource is already in use on this cluster.")}
	}
	f.have(types.AccessEntry{PrincipalArn: in.PrincipalArn, Type: in.Type, Username: in.Username, KubernetesGroups: in.KubernetesGroups, Tags: in.Tags})
	return &eks.CreateAccessEntryOutput{}, nil
}

// have puts an entry there; EKS completes it.
func (f *fakeEKS) have(e types.AccessEntry, policies ...string) {
	arn := aws.ToString(e.PrincipalArn)
	switch {
	case aws.ToString(e.Type) == typeNode:
		if e.Username != nil {
			panic("EKS takes no username for " + typeNode)
		}
		e.Username, e.KubernetesGroups = aws.String(nodeUsername), []string{"system:nodes"}
	case e.Username == nil:
		e.Username = aws.String(ownUsername(arn))
	}
	e.Tags = maps.Clone(e.Tags)
	f.entries[arn], f.policies[arn] = e, map[string]*types.AccessScope{}
	for _, p := range policies {
		name, namespaces, limited := strings.Cut(p, " in ")
		scope := &types.AccessScope{Type: types.AccessScopeTypeCluster}
		if limited {
			scope = &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: strings.Split(namespaces, ",")}
		}
		f.policies[arn]["arn:aws:eks::aws:cluster-access-policy/"+name] = scope
	}
}

// ownUsername is the name that EKS gives a role.
func ownUsername(arn string) string {
	return "arn:aws:sts::111122223333:assumed-role/" + nameOf(arn) + "/{{SessionName}}"
}

func (f *fakeEKS) DescribeAccessEntry(_ context.Context, in *eks.DescribeAccessEntryInput, _ ...func(*eks.Options)) (*eks.DescribeAccessEntryOutput, error) {
	if err := f.entryCall("DescribeAccessEntry", in.PrincipalArn); err != nil {
		return nil, err
	}
	e := f.entries[aws.ToString(in.PrincipalArn)]
	e.Tags, e.KubernetesGroups = maps.Clone(e.Tags), slices.Clone(e.KubernetesGroups)
	return &eks.DescribeAccessEntryOutput{AccessEntry: &e}, nil
}

func (f *fakeEKS) UpdateAccessEntry(_ context.Context, in *eks.UpdateAccessEntryInput, _ ...func(*eks.Options)) (*eks.UpdateAccessEntryOutput, error) {
	if err := f.entryCall("UpdateAccessEntry", in.PrincipalArn); err != nil {
		return nil, err
	}
	e := f.entries[aws.ToString(in.PrincipalArn)]
	e.KubernetesGroups = in.KubernetesGroups
	if in.Username != nil {
		e.Username = in.Username
	}
	f.entries[aws.ToString(in.PrincipalArn)] = e
	return &eks.UpdateAccessEntryOutput{}, nil
}

func (f *fakeEKS) DeleteAccessEntry(_ context.Context, in *eks.DeleteAccessEntryInput, _ ...func(*eks.Options)) (*eks.DeleteAccessEntryOutput, error) {
	if err := f.entryCall("DeleteAccessEntry", in.PrincipalArn); err != nil {
		return nil, err
	}
	delete(f.entries, aws.ToString(in.PrincipalArn))
	delete(f.policies, aws.ToString(in.PrincipalArn))
	return &eks.DeleteAccessEntryOutput{}, nil
}

func (f *fakeEKS) AssociateAccessPolicy(_ context.Context, in *eks.AssociateAccessPolicyInput, _ ...func(*eks.Options)) (*eks.AssociateAccessPolicyOutput, error) {
	if err := f.entryCall("AssociateAccessPolicy", in.PrincipalArn); err != nil {
		return nil, err
	}
	if aws.ToString(f.entries[aws.ToString(in.PrincipalArn)].Type) != typeStandard {
		return nil, &types.InvalidRequestException{Message: aws.String("An AccessPolicy can only be associated with an entry of type STANDARD")}
	}
	f.policies[aws.ToString(in.PrincipalArn)][aws.ToString(in.PolicyArn)] = in.AccessScope
	return &eks.AssociateAccessPolicyOutput{}, nil
}

func (f *fakeEKS) DisassociateAccessPolicy(_ context.Context, in *eks.DisassociateAccessPolicyInput, _ ...func(*eks.Options)) (*eks.DisassociateAccessPolicyOutput, error) {
	if err := f.entryCall("DisassociateAccessPolicy", in.PrincipalArn); err != nil {
		return nil, err
	}
	delete(f.policies[aws.ToString(in.PrincipalArn)], aws.ToString(in.PolicyArn))
	return &eks.DisassociateAccessPolicyOutput{}, nil
}

// ListAssociatedAccessPolicies gives one policy a page.
func (f *fakeEKS) ListAssociatedAccessPolicies(_ context.Context, in *eks.ListAssociatedAccessPoliciesInput, _ ...func(*eks.Options)) (*eks.ListAssociatedAccessPoliciesOutput, error) {
	if err := f.entryCall("ListAssociatedAccessPolicies", in.PrincipalArn); err != nil {
		return nil, err
	}
	out := &eks.ListAssociatedAccessPoliciesOutput{}
	there := f.policies[aws.ToString(in.PrincipalArn)]
	for _, arn := range slices.Sorted(maps.Keys(there)) {
		if arn <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.AssociatedAccessPolicies) == 1 {
			out.NextToken = out.AssociatedAccessPolicies[0].PolicyArn
			break
		}
		out.AssociatedAccessPolicies = append(out.AssociatedAccessPolicies, types.AssociatedAccessPolicy{PolicyArn: aws.String(arn), AccessScope: there[arn]})
	}
	return out, nil
}

func (f *fakeEKS) DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error) {
	if err := f.call("DescribeCluster", ""); err != nil {
		return nil, err
	}
	if f.status == types.ClusterStatusUpdating {
		if f.later--; f.later < 0 {
			f.status = types.ClusterStatusActive
			if f.broken == "" {
				f.mode = types.AuthenticationModeApiAndConfigMap
			}
		}
	}
	c := &types.Cluster{Status: f.status}
	if f.mode != "" {
		c.AccessConfig = &types.AccessConfigResponse{AuthenticationMode: f.mode}
	}
	return &eks.DescribeClusterOutput{Cluster: c}, nil
}

func (f *fakeEKS) UpdateClusterConfig(_ context.Context, in *eks.UpdateClusterConfigInput, _ ...func(*eks.Options)) (*eks.UpdateClusterConfigOutput, error) {
	to := in.AccessConfig.AuthenticationMode
	if err := f.call("UpdateClusterConfig", string(to)); err != nil {
		return nil, err
	}
	switch {
	case !f.hasNoEntries():
		return nil, &types.InvalidParameterException{Message: aws.String(fmt.Sprintf("Unsupported authentication mode update from %s to %s", f.mode, to))}
	case f.status != types.ClusterStatusActive:
		return nil, &types.ResourceInUseException{Message: aws.String("Cluster currently has update 1 in progress")}
	}
	f.status = types.ClusterStatusUpdating
	return &eks.UpdateClusterConfigOutput{Update: &types.Update{Id: aws.String("update-1")}}, nil
}

func (f *fakeEKS) DescribeUpdate(context.Context, *eks.DescribeUpdateInput, ...func(*eks.Options)) (*eks.DescribeUpdateOutput, error) {
	if err := f.call("DescribeUpdate", ""); err != nil {
		return nil, err
	}
	u := &types.Update{Status: types.UpdateStatusInProgress}
	if f.status == types.ClusterStatusActive && f.broken != "" {
		u.Status, u.Errors = types.UpdateStatusFailed, []types.ErrorDetail{{ErrorCode: types.ErrorCodeUnknown, ErrorMessage: &f.broken}}
	}
	return &eks.DescribeUpdateOutput{Update: u}, nil
}

// shown are the entries, one a line: the name, what the entry is, and of which
// resource.
func (f *fakeEKS) shown() []string {
	var lines []string
	for _, arn := range slices.Sorted(maps.Keys(f.entries)) {
		e, err := (entries{eks: f}).observe(context.Background(), "demo", arn)
		if err != nil {
			panic(err)
		}
		line := nameOf(arn) + ": " + e.String()
		if by := e.tags[labelResource]; by != "" {
			line += ", by " + by
		}
		lines = append(lines, line)
	}
	return lines
}

// fakeDoors let roles in, or not.
type fakeDoors struct {
	client kubernetes.Interface
	// closed are roles that do not get in, with the reason; own is "".
	closed map[string]error
	// failed is why nobody gets so far.
	failed error
	opened []string
	role   string // the function's own
}

func (d *fakeDoors) open(_ context.Context, _, role string) (door, error) {
	d.opened = append(d.opened, role)
	if d.failed != nil {
		return door{}, d.failed
	}
	if why := d.closed[role]; why != nil {
		return door{}, &closedError{why}
	}
	return door{client: d.client, explain: func(_ context.Context, err error) error { return err }}, nil
}

func (d *fakeDoors) self(context.Context) (string, error) { return d.role, nil }

const (
	stackID   = "arn:aws:cloudformation:us-east-1:111122223333:stack/ws/5f6e7d8c-0000"
	account   = "arn:aws:iam::111122223333:"
	installer = account + "role/e6data/e6data-ws-installer-us-east-1"
	control   = account + "role/ws-CrossAccountRole"
	nodes     = account + "role/team/ws-NodeRole"
	admins    = account + "role/admins"
	sso       = account + "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
)

// fast does not wait.
var fast = pace{tries: 8}

// newHandler is the handler of a cluster and its doors.
func newHandler(api *fakeEKS, doors entrance) *awsAuth {
	return &awsAuth{
		clusters:  clusters{eks: api, region: "us-east-1", pace: fast},
		entries:   entries{eks: api, pace: fast},
		configMap: configMap{doors: doors},
	}
}

func denied(action string) error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: R is not authorized to perform: " + action}
}

// lacks fails for each text that is not in an error's.
func lacks(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
