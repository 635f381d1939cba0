"""On what an action of a resource handler is judged: the ARNs, known or to be, and the condition keys.

Pure: what has to be looked up in the account comes in as functions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..authorization import reference
from . import permissions
from .permissions import CREATE, DELETE, UPDATE, Properties

ANY = "*"


@dataclass(frozen=True)
class Account:
    """Where the operation happens, and what exists there."""

    account: str
    region: str
    partition: str = "aws"
    role_arn: Callable[[str], str] = lambda name: ""  # ARN of a role by name, as it may have a path; "" for none
    ec2_tags: Callable[[str], dict[str, str]] = lambda resource_id: {}

    def arn(self, service: str, rest: str, *, regional: bool = True, owned: bool = True) -> str:
        where = f"{self.region if regional else ''}:{self.account if owned else ''}"
        return f"arn:{self.partition}:{service}:{where}:{rest}"

    def unknown(self, action: str, kind: str) -> str:
        """The ARN of a resource of which nothing is known: * in place of its name."""
        values = {"Partition": self.partition, "Region": self.region, "Account": self.account}
        return reference.arn(action.partition(":")[0], kind, values)


@dataclass(frozen=True)
class Operation:
    """One call of a resource handler. old: the properties before (update, delete); new: those after (create, update).

    Both have the stack's tags. physical_id is empty on create, where name is the name that the resource will have.
    """

    kind: str
    resource_type: str
    old: Properties
    new: Properties
    physical_id: str = ""
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tag_property: str = "Tags"

    @property
    def properties(self) -> Properties:
        return self.old if self.kind == DELETE else self.new

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the operation puts on, or takes off."""
        return self._tags_in(self.new)

    @property
    def tags_before(self) -> dict[str, str]:
        return self._tags_in(self.old)

    def _tags_in(self, properties: Properties) -> dict[str, str]:
        if self.resource_type != "AWS::EC2::LaunchTemplate":
            return permissions.own_tags(properties.get(self.tag_property))
        # The type has no tags of its own: those of the template are among those of what its request makes.
        specifications = properties.get("TagSpecifications") or []
        own = [one.get("Tags") for one in specifications if one.get("ResourceType") == "launch-template"]
        return permissions.own_tags(own[0] if own else None)


@dataclass(frozen=True)
class Question:
    """An action on an ARN, with condition keys: what IAM is asked."""

    action: str
    resource: str
    keys: Mapping[str, Any]


# The resource of the reference that a type is, or belongs to.
_OWN = {
    "AWS::CloudFormation::Stack": "stack",
    "AWS::EC2::EIP": "elastic-ip",
    "AWS::EC2::InternetGateway": "internet-gateway",
    "AWS::EC2::LaunchTemplate": "launch-template",
    "AWS::EC2::NatGateway": "natgateway",
    "AWS::EC2::RouteTable": "route-table",
    "AWS::EC2::SecurityGroup": "security-group",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpc-endpoint",
    "AWS::EKS::AccessEntry": "access-entry",
    "AWS::EKS::Addon": "addon",
    "AWS::EKS::Cluster": "cluster",
    "AWS::EKS::Nodegroup": "nodegroup",
    "AWS::EKS::PodIdentityAssociation": "podidentityassociation",
    "AWS::Events::Rule": "rule-on-default-event-bus",
    "AWS::IAM::InstanceProfile": "instance-profile",
    "AWS::IAM::ManagedPolicy": "policy",
    "AWS::IAM::OIDCProvider": "oidc-provider",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::EventInvokeConfig": "function",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Permission": "function",
    "AWS::Logs::LogGroup": "log-group",
    "AWS::S3::Bucket": "bucket",
    "AWS::S3::BucketPolicy": "bucket",
    "AWS::SQS::Queue": "queue",
    "AWS::SSM::Parameter": "parameter",
}

# What properties of any EC2 type name: a resource of the reference.
_EC2_REFERENCES = {
    "AllocationId": "elastic-ip",
    "GroupId": "security-group",
    "InternetGatewayId": "internet-gateway",
    "NetworkInterfaceId": "network-interface",
    "RouteTableId": "route-table",
    "RouteTableIds": "route-table",
    "SecurityGroupIds": "security-group",
    "SubnetId": "subnet",
    "SubnetIds": "subnet",
    "VpcId": "vpc",
    "VpnGatewayId": "vpn-gateway",
}

