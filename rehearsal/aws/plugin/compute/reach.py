"""Whether an instance could reach what a node needs before it can join: the API server and the image registry.

https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html and
https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html. Nothing here changes anything.
"""

import ipaddress
from typing import Any

from ministack.core.responses import get_region
from ministack.services import ec2

from ..egress import route_table

_ANYWHERE = "0.0.0.0/0"
_HTTPS = 443
# What a node asks where there is no way to the internet.
_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "s3")


def obstacle(instance: dict, cluster: dict) -> str:
    """What keeps the instance from joining the cluster; empty if nothing does."""
    groups = [ec2._security_groups.get(group["GroupId"]) or {} for group in instance["SecurityGroups"]]
    if not any(_lets_out(group) for group in groups):
        return "no egress rule of its security groups allows https"
    closed = _no_way_out(instance)
    if closed and not _has_endpoints(instance["VpcId"]):
        return closed
    access = cluster["resourcesVpcConfig"]
    if access.get("endpointPrivateAccess"):
        return _shut_by_cluster(instance, access)
    return closed and f"{closed}, and the cluster's endpoint is public only"


def _lets_out(group: dict) -> bool:
    return any(_covers_https(rule) for rule in group.get("IpPermissionsEgress", []))


def _covers_https(rule: dict[str, Any]) -> bool:
    if str(rule.get("IpProtocol")) == "-1":
        return True
    if str(rule.get("IpProtocol")) not in ("tcp", "6"):
        return False
    return int(rule.get("FromPort") or 0) <= _HTTPS <= int(rule.get("ToPort") or 65_535)


def _no_way_out(instance: dict) -> str:
    subnet = ec2._subnets.get(instance["SubnetId"]) or {}
    routes = route_table(subnet).get("Routes", []) if subnet else []
    default = next((r for r in routes if r.get("DestinationCidrBlock") == _ANYWHERE), None)
    if default is None:
        return f"its subnet {instance['SubnetId']} has no route to the internet"
    if str(default.get("GatewayId", "")).startswith("igw-"):
        return "" if instance.get("PublicIpAddress") else "its subnet is public and it has no public address"
    if "NatGatewayId" in default:
        nat = ec2._nat_gateways.get(default["NatGatewayId"]) or {}
        return "" if nat.get("State") == "available" else f"the NAT gateway {default['NatGatewayId']} is gone"
    return ""


def _has_endpoints(vpc_id: str) -> bool:
    prefix = f"com.amazonaws.{get_region()}."
    mine = {e["ServiceName"].removeprefix(prefix) for e in ec2._vpc_endpoints.values() if e["VpcId"] == vpc_id}
    return mine.issuperset(_ENDPOINTS)


def _shut_by_cluster(instance: dict, access: dict) -> str:
    """The API server's interfaces have the cluster's group and those that were given with it."""
    own = {group["GroupId"] for group in instance["SecurityGroups"]}
    ids = [access.get("clusterSecurityGroupId"), *access.get("securityGroupIds", [])]
    if own.intersection(ids):
        return ""
    for group_id in ids:
        for rule in (ec2._security_groups.get(group_id) or {}).get("IpPermissions", []):
            if _covers_https(rule) and _is_source(rule, own, instance["PrivateIpAddress"]):
                return ""
    return f"no ingress rule of the cluster's security group {ids[0]} lets its security groups in"


def _is_source(rule: dict[str, Any], own: set[str], address: str) -> bool:
    if own.intersection(pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", [])):
        return True
    blocks = [ipaddress.ip_network(block["CidrIp"]) for block in rule.get("IpRanges", []) if block.get("CidrIp")]
    return any(ipaddress.ip_address(address) in block for block in blocks)
