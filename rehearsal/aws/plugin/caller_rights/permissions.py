"""Which actions a resource handler calls for one operation: those in its schema, less what the properties do not need.

A schema lists all that a handler may ever call. Most of it belongs to the resource itself; some belongs to a property,
and is called only where the template sets it. The tables here name those, and nothing else is left out: an action that
no table knows is asked. Sources: the type's page in the CloudFormation template reference for what a property does,
the API reference of the service for the call that does it.
"""

from collections.abc import Iterable
from typing import Any

Properties = dict[str, Any]

CREATE, UPDATE, DELETE, READ = "create", "update", "delete", "read"

# Calls that take something away: on an update only if something went; on a create there is nothing to take.
_TAKING = ("Delete", "Detach", "Disassociate", "Remove", "Revoke", "Unassign", "Untag")

_NEVER: tuple[str, ...] = ()

_COMPUTE = ("ComputeConfig",)  # EKS Auto Mode makes an instance profile for its nodes
_METADATA_TABLES = ("MetadataConfiguration", "MetadataTableConfiguration")
_METADATA_TABLE_ACTIONS = (
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:DeleteBucketMetadataTableConfiguration",
    "s3:GetBucketMetadataTableConfiguration",
    "s3:UpdateBucketMetadataInventoryTableConfiguration",
    "s3:UpdateBucketMetadataJournalTableConfiguration",
    "s3tables:CreateNamespace",
    "s3tables:CreateTable",
    "s3tables:CreateTableBucket",
    "s3tables:GetTable",
    "s3tables:GetTableMetadataLocation",
    "s3tables:PutTableBucketPolicy",
    "s3tables:PutTableEncryption",
    "s3tables:PutTablePolicy",
    "s3tables:UpdateTableMetadataLocation",
)
_LATTICE = ("ResourceConfigurationArn", "ServiceNetworkArn")