# Roles that a type hands over: the property, and the service that gets the role.
_PASSED = {
    "AWS::EKS::Addon": ("ServiceAccountRoleArn", "eks.amazonaws.com"),
    "AWS::EKS::Cluster": ("RoleArn", "eks.amazonaws.com"),
    "AWS::EKS::Nodegroup": ("NodeRole", "eks.amazonaws.com"),
    "AWS::EKS::PodIdentityAssociation": ("RoleArn", "pods.eks.amazonaws.com"),
    "AWS::Events::Rule": ("RoleArn", "events.amazonaws.com"),
    "AWS::IAM::InstanceProfile": ("Roles", "ec2.amazonaws.com"),
    "AWS::Lambda::Function": ("Role", "lambda.amazonaws.com"),
    "AWS::S3::Bucket": ("ReplicationConfiguration.Role", "s3.amazonaws.com"),
}

# Service-linked roles that a service makes with the rights of who calls it.
_SERVICE_LINKED = {
    "AWS::EKS::Cluster": ("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    "AWS::EKS::Nodegroup": ("eks-nodegroup.amazonaws.com", "AWSServiceRoleForAmazonEKSNodegroup"),
}

# "Amazon CloudWatch Logs resources and operations": these are judged on a group's ARN as it is, all others on that with
# a ":*" in the policy; what is judged then ends in ":log-stream:", as the denials tell.
_OF_BARE_LOG_GROUPS = ("logs:ListTags", "logs:Tag", "logs:Untag")

_CREATING = ("Allocate", "Create")

# What CreateNodegroup would tag by its try of RunInstances: what a launch template can have tags for.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
_TAGGED_BY_A_LAUNCH = ("instance", "network-interface", "volume")


def questions(operation: Operation, actions: list[str], account: Account) -> list[Question]:
    """What IAM is asked, in the handler's order. Actions that IAM does not know, as the schemas have some, are not."""
    found: list[Question] = []
    for name in actions:
        action = reference.action(name)
        if action is not None:
            found += _of_action(operation, action, account, actions)
    return found


def _of_action(operation: Operation, action: reference.Action, account: Account, actions: list[str]) -> list[Question]:
    if action.name == "iam:PassRole":
        return _passed(operation, account)
    if action.name == "iam:CreateServiceLinkedRole":
        return _service_linked(operation, account)
    known = _known(operation, account)
    own = _OWN.get(operation.resource_type, "")
    keys = _keys(operation, action.name, actions, account)
    kinds = _chosen(action, known, own)
    if operation.resource_type == "AWS::EKS::Nodegroup" and action.name == "ec2:CreateTags":
        kinds, keys = list(_TAGGED_BY_A_LAUNCH), {"ec2:CreateAction": "RunInstances"}
    if not kinds:
        return [Question(action.name, ANY, {**keys, **_tags(operation, action, "", own, "", account)})]
    found = []
    for kind in kinds:
        for arn in known.get(kind) or [account.unknown(action.name, kind)]:
            streams = kind == "log-group" and not action.name.startswith(_OF_BARE_LOG_GROUPS)
            resource = f"{arn}:log-stream:" if streams else arn
            all_keys = {**keys, **_tags(operation, action, kind, own, arn, account)}
            found += [Question(action.name, resource, {**all_keys, **more}) for more in _each(operation, action.name)]
    return found


def _chosen(action: reference.Action, known: Mapping[str, list[str]], own: str) -> list[str]:
    """The types of resources that a call of the action is judged on."""
    optional = [kind for kind in action.types if kind not in action.required and kind in known]
    if not action.required:
        return [own] if own in action.types else optional
    if action.name.startswith("ec2:"):
        # EC2 judges each resource that the request names, also those that are optional.
        return [*action.required, *(kind for kind in optional if kind != own)]
    return list(action.required)


# --- resources


def _known(operation: Operation, account: Account) -> dict[str, list[str]]:
    """ARNs that properties and the physical id tell, by the reference's names of resources."""
    kind, properties, service = operation.resource_type, operation.properties, operation.resource_type.split("::")[1]
    found: dict[str, list[str]] = {}
    if service == "EC2":
        for name, resource in _EC2_REFERENCES.items():
            for value in _listed(properties.get(name)):
                found.setdefault(resource, []).append(account.arn("ec2", f"{resource}/{value}"))
    for role in _roles(operation, account):
        found.setdefault("role", []).append(role)
    found |= _OF_TYPES[kind](operation, account) if kind in _OF_TYPES else {}
    own = _OWN.get(kind)
    if own and own not in found:
        found[own] = [_own_arn(operation, account, own)]
    return found


def _own_arn(operation: Operation, account: Account, own: str) -> str:
    physical_id, name = operation.physical_id, operation.physical_id or operation.name or ANY
    if physical_id.startswith("arn:"):
        return physical_id
    path = operation.properties.get("Path", "/")
    match operation.resource_type.split("::")[1]:
        case "EC2":
            known = operation.attributes.get({"elastic-ip": "AllocationId", "security-group": "GroupId"}.get(own, ""))
            return account.arn("ec2", f"{own}/{known or physical_id or ANY}")
        case "IAM":
            return account.arn("iam", f"{own}{path}{name}", regional=False)
        case "Lambda":
            return function_arn(operation.properties.get("FunctionName") or name, account)
        case "Logs":
            return account.arn("logs", f"log-group:{name}")
        case "S3":
            return account.arn("s3", operation.properties.get("Bucket") or name, regional=False, owned=False)
        case "SQS":
            return account.arn("sqs", name.rsplit("/", 1)[-1])
        case "SSM":
            return account.arn("ssm", f"parameter/{name.lstrip('/')}")
        case "Events":
            return account.arn("events", f"rule/{name.split('|')[-1]}")
        case "CloudFormation":
            return account.arn("cloudformation", f"stack/{name}/*")
    return account.arn("eks", f"cluster/{name}")


def function_arn(function: str, account: Account) -> str:
    """A function's ARN, from that or its name."""
    return function if function.startswith("arn:") else account.arn("lambda", f"function:{function}")


def _of_cluster_part(operation: Operation, account: Account) -> dict[str, list[str]]:
    """An add-on, access entry, node group or pod identity association: its cluster, and itself."""
    properties = operation.properties
    cluster = properties.get("ClusterName", ANY)
    own = _OWN[operation.resource_type]
    match own:
        case "access-entry":
            principal = str(properties.get("PrincipalArn", ANY)).split(":")
            kind, _, name = principal[-1].partition("/")
            rest = f"{kind}/{principal[4] if len(principal) > 4 else ANY}/{name.rsplit('/', 1)[-1]}/*"
        case "nodegroup":
            name = operation.physical_id or operation.name or ANY
            rest = f"{name.rsplit('/', 1)[-1]}/*"
        case "addon":
            rest = f"{properties.get('AddonName', ANY)}/*"
        case _:
            rest = operation.physical_id.rsplit("/", 1)[-1] or ANY
    found = {
        "cluster": [account.arn("eks", f"cluster/{cluster}")],
        own: [account.arn("eks", f"{own}/{cluster}/{rest}")],
    }
    subnets = [account.arn("ec2", f"subnet/{subnet}") for subnet in properties.get("Subnets") or []]
    template = permissions.at(properties, "LaunchTemplate.Id")
    return (
        found
        | ({"subnet": subnets} if subnets else {})
        | ({"launch-template": [account.arn("ec2", f"launch-template/{template}")]} if template else {})
    )


def _of_function(operation: Operation, account: Account) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    bucket, key = (permissions.at(operation.properties, f"Code.{name}") for name in ("S3Bucket", "S3Key"))
    if bucket and key:
        found["object"] = [account.arn("s3", f"{bucket}/{key}", regional=False, owned=False)]
    keys = [permissions.at(operation.properties, name) for name in ("KmsKeyArn", "Code.SourceKMSKeyArn")]
    if any(keys):
        found["key"] = [key for key in keys if key]
    layers = operation.properties.get("Layers")
    if layers:
        found["layerVersion"] = list(layers)
    return found


def _of_oidc_provider(operation: Operation, account: Account) -> dict[str, list[str]]:
    if operation.physical_id:
        return {}
    issuer = str(operation.properties.get("Url", ANY)).removeprefix("https://")
    return {"oidc-provider": [account.arn("iam", f"oidc-provider/{issuer}", regional=False)]}


def _of_policy(operation: Operation, account: Account) -> dict[str, list[str]]:
    """A policy's entities: roles by their own ARN, which may have a path."""
    found: dict[str, list[str]] = {}
    for name, kind in (("Groups", "group"), ("Users", "user")):
        if operation.properties.get(name):
            found[kind] = [account.arn("iam", f"{kind}/{one}", regional=False) for one in operation.properties[name]]
    return found


def _of_queue_policy(operation: Operation, account: Account) -> dict[str, list[str]]:
    """The queues of a policy, which it has by their URLs."""
    urls = operation.properties.get("Queues") or []
    return {"queue": [account.arn("sqs", str(url).rsplit("/", 1)[-1]) for url in urls]} if urls else {}


_OF_TYPES: dict[str, Callable[[Operation, Account], dict[str, list[str]]]] = {
    "AWS::EKS::AccessEntry": _of_cluster_part,
    "AWS::EKS::Addon": _of_cluster_part,
    "AWS::EKS::Nodegroup": _of_cluster_part,
    "AWS::EKS::PodIdentityAssociation": _of_cluster_part,
    "AWS::IAM::ManagedPolicy": _of_policy,
    "AWS::IAM::OIDCProvider": _of_oidc_provider,
    "AWS::IAM::Policy": _of_policy,
    "AWS::Lambda::Function": _of_function,
    "AWS::SQS::QueuePolicy": _of_queue_policy,
}


# --- roles


def _roles(operation: Operation, account: Account) -> list[str]:
    """The roles in the properties, other than the resource itself."""
    if operation.resource_type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        values = _listed(operation.properties.get("Roles"))
    elif operation.resource_type == "AWS::IAM::RolePolicy":
        values = _listed(operation.properties.get("RoleName"))
    else:
        path, _ = _PASSED.get(operation.resource_type, ("", ""))
        values = _listed(permissions.at(operation.properties, path)) if path else []
    if operation.resource_type == "AWS::Events::Rule":
        values += [target["RoleArn"] for target in operation.properties.get("Targets") or [] if target.get("RoleArn")]
    return [_role_arn(str(value), account) for value in values]


def _role_arn(role: str, account: Account) -> str:
    if role.startswith("arn:"):
        return role
    return account.role_arn(role) or account.arn("iam", f"role/{role}", regional=False)


def _passed(operation: Operation, account: Account) -> list[Question]:
    _, service = _PASSED.get(operation.resource_type, ("", ""))
    roles = _roles(operation, account)
    if not service:
        # A type that no table knows: whatever role it hands over.
        return [Question("iam:PassRole", account.arn("iam", "role/*", regional=False), {})]
    return [Question("iam:PassRole", role, {"iam:PassedToService": service}) for role in roles]


def _service_linked(operation: Operation, account: Account) -> list[Question]:
    service, name = _SERVICE_LINKED.get(operation.resource_type, (ANY, ANY))
    arn = account.arn("iam", f"role/aws-service-role/{service}/{name}", regional=False)
    return [Question("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": service})]


