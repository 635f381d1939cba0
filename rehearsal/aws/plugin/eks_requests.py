"""What EKS refuses of clusters and access entries, the creator's entry, and the control plane's log group.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
"""

import ipaddress
import re
from collections.abc import Callable

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch_logs, ec2, eks, iam

from . import clusters, eks_updates, eks_versions
from .api import api

_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_MODES = ("API", "API_AND_CONFIG_MAP", "CONFIG_MAP")
_ENTRY_MODES = ("API", "API_AND_CONFIG_MAP")

_PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_LARGEST_SERVICES, _SMALLEST_SERVICES = 12, 24
_SERVICES, _OTHER_SERVICES = "10.100.0.0/16", "172.20.0.0/16"

_TYPES = ("STANDARD", "FARGATE_LINUX", "EC2_LINUX", "EC2_WINDOWS", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
_RESERVED_USER = ("system:", "eks:", "aws:", "amazon:", "iam:")
_RESERVED_GROUP = ("system:", "eks:", "aws:", "amazon:", "iam:")
_SERVICE_LINKED = ":role/aws-service-role/"

# https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html, those that customers associate.
_POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSClusterInsightsPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSSecretAdminPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
)
_POLICY = "arn:aws:eks::aws:cluster-access-policy/"

# Calls on access entries of which nothing but the cluster's mode is checked here.
_PLAIN_ENTRY_CALLS = (
    "_delete_access_entry",
    "_describe_access_entry",
    "_disassociate_access_policy",
    "_list_access_entries",
    "_list_associated_access_policies",
)

_create_inner = eks._create_cluster
_delete_inner = eks._delete_cluster


def install() -> None:
    """Wrap the actions; after clusters and nodegroups."""
    global _create_inner, _delete_inner
    _create_inner, _delete_inner = eks._create_cluster, eks._delete_cluster
    eks._create_cluster = _create_cluster
    eks._delete_cluster = _delete_cluster
    eks._VALID_ACCESS_ENTRY_TYPES = _TYPES
    eks._create_access_entry = _checked(eks._create_access_entry, _entry_refusal)
    eks._update_access_entry = _checked(eks._update_access_entry, _update_refusal)
    eks._associate_access_policy = _checked(eks._associate_access_policy, _policy_refusal)
    for name in _PLAIN_ENTRY_CALLS:
        setattr(eks, name, _checked(getattr(eks, name), None))


# --- clusters


def _create_cluster(body: dict, creator_arn: str | None = None) -> tuple:
    if refused := cluster_refusal(body):
        return eks._error(400, "InvalidParameterException", refused)
    network = dict(body.get("kubernetesNetworkConfig") or {})
    network.setdefault("serviceIpv4Cidr", _services_beside(_blocks(body)))
    answer = _create_inner({**body, "kubernetesNetworkConfig": network}, creator_arn)
    if answer[0] < 300:
        _log_group_of(body["name"])
    return answer


def _blocks(body: dict) -> list[ipaddress.IPv4Network]:
    """The address blocks of the cluster's VPC."""
    subnets = [ec2._subnets.get(s) for s in (body.get("resourcesVpcConfig") or {}).get("subnetIds", [])]
    vpcs = [ec2._vpcs.get(subnet["VpcId"]) for subnet in subnets if subnet]
    return [ipaddress.IPv4Network(vpc["CidrBlock"]) for vpc in vpcs if vpc]


def _services_beside(blocks: list[ipaddress.IPv4Network]) -> str:
    """EKS takes the other of its two blocks for a network that is in 10.0.0.0/8."""
    return _OTHER_SERVICES if any(block.subnet_of(_PRIVATE[0]) for block in blocks) else _SERVICES


