package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// permission is an inbound rule of a security group, one source at a time.
type permission struct {
	protocol    string
	from, to    int32
	block       string // of addresses, or
	group       string // a security group
	description string
}

// same tells whether two rules let the same in: EC2 takes no rule twice, whatever its description.
func (p permission) same(other permission) bool {
	other.description = p.description
	return p == other
}

// permissionsOf takes the inbound rules of a security group apart.
func permissionsOf(group ec2types.SecurityGroup) []permission {
	var all []permission
	for _, rule := range group.IpPermissions {
		one := permission{
			protocol: aws.ToString(rule.IpProtocol), from: aws.ToInt32(rule.FromPort), to: aws.ToInt32(rule.ToPort),
		}
		for _, source := range rule.IpRanges {
			one.block, one.group, one.description = aws.ToString(source.CidrIp), "", aws.ToString(source.Description)
			all = append(all, one)
		}
		for _, source := range rule.UserIdGroupPairs {
			one.block, one.group, one.description = "", aws.ToString(source.GroupId), aws.ToString(source.Description)
			all = append(all, one)
		}
	}
	return all
}

func (p permission) sdk() ec2types.IpPermission {
	rule := ec2types.IpPermission{
		IpProtocol: aws.String(p.protocol), FromPort: aws.Int32(p.from), ToPort: aws.Int32(p.to),
	}
	var description *string
	if p.description != "" {
		description = aws.String(p.description)
	}
	if p.group != "" {
		rule.UserIdGroupPairs = []ec2types.UserIdGroupPair{{GroupId: aws.String(p.group), Description: description}}
	} else {
		rule.IpRanges = []ec2types.IpRange{{CidrIp: aws.String(p.block), Description: description}}
	}
	return rule
}

func sdkPermissions(all []permission) []ec2types.IpPermission {
	rules := make([]ec2types.IpPermission, 0, len(all))
	for _, one := range all {
		rules = append(rules, one.sdk())
	}
	return rules
}

// changes tells which rules a security group lacks and which it has too many, of those that are the controller's.
func changes(want, have []permission, ours func(permission) bool) (missing, extra []permission) {
	for _, one := range want {
		if !slices.ContainsFunc(have, one.same) {
			missing = append(missing, one)
		}
	}
	for _, one := range have {
		if ours(one) && !slices.ContainsFunc(want, one.same) {
			extra = append(extra, one)
		}
	}
	return missing, extra
}

func (a *account) securityGroups(ctx context.Context, input *ec2.DescribeSecurityGroupsInput) ([]ec2types.SecurityGroup, error) {
	var all []ec2types.SecurityGroup
	pages := ec2.NewDescribeSecurityGroupsPaginator(a.ec2, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.SecurityGroups...)
	}
	return all, nil
}

// allow changes a security group's inbound rules, of those that are the controller's. With keep none is taken away.
func (a *account) allow(ctx context.Context, id string, want []permission, ours func(permission) bool, keep bool) error {
	groups, err := a.securityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return fmt.Errorf("couldn't fetch SecurityGroupInfos: [%s]", id)
	}
	missing, extra := changes(want, permissionsOf(groups[0]), ours)
	if len(extra) > 0 && !keep {
		input := &ec2.RevokeSecurityGroupIngressInput{GroupId: aws.String(id), IpPermissions: sdkPermissions(extra)}
		if _, err := a.ec2.RevokeSecurityGroupIngress(ctx, input); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	input := &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(id), IpPermissions: sdkPermissions(missing)}
	_, err = a.ec2.AuthorizeSecurityGroupIngress(ctx, input)
	return err
}

func (a *account) createGroup(ctx context.Context, name, description string, tags map[string]string) (string, error) {
	answer, err := a.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		VpcId: aws.String(a.vpc), GroupName: aws.String(name), Description: aws.String(description),
		TagSpecifications: []ec2types.TagSpecification{
			{ResourceType: ec2types.ResourceTypeSecurityGroup, Tags: ec2Tags(tags)},
		},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(answer.GroupId), nil
}

func (a *account) deleteGroup(ctx context.Context, id string) error {
	err := whileInUse(ctx, "DependencyViolation", func() error {
		_, err := a.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(id)})
		if isCode(err, "DependencyViolation") {
			return errors.Join(err, a.collect(ctx))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("failed to delete securityGroup: %w", err)
	}
	return nil
}

func (a *account) retagGroup(ctx context.Context, group ec2types.SecurityGroup, want map[string]string) error {
	set, remove := difference(want, groupTags(group))
	resources := []string{aws.ToString(group.GroupId)}
	if len(set) > 0 {
		if _, err := a.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: resources, Tags: ec2Tags(set)}); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	var tags []ec2types.Tag
	for _, key := range remove {
		tags = append(tags, ec2types.Tag{Key: aws.String(key)})
	}
	_, err := a.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: resources, Tags: tags})
	return err
}

func groupTags(group ec2types.SecurityGroup) map[string]string {
	tags := map[string]string{}
	for _, tag := range group.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// namedGroups finds the security groups that a user names by ID or by the tag Name.
func (a *account) namedGroups(ctx context.Context, names []string) ([]string, error) {
	var ids []string
	for _, name := range names {
		input := &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{filter("tag:Name", name), filter("vpc-id", a.vpc)}}
		if strings.HasPrefix(name, "sg-") {
			input = &ec2.DescribeSecurityGroupsInput{GroupIds: []string{name}}
		}
		found, err := a.securityGroups(ctx, input)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("couldn't find all security groups: requested names [%s]", name)
		}
		ids = append(ids, aws.ToString(found[0].GroupId))
	}
	return ids, nil
}

// stackGroups lists the security groups that were made for a stack.
func (a *account) stackGroups(ctx context.Context, stack *Stack) ([]ec2types.SecurityGroup, error) {
	filters := []ec2types.Filter{filter("vpc-id", a.vpc)}
	for key, value := range stack.tags(a.cluster) {
		filters = append(filters, filter("tag:"+key, value))
	}
	return a.securityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: filters})
}

// managedGroup makes or changes the group that lets clients in. What else was made for the stack is returned: it is
// deleted when nothing uses it any more.
func (a *account) managedGroup(ctx context.Context, stack *Stack) (id string, unused []string, err error) {
	have, err := a.stackGroups(ctx, stack)
	if err != nil {
		return "", nil, err
	}
	if stack.Balancer == nil || stack.Balancer.Managed == nil {
		for _, group := range have {
			unused = append(unused, aws.ToString(group.GroupId))
		}
		return "", unused, nil
	}
	managed := stack.Balancer.Managed
	tags := stack.resourceTags(a.cluster, managedGroupID, managed.Tags)
	for _, group := range have {
		if id != "" || groupTags(group)[stack.resourceTag()] != managedGroupID {
			unused = append(unused, aws.ToString(group.GroupId))
			continue
		}
		id = aws.ToString(group.GroupId)
		if err := a.retagGroup(ctx, group, tags); err != nil {
			return "", nil, err
		}
	}
	if id == "" {
		id, err = a.createGroup(ctx, managed.Name, "[k8s] Managed SecurityGroup for LoadBalancer", tags)
		if err != nil {
			return "", nil, err
		}
	}
	want := make([]permission, 0, len(managed.Inbound))
	for _, in := range managed.Inbound {
		want = append(want, permission{protocol: in.Protocol, from: in.Port, to: in.Port, block: in.From})
	}
	return id, unused, a.allow(ctx, id, want, func(permission) bool { return true }, false)
}