# --- condition keys


def _keys(operation: Operation, action: str, actions: list[str], account: Account) -> dict[str, Any]:
    properties = operation.properties
    keys: dict[str, Any] = {}
    if action == "ec2:CreateTags" and operation.kind == CREATE:
        creating = [a for a in actions if a.startswith("ec2:") and a[4:].startswith(_CREATING) and a != action]
        keys["ec2:CreateAction"] = creating[0][4:] if creating else None
    if (
        action.startswith("iam:")
        and operation.resource_type == "AWS::IAM::Role"
        and properties.get("PermissionsBoundary")
    ):
        keys["iam:PermissionsBoundary"] = properties["PermissionsBoundary"]
    if action == "ec2:RunInstances":
        template = permissions.at(properties, "LaunchTemplate.Id")
        keys["ec2:LaunchTemplate"] = account.arn("ec2", f"launch-template/{template}") if template else None
    if action.startswith("eks:") and operation.resource_type == "AWS::EKS::AccessEntry":
        keys |= {
            "eks:principalArn": properties.get("PrincipalArn"),
            "eks:accessEntryType": properties.get("Type", "STANDARD"),
            "eks:kubernetesGroups": properties.get("KubernetesGroups"),
            "eks:username": properties.get("Username"),
        }
    if action.startswith("lambda:") and properties.get("VpcConfig"):
        keys |= {
            "lambda:SubnetIds": properties["VpcConfig"].get("SubnetIds"),
            "lambda:SecurityGroupIds": properties["VpcConfig"].get("SecurityGroupIds"),
        }
    if action.startswith("cloudformation:") and properties.get("TemplateURL"):
        keys["cloudformation:TemplateUrl"] = properties["TemplateURL"]
    return {key: value for key, value in keys.items() if value is not None}


