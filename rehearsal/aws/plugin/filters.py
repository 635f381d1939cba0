"""The filters of EC2's describe calls: MiniStack ignores those that it does not know, and so answers too much.

Its answer is read, and what does not match is taken out. A filter that is in none of the lists here is refused as EC2
refuses one that it does not know: an ignored filter would make a wrong program pass.
"""

import fnmatch
from collections.abc import Callable
from xml.etree import ElementTree

from ministack.services import ec2

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"

# By action: the element that holds the items, and where in an item each filter looks.
_FILTERS: dict[str, tuple[str, dict[str, str]]] = {
    "DescribeAddresses": (
        "addressesSet",
        {
            "allocation-id": "allocationId",
            "association-id": "associationId",
            "domain": "domain",
            "instance-id": "instanceId",
            "network-interface-id": "networkInterfaceId",
            "public-ip": "publicIp",
        },
    ),
    "DescribeAvailabilityZones": (
        "availabilityZoneInfo",
        {
            "group-name": "groupName",
            "opt-in-status": "optInStatus",
            "region-name": "regionName",
            "state": "zoneState",
            "zone-id": "zoneId",
            "zone-name": "zoneName",
            "zone-type": "zoneType",
        },
    ),
    "DescribeInternetGateways": (
        "internetGatewaySet",
        {
            "attachment.state": "attachmentSet/item/state",
            "attachment.vpc-id": "attachmentSet/item/vpcId",
            "internet-gateway-id": "internetGatewayId",
            "owner-id": "ownerId",
        },
    ),
    "DescribeNatGateways": (
        "natGatewaySet",
        {"nat-gateway-id": "natGatewayId", "state": "state", "subnet-id": "subnetId", "vpc-id": "vpcId"},
    ),
    "DescribeRouteTables": (
        "routeTableSet",
        {
            "association.gateway-id": "associationSet/item/gatewayId",
            "association.main": "associationSet/item/main",
            "association.route-table-association-id": "associationSet/item/routeTableAssociationId",
            "association.route-table-id": "associationSet/item/routeTableId",
            "association.subnet-id": "associationSet/item/subnetId",
            "owner-id": "ownerId",
            "route-table-id": "routeTableId",
            "route.destination-cidr-block": "routeSet/item/destinationCidrBlock",
            "route.gateway-id": "routeSet/item/gatewayId",
            "route.nat-gateway-id": "routeSet/item/natGatewayId",
            "route.state": "routeSet/item/state",
            "vpc-id": "vpcId",
        },
    ),
    "DescribeSecurityGroups": (
        "securityGroupInfo",
        {
            "description": "groupDescription",
            "egress.ip-permission.group-id": "ipPermissionsEgress/item/groups/item/groupId",
            "group-id": "groupId",
            "group-name": "groupName",
            "ip-permission.cidr": "ipPermissions/item/ipRanges/item/cidrIp",
            "ip-permission.group-id": "ipPermissions/item/groups/item/groupId",
            "owner-id": "ownerId",
            "vpc-id": "vpcId",
        },
    ),
    "DescribeSubnets": (
        "subnetSet",
        {
            "availability-zone": "availabilityZone",
            "availability-zone-id": "availabilityZoneId",
            "cidr-block": "cidrBlock",
            "default-for-az": "defaultForAz",
            "map-public-ip-on-launch": "mapPublicIpOnLaunch",
            "owner-id": "ownerId",
            "state": "state",
            "subnet-id": "subnetId",
            "vpc-id": "vpcId",
        },
    ),
    "DescribeVolumes": (
        "volumeSet",
        {
            "attachment.instance-id": "attachmentSet/item/instanceId",
            "attachment.status": "attachmentSet/item/status",
            "availability-zone": "availabilityZone",
            "encrypted": "encrypted",
            "size": "size",
            "snapshot-id": "snapshotId",
            "status": "status",
            "volume-id": "volumeId",
            "volume-type": "volumeType",
        },
    ),
    "DescribeVpcEndpoints": (
        "vpcEndpointSet",
        {
            "service-name": "serviceName",
            "vpc-endpoint-id": "vpcEndpointId",
            "vpc-endpoint-state": "state",
            "vpc-endpoint-type": "vpcEndpointType",
            "vpc-id": "vpcId",
        },
    ),
    "DescribeVpcs": (
        "vpcSet",
        {
            "cidr": "cidrBlock",
            "cidr-block-association.cidr-block": "cidrBlockAssociationSet/item/cidrBlock",
            "dhcp-options-id": "dhcpOptionsId",
            "is-default": "isDefault",
            "owner-id": "ownerId",
            "state": "state",
            "vpc-id": "vpcId",
        },
    ),
}

Handler = Callable[[dict], tuple]


def install() -> None:
    """Filter the answers of the actions above."""
    ElementTree.register_namespace("", _NAMESPACE)
    for action in _FILTERS:
        ec2._ACTION_MAP[action] = _filtered(action, ec2._ACTION_MAP[action])


def _filtered(action: str, answer: Handler) -> Handler:
    holder, paths = _FILTERS[action]

    def handle(params: dict) -> tuple:
        filters = ec2._parse_filters(params)
        unknown = [name for name in filters if name not in paths and not _is_tag(name)]
        if unknown:
            return ec2._error("InvalidParameterValue", f"The filter '{unknown[0]}' is invalid", 400)
        status, headers, body = answer(params)
        if status != 200 or not filters:
            return status, headers, body
        root = ElementTree.fromstring(body)
        for items in root.iter(_named(holder)):
            for item in list(items):
                if not all(_matches(item, name, values, paths) for name, values in filters.items()):
                    items.remove(item)
        return status, headers, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)

    return handle


def _named(path: str) -> str:
    return "/".join(f"{{{_NAMESPACE}}}{part}" for part in path.split("/"))


def _is_tag(name: str) -> bool:
    return name.startswith("tag:") or name in ("tag-key", "tag-value")


def _matches(item: ElementTree.Element, name: str, values: list[str], paths: dict[str, str]) -> bool:
    if _is_tag(name):
        found = _tag_values(item, name)
    else:
        found = [(element.text or "").strip() for element in item.findall(_named(paths[name]))]
    return any(fnmatch.fnmatchcase(text, value) for text in found for value in values)


def _tag_values(item: ElementTree.Element, name: str) -> list[str]:
    tags = [
        (tag.findtext(_named("key")) or "", tag.findtext(_named("value")) or "")
        for tag in item.findall(_named("tagSet/item"))
    ]
    if name == "tag-key":
        return [key for key, _ in tags]
    if name == "tag-value":
        return [value for _, value in tags]
    return [value for key, value in tags if key == name.removeprefix("tag:")]
