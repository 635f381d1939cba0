"""EC2: a call is judged on each resource that it names, makes, or has from a launch template.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from . import ec2_keys, reference
from .call import NO_RESOURCE, Call, Subject, judgement, listed, request_tags, tag_keys
from .judgements import Judgement
from .state import State

# An id says what it is of. The longer prefix comes first where one begins another.
_TYPES_OF_IDS = {
    "acl": "network-acl",
    "ami": "image",
    "cgw": "customer-gateway",
    "cr": "capacity-reservation",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "fleet": "fleet",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pg": "placement-group",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "sir": "spot-instances-request",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "vpn": "vpn-connection",
}
_ID = re.compile(r"(?P<kind>[a-z]+)-[0-9a-z-]+")

# The name of the one variable in a type's ARN, where it is not an id that EC2 drew.
_NAMED = {"key-pair": "KeyPairName", "placement-group": "PlacementGroupName"}

# Parameters whose texts name no resource that the call is judged on: data, and the peers in a rule.
_NOT_RESOURCES = {
    "Tags",
    "TagSpecifications",
    "Filters",
    "UserData",
    "Description",
    "GroupDescription",
    "ClientToken",
    "IpPermissions",
    "LaunchTemplateData",
    "SecurityGroupRules",
}

# What makes something new: its required types that are not named are those to be made.
_CREATING = ("Allocate", "Copy", "Create", "Import", "Provision", "Register", "Request", "Run")


def subjects(call: Call, state: State) -> list[Subject]:
    """The resources of a call, of the types that the reference gives the action."""
    action = reference.action(call.action)
    if action is None:
        return [NO_RESOURCE]
    found = {(kind, identity): None for kind, identity in named(call, state) if kind in action.types}
    result = [existing(call, state, kind, identity) for kind, identity in found]
    missing = [kind for kind in action.required if kind not in {kind for kind, _ in found}]
    tagged = [kind for kind in tag_specifications(call) if kind in action.types and kind not in missing]
    new = [*missing, *(kind for kind in tagged if kind not in {kind for kind, _ in found})]
    if not call.operation.startswith(_CREATING):
        # What must be there and is not named, or what is named and is not there.
        return result + [Subject(kind, call.arn(kind)) for kind in missing]
    return result + [made(call, state, kind) for kind in new]


def keys(call: Call, state: State) -> dict[str, Any]:
    """Keys of the call itself. Tags of what is made stand in TagSpecifications, by type."""
    found: dict[str, Any] = {"ec2:Region": call.region}
    if call.operation == "CreateTags":
        found |= request_tags(call.parameters.get("Tags"))
    if call.operation == "DeleteTags":
        found |= tag_keys([tag["Key"] for tag in listed(call.parameters.get("Tags")) if "Key" in tag])
    if call.operation in ("AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
        found["ec2:NewInstanceProfile"] = ec2_keys.profile_arn(call, state, call.parameters.get("IamInstanceProfile"))
    if call.operation.startswith("Modify") and call.operation.endswith("Attribute"):
        found |= _attributes(call)
    return found


def also(call: Call, state: State) -> list[Judgement]:
    """Tags on creation are ec2:CreateTags on each thing to be made, with ec2:CreateAction."""
    return [on_creation(call, kind, tags) for kind, tags in tag_specifications(call).items() if tags]


def on_creation(call: Call, kind: str, tags: Mapping[str, str]) -> Judgement:
    """The right to tag what the call makes."""
    subject = Subject(kind, call.arn(kind))
    return judgement(
        "ec2:CreateTags",
        subject,
        {"ec2:CreateAction": call.operation, "ec2:Region": call.region, **request_tags(tags)},
    )


def tag_specifications(call: Call) -> dict[str, dict[str, str]]:
    """The tags of TagSpecifications, by the type of what they are put on."""
    found: dict[str, dict[str, str]] = {}
    for specification in listed(call.parameters.get("TagSpecifications")):
        tags = {tag["Key"]: tag.get("Value", "") for tag in listed(specification.get("Tags")) if "Key" in tag}
        found.setdefault(specification.get("ResourceType", ""), {}).update(tags)
    found.pop("", None)
    return {("elastic-ip" if kind == "eip" else kind): tags for kind, tags in found.items()}


def existing(call: Call, state: State, kind: str, identity: str) -> Subject:
    """A resource that the call names, with its own keys and tags."""
    return Subject(kind, arn(call, kind, identity), ec2_keys.of_existing(call, state, kind, identity))


def made(call: Call, state: State, kind: str) -> Subject:
    """A resource that the call is to make: TYPE/*, with the keys of what was asked for."""
    tags = request_tags(tag_specifications(call).get(kind))
    return Subject(kind, call.arn(kind), {**ec2_keys.of_new(call, state, kind, call.parameters), **tags})


def arn(call: Call, kind: str, identity: str) -> str:
    """The ARN of a resource by its id or name: the last part of the type's ARN is the one that varies."""
    if kind in _NAMED:
        return call.arn(kind, **{_NAMED[kind]: identity})
    return call.arn(kind).removesuffix("*") + identity


def named(call: Call, state: State) -> Iterator[tuple[str, str]]:
    """(type, id) of what the parameters name."""
    for value in _texts(call.parameters):
        found = _ID.fullmatch(value)
        kind = _TYPES_OF_IDS.get(found["kind"]) if found else None
        if kind:
            yield kind, value
    yield from _by_other_names(call, state)
    yield from _by_association(call, state)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if name not in _NOT_RESOURCES:
                yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def _by_other_names(call: Call, state: State) -> Iterator[tuple[str, str]]:
    given = call.parameters
    if "LaunchTemplateName" in given and call.operation != "CreateLaunchTemplate":
        yield "launch-template", state.launch_template(given).get("LaunchTemplateId", "*")
    for name in listed(given.get("KeyName")):
        yield "key-pair", name
    if "PublicIp" in given:
        found = (one for one in state.ec2_all("elastic-ip") if one.get("PublicIp") == given["PublicIp"])
        yield "elastic-ip", next(found, {}).get("AllocationId", "*")
    groups = [] if "GroupId" in given else [*listed(given.get("GroupName")), *listed(given.get("GroupNames"))]
    for name in groups:
        if call.operation == "CreateSecurityGroup":
            continue
        if "PlacementGroup" in call.operation:
            yield "placement-group", name
            continue
        found = (one for one in state.ec2_all("security-group") if one.get("GroupName") == name)
        yield "security-group", next(found, {}).get("GroupId", "*")


def _by_association(call: Call, state: State) -> Iterator[tuple[str, str]]:
    """What an association or attachment stands between."""
    association = call.parameters.get("AssociationId") or ""
    if association.startswith("iip-assoc-"):
        yield "instance", state.associated_instance(association) or "*"
    if association.startswith("rtbassoc-"):
        for table in state.ec2_all("route-table"):
            for one in table.get("Associations") or []:
                if one.get("RouteTableAssociationId") == association:
                    yield "route-table", table["RouteTableId"]
                    if one.get("SubnetId"):
                        yield "subnet", one["SubnetId"]
    if association.startswith("eipassoc-"):
        for address in state.ec2_all("elastic-ip"):
            if address.get("AssociationId") == association:
                yield "elastic-ip", address["AllocationId"]
    attachment = call.parameters.get("AttachmentId") or ""
    for interface in state.ec2_all("network-interface") if attachment else []:
        attached = interface.get("Attachment") or {}
        if attached.get("AttachmentId") == attachment:
            yield "network-interface", interface["NetworkInterfaceId"]
            if attached.get("InstanceId"):
                yield "instance", attached["InstanceId"]


def _attributes(call: Call) -> dict[str, Any]:
    """ec2:Attribute, the name of what is changed, and its new value."""
    for name, value in call.parameters.items():
        if isinstance(value, Mapping) and set(value) == {"Value"}:
            return {"ec2:Attribute": name, f"ec2:Attribute/{name}": str(value["Value"]).lower()}
    attribute = call.parameters.get("Attribute")
    return {"ec2:Attribute": attribute} if attribute else {}
