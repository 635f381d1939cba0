"""What EC2's API refuses or does in networks, and MiniStack lets pass.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from collections.abc import Callable

from ministack.services import ec2

from . import network

_PREFIX_LISTS = {"s3": "pl-63a5400a", "dynamodb": "pl-02cd2c6b"}

Answer = Callable[[dict], tuple]


def install() -> None:
    """Wrap the actions."""
    for action, check in _CHECKS.items():
        ec2._ACTION_MAP[action] = _checked(ec2._ACTION_MAP[action], check)
    ec2._ACTION_MAP["DeleteSubnet"] = _with_associations(ec2._ACTION_MAP["DeleteSubnet"])
    ec2._ACTION_MAP["DescribeRouteTables"] = _refreshed(ec2._ACTION_MAP["DescribeRouteTables"])


def _checked(answer: Answer, check: Callable[[dict], tuple | None]) -> Answer:
    return lambda params: check(params) or answer(params)


def _with_associations(answer: Answer) -> Answer:
    """A subnet that is deleted is associated with no route table any more."""

    def delete(params: dict) -> tuple:
        result, subnet = answer(params), ec2._p(params, "SubnetId")
        if subnet not in ec2._subnets:
            for table in ec2._route_tables.values():
                table["Associations"] = [a for a in table["Associations"] if a.get("SubnetId") != subnet]
        return result

    return delete


def _refreshed(answer: Answer) -> Answer:
    def describe(params: dict) -> tuple:
        for table in ec2._route_tables.values():
            _refresh(table)
        return answer(params)

    return describe


def _refresh(table: dict) -> None:
    """A route whose gateway is gone is a black hole; gateway endpoints have routes of their own."""
    for route in table["Routes"]:
        if gone(route):
            route["State"] = "blackhole"
    wanted = {
        _PREFIX_LISTS[service]: endpoint["VpcEndpointId"]
        for endpoint in ec2._vpc_endpoints.values()
        if table["RouteTableId"] in endpoint.get("RouteTableIds", [])
        and (service := endpoint["ServiceName"].rsplit(".", 1)[-1]) in _PREFIX_LISTS
    }
    table["Routes"] = [r for r in table["Routes"] if not str(r.get("GatewayId", "")).startswith("vpce-")] + [
        {"DestinationPrefixListId": prefix, "GatewayId": endpoint, "State": "active", "Origin": "CreateRoute"}
        for prefix, endpoint in wanted.items()
    ]


def gone(route: dict) -> bool:
    """Whether what a route leads to is no longer there."""
    nat, gateway = route.get("NatGatewayId"), str(route.get("GatewayId", ""))
    if nat:
        return ec2._nat_gateways.get(nat, {}).get("State", "deleted") in ("deleting", "deleted")
    return gateway.startswith("igw-") and not ec2._internet_gateways.get(gateway, {}).get("Attachments")


def _new_route(params: dict) -> tuple | None:
    table, block = ec2._route_tables.get(ec2._p(params, "RouteTableId")), ec2._p(params, "DestinationCidrBlock")
    if table and block and any(r.get("DestinationCidrBlock") == block for r in table["Routes"]):
        return ec2._error("RouteAlreadyExists", f"The route identified by {block} already exists.", 400)
    return None


def _new_subnet(params: dict) -> tuple | None:
    names = ("VpcId", "CidrBlock", "AvailabilityZone")
    return _refused(network.check_subnet, {name: ec2._p(params, name) for name in names})


def _new_endpoint(params: dict) -> tuple | None:
    tables = {"RouteTableIds": ec2._parse_member_list(params, "RouteTableId")}
    return _refused(network.check_endpoint, tables | {name: ec2._p(params, name) for name in ("VpcId", "ServiceName")})


def _refused(check: Callable[[dict], None], properties: dict) -> tuple | None:
    """The answer to a request that CloudFormation would be refused too."""
    try:
        check({name: value for name, value in properties.items() if value})
    except network.EC2Error as refusal:
        return ec2._error(refusal.code, refusal.message, 400)
    return None


def _only_gateway(params: dict) -> tuple | None:
    vpc, own = ec2._p(params, "VpcId"), ec2._p(params, "InternetGatewayId")
    for gateway in ec2._internet_gateways.values():
        attached = [a["VpcId"] for a in gateway.get("Attachments", [])]
        if gateway["InternetGatewayId"] == own and attached:
            return ec2._error(
                "Resource.AlreadyAssociated", f"resource {own} is already attached to network {attached[0]}", 400
            )
        if vpc in attached:
            return ec2._error("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached", 400)
    return None


def _new_rules(direction: str) -> Callable[[dict], tuple | None]:
    def check(params: dict) -> tuple | None:
        group = ec2._security_groups.get(ec2._p(params, "GroupId"))
        for rule in ec2._parse_ip_permissions(params, "IpPermissions") if group else []:
            if any(ec2._rules_match(rule, known) for known in group[direction]):
                return ec2._error("InvalidPermission.Duplicate", "the specified rule already exists", 400)
        return None

    return check


_CHECKS = {
    "AttachInternetGateway": _only_gateway,
    "AuthorizeSecurityGroupEgress": _new_rules("IpPermissionsEgress"),
    "AuthorizeSecurityGroupIngress": _new_rules("IpPermissions"),
    "CreateRoute": _new_route,
    "CreateSubnet": _new_subnet,
    "CreateVpcEndpoint": _new_endpoint,
}