def cluster_refusal(body: dict) -> str:
    """Why EKS would not make the cluster, as far as the request itself tells; or an empty text."""
    name = body.get("name", "")
    if not _NAME.fullmatch(name):
        return (
            f"The cluster name {name!r} is not 1 to 100 letters, digits, hyphens, underscores, first a letter or digit"
        )
    if "version" in body and body["version"] not in eks_versions.SUPPORTED:
        return f"unsupported Kubernetes version {body['version']}"
    mode = (body.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP")
    if mode not in _MODES:
        return f"authenticationMode must be one of {list(_MODES)}"
    bootstrap = (body.get("accessConfig") or {}).get("bootstrapClusterCreatorAdminPermissions", True)
    if mode == "CONFIG_MAP" and bootstrap is False:
        return (
            "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP"
        )
    if why := eks_updates.logging_refusal(body.get("logging") or {}):
        return why
    for cidr in (body.get("resourcesVpcConfig") or {}).get("publicAccessCidrs", []):
        try:
            ipaddress.ip_network(cidr)
        except ValueError:
            return f"The following CIDRs are invalid in publicAccessCidrs: [{cidr}]"
    services = (body.get("kubernetesNetworkConfig") or {}).get("serviceIpv4Cidr")
    return _services_refusal(services, _blocks(body)) if services else ""


def _services_refusal(services: str, blocks: list[ipaddress.IPv4Network]) -> str:
    try:
        network = ipaddress.IPv4Network(services)
    except ValueError:
        return f"The serviceIpv4Cidr {services} is not a valid CIDR block"
    if not any(network.subnet_of(private) for private in _PRIVATE):
        return f"The serviceIpv4Cidr {services} is not within {', '.join(map(str, _PRIVATE))}"
    if not _LARGEST_SERVICES <= network.prefixlen <= _SMALLEST_SERVICES:
        return f"The serviceIpv4Cidr {services} is not between /{_SMALLEST_SERVICES} and /{_LARGEST_SERVICES}"
    if any(network.overlaps(block) for block in blocks):
        return f"The serviceIpv4Cidr {services} overlaps with the VPC"
    return ""


def _delete_cluster(name: str) -> tuple:
    # Until the end the control plane writes its logs: a group that was deleted before comes back, and stays.
    if name in eks._clusters:
        _log_group_of(name)
    answer = _delete_inner(name)
    if answer[0] < 300:
        for key in [key for key in eks._addons if key.startswith(f"{name}/")]:
            eks._addons.pop(key, None)
    return answer


def _log_group_of(name: str) -> None:
    """EKS makes the log group of a control plane that writes logs, if nobody did before:
    https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html."""
    group = f"/aws/eks/{name}/cluster"
    if eks_updates.enabled(eks._clusters[name]["logging"]) and group not in cloudwatch_logs._log_groups:
        api("logs").create_log_group(logGroupName=group)


def move_creators_entry(name: str, principal_arn: str) -> None:
    """Give the entry of a cluster's creator to the principal on whose behalf CloudFormation made the cluster."""
    record = eks._clusters[name]
    creator = record.get("_creator_arn")
    owner = eks._role_arn_from_assumed_role(principal_arn) or principal_arn
    if creator and creator != owner:
        eks._access_entries.pop(eks._ae_key(name, creator), None)
        prefix = eks._ap_key(name, creator, "")
        for key in [key for key in eks._access_policies if key.startswith(prefix)]:
            eks._access_policies.pop(key, None)
    record["_creator_arn"] = owner
    clusters.note_creator(clusters.running[clusters._key(name)].directory, record)
    eks._bootstrap_creator_access_entry(name, record, owner)


# --- access entries


def _checked(answer: Callable[..., tuple], refusal: Callable[..., str] | None) -> Callable[..., tuple]:
    def handle(cluster: str, *arguments: object) -> tuple:
        record = eks._clusters.get(cluster)
        if record and record["accessConfig"].get("authenticationMode", "CONFIG_MAP") not in _ENTRY_MODES:
            return eks._error(
                400,
                "InvalidRequestException",
                f"The cluster's authentication mode must be set to one of [{', '.join(_ENTRY_MODES)}] to perform this "
                "operation.",
            )
        why = refusal(*arguments) if record and refusal else ""
        if why:
            return eks._error(400, "InvalidParameterException", why)
        return answer(cluster, *arguments)

    return handle


def _entry_refusal(body: dict) -> str:
    principal, kind = str(body.get("principalArn", "")), body.get("type", "STANDARD")
    if _SERVICE_LINKED in principal:
        return "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
    if not _exists(principal) or (kind != "STANDARD" and ":role/" not in principal):
        return "The specified principalArn is invalid: invalid principal"
    if kind != "STANDARD" and (body.get("username") or body.get("kubernetesGroups")):
        return f"username and kubernetesGroups cannot be specified for an access entry of type {kind}"
    return _names_refusal(body)


def _exists(principal: str) -> bool:
    account, _, resource = principal.partition(":iam::")[2].partition(":")
    kind, _, path = resource.partition("/")
    name = path.rsplit("/", 1)[-1]
    if account != get_account_id():
        # EKS cannot look into another account.
        return bool(name) and kind in ("role", "user")
    known = {"role": iam._roles, "user": iam._users}.get(kind, {})
    return name in known and known[name]["Arn"] == principal


def _update_refusal(principal: str, body: dict) -> str:
    return _names_refusal(body)


def _names_refusal(body: dict) -> str:
    if str(body.get("username") or "").startswith(_RESERVED_USER):
        return f"The username {body['username']} is invalid, it cannot start with {', '.join(_RESERVED_USER)}"
    for group in body.get("kubernetesGroups") or []:
        if group.startswith(_RESERVED_GROUP):
            return f"The kubernetes group name {group} is invalid, it cannot start with {group.split(':')[0]}:"
    return ""


def _policy_refusal(principal: str, body: dict) -> str:
    arn = str(body.get("policyArn", ""))
    if arn.removeprefix(_POLICY) not in _POLICIES:
        return f"The policyArn {arn} is invalid: there is no such access policy"
    return ""