def _each(operation: Operation, action: str) -> list[dict[str, Any]]:
    """Further keys, for each call of the action that the handler makes: one for each policy."""
    if action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        if operation.resource_type == "AWS::IAM::ManagedPolicy":
            return [{"iam:PolicyARN": operation.physical_id}] if operation.physical_id else [{}]
        before, after = (_listed(p.get("ManagedPolicyArns")) for p in (operation.old, operation.new))
        gone = [arn for arn in before if arn not in after]
        policies = gone if action.endswith("DetachRolePolicy") else [arn for arn in after if arn not in before]
        return [{"iam:PolicyARN": arn} for arn in policies] or [{}]
    if action == "eks:AssociateAccessPolicy":
        return [
            {
                "eks:policyArn": policy.get("PolicyArn"),
                "eks:accessScope": permissions.at(policy, "AccessScope.Type"),
                **({"eks:namespaces": spaces} if (spaces := permissions.at(policy, "AccessScope.Namespaces")) else {}),
            }
            for policy in operation.properties.get("AccessPolicies") or []
        ] or [{}]
    return [{}]


def _tags(
    operation: Operation, action: reference.Action, kind: str, own: str, arn: str, account: Account
) -> dict[str, Any]:
    """The keys of tags: those of the request with what it makes or tags, those of a resource with what exists."""
    keys = action.keys_of(kind)
    found: dict[str, Any] = {}
    if kind in ("", own) and reference.in_family("aws:RequestTag/x", keys):
        found |= _request_tags(operation, action.name)
    if reference.in_family("aws:ResourceTag/x", keys):
        found |= _resource_tags(operation, action.name, kind == own, arn, account)
    return found


