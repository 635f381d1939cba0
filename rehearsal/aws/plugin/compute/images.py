"""The EKS-optimised Amazon Linux 2023 images: DescribeImages, and SSM's public parameters that name them.

https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html and
https://docs.aws.amazon.com/eks/latest/userguide/eks-linux-ami-versions.html (names, release versions).
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from ministack.core.responses import get_region
from ministack.services import ec2, ssm

from .selection import page, select
from .wire import Refusal, answer

VERSIONS = ("1.33", "1.34", "1.35", "1.36")
ARCHITECTURES = ("x86_64", "arm64")
# Patch releases, as in the release version 1.35.2-20261108.
_PATCH = {"1.33": "1.33.8", "1.34": "1.34.5", "1.35": "1.35.2", "1.36": "1.36.0"}
# The last two releases, so that "recommended" moves and an older one can be pinned.
_RELEASES = ("20261018", "20261108")
_OWNER, _ALIAS = "602401143452", "amazon"
ROOT_DEVICE, ROOT_GIB = "/dev/xvda", 20
_public_parameter = ssm._public_parameter

_FILTERS = {
    "architecture": "Architecture",
    "creation-date": "CreationDate",
    "description": "Description",
    "image-id": "ImageId",
    "image-type": "ImageType",
    "is-public": "Public",
    "name": "Name",
    "owner-alias": "ImageOwnerAlias",
    "owner-id": "OwnerId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "state": "State",
    "virtualization-type": "VirtualizationType",
}


@dataclass(frozen=True)
class NodeImage:
    """One EKS-optimised image in one region."""

    version: str
    architecture: str
    release: str
    region: str

    @property
    def name(self) -> str:
        return f"amazon-eks-node-al2023-{self.architecture}-standard-{self.version}-v{self.release}"

    @property
    def image_id(self) -> str:
        return "ami-0" + hashlib.sha1(f"{self.region}/{self.name}".encode()).hexdigest()[:16]

    @property
    def release_version(self) -> str:
        return f"{_PATCH[self.version]}-{self.release}"

    def describe(self) -> dict:
        """The image as DescribeImages answers it."""
        day = f"{self.release[:4]}-{self.release[4:6]}-{self.release[6:]}"
        digest = hashlib.sha1(self.image_id.encode()).hexdigest()[:16]
        disk = {
            "DeleteOnTermination": True,
            "Iops": 3000,
            "SnapshotId": f"snap-0{digest}",
            "VolumeSize": ROOT_GIB,
            "VolumeType": "gp3",
            "Throughput": 125,
            "Encrypted": False,
        }
        return {
            "ImageId": self.image_id,
            "Name": self.name,
            "Description": f"EKS-optimized Kubernetes node based on Amazon Linux 2023, (k8s: {_PATCH[self.version]}, "
            "containerd: 2.1.*)",
            "ImageLocation": f"amazon/{self.name}",
            "ImageOwnerAlias": _ALIAS,
            "OwnerId": _OWNER,
            "Public": True,
            "State": "available",
            "ImageType": "machine",
            "Architecture": self.architecture,
            "CreationDate": f"{day}T02:14:05.000Z",
            "DeprecationTime": f"{int(self.release[:4]) + 2}-{day[5:]}T02:14:05.000Z",
            "PlatformDetails": "Linux/UNIX",
            "UsageOperation": "RunInstances",
            "RootDeviceType": "ebs",
            "RootDeviceName": ROOT_DEVICE,
            "VirtualizationType": "hvm",
            "Hypervisor": "xen",
            "EnaSupport": True,
            "SriovNetSupport": "simple",
            "BootMode": "uefi-preferred",
            "ImdsSupport": "v2.0",
            "BlockDeviceMappings": [{"DeviceName": ROOT_DEVICE, "Ebs": disk}],
        }


def install() -> None:
    """Answer DescribeImages and the parameters below /aws/service/eks."""
    answer("DescribeImages", _describe)
    ssm._public_parameter = _parameter


@functools.cache
def node_images(region: str) -> dict[str, NodeImage]:
    """The region's EKS images, by id; of each kind the older one first."""
    made = [
        NodeImage(version, architecture, release, region)
        for version in VERSIONS
        for architecture in ARCHITECTURES
        for release in _RELEASES
    ]
    return {image.image_id: image for image in made}


