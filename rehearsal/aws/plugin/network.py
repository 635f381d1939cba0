"""Networks: what EC2 refuses and MiniStack's CloudFormation handlers take as it comes.

Most of it shows a dependency that a template forgot: a NAT gateway before the internet gateway is attached, a route
before its gateway. AWS's names of the errors are kept.
"""

import ipaddress

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from . import network_blocks, resources, zones
from .resources import Properties

_SMALLEST, _LARGEST = 28, 16

# The properties whose change makes a new resource, by AWS's resource reference. MiniStack's handlers replace by
# themselves, past the checks here; named so, the engine does it.
_REPLACED_BY = {
    "AWS::EC2::VPC": ("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"),
    "AWS::EC2::Subnet": ("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6Native", "OutpostArn", "VpcId"),
    "AWS::EC2::VPCGatewayAttachment": ("VpcId",),
    "AWS::EC2::RouteTable": ("VpcId",),
    "AWS::EC2::Route": ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "RouteTableId"),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId",),
    "AWS::EC2::SecurityGroup": ("GroupDescription", "GroupName", "VpcId"),
    "AWS::EC2::VPCEndpoint": ("ServiceName", "VpcEndpointType", "VpcId"),
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateName",),
}


class EC2Error(RuntimeError):
    """A refusal, written as CloudFormation shows EC2's."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{message} (Service: Ec2, Status Code: 400, Error Code: {code})")


def install() -> None:
    """Check before a type is created; say what a change replaces."""
    provisioners._REPLACING_PROPERTIES.update(_REPLACED_BY)
    provisioners._RESOURCE_HANDLERS["AWS::EC2::SubnetRouteTableAssociation"] |= {
        "update": _move_association,
        "update_with_logical_id": True,
    }
    resources.before_create("AWS::EC2::VPC", _vpc)
    resources.after_create("AWS::EC2::VPC", lambda vpc_id, new: {"CidrBlock": new.get("CidrBlock", "")})
    resources.before_create("AWS::EC2::Subnet", check_subnet)
    resources.before_create("AWS::EC2::VPCGatewayAttachment", _attachment)
    resources.before_create("AWS::EC2::RouteTable", _in_known_vpc)
    resources.before_create("AWS::EC2::SecurityGroup", _security_group)
    resources.before_create("AWS::EC2::Route", _route)
    resources.before_create("AWS::EC2::SubnetRouteTableAssociation", _association)
    resources.before_create("AWS::EC2::NatGateway", _nat_gateway)
    resources.before_create("AWS::EC2::VPCEndpoint", check_endpoint)


def _known_vpc(vpc_id: str | None) -> dict:
    vpc = ec2._vpcs.get(vpc_id)
    if vpc is None:
        raise EC2Error("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    return vpc


def _known_subnet(subnet_id: str | None) -> dict:
    subnet = ec2._subnets.get(subnet_id)
    if subnet is None:
        raise EC2Error("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
    return subnet


def _known_table(table_id: str | None) -> dict:
    table = ec2._route_tables.get(table_id)
    if table is None:
        raise EC2Error("InvalidRouteTableID.NotFound", f"The routeTable ID '{table_id}' does not exist")
    return table


def _block(cidr: str, error: str) -> ipaddress.IPv4Network:
    try:
        block = ipaddress.IPv4Network(cidr)
    except ValueError as problem:
        raise EC2Error(
            "InvalidParameterValue", f"Value ({cidr}) for parameter cidrBlock is invalid: {problem}"
        ) from problem
    if not _LARGEST <= block.prefixlen <= _SMALLEST:
        raise EC2Error(error, f"The CIDR '{cidr}' is invalid: it must be between /{_LARGEST} and /{_SMALLEST}")
    return block


def _vpc(properties: Properties) -> None:
    _block(properties.get("CidrBlock", ""), "InvalidVpc.Range")


def check_subnet(properties: Properties) -> None:
    """Refuse a subnet as CreateSubnet does."""
    vpc = _known_vpc(properties.get("VpcId"))
    cidr = properties.get("CidrBlock", "")
    block = _block(cidr, "InvalidSubnet.Range")
    blocks = network_blocks.of(vpc)
    if not any(block.subnet_of(b) for b in blocks):
        within = ", ".join(map(str, blocks))
        raise EC2Error("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid: it is not within {within}")
    for other in ec2._subnets.values():
        if other["VpcId"] == vpc["VpcId"] and block.overlaps(ipaddress.IPv4Network(other["CidrBlock"])):
            raise EC2Error("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")
    zone = properties.get("AvailabilityZone")
    if zone and zone not in zones.of_region():
        raise EC2Error("InvalidParameterValue", f"Value ({zone}) for parameter availabilityZone is invalid")


def _attachment(properties: Properties) -> None:
    vpc = _known_vpc(properties.get("VpcId"))
    gateway_id = properties.get("InternetGatewayId")
    gateway = ec2._internet_gateways.get(gateway_id)
    if gateway_id and gateway is None:
        raise EC2Error("InvalidInternetGatewayID.NotFound", f"The internetGateway ID '{gateway_id}' does not exist")
    if gateway and any(a["VpcId"] != vpc["VpcId"] for a in gateway["Attachments"]):
        raise EC2Error("Resource.AlreadyAssociated", f"resource {gateway_id} is already attached to another network")
    if gateway and attached_gateways(vpc["VpcId"]):
        raise EC2Error("InvalidParameterValue", f"Network {vpc['VpcId']} already has an internet gateway attached")


def _in_known_vpc(properties: Properties) -> None:
    _known_vpc(properties.get("VpcId"))


def _security_group(properties: Properties) -> None:
    vpc = _known_vpc(properties.get("VpcId")) if properties.get("VpcId") else None
    name = properties.get("GroupName")
    if (
        vpc
        and name
        and any(g["GroupName"] == name and g["VpcId"] == vpc["VpcId"] for g in ec2._security_groups.values())
    ):
        raise EC2Error("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc['VpcId']}'")


def attached_gateways(vpc_id: str) -> list[str]:
    """The internet gateways that are attached to a network."""
    return [
        gateway["InternetGatewayId"]
        for gateway in ec2._internet_gateways.values()
        if any(a["VpcId"] == vpc_id for a in gateway["Attachments"])
    ]


def _route(properties: Properties) -> None:
    table = _known_table(properties.get("RouteTableId"))
    destination = properties.get("DestinationCidrBlock")
    if destination and any(r.get("DestinationCidrBlock") == destination for r in table["Routes"]):
        raise EC2Error(
            "RouteAlreadyExists", f"The route identified by {destination} already exists in {table['RouteTableId']}"
        )
    gateway = properties.get("GatewayId", "")
    if gateway.startswith("igw-") and gateway not in attached_gateways(table["VpcId"]):
        raise EC2Error(
            "InvalidParameterValue",
            f"route table {table['RouteTableId']} and network gateway {gateway} belong to different networks",
        )
    nat = properties.get("NatGatewayId")
    if nat and (ec2._nat_gateways.get(nat) or {}).get("State") != "available":
        raise EC2Error("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat}' does not exist")


def _association(properties: Properties) -> None:
    table, subnet = _known_table(properties.get("RouteTableId")), _known_subnet(properties.get("SubnetId"))
    if table["VpcId"] != subnet["VpcId"]:
        raise EC2Error("InvalidParameterValue", "the route table and the subnet belong to different networks")
    for other in ec2._route_tables.values():
        if any(a.get("SubnetId") == subnet["SubnetId"] for a in other["Associations"]):
            raise EC2Error(
                "Resource.AlreadyAssociated",
                f"the subnet {subnet['SubnetId']} is already associated with route table {other['RouteTableId']}",
            )


def _move_association(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    """ReplaceRouteTableAssociation: the subnet gets another table without being without one."""
    table = _known_table(new.get("RouteTableId"))
    for other in ec2._route_tables.values():
        for association in list(other["Associations"]):
            if association["RouteTableAssociationId"] == physical_id:
                other["Associations"].remove(association)
                table["Associations"].append({**association, "RouteTableId": table["RouteTableId"]})
    return physical_id, {"Id": physical_id}


def _nat_gateway(properties: Properties) -> None:
    subnet = _known_subnet(properties.get("SubnetId"))
    if properties.get("ConnectivityType", "public") != "public":
        return
    allocation = properties.get("AllocationId")
    if allocation not in ec2._addresses:
        raise EC2Error("InvalidAllocationID.NotFound", f"The allocation ID '{allocation}' does not exist")
    if any(g.get("AllocationId") == allocation and g["State"] != "deleted" for g in ec2._nat_gateways.values()):
        raise EC2Error("Resource.AlreadyAssociated", f"Elastic IP address [{allocation}] is already associated")
    if not attached_gateways(subnet["VpcId"]):
        raise EC2Error("Gateway.NotAttached", f"Network {subnet['VpcId']} has no Internet gateway attached")


def check_endpoint(properties: Properties) -> None:
    """Refuse an endpoint as CreateVpcEndpoint does.

    A route table has one gateway endpoint for a service at most
    (https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html, "Routing").
    """
    _known_vpc(properties.get("VpcId"))
    for table_id in properties.get("RouteTableIds") or []:
        table = _known_table(table_id)
        if table["VpcId"] != properties.get("VpcId"):
            raise EC2Error(
                "InvalidParameter", f"Route table {table_id} does not belong to network {properties['VpcId']}"
            )
        for other in ec2._vpc_endpoints.values():
            if other["ServiceName"] == properties.get("ServiceName") and table_id in other.get("RouteTableIds", []):
                raise EC2Error(
                    "RouteAlreadyExists", f"route table {table_id} already has a route with {other['ServiceName']}"
                )
    for subnet_id in properties.get("SubnetIds") or []:
        _known_subnet(subnet_id)
