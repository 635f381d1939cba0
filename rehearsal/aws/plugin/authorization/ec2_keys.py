"""The condition keys of EC2's resources: of those that are there by their record, of new ones by what is asked for.

Keys that name a resource, such as ec2:Vpc, hold its ARN; ec2:VpcID and its like hold the id.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-policy-keys
"""

from collections.abc import Mapping
from typing import Any

from .call import Call, listed, resource_tags, text
from .state import State

Keys = dict[str, Any]

# What the rest of this package can tell of EC2's resources; "NAME/" stands for all keys that begin so.
JUDGED = frozenset(
    f"ec2:{name}".lower()
    for name in (
        "AllocationId",
        "AssociatePublicIpAddress",
        "Attribute",
        "Attribute/",
        "AvailabilityZone",
        "CreateAction",
        "Domain",
        "EbsOptimized",
        "Encrypted",
        "ImageID",
        "ImageType",
        "InstanceID",
        "InstanceMarketType",
        "InstanceMetadataTags",
        "InstanceProfile",
        "InstanceType",
        "InternetGatewayID",
        "IsLaunchTemplateResource",
        "KeyPairName",
        "KmsKeyId",
        "LaunchTemplate",
        "MetadataHttpEndpoint",
        "MetadataHttpPutResponseHopLimit",
        "MetadataHttpTokens",
        "NetworkInterfaceID",
        "NewInstanceProfile",
        "Owner",
        "ParentSnapshot",
        "ParentVolume",
        "PlacementGroup",
        "PlacementGroupName",
        "PlacementGroupStrategy",
        "Public",
        "PublicIpAddress",
        "Region",
        "ResourceTag/",
        "RootDeviceType",
        "RouteTableID",
        "SecurityGroupID",
        "SnapshotID",
        "Subnet",
        "SubnetID",
        "Tenancy",
        "VolumeID",
        "VolumeIops",
        "VolumeSize",
        "VolumeThroughput",
        "VolumeType",
        "Vpc",
        "VpcID",
    )
)

_OWNERS = {"amazon", "aws-marketplace", "aws-backup-vault"}


def of_existing(call: Call, state: State, kind: str, identity: str) -> Keys:
    """The keys and tags of a resource; none when it is not there and has been gone for minutes."""
    record = state.ec2(kind, identity)
    tags = resource_tags(state.ec2_tags(kind, identity), "ec2")
    find = _EXISTING.get(kind)
    return {**(find(call, state, record) if find and record else {}), **_identity(kind, identity), **tags}


_IDENTITIES = {
    "elastic-ip": "AllocationId",
    "image": "ImageID",
    "instance": "InstanceID",
    "internet-gateway": "InternetGatewayID",
    "key-pair": "KeyPairName",
    "network-interface": "NetworkInterfaceID",
    "placement-group": "PlacementGroupName",
    "route-table": "RouteTableID",
    "security-group": "SecurityGroupID",
    "snapshot": "SnapshotID",
    "subnet": "SubnetID",
    "volume": "VolumeID",
    "vpc": "VpcID",
}


def _identity(kind: str, identity: str) -> Keys:
    return {f"ec2:{_IDENTITIES[kind]}": identity} if kind in _IDENTITIES and identity != "*" else {}


def _vpc(call: Call, record: Mapping[str, Any]) -> Keys:
    vpc = record.get("VpcId")
    return {"ec2:Vpc": call.arn("vpc", VpcId=vpc)} if vpc else {}