def recommended(version: str, architecture: str) -> NodeImage | None:
    """The newest image for nodes of a Kubernetes version in the request's region."""
    fitting = [
        image
        for image in node_images(get_region()).values()
        if (image.version, image.architecture) == (version, architecture)
    ]
    return fitting[-1] if fitting else None


def find(image_id: str) -> dict | None:
    """An image that the account can launch, as DescribeImages answers it."""
    return next((image for image in _all() if image["ImageId"] == image_id), None)


def _all() -> list[dict]:
    return [image.describe() for image in node_images(get_region()).values()] + _of_ministack()


def _of_ministack() -> list[dict]:
    """MiniStack's few public images and those that the account registered."""
    views = [ec2._image_view(image) for image in ec2._images.values()]
    views += [ec2._stub_image_view(*image) for image in ec2._STUB_AMIS]
    return [
        {
            **{k: v for k, v in view.items() if k not in ("Platform", "IsPublic", "BlockDeviceMappings")},
            "ImageLocation": view["Name"],
            "State": "available",
            "ImageType": "machine",
            "Public": view["IsPublic"] == "true",
            "Hypervisor": "xen",
            "CreationDate": "2024-10-10T00:00:00.000Z",
            "Tags": ec2._tags.get(view["ImageId"], []),
            "BlockDeviceMappings": view["BlockDeviceMappings"]
            or [
                {
                    "DeviceName": view["RootDeviceName"],
                    "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True},
                }
            ],
        }
        for view in views
    ]


def _describe(request: dict) -> dict:
    images = _all()
    wanted = request.get("ImageIds", [])
    for image_id in wanted:
        if not image_id.startswith("ami-"):
            raise Refusal("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
        if not any(image["ImageId"] == image_id for image in images):
            raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    owners = request.get("Owners", [])
    chosen = [
        image
        for image in images
        if (not wanted or image["ImageId"] in wanted) and (not owners or ec2._image_owner_matches(image, owners))
    ]
    found, token = page(select(chosen, request, _FILTERS), request, 1, 1000)
    return {"Images": found, "NextToken": token}


def _parameter(name: str) -> dict | None:
    """/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/ARCHITECTURE/standard/IMAGE/MEMBER."""
    parts = name.split("/")
    if parts[:5] != ["", "aws", "service", "eks", "optimized-ami"]:
        return _public_parameter(name)
    if len(parts) not in (10, 11) or parts[6] != "amazon-linux-2023" or parts[8] != "standard":
        return None
    version, architecture, chosen = parts[5], parts[7], parts[9]
    image = _named(version, architecture, chosen)
    value = _member(image, parts[10] if len(parts) > 10 else "") if image else None
    if image is None or value is None:
        return None
    return {
        "Name": name,
        "Type": "String",
        "Value": value,
        "Version": _RELEASES.index(image.release) + 1,
        "LastModifiedDate": int(datetime.strptime(image.release, "%Y%m%d").replace(tzinfo=UTC).timestamp()),
        "ARN": f"arn:aws:ssm:{get_region()}::parameter{name}",
        "DataType": "text",
    }


def _named(version: str, architecture: str, chosen: str) -> NodeImage | None:
    if chosen == "recommended":
        return recommended(version, architecture)
    for image in node_images(get_region()).values():
        if (image.version, image.architecture, image.name) == (version, architecture, chosen):
            return image
    return None


def _member(image: NodeImage, member: str) -> str | None:
    values = {"image_id": image.image_id, "image_name": image.name, "release_version": image.release_version}
    return json.dumps({"schema_version": "2", **values}) if not member else values.get(member)
