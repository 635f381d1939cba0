"""Deletes that AWS refuses or does once, and MiniStack does not.

Everything is filtered here: MiniStack ignores the filters of describe calls that it does not know.
"""

from collections.abc import Callable

from ministack.services import ec2, eks, lambda_svc
from ministack.services.cloudformation import handlers

from . import resources
from .resources import Properties


def install() -> None:
    """Refuse the deletion of what something else still uses, by CloudFormation and by the API."""
    resources.before_delete("AWS::EC2::Subnet", _subnet_is_free)
    resources.before_delete("AWS::EC2::SecurityGroup", _security_group_is_free)
    resources.before_delete("AWS::EC2::VPCGatewayAttachment", _gateway_is_free)
    resources.before_delete("AWS::EC2::InternetGateway", _internet_gateway_is_detached)
    resources.before_delete("AWS::EC2::RouteTable", _route_table_is_free)
    resources.before_delete("AWS::EC2::EIP", _address_is_free)
    resources.before_delete("AWS::EC2::LaunchTemplate", _launch_template_is_free)
    for action, (name, check) in _ACTIONS.items():
        ec2._ACTION_MAP[action] = _checked(ec2._ACTION_MAP[action], name, check)
    handlers._ACTION_HANDLERS["DeleteStack"] = _once(handlers._ACTION_HANDLERS["DeleteStack"])


def _once(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    """A DeleteStack that comes again, as a client's retry does, begins no second deletion beside the first."""

    def handle(params: dict) -> tuple:
        stack = handlers._resolve_stack(handlers._p(params, "StackName"))
        if stack and stack.get("StackStatus") == "DELETE_IN_PROGRESS":
            return handlers._xml(200, "DeleteStackResponse", "")
        return answer(params)

    return handle


class DependencyViolation(RuntimeError):
    """Something else still uses what is to be deleted."""


def _checked(
    answer: Callable[[dict], tuple], name: str, check: Callable[[str, Properties], None]
) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        try:
            check(ec2._p(params, name), {"VpcId": ec2._p(params, "VpcId")})
        except DependencyViolation as refused:
            return ec2._error("DependencyViolation", str(refused).removeprefix("DependencyViolation: "), 400)
        return answer(params)

    return handle


def _refuse_if_used(by: list[str], kind: str, physical_id: str) -> None:
    if by:
        raise DependencyViolation(
            f"DependencyViolation: The {kind} '{physical_id}' has dependencies and cannot be deleted. "
            f"(used by {', '.join(by)})"
        )


def _live_nat_gateways(key: str, value: str | None) -> list[str]:
    gateways = ec2._nat_gateways.values()
    return [g["NatGatewayId"] for g in gateways if g["State"] != "deleted" and g.get(key) == value]


def _functions_with(key: str, value: str) -> list[str]:
    configurations = [record["config"] for record in lambda_svc._functions.values()]
    return [c["FunctionName"] for c in configurations if value in (c.get("VpcConfig") or {}).get(key, [])]


def _clusters_with(key: str, value: str) -> list[str]:
    return [name for name, c in eks._clusters.items() if value in c["resourcesVpcConfig"].get(key, [])]


def _instances_with(key: str, value: str) -> list[str]:
    living = [i for i in ec2._instances.values() if i.get("State", {}).get("Name") != "terminated"]
    return [i["InstanceId"] for i in living if i.get(key) == value]


def _interfaces_with(found: Callable[[dict], bool]) -> list[str]:
    return [e["NetworkInterfaceId"] for e in ec2._network_interfaces.values() if found(e)]


def _subnet_is_free(physical_id: str, properties: Properties) -> None:
    groups = [g["nodegroupName"] for g in eks._nodegroups.values() if physical_id in g.get("subnets", [])]
    used = (
        _live_nat_gateways("SubnetId", physical_id)
        + _functions_with("SubnetIds", physical_id)
        + _clusters_with("subnetIds", physical_id)
        + groups
        + _instances_with("SubnetId", physical_id)
        + _interfaces_with(lambda e: e["SubnetId"] == physical_id)
    )
    _refuse_if_used(used, "subnet", physical_id)


def _security_group_is_free(physical_id: str, properties: Properties) -> None:
    used = [
        group["GroupId"]
        for group in ec2._security_groups.values()
        if group["GroupId"] != physical_id and physical_id in _peers(group)
    ]
    used += _interfaces_with(lambda e: physical_id in [g["GroupId"] for g in e["Groups"]])
    used += _functions_with("SecurityGroupIds", physical_id) + _clusters_with("securityGroupIds", physical_id)
    _refuse_if_used(used, "security group", physical_id)


def _peers(group: dict) -> set[str]:
    """The groups that a group's rules name."""
    rules = group["IpPermissions"] + group["IpPermissionsEgress"]
    return {pair.get("GroupId", "") for rule in rules for pair in rule.get("UserIdGroupPairs", [])}


def _gateway_is_free(physical_id: str, properties: Properties) -> None:
    """An internet gateway is not detached while the network has mapped public addresses."""
    vpc = properties.get("VpcId")
    _refuse_if_used(_live_nat_gateways("VpcId", vpc), "network", str(vpc))


def _internet_gateway_is_detached(physical_id: str, properties: Properties) -> None:
    gateway = ec2._internet_gateways.get(physical_id) or {}
    attached = [a["VpcId"] for a in gateway.get("Attachments", [])]
    _refuse_if_used(attached, "internetGateway", physical_id)


def _route_table_is_free(physical_id: str, properties: Properties) -> None:
    table = ec2._route_tables.get(physical_id) or {}
    associations = [a["SubnetId"] for a in table.get("Associations", []) if a.get("SubnetId")]
    if any(a.get("Main") for a in table.get("Associations", [])):
        associations.append(f"{table['VpcId']}, whose main route table it is")
    _refuse_if_used(associations, "routeTable", physical_id)


def _address_is_free(physical_id: str, properties: Properties) -> None:
    mine = {a["AllocationId"] for a in ec2._addresses.values() if a.get("PublicIp") == physical_id}
    gateways = [g for g in ec2._nat_gateways.values() if g["State"] != "deleted" and g.get("AllocationId") in mine]
    _refuse_if_used([g["NatGatewayId"] for g in gateways], "address", physical_id)


def _launch_template_is_free(physical_id: str, properties: Properties) -> None:
    """EC2 would let the template go, and the node group would be broken from then on: said here at once."""
    users = [
        g["nodegroupName"] for g in eks._nodegroups.values() if (g.get("launchTemplate") or {}).get("id") == physical_id
    ]
    _refuse_if_used(users, "launch template", physical_id)


def _allocation_is_free(allocation_id: str, properties: Properties) -> None:
    address = (ec2._addresses.get(allocation_id) or {}).get("PublicIp")
    if address:
        _address_is_free(address, properties)


# EC2's actions, the parameter that names the resource, and its check.
_ACTIONS: dict[str, tuple[str, Callable[[str, Properties], None]]] = {
    "DeleteInternetGateway": ("InternetGatewayId", _internet_gateway_is_detached),
    "DeleteRouteTable": ("RouteTableId", _route_table_is_free),
    "DeleteSecurityGroup": ("GroupId", _security_group_is_free),
    "DeleteSubnet": ("SubnetId", _subnet_is_free),
    "DetachInternetGateway": ("InternetGatewayId", _gateway_is_free),
    "ReleaseAddress": ("AllocationId", _allocation_is_free),
}
