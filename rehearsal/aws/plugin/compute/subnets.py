"""Private addresses of subnets: who has which, and when there are none left.

https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html: the first four and the last one are AWS's own.
"""

import ipaddress
from collections.abc import Callable

from ministack.services import ec2

from .wire import Refusal

_FIRST = 4
_OWN = 5


def install() -> None:
    """DescribeSubnets counts the free addresses."""
    ec2._ACTION_MAP["DescribeSubnets"] = _counted(ec2._ACTION_MAP["DescribeSubnets"])


def known(subnet_id: str) -> dict:
    """The subnet's record."""
    subnet = ec2._subnets.get(subnet_id)
    if subnet is None:
        raise Refusal("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
    return subnet


def default() -> dict:
    """The subnet of a launch that names none."""
    for subnet in ec2._subnets.values():
        if subnet.get("DefaultForAz"):
            return subnet
    raise Refusal("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")


def free(subnet: dict) -> int:
    """How many addresses are left."""
    return ipaddress.IPv4Network(subnet["CidrBlock"]).num_addresses - _OWN - len(_taken(subnet))


def take(subnet: dict, wanted: str = "") -> str:
    """An address that nobody has; the one that is wanted, if any."""
    block, taken = ipaddress.IPv4Network(subnet["CidrBlock"]), _taken(subnet)
    if wanted:
        if ipaddress.IPv4Address(wanted) not in block:
            text = f"Address {wanted} does not fall within the subnet's address range"
            raise Refusal("InvalidParameterValue", text)
        if wanted in taken:
            raise Refusal("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
        return wanted
    # An address that was given back is not given out again at once: nodes are named after theirs.
    numbers = range(_FIRST, block.num_addresses - 1)
    start = subnet.get("_next_address", 0) % len(numbers)
    for place in (*range(start, len(numbers)), *range(start)):
        address = str(block[numbers[place]])
        if address not in taken:
            subnet["_next_address"] = place + 1
            return address
    text = (
        f"There are not enough free addresses in subnet '{subnet['SubnetId']}' to satisfy the requested number of "
        "instances."
    )
    raise Refusal("InsufficientFreeAddressesInSubnet", text)


def _taken(subnet: dict) -> set[str]:
    """The addresses of network interfaces; NAT gateways have one each, of which MiniStack keeps no record."""
    subnet_id = subnet["SubnetId"]
    block = ipaddress.IPv4Network(subnet["CidrBlock"])
    interfaces = [i for i in ec2._network_interfaces.values() if i["SubnetId"] == subnet_id]
    taken = {i["PrivateIpAddress"] for i in interfaces if i.get("PrivateIpAddress")}
    gateways = [g for g in ec2._nat_gateways.values() if g["SubnetId"] == subnet_id and g["State"] != "deleted"]
    return taken | {str(block[-2 - place]) for place in range(len(gateways))}


def _counted(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        for subnet in ec2._subnets.values():
            subnet["AvailableIpAddressCount"] = free(subnet)
        return answer(params)

    return handle