def _subnet_keys(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    return {**_vpc(call, record), "ec2:AvailabilityZone": record.get("AvailabilityZone")}


def _instance(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    placement = record.get("Placement") or {}
    profile = (record.get("IamInstanceProfile") or {}).get("Arn")
    return {
        "ec2:AvailabilityZone": placement.get("AvailabilityZone") or record.get("AvailabilityZone"),
        "ec2:EbsOptimized": text(bool(record.get("EbsOptimized"))),
        "ec2:InstanceMarketType": "spot" if record.get("InstanceLifecycle") == "spot" else "on-demand",
        "ec2:InstanceProfile": profile,
        "ec2:InstanceType": record.get("InstanceType"),
        "ec2:RootDeviceType": record.get("RootDeviceType") or "ebs",
        "ec2:Tenancy": placement.get("Tenancy") or "default",
        **_metadata(record),
    }


def _metadata(record: Mapping[str, Any]) -> Keys:
    options = record.get("MetadataOptions") or {}
    return {
        "ec2:InstanceMetadataTags": options.get("InstanceMetadataTags"),
        "ec2:MetadataHttpEndpoint": options.get("HttpEndpoint"),
        "ec2:MetadataHttpPutResponseHopLimit": text(options.get("HttpPutResponseHopLimit")),
        "ec2:MetadataHttpTokens": options.get("HttpTokens"),
    }


def _volume(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    snapshot = record.get("SnapshotId")
    size = record.get("Size", record.get("VolumeSize"))
    return {
        "ec2:AvailabilityZone": record.get("AvailabilityZone"),
        "ec2:Encrypted": text(bool(record.get("Encrypted"))),
        "ec2:KmsKeyId": record.get("KmsKeyId"),
        "ec2:ParentSnapshot": call.arn("snapshot", SnapshotId=snapshot) if snapshot else None,
        "ec2:VolumeIops": text(record.get("Iops")),
        "ec2:VolumeSize": text(size),
        "ec2:VolumeThroughput": text(record.get("Throughput")),
        "ec2:VolumeType": record.get("VolumeType"),
    }


def _snapshot(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    volume = record.get("VolumeId")
    return {
        "ec2:Encrypted": text(bool(record.get("Encrypted"))),
        "ec2:Owner": record.get("OwnerId"),
        "ec2:ParentVolume": call.arn("volume", VolumeId=volume) if volume else None,
        "ec2:VolumeSize": text(record.get("VolumeSize")),
    }


def _interface(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    subnet = record.get("SubnetId")
    return {
        **_subnet_keys(call, state, record),
        "ec2:Subnet": call.arn("subnet", SubnetId=subnet) if subnet else None,
    }


def _image(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    alias = record.get("ImageOwnerAlias")
    return {
        "ec2:ImageType": record.get("ImageType") or "machine",
        "ec2:Owner": alias if alias in _OWNERS else record.get("OwnerId"),
        "ec2:Public": text(bool(record.get("Public"))),
        "ec2:RootDeviceType": record.get("RootDeviceType") or "ebs",
    }


def _placement_group(call: Call, state: State, record: Mapping[str, Any]) -> Keys:
    return {"ec2:PlacementGroupStrategy": record.get("Strategy")}


_EXISTING = {
    "elastic-ip": lambda call, state, record: {
        "ec2:Domain": record.get("Domain"),
        "ec2:PublicIpAddress": record.get("PublicIp"),
    },
    "image": _image,
    "instance": _instance,
    "network-acl": lambda call, state, record: _vpc(call, record),
    "network-interface": _interface,
    "placement-group": _placement_group,
    "route-table": lambda call, state, record: _vpc(call, record),
    "security-group": lambda call, state, record: _vpc(call, record),
    "snapshot": _snapshot,
    "subnet": _subnet_keys,
    "volume": _volume,
    "vpc": lambda call, state, record: {"ec2:Tenancy": record.get("InstanceTenancy")},
}


def of_new(call: Call, state: State, kind: str, asked: Mapping[str, Any]) -> Keys:
    """The keys of a resource to be made, by what is asked for."""
    if kind == "volume":
        return volume(call, state, asked)
    if kind == "network-interface":
        return interface(call, state, asked)
    if kind == "snapshot":
        parent = asked.get("VolumeId")
        size = state.ec2("volume", parent or "").get("Size")
        return {
            "ec2:ParentVolume": call.arn("volume", VolumeId=parent) if parent else None,
            "ec2:VolumeSize": text(size),
        }
    if kind == "placement-group":
        return {"ec2:PlacementGroupStrategy": asked.get("Strategy")}
    return {}


def volume(call: Call, state: State, asked: Mapping[str, Any]) -> Keys:
    """A volume that CreateVolume or a block device mapping asks for; an image's own volume is not described here."""
    return _volume(call, state, asked) if asked else {}


def interface(call: Call, state: State, asked: Mapping[str, Any]) -> Keys:
    """A network interface in the subnet that is asked for."""
    subnet = asked.get("SubnetId")
    record = state.ec2("subnet", subnet or "")
    return {
        **(_subnet_keys(call, state, record) if record else {}),
        "ec2:Subnet": call.arn("subnet", SubnetId=subnet) if subnet else None,
        "ec2:AssociatePublicIpAddress": text(asked.get("AssociatePublicIpAddress")),
    }


def instance(call: Call, state: State, asked: Mapping[str, Any]) -> Keys:
    """An instance that RunInstances or a fleet asks for."""
    placement = asked.get("Placement") or {}
    subnet = asked.get("SubnetId") or next(
        (one["SubnetId"] for one in listed(asked.get("NetworkInterfaces")) if one.get("SubnetId")), ""
    )
    market = (asked.get("InstanceMarketOptions") or {}).get("MarketType")
    profile = profile_arn(call, state, asked.get("IamInstanceProfile"))
    group = placement.get("GroupName")
    return {
        "ec2:AvailabilityZone": placement.get("AvailabilityZone")
        or state.ec2("subnet", subnet).get("AvailabilityZone"),
        "ec2:EbsOptimized": text(bool(asked.get("EbsOptimized"))),
        "ec2:InstanceMarketType": market or "on-demand",
        "ec2:InstanceProfile": profile,
        "ec2:InstanceType": asked.get("InstanceType"),
        "ec2:PlacementGroup": call.arn("placement-group", PlacementGroupName=group) if group else None,
        "ec2:RootDeviceType": state.ec2("image", asked.get("ImageId") or "").get("RootDeviceType") or "ebs",
        "ec2:Tenancy": placement.get("Tenancy") or "default",
        **_metadata(asked),
    }


def profile_arn(call: Call, state: State, profile: Mapping[str, Any] | None) -> str | None:
    """The ARN of an instance profile that Name or Arn names."""
    if not profile:
        return None
    if profile.get("Arn"):
        return profile["Arn"]
    name = profile.get("Name", "")
    known = state.iam("instance-profile", name).get("Arn")
    return known or call.arn("instance-profile", "iam", InstanceProfileNameWithPath=name)
