"""EBS volumes as strict as AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html.

MiniStack drops the key of an encrypted volume, takes any zone, type and size, and lets a volume be attached anywhere
and twice.
"""

import random

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, kms

from . import zones
from .compute import tagging
from .compute.wire import Refusal, answer, now

# By type: smallest and largest size in GiB, fewest and most IOPS
# (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html); None: the type takes no IOPS.
_TYPES: dict[str, tuple[int, int, int | None, int | None]] = {
    "standard": (1, 1024, None, None),
    "gp2": (1, 16384, None, None),
    "gp3": (1, 65536, 3000, 80000),
    "io1": (4, 16384, 100, 64000),
    "io2": (4, 65536, 100, 256000),
    "st1": (125, 16384, None, None),
    "sc1": (125, 16384, None, None),
}
_THROUGHPUT = (125, 2000)


_described = ec2._volume_inner_xml


def install() -> None:
    """Answer the actions on volumes."""
    ec2._volume_inner_xml = _with_key
    answer("CreateVolume", _create)
    answer("DeleteVolume", _delete)
    answer("AttachVolume", _attach)
    answer("DetachVolume", _detach)


def _with_key(volume: dict) -> str:
    """A volume in the answer of DescribeVolumes; MiniStack's tells no key."""
    key = volume.get("KmsKeyId")
    return _described(volume) + (f"<kmsKeyId>{key}</kmsKeyId>" if key else "")


_tokens: dict[tuple[str, str, str], str] = {}


def _known(volume_id: str) -> dict:
    volume = ec2._volumes.get(volume_id)
    if volume is None:
        raise Refusal("InvalidVolume.NotFound", f"The volume '{volume_id}' does not exist.")
    return volume


def _create(request: dict) -> dict:
    token = (get_account_id(), get_region(), request.get("ClientToken", ""))
    if token[2] and _tokens.get(token) in ec2._volumes:
        return _view(ec2._volumes[_tokens[token]])
    zone = request.get("AvailabilityZone", "")
    if zone not in zones.of_region():
        raise Refusal(
            "InvalidParameterValue", f"Value ({zone}) for parameter availabilityZone is invalid. Unknown zone"
        )
    kind = request.get("VolumeType", "gp2")
    if kind not in _TYPES:
        raise Refusal("UnknownVolumeType", f"Unsupported volume type '{kind}' for volume creation.")
    if "Size" not in request and "SnapshotId" not in request:
        raise Refusal("MissingParameter", "The request must contain the parameter size or snapshotId")
    size = int(request.get("Size", 8))
    smallest, largest, fewest, most = _TYPES[kind]
    if not smallest <= size <= largest:
        text = f"Volume size {size} is invalid: volumes of type {kind} must be between {smallest} and {largest} GiB."
        raise Refusal("InvalidParameterValue", text)
    volume_id = f"vol-0{random.getrandbits(64):016x}"
    ec2._volumes[volume_id] = {
        "VolumeId": volume_id,
        "Size": size,
        "AvailabilityZone": zone,
        "State": "available",
        "VolumeType": kind,
        "SnapshotId": request.get("SnapshotId", ""),
        "Iops": _iops(kind, request.get("Iops"), fewest, most),
        "Throughput": _throughput(kind, request.get("Throughput")),
        "CreateTime": now(),
        "Attachments": [],
        "MultiAttachEnabled": bool(request.get("MultiAttachEnabled", False)),
        **_encryption(request),
    }
    tagging.put(volume_id, tagging.of_request(request, "volume"))
    if token[2]:
        _tokens[token] = volume_id
    return {**_view(ec2._volumes[volume_id]), "State": "creating"}


def _iops(kind: str, wanted: int | None, fewest: int | None, most: int | None) -> int:
    if fewest is None or most is None:
        if wanted:
            raise Refusal("InvalidParameterCombination", f"The parameter iops is not supported for {kind} volumes.")
        return 0
    if wanted is None and kind != "gp3":
        raise Refusal("MissingParameter", f"The parameter iops must be specified for {kind} volumes.")
    if wanted is not None and not fewest <= int(wanted) <= most:
        text = f"Volume iops of {wanted} is invalid: {kind} volumes must have between {fewest} and {most}."
        raise Refusal("InvalidParameterValue", text)
    return int(wanted or fewest)


