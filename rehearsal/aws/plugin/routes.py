"""Routes to IPv6 blocks and prefix lists, and to targets that MiniStack does not know.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
"""

from collections.abc import Callable

from ministack.services import ec2

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "VpcEndpointId",
    "NetworkInterfaceId",
    "InstanceId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
)


def install() -> None:
    """Take the place of the three actions."""
    ec2._ACTION_MAP["CreateRoute"] = _for_table(_create)
    ec2._ACTION_MAP["ReplaceRoute"] = _for_table(_replace)
    ec2._ACTION_MAP["DeleteRoute"] = _for_table(_delete)


def _for_table(change: Callable[[dict, dict, str, str], tuple | None]) -> Callable[[dict], tuple]:
    """change(params, table, kind of the destination, destination) answers only when it refuses."""
    action = change.__name__.strip("_").capitalize()

    def handle(params: dict) -> tuple:
        table_id = ec2._p(params, "RouteTableId")
        table = ec2._route_tables.get(table_id)
        if table is None:
            return ec2._error("InvalidRouteTableID.NotFound", f"The routeTable ID '{table_id}' does not exist", 400)
        given = [(kind, ec2._p(params, kind)) for kind in _DESTINATIONS if ec2._p(params, kind)]
        if len(given) != 1:
            return ec2._error("InvalidParameterCombination", "Exactly one destination must be specified", 400)
        return change(params, table, *given[0]) or ec2._xml(200, f"{action}RouteResponse", "<return>true</return>")

    return handle


def _target(params: dict) -> dict:
    return {kind: ec2._p(params, kind) for kind in _TARGETS if ec2._p(params, kind)}


def _create(params: dict, table: dict, kind: str, destination: str) -> tuple | None:
    if any(route.get(kind) == destination for route in table["Routes"]):
        return ec2._error("RouteAlreadyExists", f"The route identified by {destination} already exists.", 400)
    target = _target(params)
    if len(target) != 1:
        return ec2._error("InvalidParameterCombination", "Exactly one target must be specified", 400)
    table["Routes"].append({kind: destination, **target, "State": "active", "Origin": "CreateRoute"})
    return None


def _replace(params: dict, table: dict, kind: str, destination: str) -> tuple | None:
    for route in table["Routes"]:
        if route.get(kind) == destination:
            for old in _TARGETS:
                route.pop(old, None)
            route.update(_target(params) or {"GatewayId": "local"}, State="active")
            return None
    return ec2._error(
        "InvalidParameterValue",
        f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.",
        400,
    )


def _delete(params: dict, table: dict, kind: str, destination: str) -> tuple | None:
    kept = [route for route in table["Routes"] if route.get(kind) != destination]
    if len(kept) == len(table["Routes"]):
        return ec2._error(
            "InvalidRoute.NotFound",
            f"no route with destination-cidr-block {destination} in route table {table['RouteTableId']}",
            400,
        )
    table["Routes"] = kept
    return None
