"""The properties that the types' handlers play: one that they would drop fails the resource instead.

A rehearsal that ignores a property proves nothing about it. Functions, clusters and node groups check for themselves.
"""

from . import resources
from .resources import Properties

_RULE = {"CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "IpProtocol", "ToPort"}

_PLAYED: dict[str, set[str]] = {
    "AWS::CloudFormation::Stack": {"Parameters", "Tags", "TemplateURL"},
    "AWS::EC2::EIP": {"Domain", "Tags"},
    "AWS::EC2::InternetGateway": {"Tags"},
    "AWS::EC2::LaunchTemplate": {"LaunchTemplateData", "LaunchTemplateName", "TagSpecifications", "VersionDescription"},
    "AWS::EC2::NatGateway": {"AllocationId", "ConnectivityType", "SubnetId", "Tags"},
    "AWS::EC2::Route": {
        "DestinationCidrBlock",
        "DestinationIpv6CidrBlock",
        "DestinationPrefixListId",
        "GatewayId",
        "NatGatewayId",
        "NetworkInterfaceId",
        "RouteTableId",
        "TransitGatewayId",
        "VpcEndpointId",
        "VpcPeeringConnectionId",
    },
    "AWS::EC2::RouteTable": {"Tags", "VpcId"},
    "AWS::EC2::SecurityGroup": {
        "GroupDescription",
        "GroupName",
        "SecurityGroupEgress",
        "SecurityGroupIngress",
        "Tags",
        "VpcId",
    },
    "AWS::EC2::SecurityGroupEgress": _RULE | {"DestinationPrefixListId", "DestinationSecurityGroupId"},
    "AWS::EC2::SecurityGroupIngress": _RULE | {"SourcePrefixListId", "SourceSecurityGroupId"},
    "AWS::EC2::Subnet": {
        "AvailabilityZone",
        "AvailabilityZoneId",
        "CidrBlock",
        "MapPublicIpOnLaunch",
        "PrivateDnsNameOptionsOnLaunch",
        "Tags",
        "VpcId",
    },
    "AWS::EC2::SubnetRouteTableAssociation": {"RouteTableId", "SubnetId"},
    "AWS::EC2::VPC": {"CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags"},
    "AWS::EC2::VPCEndpoint": {
        "PolicyDocument",
        "PrivateDnsEnabled",
        "RouteTableIds",
        "SecurityGroupIds",
        "ServiceName",
        "SubnetIds",
        "Tags",
        "VpcEndpointType",
        "VpcId",
    },
    "AWS::EC2::VPCGatewayAttachment": {"InternetGatewayId", "VpcId"},
    "AWS::EKS::AccessEntry": {
        "AccessPolicies",
        "ClusterName",
        "KubernetesGroups",
        "PrincipalArn",
        "Tags",
        "Type",
        "Username",
    },
    "AWS::EKS::Addon": {
        "AddonName",
        "AddonVersion",
        "ClusterName",
        "ConfigurationValues",
        "ResolveConflicts",
        "ServiceAccountRoleArn",
        "Tags",
    },
    "AWS::EKS::PodIdentityAssociation": {"ClusterName", "Namespace", "RoleArn", "ServiceAccount", "Tags"},
    "AWS::IAM::InstanceProfile": {"InstanceProfileName", "Path", "Roles"},
    "AWS::IAM::ManagedPolicy": {
        "Description",
        "Groups",
        "ManagedPolicyName",
        "Path",
        "PolicyDocument",
        "Roles",
        "Users",
    },
    "AWS::IAM::OIDCProvider": {"ClientIdList", "Tags", "ThumbprintList", "Url"},
    "AWS::IAM::Policy": {"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"},
    "AWS::IAM::Role": {
        "AssumeRolePolicyDocument",
        "Description",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Policies",
        "RoleName",
        "Tags",
    },
    "AWS::Lambda::EventInvokeConfig": {
        "DestinationConfig",
        "FunctionName",
        "MaximumEventAgeInSeconds",
        "MaximumRetryAttempts",
        "Qualifier",
    },
    "AWS::Lambda::Permission": {
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    },
    "AWS::Logs::LogGroup": {
        "KmsKeyId",
        "LogGroupClass",
        "LogGroupName",
        "ResourcePolicyDocument",
        "RetentionInDays",
        "Tags",
    },
    "AWS::S3::Bucket": {
        "AccessControl",
        "BucketEncryption",
        "BucketName",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    },
    "AWS::S3::BucketPolicy": {"Bucket", "PolicyDocument"},
}


# The access control list that every bucket has. Others are not played.
_PRIVATE = "Private"


def install() -> None:
    """Check each create and update of the types above."""
    for resource_type in _PLAYED:
        resources.before_create(resource_type, _checker(resource_type))
        resources.before_update(resource_type, _checker(resource_type))


def _checker(resource_type: str):
    def check(properties: Properties) -> None:
        unknown = properties.keys() - _PLAYED[resource_type]
        if properties.get("AccessControl", _PRIVATE) != _PRIVATE:
            unknown.add("AccessControl")
        if unknown:
            raise RuntimeError(f"the rehearsal does not play these properties of {resource_type}: {sorted(unknown)}")

    return check
