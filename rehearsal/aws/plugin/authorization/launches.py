"""RunInstances and CreateFleet: what a launch is judged on, with what its launch template holds.

CreateFleet itself is judged on what its own request names; each launch that the fleet then makes is a RunInstances of
the caller, whose refusal is an error in the fleet's answer (UnauthorizedOperation) rather than of the call: fleets.py.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/permissions-for-launch-templates.html
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from . import ec2, ec2_keys
from .call import Call, Subject, listed, request_tags, text
from .judgements import Judgement
from .state import State

_SSM = "resolve:ssm:"


def subjects(call: Call, state: State) -> list[Subject]:
    """What a launch or a fleet touches."""
    return _fleet(call, state) if call.operation == "CreateFleet" else _run_instances(call, state)


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the call itself."""
    return {"ec2:Region": call.region}


def also(call: Call, state: State) -> list[Judgement]:
    """Tags on creation, the template's among them, and the parameter that an image is named by."""
    specified = ec2.tag_specifications(call) if call.operation == "CreateFleet" else tags(call, state)
    tagging = [ec2.on_creation(call, kind, given) for kind, given in specified.items() if given]
    return tagging + _image_parameter(call, state)


def _run_instances(call: Call, state: State) -> list[Subject]:
    """Image, instance, network interfaces, groups, subnet, volumes, and what else the launch names."""
    template, asked = _with_template(call, state)
    own = call.parameters
    tagged = tags(call, state)
    result = [
        _image(call, state, asked),
        _new(call, "instance", ec2_keys.instance(call, state, asked), tagged),
        *_network(call, state, asked, tagged),
        *_volumes(call, state, asked, tagged),
    ]
    for name in listed(asked.get("KeyName")):
        result.append(ec2.existing(call, state, "key-pair", name))
    group = (asked.get("Placement") or {}).get("GroupName")
    if group:
        result.append(ec2.existing(call, state, "placement-group", group))
    reservation = asked.get("CapacityReservationSpecification") or {}
    identity = (reservation.get("CapacityReservationTarget") or {}).get("CapacityReservationId")
    if identity:
        result.append(ec2.existing(call, state, "capacity-reservation", identity))
    if "LaunchTemplate" not in own:
        return result
    identity = template.get("LaunchTemplateId", "*")
    result.append(ec2.existing(call, state, "launch-template", identity))
    used = call.arn("launch-template", LaunchTemplateId=identity)
    return [
        dataclasses.replace(
            subject,
            keys={
                **subject.keys,
                "ec2:LaunchTemplate": used,
                "ec2:IsLaunchTemplateResource": text(not _overridden(subject, own)),
            },
        )
        for subject in result
    ]


def _fleet(call: Call, state: State) -> list[Subject]:
    """The fleet, its instances, the templates, and the subnets and images that its overrides name."""
    tagged = ec2.tag_specifications(call)
    templates, overrides = [], []
    for config in listed(call.parameters.get("LaunchTemplateConfigs")):
        found = state.launch_template(config.get("LaunchTemplateSpecification") or {})
        templates.append(found.get("LaunchTemplateId", "*"))
        overrides += listed(config.get("Overrides"))
    result = [_new(call, "fleet", {}, tagged)]
    kinds = list(dict.fromkeys(one.get("InstanceType") for one in overrides)) or [None]
    result += [_new(call, "instance", {"ec2:InstanceType": kind}, tagged) for kind in kinds]
    result += [ec2.existing(call, state, "launch-template", one) for one in dict.fromkeys(templates)]
    for kind, name in (("subnet", "SubnetId"), ("image", "ImageId")):
        named = dict.fromkeys(one[name] for one in overrides if one.get(name))
        # A list of subnets in one override is written with commas.
        each = dict.fromkeys(part.strip() for value in named for part in value.split(","))
        result += [ec2.existing(call, state, kind, identity) for identity in each]
    if "volume" in tagged:
        result.append(_new(call, "volume", {}, tagged))
    return result


def tags(call: Call, state: State) -> dict[str, dict[str, str]]:
    """The tags of what is launched, by type: the template's, and the request's over them."""
    template = _data(call, state)
    found = ec2.tag_specifications(dataclasses.replace(call, parameters=template))
    for kind, given in ec2.tag_specifications(call).items():
        found[kind] = {**found.get(kind, {}), **given}
    return found


def profile(call: Call, state: State) -> Mapping[str, Any] | None:
    """The instance profile of a launch, as Name or Arn."""
    return _with_template(call, state)[1].get("IamInstanceProfile")


