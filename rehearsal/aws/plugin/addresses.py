"""AWS::EC2::EIP and AWS::EC2::NatGateway; the addresses of NAT gateways, which MiniStack does not tell."""

from collections.abc import Callable

from ministack.services import ec2

from . import resources
from .api import api
from .resources import Properties, tag_list


def install() -> None:
    """Add the two types, and the addresses."""
    ec2._ACTION_MAP["DescribeNatGateways"] = _with_addresses(ec2._ACTION_MAP["DescribeNatGateways"])
    resources.add(
        "AWS::EC2::EIP",
        create=_eip_create,
        update=_eip_update,
        delete=_eip_delete,
        replaced_by=("Domain", "NetworkBorderGroup", "PublicIpv4Pool", "IpamPoolId", "Address"),
        tags="list",
    )
    resources.add(
        "AWS::EC2::NatGateway",
        create=_nat_create,
        update=_nat_update,
        delete=_nat_delete,
        replaced_by=("AllocationId", "SubnetId", "ConnectivityType", "PrivateIpAddress"),
        tags="list",
    )


def _with_addresses(answer: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGatewayAddress.html"""

    def describe(params: dict) -> tuple:
        status, headers, body = answer(params)
        for gateway in ec2._nat_gateways.values():
            identity = f"<natGatewayId>{gateway['NatGatewayId']}</natGatewayId>".encode()
            before, found, rest = body.partition(identity)
            if found:
                body = before + found + rest.replace(b"<natGatewayAddressSet/>", _addresses_of(gateway), 1)
        return status, headers, body

    return describe


def _addresses_of(gateway: dict) -> bytes:
    address = ec2._addresses.get(gateway.get("AllocationId") or "")
    if address is None:
        return b"<natGatewayAddressSet></natGatewayAddressSet>"
    return (
        f"<natGatewayAddressSet><item><allocationId>{address['AllocationId']}</allocationId>"
        f"<publicIp>{address['PublicIp']}</publicIp><isPrimary>true</isPrimary><status>succeeded</status></item>"
        "</natGatewayAddressSet>"
    ).encode()


def _tagged(kind: str, properties: Properties) -> dict:
    tags = tag_list(properties)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def retag(resource_id: str, old: Properties, new: Properties) -> None:
    """Bring an EC2 resource's tags from those of the old properties to those of the new."""
    before = {tag["Key"] for tag in tag_list(old)}
    after = tag_list(new)
    gone = before - {tag["Key"] for tag in after}
    if gone:
        api("ec2").delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in sorted(gone)])
    if after:
        api("ec2").create_tags(Resources=[resource_id], Tags=after)


def _eip_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    answer = api("ec2").allocate_address(Domain="vpc", **_tagged("elastic-ip", properties))
    return answer["PublicIp"], {"AllocationId": answer["AllocationId"], "PublicIp": answer["PublicIp"]}


def _allocation(public_ip: str) -> dict | None:
    addresses = api("ec2").describe_addresses()["Addresses"]
    return next((a for a in addresses if a.get("PublicIp") == public_ip), None)


def _eip_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    address = _allocation(physical_id)
    if address is None:
        raise RuntimeError(f"InvalidAddress.NotFound: the address {physical_id} does not exist")
    retag(address["AllocationId"], old, new)
    return physical_id, {"AllocationId": address["AllocationId"], "PublicIp": physical_id}


def _eip_delete(physical_id: str, properties: Properties) -> None:
    address = _allocation(physical_id)
    if address is not None:
        api("ec2").release_address(AllocationId=address["AllocationId"])


def _nat_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    wanted = {"SubnetId": properties["SubnetId"], **_tagged("natgateway", properties)}
    for name in ("AllocationId", "ConnectivityType"):
        if properties.get(name):
            wanted[name] = properties[name]
    gateway = api("ec2").create_nat_gateway(**wanted)["NatGateway"]
    return gateway["NatGatewayId"], {"NatGatewayId": gateway["NatGatewayId"]}


def _nat_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    retag(physical_id, old, new)
    return physical_id, {"NatGatewayId": physical_id}


def _nat_delete(physical_id: str, properties: Properties) -> None:
    gateways = api("ec2").describe_nat_gateways()["NatGateways"]
    if any(g["NatGatewayId"] == physical_id and g["State"] != "deleted" for g in gateways):
        api("ec2").delete_nat_gateway(NatGatewayId=physical_id)
