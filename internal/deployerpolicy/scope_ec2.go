package deployerpolicy

import (
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/policy"
)

// network: what the stack makes is marked as it is made, and only what is
// marked may be changed. To mark something later would be a way around that.
func (s scopes) network(u use) (grant, bool) {
	arn := s.arn("ec2", u.kind+"/*")
	switch {
	case reads(u.action):
		return on("ReadNetworks", nil, anything)
	case u.typ == "AWS::EKS::Nodegroup":
		return s.try(u)
	case u.typ == "AWS::EC2::SecurityGroupIngress":
		return s.clusterGroup(u)
	case u.own && u.handler == create && (making(u.action) || u.action == "ec2:CreateTags"):
		return s.making(u, arn)
	case u.kind == "vpc" && !u.own && s.mode == contract.ModeExistingVPC:
		return on("BuildInGivenVpc", nil, s.arn("ec2", "vpc/"+s.VpcID))
	case u.kind != "":
		return s.limited(u, "ChangeMarkedNetwork", whenMarked, arn)
	}
	return grant{}, false
}

// making is a request that makes something of the type, and its tags.
func (s scopes) making(u use, arn string) (grant, bool) {
	if !tags(u.action) {
		return s.limited(u, "MakeMarkedNetwork", whenMarking, arn)
	}
	made := strings.TrimPrefix(s.maker(u.typ), "ec2:")
	return s.limited(u, "MarkWhatIsMade", policy.Condition{"StringEquals": {
		"aws:RequestTag/" + markKey: {markValue}, "ec2:CreateAction": {made},
	}}, arn)
}

// limited is a grant whose condition AWS knows for the action; else there is
// none, and the use has no scope.
func (s scopes) limited(u use, sid string, condition policy.Condition, resources ...string) (grant, bool) {
	for _, keys := range condition {
		for key := range keys {
			if !strings.HasPrefix(key, "aws:CalledVia") && !s.facts.takes(u.action, u.kind, key) {
				return grant{}, false
			}
		}
	}
	return on(sid, condition, resources...)
}

func making(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return strings.HasPrefix(name, "Create") && !tags(action) || strings.HasPrefix(name, "Allocate")
}

// maker is the action that makes a resource of the type.
func (s scopes) maker(typ string) string {
	t := s.facts.Types[typ]
	for _, action := range t.Handlers[create] {
		if _, own := s.facts.Actions[action][t.Own]; own && making(action) && s.calls(s.facts, typ, action) {
			return action
		}
	}
	return ""
}

// try is how EKS looks whether a launch template works ("Customize managed nodes
// with launch templates"): nothing is launched.
func (s scopes) try(u use) (grant, bool) {
	arn := s.arn("ec2", u.kind+"/*")
	switch {
	case u.action == "ec2:DeleteTags":
		return leftOut, true // a group has no tags in EC2 that it could take off
	case u.action == "ec2:CreateTags":
		return on("TryTagsOfLaunch", policy.Condition{"StringEquals": {"ec2:CreateAction": {"RunInstances"}}}, arn)
	case u.kind == "launch-template":
		return s.limited(u, "TryMarkedLaunchTemplate", whenMarked, arn)
	case u.kind == "image":
		arn = "arn:" + s.Partition + ":ec2:" + s.Region + "::image/*" // no account
	}
	template := policy.Condition{"ArnLike": {"ec2:LaunchTemplate": {s.arn("ec2", "launch-template/*")}}}
	return s.limited(u, "TryLaunchFromTemplate", template, arn)
}

// clusterGroup: EKS makes the cluster's security group, and tags it with the
// cluster's name ("View Amazon EKS security group requirements for clusters").
func (s scopes) clusterGroup(u use) (grant, bool) {
	named := policy.Condition{"StringLike": {"aws:ResourceTag/aws:eks:cluster-name": {s.ClusterNamePrefix + anything}}}
	return s.limited(u, "OpenClusterToInstaller", named, s.arn("ec2", u.kind+"/*"))
}
