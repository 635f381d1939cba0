"""Network interfaces: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html."""

import random

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from . import subnets, tagging
from .selection import page, select
from .wire import Refusal, answer, now

_FILTERS = {
    "addresses.private-ip-address": "PrivateIpAddress",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def install() -> None:
    """Answer the actions whose addresses and filters MiniStack makes up."""
    answer("CreateNetworkInterface", _create)
    answer("DeleteNetworkInterface", _delete)
    answer("DescribeNetworkInterfaces", _describe)


def dns_suffix() -> str:
    """What private DNS names of the request's region end in."""
    region = get_region()
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def dns_name(address: str) -> str:
    """The private DNS name of an address."""
    return f"ip-{address.replace('.', '-')}.{dns_suffix()}"


def groups_of(subnet: dict, group_ids: list[str]) -> list[dict[str, str]]:
    """The security groups as members of answers; none given means the network's default group."""
    if not group_ids:
        in_vpc = [g for g in ec2._security_groups.values() if g.get("VpcId") == subnet["VpcId"]]
        group_ids = [g["GroupId"] for g in in_vpc if g["GroupName"] == "default"]
    found = []
    for group_id in group_ids:
        group = ec2._security_groups.get(group_id)
        if group is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group["VpcId"] != subnet["VpcId"]:
            text = f"Security group {group_id} and subnet {subnet['SubnetId']} belong to different networks."
            raise Refusal("InvalidParameter", text)
        found.append({"GroupId": group_id, "GroupName": group["GroupName"]})
    return found


def make(subnet: dict, groups: list[dict[str, str]], description: str, tags: list[dict], address: str = "") -> dict:
    """A new interface with an address of the subnet."""
    interface_id = f"eni-0{random.getrandbits(64):016x}"
    address = subnets.take(subnet, address)
    interface = {
        "NetworkInterfaceId": interface_id,
        "SubnetId": subnet["SubnetId"],
        "VpcId": subnet["VpcId"],
        "AvailabilityZone": subnet["AvailabilityZone"],
        "Description": description,
        "OwnerId": get_account_id(),
        "Status": "available",
        "PrivateIpAddress": address,
        "PrivateDnsName": dns_name(address),
        "InterfaceType": "interface",
        "SourceDestCheck": True,
        "RequesterManaged": False,
        "MacAddress": "02:" + ":".join(f"{random.getrandbits(8):02x}" for _ in range(5)),
        "Groups": groups,
        "Attachment": None,
    }
    ec2._network_interfaces[interface_id] = interface
    tagging.put(interface_id, tags)
    return interface


def attach(interface: dict, instance_id: str, device: int, delete_on_termination: bool) -> None:
    """Attach it to an instance."""
    interface["Status"] = "in-use"
    interface["Attachment"] = {
        "AttachmentId": f"eni-attach-0{random.getrandbits(64):016x}",
        "InstanceId": instance_id,
        "InstanceOwnerId": get_account_id(),
        "DeviceIndex": device,
        "NetworkCardIndex": 0,
        "Status": "attached",
        "AttachTime": now(),
        "DeleteOnTermination": delete_on_termination,
    }


def release(instance_id: str) -> None:
    """Delete or detach the interfaces of an instance that ended."""
    for interface in ec2._network_interfaces.values():
        attachment = interface.get("Attachment") or {}
        if attachment.get("InstanceId") != instance_id:
            continue
        if attachment.get("DeleteOnTermination"):
            ec2._network_interfaces.pop(interface["NetworkInterfaceId"], None)
            ec2._tags.pop(interface["NetworkInterfaceId"], None)
        else:
            interface["Status"], interface["Attachment"] = "available", None


def _view(interface: dict) -> dict:
    tags = ec2._tags.get(interface["NetworkInterfaceId"], [])
    address = {
        "PrivateIpAddress": interface.get("PrivateIpAddress"),
        "PrivateDnsName": interface.get("PrivateDnsName"),
        "Primary": True,
    }
    # The request's filters look for Tags; the answer's member is TagSet.
    return {"PrivateIpAddresses": [address], **interface, "TagSet": tags, "Tags": tags}


def _known(interface_id: str) -> dict:
    interface = ec2._network_interfaces.get(interface_id)
    if interface is None:
        text = f"The networkInterface ID '{interface_id}' does not exist"
        raise Refusal("InvalidNetworkInterfaceID.NotFound", text)
    return interface


def _create(request: dict) -> dict:
    subnet = subnets.known(request.get("SubnetId", ""))
    made = make(
        subnet,
        groups_of(subnet, request.get("Groups", [])),
        request.get("Description", ""),
        tagging.of_request(request, "network-interface"),
        request.get("PrivateIpAddress", ""),
    )
    return {"NetworkInterface": {**_view(made), "Status": "pending"}}


def _delete(request: dict) -> dict:
    interface = _known(request.get("NetworkInterfaceId", ""))
    if interface.get("Attachment"):
        text = f"Network interface '{interface['NetworkInterfaceId']}' is currently in use."
        raise Refusal("InvalidParameterValue", text)
    ec2._network_interfaces.pop(interface["NetworkInterfaceId"], None)
    ec2._tags.pop(interface["NetworkInterfaceId"], None)
    return {}


def _describe(request: dict) -> dict:
    wanted = request.get("NetworkInterfaceIds")
    interfaces = [_known(i) for i in wanted] if wanted else ec2._network_interfaces.values()
    found, token = page(select([_view(i) for i in interfaces], request, _FILTERS), request, 5, 1000)
    return {"NetworkInterfaces": found, "NextToken": token}