# type -> action -> the properties that the action belongs to
_OF_PROPERTIES: dict[str, dict[str, tuple[str, ...]]] = {
    "AWS::CloudFormation::Stack": {
        # The type has no property for a role, a stack policy or the protection.
        "iam:PassRole": _NEVER,
        "cloudformation:SetStackPolicy": _NEVER,
        "cloudformation:UpdateTerminationProtection": _NEVER,
    },
    "AWS::EC2::EIP": {
        "ec2:AcceptAddressTransfer": ("TransferAddress",),
        "ec2:AssociateAddress": ("InstanceId",),
        "ec2:DisassociateAddress": ("InstanceId",),
    },
    "AWS::EC2::LaunchTemplate": {
        "ec2:CreateTags": ("TagSpecifications",),
        "ec2:DeleteTags": ("TagSpecifications",),
    },
    "AWS::EC2::NatGateway": {
        "ec2:AssociateNatGatewayAddress": ("SecondaryAllocationIds",),
        "ec2:DisassociateNatGatewayAddress": ("SecondaryAllocationIds",),
        "ec2:AssignPrivateNatGatewayAddress": ("SecondaryPrivateIpAddressCount", "SecondaryPrivateIpAddresses"),
        "ec2:UnassignPrivateNatGatewayAddress": ("SecondaryPrivateIpAddressCount", "SecondaryPrivateIpAddresses"),
    },
    "AWS::EC2::SecurityGroup": {
        "ec2:AuthorizeSecurityGroupEgress": ("SecurityGroupEgress",),
        # The rule that EC2 gives to each new group goes when the template has its own.
        "ec2:RevokeSecurityGroupEgress": ("SecurityGroupEgress",),
        "ec2:UpdateSecurityGroupRuleDescriptionsEgress": ("SecurityGroupEgress",),
        "ec2:AuthorizeSecurityGroupIngress": ("SecurityGroupIngress",),
        "ec2:RevokeSecurityGroupIngress": ("SecurityGroupIngress",),
        "ec2:UpdateSecurityGroupRuleDescriptionsIngress": ("SecurityGroupIngress",),
    },
    "AWS::EC2::Subnet": {
        "ec2:ModifySubnetAttribute": (
            "AssignIpv6AddressOnCreation",
            "EnableDns64",
            "EnableLniAtDeviceIndex",
            "MapPublicIpOnLaunch",
            "PrivateDnsNameOptionsOnLaunch",
        ),
        "ec2:AssociateSubnetCidrBlock": ("Ipv6CidrBlock", "Ipv6CidrBlocks", "Ipv6NetmaskLength"),
        "ec2:DisassociateSubnetCidrBlock": ("Ipv6CidrBlock", "Ipv6CidrBlocks", "Ipv6NetmaskLength"),
    },
    "AWS::EC2::VPC": {
        "ec2:CreateVpcEncryptionControl": ("VpcEncryptionControl",),
        "ec2:ModifyVpcAttribute": ("EnableDnsHostnames", "EnableDnsSupport"),
        "ec2:ModifyVpcTenancy": ("InstanceTenancy",),
    },
    "AWS::EC2::VPCEndpoint": {
        "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation": _LATTICE,
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation": _LATTICE,
        "vpce:AllowMultiRegion": ("ServiceRegion",),
        "ec2:ModifyVpcEndpoint": (
            "PolicyDocument",
            "PrivateDnsEnabled",
            "RouteTableIds",
            "SecurityGroupIds",
            "SubnetIds",
        ),
    },
    "AWS::EC2::VPCGatewayAttachment": {
        "ec2:AttachInternetGateway": ("InternetGatewayId",),
        "ec2:DetachInternetGateway": ("InternetGatewayId",),
        "ec2:DescribeInternetGateways": ("InternetGatewayId",),
        "ec2:AttachVpnGateway": ("VpnGatewayId",),
        "ec2:DetachVpnGateway": ("VpnGatewayId",),
        "ec2:DescribeVpnGateways": ("VpnGatewayId",),
    },
    "AWS::EKS::AccessEntry": {
        "eks:AssociateAccessPolicy": ("AccessPolicies",),
        "eks:DisassociateAccessPolicy": ("AccessPolicies",),
        "eks:UpdateAccessEntry": ("KubernetesGroups", "Username"),
    },
    "AWS::EKS::Addon": {
        "iam:PassRole": ("ServiceAccountRoleArn", "PodIdentityAssociations"),
        "iam:GetRole": ("ServiceAccountRoleArn", "PodIdentityAssociations"),
        "eks:CreatePodIdentityAssociation": ("PodIdentityAssociations",),
        "eks:DeletePodIdentityAssociation": ("PodIdentityAssociations",),
        "eks:UpdatePodIdentityAssociation": ("PodIdentityAssociations",),
        "eks:UpdateAddon": (
            "AddonVersion",
            "ConfigurationValues",
            "PodIdentityAssociations",
            "ResolveConflicts",
            "ServiceAccountRoleArn",
        ),
    },
    "AWS::EKS::Cluster": {
        "iam:CreateInstanceProfile": _COMPUTE,
        "iam:TagInstanceProfile": _COMPUTE,
        "iam:AddRoleToInstanceProfile": _COMPUTE,
        "iam:GetInstanceProfile": _COMPUTE,
        "iam:DeleteInstanceProfile": _COMPUTE,
        "iam:RemoveRoleFromInstanceProfile": _COMPUTE,
        "kms:CreateGrant": ("EncryptionConfig",),
        "kms:DescribeKey": ("EncryptionConfig",),
        "eks:UpdateClusterVersion": ("Version",),
        "eks:UpdateClusterConfig": (
            "AccessConfig",
            "ComputeConfig",
            "DeletionProtection",
            "KubernetesNetworkConfig",
            "Logging",
            "RemoteNetworkConfig",
            "ResourcesVpcConfig",
            "StorageConfig",
            "UpgradePolicy",
            "ZonalShiftConfig",
        ),
    },
    "AWS::EKS::Nodegroup": {
        # "Launch template support": CreateNodegroup tries a RunInstances with the caller's rights.
        "ec2:RunInstances": ("LaunchTemplate",),
        "ec2:DescribeLaunchTemplates": ("LaunchTemplate",),
        "ec2:DescribeLaunchTemplateVersions": ("LaunchTemplate",),
        "ec2:DescribeKeyPairs": ("RemoteAccess",),
        "eks:UpdateNodegroupConfig": ("Labels", "NodeRepairConfig", "ScalingConfig", "Taints", "UpdateConfig"),
        "eks:UpdateNodegroupVersion": ("LaunchTemplate", "ReleaseVersion", "Version"),
    },
    "AWS::EKS::PodIdentityAssociation": {
        "eks:UpdatePodIdentityAssociation": ("DisableSessionTags", "RoleArn", "TargetRoleArn"),
    },
    "AWS::Events::Rule": {
        "iam:PassRole": ("RoleArn", "Targets"),
        "events:PutTargets": ("Targets",),
        "events:RemoveTargets": ("Targets",),
    },
    "AWS::IAM::InstanceProfile": {
        "iam:PassRole": ("Roles",),
        "iam:AddRoleToInstanceProfile": ("Roles",),
        "iam:RemoveRoleFromInstanceProfile": ("Roles",),
    },
    "AWS::IAM::ManagedPolicy": {
        "iam:AttachGroupPolicy": ("Groups",),
        "iam:AttachRolePolicy": ("Roles",),
        "iam:AttachUserPolicy": ("Users",),
        "iam:DetachGroupPolicy": ("Groups",),
        "iam:DetachRolePolicy": ("Roles",),
        "iam:DetachUserPolicy": ("Users",),
        "iam:CreatePolicyVersion": ("PolicyDocument",),
    },
    "AWS::IAM::OIDCProvider": {
        "iam:AddClientIDToOpenIDConnectProvider": ("ClientIdList",),
        "iam:RemoveClientIDFromOpenIDConnectProvider": ("ClientIdList",),
        "iam:UpdateOpenIDConnectProviderThumbprint": ("ThumbprintList",),
    },
    "AWS::IAM::Policy": {
        f"iam:{verb}{entity}Policy": (f"{entity}s",)
        for verb in ("Delete", "Get", "Put")
        for entity in ("Group", "Role", "User")
    },
    "AWS::IAM::Role": {
        "iam:AttachRolePolicy": ("ManagedPolicyArns",),
        "iam:DetachRolePolicy": ("ManagedPolicyArns",),
        "iam:PutRolePolicy": ("Policies",),
        "iam:GetRolePolicy": ("Policies",),
        "iam:DeleteRolePolicy": ("Policies",),
        "iam:PutRolePermissionsBoundary": ("PermissionsBoundary",),
        "iam:DeleteRolePermissionsBoundary": ("PermissionsBoundary",),
        "iam:UpdateAssumeRolePolicy": ("AssumeRolePolicyDocument",),
        "iam:UpdateRole": ("Description", "MaxSessionDuration"),
        "iam:UpdateRoleDescription": ("Description",),
    },
    "AWS::Lambda::Function": {
        "lambda:PutFunctionConcurrency": ("ReservedConcurrentExecutions",),
        "lambda:DeleteFunctionConcurrency": ("ReservedConcurrentExecutions",),
        "s3:GetObject": ("Code",),
        "s3:GetObjectVersion": ("Code.S3ObjectVersion",),
        "lambda:UpdateFunctionCode": ("Architectures", "Code"),
        "lambda:UpdateFunctionConfiguration": (
            "DeadLetterConfig",
            "Description",
            "Environment",
            "EphemeralStorage",
            "FileSystemConfigs",
            "Handler",
            "KmsKeyArn",
            "Layers",
            "LoggingConfig",
            "MemorySize",
            "Role",
            "Runtime",
            "SnapStart",
            "Timeout",
            "TracingConfig",
            "VpcConfig",
        ),
        "ec2:DescribeSecurityGroups": ("VpcConfig",),
        "ec2:DescribeSubnets": ("VpcConfig",),
        "ec2:DescribeVpcs": ("VpcConfig",),
        "ec2:DescribeNetworkInterfaces": ("VpcConfig",),
        "elasticfilesystem:DescribeMountTargets": ("FileSystemConfigs",),
        "s3files:ListMountTargets": ("FileSystemConfigs",),
        "kms:CreateGrant": ("KmsKeyArn",),
        "kms:Decrypt": ("Code.SourceKMSKeyArn", "KmsKeyArn"),
        "kms:DescribeKey": ("KmsKeyArn",),
        "kms:Encrypt": ("KmsKeyArn",),
        "kms:GenerateDataKey": ("Code.SourceKMSKeyArn", "KmsKeyArn"),
        "lambda:GetCodeSigningConfig": ("CodeSigningConfigArn",),
        "lambda:GetFunctionCodeSigningConfig": ("CodeSigningConfigArn",),
        "lambda:PutFunctionCodeSigningConfig": ("CodeSigningConfigArn",),
        "lambda:DeleteFunctionCodeSigningConfig": ("CodeSigningConfigArn",),
        "lambda:GetLayerVersion": ("Layers",),
        "lambda:GetRuntimeManagementConfig": ("RuntimeManagementConfig",),
        "lambda:PutRuntimeManagementConfig": ("RuntimeManagementConfig",),
        "lambda:GetFunctionRecursionConfig": ("RecursiveLoop",),
        "lambda:PutFunctionRecursionConfig": ("RecursiveLoop",),
        "lambda:PutFunctionScalingConfig": ("FunctionScalingConfig",),
        "lambda:PassCapacityProvider": ("CapacityProviderConfig",),
        "lambda:PublishVersion": ("PublishToLatestPublished",),
    },
    "AWS::Logs::LogGroup": {
        "logs:AssociateKmsKey": ("KmsKeyId",),
        "logs:DisassociateKmsKey": ("KmsKeyId",),
        "logs:PutRetentionPolicy": ("RetentionInDays",),
        "logs:DeleteRetentionPolicy": ("RetentionInDays",),
        "logs:GetDataProtectionPolicy": ("DataProtectionPolicy",),
        "logs:PutDataProtectionPolicy": ("DataProtectionPolicy",),
        "logs:DeleteDataProtectionPolicy": ("DataProtectionPolicy",),
        # Where a data protection policy sends its findings.
        "logs:CreateLogDelivery": ("DataProtectionPolicy",),
        "firehose:TagDeliveryStream": ("DataProtectionPolicy",),
        "logs:PutResourcePolicy": ("ResourcePolicyDocument",),
        "logs:DescribeResourcePolicies": ("ResourcePolicyDocument",),
        "logs:DeleteResourcePolicy": ("ResourcePolicyDocument",),
        "logs:PutIndexPolicy": ("FieldIndexPolicies",),
        "logs:DescribeIndexPolicies": ("FieldIndexPolicies",),
        "logs:DeleteIndexPolicy": ("FieldIndexPolicies",),
        "logs:PutBearerTokenAuthentication": ("BearerTokenAuthenticationEnabled",),
        "logs:PutLogGroupDeletionProtection": ("DeletionProtectionEnabled",),
    },
    "AWS::S3::Bucket": {
        "iam:PassRole": ("ReplicationConfiguration",),
        "s3:DeleteBucketWebsite": ("WebsiteConfiguration",),
        "s3:DeleteObject": _METADATA_TABLES,
        "s3:GetBucketAcl": ("AccessControl", "LoggingConfiguration"),
        "s3:PutAccelerateConfiguration": ("AccelerateConfiguration",),
        "s3:PutAnalyticsConfiguration": ("AnalyticsConfigurations",),
        "s3:PutBucketAbac": ("AbacStatus",),
        "s3:PutBucketAcl": ("AccessControl",),
        "s3:PutBucketCORS": ("CorsConfiguration",),
        "s3:PutBucketLogging": ("LoggingConfiguration",),
        "s3:PutBucketNotification": ("NotificationConfiguration",),
        "s3:PutBucketObjectLockConfiguration": ("ObjectLockConfiguration", "ObjectLockEnabled"),
        "s3:PutBucketOwnershipControls": ("OwnershipControls",),
        "s3:PutBucketPublicAccessBlock": ("PublicAccessBlockConfiguration",),
        "s3:PutBucketVersioning": ("VersioningConfiguration",),
        "s3:PutBucketWebsite": ("WebsiteConfiguration",),
        "s3:PutEncryptionConfiguration": ("BucketEncryption",),
        "s3:PutIntelligentTieringConfiguration": ("IntelligentTieringConfigurations",),
        "s3:PutInventoryConfiguration": ("InventoryConfigurations",),
        "s3:PutLifecycleConfiguration": ("LifecycleConfiguration",),
        "s3:PutMetricsConfiguration": ("MetricsConfigurations",),
        "s3:PutObjectAcl": ("AccessControl",),
        "s3:PutReplicationConfiguration": ("ReplicationConfiguration",),
        # The API of attribute based access control; PutBucketTagging sets the tags of all other buckets.
        "s3:TagResource": ("AbacStatus",),
        "s3:UntagResource": ("AbacStatus",),
        **dict.fromkeys(_METADATA_TABLE_ACTIONS, _METADATA_TABLES),
    },
}