def _request_tags(operation: Operation, action: str) -> dict[str, Any]:
    name = action.partition(":")[2]
    if name.startswith(("DeleteTags", "Untag", "RemoveTags")):
        gone = sorted(operation.tags_before.keys() - operation.tags.keys())
        return {"aws:TagKeys": gone} if gone else {}
    if operation.kind == DELETE or not operation.tags or _follows(operation, action):
        return {}
    if operation.kind == UPDATE and not name.startswith(("CreateTags", "Tag", "AddTags", "PutBucketTagging")):
        return {}
    tags = {f"aws:RequestTag/{key}": value for key, value in operation.tags.items()}
    return {**tags, "aws:TagKeys": sorted(operation.tags)}


def _follows(operation: Operation, action: str) -> bool:
    """Whether a create calls it on what it has just made, with its tags: ec2:ModifyVpcAttribute after ec2:CreateVpc."""
    return operation.kind == CREATE and action.startswith("ec2:") and not action[4:].startswith(_CREATING)


def _resource_tags(operation: Operation, action: str, own: bool, arn: str, account: Account) -> dict[str, Any]:
    """The tags of what exists: the resource's own before the operation, or those of another EC2 resource."""
    service = action.partition(":")[0]
    if own and operation.kind == CREATE:
        tags = operation.tags if _follows(operation, action) else {}
    elif own:
        tags = operation.tags_before
    else:
        tags = account.ec2_tags(arn.rsplit("/", 1)[-1]) if service == "ec2" else {}
    found = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    if service in ("ec2", "iam"):
        found |= {f"{service}:ResourceTag/{key}": value for key, value in tags.items()}
    return found


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]
