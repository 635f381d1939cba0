"""What a launch needs to be possible, and the instance that it makes.

A specification has RunInstances' members (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html),
a launch template's being the same. Error codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

import base64
import binascii
import random
from dataclasses import dataclass
from typing import Any

from ministack.services import ec2, iam

from .. import zones
from . import catalogue, disks, faults, images, interfaces, launch_templates, offers, subnets, tagging
from .wire import Refusal, now

_MOST_USER_DATA = 16_384
_SMALLEST_TAGGED = ("instance", "volume", "network-interface", "spot-instances-request")
_UNKNOWN_TYPE = "Invalid value '{}' for InstanceType."


@dataclass(frozen=True)
class Plan:
    """A launch that has been checked."""

    specification: dict[str, Any]
    image: dict
    kind: catalogue.InstanceType
    subnet: dict
    groups: list[dict[str, str]]
    disks: list[dict]
    profile: dict[str, str] | None
    spot: bool


def with_template(request: dict) -> dict[str, Any]:
    """The request with what its launch template holds below it, and EC2's own tags that tell of the template."""
    reference = request.get("LaunchTemplate")
    if not reference:
        return dict(request)
    data, template, number = launch_templates.data_of(reference)
    own = [
        {"Key": "aws:ec2launchtemplate:id", "Value": template["LaunchTemplateId"]},
        {"Key": "aws:ec2launchtemplate:version", "Value": str(number)},
    ]
    return overlaid(data, request) | {"_own_tags": own}


def overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """One specification on top of another; tags of the same kind of resource are added together."""
    both = {**below, **{k: v for k, v in above.items() if v not in (None, "", [])}}
    specifications = [*(below.get("TagSpecifications") or []), *(above.get("TagSpecifications") or [])]
    both["TagSpecifications"] = [
        {"ResourceType": kind, "Tags": tags}
        for kind in _SMALLEST_TAGGED
        if (tags := [tag for s in specifications if s.get("ResourceType") == kind for tag in s.get("Tags") or []])
    ]
    return both


def check(specification: dict[str, Any]) -> Plan:
    """Return a plan, or refuse as EC2 does."""
    image = _image(specification)
    kind = _kind(specification, image)
    subnet, group_ids = _place(specification)
    spot = (specification.get("InstanceMarketOptions") or {}).get("MarketType") == "spot"
    plan = Plan(
        specification=specification,
        image=image,
        kind=kind,
        subnet=subnet,
        groups=interfaces.groups_of(subnet, group_ids),
        disks=disks.plan(image, specification.get("BlockDeviceMappings") or []),
        profile=_profile(specification.get("IamInstanceProfile") or {}),
        spot=spot,
    )
    _check_key(specification.get("KeyName"))
    _check_user_data(specification.get("UserData"))
    for resource in _SMALLEST_TAGGED:
        tagging.of_request(specification, resource)
    _check_capacity(plan)
    return plan