# Calls that put a role into a request together with everything else, whichever of the properties changed.
_PASSES_ROLE_ANEW = {"AWS::Lambda::Function": "lambda:UpdateFunctionConfiguration"}


def asked(
    resource_type: str, operation: str, listed: Iterable[str], tagging: dict, old: Properties, new: Properties
) -> list[str]:
    """The actions, of those that the handler's schema lists, that this operation calls.

    old: the properties before an update, or of what is deleted; new: those after. Tags are in both, with the stack's
    own; keys that begin with "aws:" are CloudFormation's and count as no change. tagging: the schema's section.
    """
    bound = _OF_PROPERTIES.get(resource_type, {})
    tag_property = str(tagging.get("tagProperty") or "/properties/Tags").rsplit("/", 1)[-1]
    tag_actions = {action for action in tagging.get("permissions") or [] if not _reads(action)}
    found: list[str] = []
    for action in dict.fromkeys(listed):
        if action in bound:
            wanted = _belongs(operation, action, bound[action], old, new)
            if operation == UPDATE and action == "iam:PassRole" and resource_type in _PASSES_ROLE_ANEW:
                wanted = True
        elif action in tag_actions:
            wanted = _tags(operation, action, tag_property, bool(tagging.get("cloudFormationSystemTags")), old, new)
        else:
            wanted = operation in (UPDATE, DELETE, READ) or not _takes(action)
        if wanted:
            found.append(action)
    anew = _PASSES_ROLE_ANEW.get(resource_type)
    if operation == UPDATE and anew and anew not in found:
        found = [action for action in found if action != "iam:PassRole"]
    return found


