"""Whether a function in a network could reach the AWS APIs from there.

The function's process runs on this host and reaches everything. On AWS a custom resource whose function has no way
out hangs until its ServiceTimeout, mostly because a route, a NAT gateway or a security group rule was made later than
the resource, or deleted earlier.
"""

import ipaddress

from ministack.core.responses import get_region
from ministack.services import ec2

_ANYWHERE = "0.0.0.0/0"
_HTTPS = 443
# What a function asks where there is no way to the internet. CloudFormation takes its answer in S3.
_ENDPOINTS = ("eks", "s3", "sts")


def obstacle(vpc_config: dict | None) -> str:
    """Say what keeps a function with this VpcConfig from reaching https on the internet; empty if nothing does."""
    subnets = (vpc_config or {}).get("SubnetIds") or []
    if not subnets:
        return ""
    groups = (vpc_config or {}).get("SecurityGroupIds") or []
    if not any(_lets_https_out(ec2._security_groups.get(group_id) or {}) for group_id in groups):
        return f"no egress rule of its security groups ({', '.join(groups)}) allows {_ANYWHERE} port {_HTTPS}"
    # Lambda uses any of the subnets, so each of them must have a way out.
    for subnet_id in subnets:
        problem = _subnet_obstacle(subnet_id)
        if problem:
            return problem
    return ""


def _lets_https_out(group: dict) -> bool:
    return any(_rule_lets_https_out(rule) for rule in group.get("IpPermissionsEgress", []))


def _rule_lets_https_out(rule: dict) -> bool:
    if not any(block.get("CidrIp") == _ANYWHERE for block in rule.get("IpRanges", [])):
        return False
    if str(rule.get("IpProtocol")) == "-1":
        return True
    return str(rule.get("IpProtocol")) in ("tcp", "6") and int(rule["FromPort"]) <= _HTTPS <= int(rule["ToPort"])


def _subnet_obstacle(subnet_id: str) -> str:
    subnet = ec2._subnets.get(subnet_id)
    if subnet is None:
        return f"its subnet {subnet_id} does not exist"
    table = route_table(subnet)
    default = next((r for r in table.get("Routes", []) if r.get("DestinationCidrBlock") == _ANYWHERE), None)
    if default is None:
        if all(_has_endpoint(table, service) for service in _ENDPOINTS):
            return ""
        return f"the route table of its subnet {subnet_id} has no route to {_ANYWHERE}"
    if str(default.get("GatewayId", "")).startswith("igw-"):
        return f"its subnet {subnet_id} is public, and a function has no public address"
    if "NatGatewayId" not in default:
        return ""
    nat = ec2._nat_gateways.get(default["NatGatewayId"])
    if nat is None or nat["State"] != "available":
        return f"the NAT gateway {default['NatGatewayId']} of its subnet {subnet_id} is gone"
    return _nat_obstacle(nat)


def _has_endpoint(table: dict, service: str) -> bool:
    """Whether the table's network has an endpoint of the service: a gateway's must be on the table itself."""
    name = f"com.amazonaws.{get_region()}.{service}"
    return any(
        endpoint["VpcEndpointType"] == "Interface" or table["RouteTableId"] in endpoint["RouteTableIds"]
        for endpoint in ec2._vpc_endpoints.values()
        if (endpoint["VpcId"], endpoint["ServiceName"]) == (table.get("VpcId"), name)
    )


def _nat_obstacle(nat: dict) -> str:
    """A NAT gateway needs a public subnet: one with a route to an attached internet gateway."""
    subnet = ec2._subnets.get(nat["SubnetId"]) or {}
    for route in route_table(subnet).get("Routes", []):
        gateway = ec2._internet_gateways.get(route.get("GatewayId"))
        if gateway and _covers(route) and any(a["VpcId"] == nat["VpcId"] for a in gateway["Attachments"]):
            return ""
    return f"the NAT gateway {nat['NatGatewayId']} has no route to an internet gateway"


def _covers(route: dict) -> bool:
    block = route.get("DestinationCidrBlock")
    return bool(block) and ipaddress.IPv4Network(block).prefixlen == 0


def route_table(subnet: dict) -> dict:
    """The subnet's own route table, or its network's main one."""
    main: dict = {}
    for table in ec2._route_tables.values():
        if table["VpcId"] != subnet.get("VpcId"):
            continue
        for association in table["Associations"]:
            if association.get("SubnetId") == subnet["SubnetId"]:
                return table
            if association.get("Main"):
                main = table
    return main