def _image(specification: dict[str, Any]) -> dict:
    image_id = specification.get("ImageId", "")
    if not image_id:
        raise Refusal("MissingParameter", "The request must contain the parameter ImageId")
    if not image_id.startswith("ami-"):
        raise Refusal("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    image = images.find(image_id)
    if image is None:
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    return image


def _kind(specification: dict[str, Any], image: dict) -> catalogue.InstanceType:
    name = specification.get("InstanceType") or "m1.small"
    kind = catalogue.types().get(name)
    if kind is None:
        raise Refusal("InvalidParameterValue", _UNKNOWN_TYPE.format(name))
    if kind.architecture != image["Architecture"]:
        text = (
            f"The architecture '{kind.architecture}' of the specified instance type does not match the architecture "
            f"'{image['Architecture']}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the "
            "architecture of the instance type or AMI."
        )
        raise Refusal("InvalidParameterValue", text)
    return kind


def _place(specification: dict[str, Any]) -> tuple[dict, list[str]]:
    """The subnet and the security groups, which stand with the first network interface or by themselves."""
    wanted = specification.get("NetworkInterfaces") or []
    first = next((i for i in wanted if int(i.get("DeviceIndex") or 0) == 0), {})
    for member in ("SubnetId", "Groups"):
        alone = specification.get("SubnetId") if member == "SubnetId" else specification.get("SecurityGroupIds")
        if first.get(member) and alone:
            text = (
                "Network interfaces and an instance-level "
                f"{'subnet ID' if member == 'SubnetId' else 'security groups'} may not be specified on the same request"
            )
            raise Refusal("InvalidParameterCombination", text)
    subnet_id = first.get("SubnetId") or specification.get("SubnetId")
    subnet = subnets.known(subnet_id) if subnet_id else subnets.default()
    return subnet, first.get("Groups") or specification.get("SecurityGroupIds") or []


def _profile(wanted: dict[str, str]) -> dict[str, str] | None:
    name, arn = wanted.get("Name", ""), wanted.get("Arn", "")
    if not name and not arn:
        return None
    profile = iam._lookup_instance_profile(name=name, arn=arn)
    if profile is None:
        which = ("name", name, "name") if name else ("arn", arn, "ARN")
        text = (
            f"Value ({which[1]}) for parameter iamInstanceProfile.{which[0]} is invalid. "
            f"Invalid IAM Instance Profile {which[2]}"
        )
        raise Refusal("InvalidParameterValue", text)
    if not profile.get("Roles"):
        text = f'IAM Instance Profile "{profile["Arn"]}" has no associated IAM Roles'
        raise Refusal("InvalidParameterValue", text)
    return {"Arn": profile["Arn"], "Id": profile["InstanceProfileId"]}


def _check_key(name: str | None) -> None:
    if name and name not in ec2._key_pairs:
        raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def _check_user_data(text: str | None) -> None:
    if not text:
        return
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as problem:
        raise Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from problem
    if size > _MOST_USER_DATA:
        raise Refusal("InvalidParameterValue", f"User data is limited to {_MOST_USER_DATA} bytes")


def _check_capacity(plan: Plan) -> None:
    zone, name = plan.subnet["AvailabilityZone"], plan.kind.name
    others = [z for z in sorted(zones.of_region()) if z != zone and offers.offered(name, z)]
    if not offers.offered(name, zone):
        text = (
            f"Your requested instance type ({name}) is not supported in your requested Availability Zone ({zone}). "
            "Please retry your request by not specifying an Availability Zone or choosing "
            f"{', '.join(others)}."
        )
        raise Refusal("Unsupported", text)
    if faults.no_capacity(plan.subnet["SubnetId"], name, plan.spot):
        text = (
            "There is no Spot capacity available that matches your request."
            if plan.spot
            else f"We currently do not have sufficient {name} capacity in the Availability Zone you requested "
            f"({zone}). Our system will be working on provisioning additional capacity. You can currently get "
            f"{name} capacity by not specifying an Availability Zone in your request or choosing {', '.join(others)}."
        )
        raise Refusal("InsufficientInstanceCapacity", text, 500)


def make(plan: Plan, index: int = 0) -> dict:
    """The instance, pending, with its interface and its volumes."""
    instance_id = f"i-0{random.getrandbits(64):016x}"
    spec, time, zone = plan.specification, now(), plan.subnet["AvailabilityZone"]
    first = next((i for i in spec.get("NetworkInterfaces") or [] if int(i.get("DeviceIndex") or 0) == 0), {})
    interface = interfaces.make(
        plan.subnet,
        plan.groups,
        first.get("Description", ""),
        tagging.of_request(spec, "network-interface"),
        first.get("PrivateIpAddress") or spec.get("PrivateIpAddress") or "",
    )
    interfaces.attach(interface, instance_id, 0, str(first.get("DeleteOnTermination", True)).lower() == "true")
    address = interface["PrivateIpAddress"]
    instance = {
        "InstanceId": instance_id,
        "ImageId": plan.image["ImageId"],
        "InstanceType": plan.kind.name,
        "KeyName": spec.get("KeyName"),
        "State": {"Code": 0, "Name": "pending"},
        "StateTransitionReason": "",
        "SubnetId": plan.subnet["SubnetId"],
        "VpcId": plan.subnet["VpcId"],
        "PrivateIpAddress": address,
        "PrivateDnsName": interface["PrivateDnsName"],
        "SourceDestCheck": True,
        "SecurityGroups": plan.groups,
        "Architecture": plan.kind.architecture,
        "RootDeviceType": "ebs",
        "RootDeviceName": plan.image["RootDeviceName"],
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "Virtualization": "hvm",
        "EbsOptimized": str(spec.get("EbsOptimized", False)).lower() == "true",
        "EnaSupport": True,
        "Placement": {
            "AvailabilityZone": zone,
            "AvailabilityZoneId": plan.subnet["AvailabilityZoneId"],
            "GroupName": (spec.get("Placement") or {}).get("GroupName", ""),
            "Tenancy": (spec.get("Placement") or {}).get("Tenancy") or "default",
        },
        "Monitoring": {"State": "enabled" if _true(spec.get("Monitoring"), "Enabled") else "disabled"},
        "AmiLaunchIndex": index,
        "ClientToken": spec.get("ClientToken", ""),
        "LaunchTime": time,
        "IamInstanceProfile": plan.profile,
        "MetadataOptions": _metadata(spec.get("MetadataOptions") or {}, plan.image),
        "CpuOptions": {
            "CoreCount": plan.kind.vcpus // plan.kind.threadsPerCore,
            "ThreadsPerCore": plan.kind.threadsPerCore,
        },
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UserData": spec.get("UserData", ""),
        "DisableApiTermination": str(spec.get("DisableApiTermination", False)).lower() == "true",
    }
    instance |= _public(first, plan.subnet)
    if plan.spot:
        instance["InstanceLifecycle"] = "spot"
        instance["SpotInstanceRequestId"] = f"sir-{random.getrandbits(32):08x}"
    instance["BlockDeviceMappings"] = disks.attach(instance_id, zone, plan.disks, tagging.of_request(spec, "volume"))
    tagging.put(instance_id, tagging.merged(spec.get("_own_tags", []), tagging.of_request(spec, "instance")))
    ec2._instances[instance_id] = instance
    if plan.profile:
        ec2._upsert_iam_instance_profile_association(instance_id, plan.profile)
    return instance


def _true(members: dict | None, name: str) -> bool:
    return str((members or {}).get(name, False)).lower() == "true"


def _metadata(wanted: dict[str, Any], image: dict) -> dict[str, Any]:
    """The instance metadata options; an image with imdsSupport v2.0 asks for tokens and lets containers in."""
    safe = image.get("ImdsSupport") == "v2.0"
    return {
        "State": "applied",
        "HttpTokens": "required" if safe else "optional",
        "HttpPutResponseHopLimit": 2 if safe else 1,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
        **{k: v for k, v in wanted.items() if v not in (None, "")},
    }


def _public(first: dict[str, Any], subnet: dict) -> dict[str, str]:
    asked = first.get("AssociatePublicIpAddress")
    gets = subnet.get("MapPublicIpOnLaunch") if asked is None else str(asked).lower() == "true"
    if str(gets).lower() != "true":
        return {"PublicIpAddress": "", "PublicDnsName": ""}
    address = ec2._random_ip("54.")
    return {"PublicIpAddress": address, "PublicDnsName": f"ec2-{address.replace('.', '-')}.compute-1.amazonaws.com"}