def _image_parameter(call: Call, state: State) -> list[Judgement]:
    """ssm:GetParameters for an image that is named by a parameter."""
    image = _with_template(call, state)[1].get("ImageId") or ""
    if not image.startswith(_SSM):
        return []
    name = image.removeprefix(_SSM).split(":")[0].lstrip("/")
    account = {} if not name.startswith("aws/service/") else {"Account": ""}
    arn = call.arn("parameter", "ssm", ParameterNameWithoutLeadingSlash=name, **account)
    return [Judgement("ssm:GetParameters", arn)]


def _data(call: Call, state: State) -> Mapping[str, Any]:
    specification = call.parameters.get("LaunchTemplate")
    if not specification:
        return {}
    template = state.launch_template(specification)
    wanted = str(specification.get("Version") or "$Default")
    number = {
        "$Default": str(template.get("DefaultVersionNumber")),
        "$Latest": str(template.get("LatestVersionNumber")),
    }.get(wanted, wanted)
    for version in template.get("Versions") or []:
        if str(version.get("VersionNumber")) == number:
            return version.get("LaunchTemplateData") or {}
    return {}


def _with_template(call: Call, state: State) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    specification = call.parameters.get("LaunchTemplate")
    template = state.launch_template(specification) if specification else {}
    return template, {**_data(call, state), **call.parameters}


def _new(call: Call, kind: str, keys: Mapping[str, Any], tagged: Mapping[str, Mapping[str, str]]) -> Subject:
    return Subject(kind, call.arn(kind), {**keys, **request_tags(tagged.get(kind))})


def _image(call: Call, state: State, asked: Mapping[str, Any]) -> Subject:
    image = asked.get("ImageId") or "*"
    return ec2.existing(call, state, "image", "*" if image.startswith(_SSM) else image)


def _network(
    call: Call, state: State, asked: Mapping[str, Any], tagged: Mapping[str, Mapping[str, str]]
) -> list[Subject]:
    interfaces = listed(asked.get("NetworkInterfaces")) or [{}]
    subnets, groups, result = [], [], []
    for one in interfaces:
        if one.get("NetworkInterfaceId"):
            result.append(ec2.existing(call, state, "network-interface", one["NetworkInterfaceId"]))
            continue
        placed = {**one, "SubnetId": one.get("SubnetId") or asked.get("SubnetId")}
        result.append(_new(call, "network-interface", ec2_keys.interface(call, state, placed), tagged))
        subnets.append(placed["SubnetId"] or _default_subnet(state, asked))
        groups += listed(one.get("Groups"))
    groups += listed(asked.get("SecurityGroupIds"))
    for name in listed(asked.get("SecurityGroups")):
        found = (one for one in state.ec2_all("security-group") if one.get("GroupName") == name)
        groups.append(next(found, {}).get("GroupId", "*"))
    if subnets and not groups:
        groups = [_default_group(state, subnets[0])]
    result += [ec2.existing(call, state, "subnet", one) for one in dict.fromkeys(subnets)]
    return result + [ec2.existing(call, state, "security-group", one) for one in dict.fromkeys(groups)]


def _default_subnet(state: State, asked: Mapping[str, Any]) -> str:
    zone = (asked.get("Placement") or {}).get("AvailabilityZone")
    for subnet in state.ec2_all("subnet"):
        if subnet.get("DefaultForAz") and zone in (None, subnet.get("AvailabilityZone")):
            return subnet["SubnetId"]
    return "*"


def _default_group(state: State, subnet: str) -> str:
    vpc = state.ec2("subnet", subnet).get("VpcId")
    for group in state.ec2_all("security-group"):
        if group.get("GroupName") == "default" and group.get("VpcId") == vpc:
            return group["GroupId"]
    return "*"


def _volumes(
    call: Call, state: State, asked: Mapping[str, Any], tagged: Mapping[str, Mapping[str, str]]
) -> list[Subject]:
    """A volume for each mapping; without any there is still the image's own."""
    disks = [one["Ebs"] for one in listed(asked.get("BlockDeviceMappings")) if one.get("Ebs")]
    result = [_new(call, "volume", ec2_keys.volume(call, state, disk), tagged) for disk in disks or [{}]]
    snapshots = dict.fromkeys(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId"))
    return result + [ec2.existing(call, state, "snapshot", one) for one in snapshots]


# The parameters that take the place of what a template says of a resource.
_OVERRIDES = {
    "image": ("ImageId",),
    "key-pair": ("KeyName",),
    "network-interface": ("NetworkInterfaces",),
    "placement-group": ("Placement",),
    "security-group": ("SecurityGroupIds", "SecurityGroups", "NetworkInterfaces"),
    "subnet": ("SubnetId", "NetworkInterfaces"),
    "volume": ("BlockDeviceMappings",),
}


def _overridden(subject: Subject, own: Mapping[str, Any]) -> bool:
    return any(name in own for name in _OVERRIDES.get(subject.type, ()))
