"""EBS volumes that a launch makes, after the image's and the request's block device mappings."""

import random
from typing import Any

from ministack.services import ec2

from . import tagging
from .wire import Refusal, now

_GP3_IOPS, _GP3_THROUGHPUT = 3000, 125


def plan(image: dict, mappings: list[dict]) -> list[dict[str, Any]]:
    """[{"DeviceName", "Ebs"}] of an image with the mappings of a request on top."""
    planned = {m["DeviceName"]: dict(m.get("Ebs") or {}) for m in image["BlockDeviceMappings"]}
    for mapping in mappings:
        device = mapping.get("DeviceName")
        if not device:
            raise Refusal("MissingParameter", "The request must contain the parameter deviceName")
        ebs = {k: v for k, v in (mapping.get("Ebs") or {}).items() if v not in (None, "")}
        smallest = int(planned.get(device, {}).get("VolumeSize", 0))
        if smallest and int(ebs.get("VolumeSize", smallest)) < smallest:
            snapshot = planned[device].get("SnapshotId", "")
            size = ebs["VolumeSize"]
            text = f"Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size >= {smallest}GB"
            raise Refusal("InvalidBlockDeviceMapping", text)
        if ebs.get("VolumeType") not in (None, planned.get(device, {}).get("VolumeType")):
            planned.get(device, {}).pop("Iops", None)
            planned.get(device, {}).pop("Throughput", None)
        planned[device] = {**planned.get(device, {}), **ebs}
    return [{"DeviceName": device, "Ebs": ebs} for device, ebs in planned.items()]


def attach(instance_id: str, zone: str, planned: list[dict[str, Any]], tags: list[dict]) -> list[dict]:
    """Make the volumes; returns the instance's block device mappings."""
    return [_attach(instance_id, zone, each["DeviceName"], each["Ebs"], tags) for each in planned]


def _attach(instance_id: str, zone: str, device: str, ebs: dict[str, Any], tags: list[dict]) -> dict:
    volume_id, time = f"vol-0{random.getrandbits(64):016x}", now()
    kind = ebs.get("VolumeType", "gp2")
    goes = str(ebs.get("DeleteOnTermination", True)).lower() == "true"
    ec2._volumes[volume_id] = {
        "VolumeId": volume_id,
        "Size": int(ebs.get("VolumeSize", 8)),
        "AvailabilityZone": zone,
        "State": "in-use",
        "VolumeType": kind,
        "SnapshotId": ebs.get("SnapshotId", ""),
        "Iops": int(ebs.get("Iops", _GP3_IOPS if kind == "gp3" else 0)),
        "Throughput": int(ebs.get("Throughput", _GP3_THROUGHPUT if kind == "gp3" else 0)),
        "Encrypted": str(ebs.get("Encrypted", False)).lower() == "true",
        "KmsKeyId": ebs.get("KmsKeyId", ""),
        "CreateTime": time,
        "MultiAttachEnabled": False,
        "Attachments": [
            {
                "VolumeId": volume_id,
                "InstanceId": instance_id,
                "Device": device,
                "State": "attached",
                "AttachTime": time,
                "DeleteOnTermination": goes,
            }
        ],
    }
    tagging.put(volume_id, tags)
    status = {"VolumeId": volume_id, "Status": "attached", "AttachTime": time, "DeleteOnTermination": goes}
    return {"DeviceName": device, "Ebs": status}


def release(instance_id: str) -> None:
    """Delete or detach the volumes of an instance that ended."""
    for volume in ec2._volumes.values():
        mine = [a for a in volume.get("Attachments", []) if a["InstanceId"] == instance_id]
        if not mine:
            continue
        if any(attachment.get("DeleteOnTermination") for attachment in mine):
            ec2._volumes.pop(volume["VolumeId"], None)
            ec2._tags.pop(volume["VolumeId"], None)
        else:
            volume["Attachments"] = [a for a in volume["Attachments"] if a["InstanceId"] != instance_id]
            volume["State"] = "in-use" if volume["Attachments"] else "available"
