"""Secondary IPv4 blocks of networks, which MiniStack lacks, and the free addresses of subnets.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html ("IPv4 CIDR block association restrictions")
https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html (five addresses of each subnet are AWS's)
"""

import ipaddress
from collections.abc import Callable

from ministack.services import ec2

_RESERVED_ADDRESSES = 5
_MOST_BLOCKS = 5  # the quota's default
_SMALLEST, _LARGEST = 28, 16
_ASSOCIATIONS = "_blocks"

_TEN, _TWELVE, _SIXTEEN = (ipaddress.IPv4Network(b) for b in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_BENCHMARKING = ipaddress.IPv4Network("198.19.0.0/16")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")

# By the range that the first block lies in: the ranges from which no further one may come. In any other range
# (public addresses), as in the shared one.
_RESTRICTED = {
    _TEN: (_TWELVE, _SIXTEEN, _BENCHMARKING),
    _TWELVE: (_TEN, _SIXTEEN, _BENCHMARKING, ipaddress.IPv4Network("172.31.0.0/16")),
    _SIXTEEN: (_TEN, _TWELVE, _BENCHMARKING),
    _BENCHMARKING: (_TEN, _TWELVE, _SIXTEEN),
    _SHARED: (_TEN, _TWELVE, _SIXTEEN, _BENCHMARKING),
}

_vpc_fields = ec2._vpc_fields_xml

Answer = Callable[[dict], tuple]


def install() -> None:
    """Add the two actions; show the blocks, the routes within them, and the free addresses."""
    ec2._vpc_fields_xml = _fields
    ec2._ACTION_MAP["AssociateVpcCidrBlock"] = _associate
    ec2._ACTION_MAP["DisassociateVpcCidrBlock"] = _disassociate
    ec2._ACTION_MAP["DescribeSubnets"] = _after(_count, ec2._ACTION_MAP["DescribeSubnets"])
    ec2._ACTION_MAP["DescribeRouteTables"] = _after(_route, ec2._ACTION_MAP["DescribeRouteTables"])


def of(vpc: dict) -> list[ipaddress.IPv4Network]:
    """Every IPv4 block of a network, the first one first."""
    return [ipaddress.IPv4Network(b) for b in (vpc["CidrBlock"], *vpc.get(_ASSOCIATIONS, {}).values())]


def _after(refresh: Callable[[], None], answer: Answer) -> Answer:
    def describe(params: dict) -> tuple:
        refresh()
        return answer(params)

    return describe


def _count() -> None:
    used: dict[str, int] = {}
    for interface in ec2._network_interfaces.values():
        subnet = interface.get("SubnetId", "")
        used[subnet] = used.get(subnet, 0) + 1
    for subnet in ec2._subnets.values():
        size = ipaddress.IPv4Network(subnet["CidrBlock"]).num_addresses
        free = size - _RESERVED_ADDRESSES - used.get(subnet["SubnetId"], 0)
        subnet["AvailableIpAddressCount"] = max(free, 0)


def _route() -> None:
    """Each table has a local route for each block of its network."""
    for table in ec2._route_tables.values():
        vpc = ec2._vpcs.get(table["VpcId"])
        if vpc is None:
            continue
        wanted = [str(b) for b in of(vpc)]
        kept = [r for r in table["Routes"] if r.get("GatewayId") != "local" or r.get("DestinationCidrBlock") in wanted]
        there = {r.get("DestinationCidrBlock") for r in kept if r.get("GatewayId") == "local"}
        table["Routes"] = kept + [
            {"DestinationCidrBlock": b, "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}
            for b in wanted
            if b not in there
        ]


def _fields(vpc: dict, tag: str = "item") -> str:
    more = "".join(_item(*one, "associated") for one in vpc.get(_ASSOCIATIONS, {}).items())
    end = "</cidrBlockAssociationSet>"
    return _vpc_fields(vpc, tag).replace(end, more + end)


def _item(association: str, block: str, state: str, tag: str = "item") -> str:
    return (
        f"<{tag}><associationId>{association}</associationId><cidrBlock>{block}</cidrBlock>"
        f"<cidrBlockState><state>{state}</state></cidrBlockState></{tag}>"
    )


def _associate(params: dict) -> tuple:
    vpc_id, text = ec2._p(params, "VpcId"), ec2._p(params, "CidrBlock")
    vpc = ec2._vpcs.get(vpc_id)
    if vpc is None:
        return ec2._error("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist", 400)
    try:
        block = ipaddress.IPv4Network(text)
    except ValueError as problem:
        return ec2._error("InvalidParameterValue", f"Value ({text}) for parameter cidrBlock is invalid: {problem}", 400)
    if refusal := _refusal(vpc, block):
        return refusal
    association = f"vpc-cidr-assoc-{vpc_id.removeprefix('vpc-')}{len(vpc.get(_ASSOCIATIONS, {})) + 1:02}"
    vpc.setdefault(_ASSOCIATIONS, {})[association] = str(block)
    return ec2._xml(
        200,
        "AssociateVpcCidrBlockResponse",
        f"<vpcId>{vpc_id}</vpcId>" + _item(association, str(block), "associating", "cidrBlockAssociation"),
    )


def _refusal(vpc: dict, block: ipaddress.IPv4Network) -> tuple | None:
    have = of(vpc)
    if not _LARGEST <= block.prefixlen <= _SMALLEST:
        return ec2._error("InvalidVpc.Range", f"The CIDR '{block}' is invalid.", 400)
    if len(have) >= _MOST_BLOCKS:
        return ec2._error(
            "CidrLimitExceeded", f"This network '{vpc['VpcId']}' has met its maximum number of allowed CIDRs", 400
        )
    if any(block.overlaps(b) for b in have):
        return ec2._error("InvalidVpc.Range", f"The CIDR '{block}' conflicts with another CIDR of the network", 400)
    first = next((r for r in _RESTRICTED if have[0].subnet_of(r)), _SHARED)
    if any(block.overlaps(r) for r in _RESTRICTED[first]):
        return ec2._error("InvalidVpc.Range", f"The CIDR '{block}' is restricted. Use a CIDR from another range.", 400)
    return None


def _disassociate(params: dict) -> tuple:
    association = ec2._p(params, "AssociationId")
    for vpc in ec2._vpcs.values():
        blocks = vpc.get(_ASSOCIATIONS, {})
        if association not in blocks:
            continue
        block = ipaddress.IPv4Network(blocks[association])
        if any(
            s["VpcId"] == vpc["VpcId"] and block.overlaps(ipaddress.IPv4Network(s["CidrBlock"]))
            for s in ec2._subnets.values()
        ):
            return ec2._error(
                "DependencyViolation", f"The CIDR '{block}' has dependencies and cannot be disassociated", 400
            )
        text = _item(association, blocks.pop(association), "disassociating", "cidrBlockAssociation")
        return ec2._xml(200, "DisassociateVpcCidrBlockResponse", f"<vpcId>{vpc['VpcId']}</vpcId>{text}")
    if any(association == f"vpc-cidr-assoc-{v['VpcId'][4:]}" for v in ec2._vpcs.values()):
        return ec2._error(
            "OperationNotPermitted",
            f"The vpc CIDR block with association ID {association} may not be disassociated",
            400,
        )
    return ec2._error(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block association ID '{association}' does not exist",
        400,
    )