def _reads(action: str) -> bool:
    return action.partition(":")[2].startswith(("Describe", "Get", "List"))


def _takes(action: str) -> bool:
    return action.partition(":")[2].startswith(_TAKING)


def _belongs(operation: str, action: str, paths: tuple[str, ...], old: Properties, new: Properties) -> bool:
    if operation == CREATE:
        # Revoke: a security group's first rule is there before the template's are.
        takes = _takes(action) and not action.endswith(":RevokeSecurityGroupEgress")
        return not takes and any(at(new, path) is not None for path in paths)
    if operation in (DELETE, READ):
        return any(at(old, path) is not None for path in paths)
    takes = _takes(action)
    return any(_went(at(old, path), at(new, path)) if takes else _came(at(old, path), at(new, path)) for path in paths)


def _tags(operation: str, action: str, name: str, system: bool, old: Properties, new: Properties) -> bool:
    before, after = own_tags(old.get(name)), own_tags(new.get(name))
    if operation == CREATE:
        # CloudFormation adds tags of its own to a type that takes them, with the same rights.
        return not _takes(action) and (system or bool(after))
    if operation == UPDATE:
        gone = bool(before.keys() - after.keys())
        return gone if _takes(action) else any(before.get(key) != value for key, value in after.items())
    return False


def at(properties: Properties, path: str) -> Any:
    """The value of a property, or of a member of one ("Code.S3Key"); None if it is not set."""
    value: Any = properties
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return None if value in ([], {}) else value


def own_tags(tags: Any) -> dict[str, str]:
    """The tags in a list of keys and values or in a map, without those of CloudFormation."""
    pairs = tags.items() if isinstance(tags, dict) else [(tag["Key"], tag.get("Value", "")) for tag in tags or []]
    return {key: str(value) for key, value in pairs if not key.startswith("aws:")}


def _came(before: Any, after: Any) -> bool:
    if isinstance(before, list) and isinstance(after, list):
        return any(item not in before for item in after)
    return after is not None and after != before


def _went(before: Any, after: Any) -> bool:
    if isinstance(before, list) and isinstance(after, list):
        kept = [_name(item) for item in after]
        return any(_name(item) not in kept for item in before)
    return before is not None and after is None


def _name(item: Any) -> Any:
    """What makes two items of a list the same one: an inline policy of that name is changed, not replaced."""
    return item.get("PolicyName", item) if isinstance(item, dict) else item