def _throughput(kind: str, wanted: int | None) -> int:
    if kind != "gp3":
        if wanted:
            raise Refusal(
                "InvalidParameterCombination", f"The parameter throughput is not supported for {kind} volumes."
            )
        return 0
    least, most = _THROUGHPUT
    if wanted is not None and not least <= int(wanted) <= most:
        text = f"Volume throughput of {wanted} is invalid: it must be between {least} and {most} MiB/s."
        raise Refusal("InvalidParameterValue", text)
    return int(wanted or least)


def _encryption(request: dict) -> dict:
    encrypted, key = bool(request.get("Encrypted", False)), request.get("KmsKeyId", "")
    if key and not encrypted:
        text = "The parameter KmsKeyId requires the parameter Encrypted to be set."
        raise Refusal("InvalidParameterDependency", text)
    if encrypted and not key:
        key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/ebs"
    elif key and not _key_exists(key):
        raise Refusal(
            "InvalidParameterValue", f"Value ({key}) for parameter KmsKeyId is invalid: the key does not exist"
        )
    return {"Encrypted": encrypted, "KmsKeyId": key}


def _key_exists(name: str) -> bool:
    short = name.split(":")[-1].removeprefix("key/")
    return short in kms._keys or short == "alias/aws/ebs" or any(alias.endswith(short) for alias in kms._aliases)


def _view(volume: dict) -> dict:
    return {**volume, "Tags": ec2._tags.get(volume["VolumeId"], [])}


def _delete(request: dict) -> dict:
    volume = _known(request["VolumeId"])
    if volume["Attachments"]:
        instance = volume["Attachments"][0]["InstanceId"]
        raise Refusal("VolumeInUse", f"Volume {volume['VolumeId']} is currently attached to {instance}")
    ec2._volumes.pop(volume["VolumeId"], None)
    ec2._tags.pop(volume["VolumeId"], None)
    return {}


def _attach(request: dict) -> dict:
    volume, instance_id = _known(request["VolumeId"]), request["InstanceId"]
    instance = ec2._instances.get(instance_id)
    if instance is None:
        raise Refusal("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    state = instance.get("State", {}).get("Name")
    if state not in ("running", "stopped"):
        raise Refusal("IncorrectState", f"Instance '{instance_id}' is not 'running'.")
    zone = (instance.get("Placement") or {}).get("AvailabilityZone")
    if zone != volume["AvailabilityZone"]:
        text = f"The volume '{volume['VolumeId']}' is not in the same availability zone as instance '{instance_id}'"
        raise Refusal("InvalidVolume.ZoneMismatch", text)
    if volume["Attachments"]:
        text = f"{volume['VolumeId']} is already attached to an instance"
        raise Refusal("VolumeInUse", text)
    device = request["Device"]
    others = [a for v in ec2._volumes.values() for a in v["Attachments"] if a["InstanceId"] == instance_id]
    if any(a["Device"] == device for a in others):
        text = f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        raise Refusal("InvalidParameterValue", text)
    attachment = {
        "VolumeId": volume["VolumeId"],
        "InstanceId": instance_id,
        "Device": device,
        "State": "attached",
        "AttachTime": now(),
        "DeleteOnTermination": False,
    }
    volume["Attachments"], volume["State"] = [attachment], "in-use"
    mappings = instance.setdefault("BlockDeviceMappings", [])
    status = {k: attachment[k] for k in ("VolumeId", "AttachTime", "DeleteOnTermination")} | {"Status": "attached"}
    mappings.append({"DeviceName": device, "Ebs": status})
    return {**attachment, "State": "attaching"}


def _detach(request: dict) -> dict:
    volume = _known(request["VolumeId"])
    wanted = request.get("InstanceId")
    found = [a for a in volume["Attachments"] if wanted in (None, "", a["InstanceId"])]
    if not found:
        text = f"Volume '{volume['VolumeId']}' is in the 'available' state."
        raise Refusal("IncorrectState", text)
    volume["Attachments"] = [a for a in volume["Attachments"] if a not in found]
    volume["State"] = "in-use" if volume["Attachments"] else "available"
    instance = ec2._instances.get(found[0]["InstanceId"]) or {}
    instance["BlockDeviceMappings"] = [
        m for m in instance.get("BlockDeviceMappings", []) if (m.get("Ebs") or {}).get("VolumeId") != volume["VolumeId"]
    ]
    return {**found[0], "State": "detaching"}
