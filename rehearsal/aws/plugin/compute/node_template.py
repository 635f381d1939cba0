"""The launch template that EKS makes for a managed node group out of the group's settings and its own template.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html. Nothing here calls anything.
"""

import base64
import email
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from typing import Any

import yaml

from . import launching
from .catalogue import InstanceType

_CONTENT_TYPE = "node.eks.aws"
ARCHITECTURES = {
    "AL2023_x86_64_STANDARD": "x86_64",
    "AL2023_ARM_64_STANDARD": "arm64",
}
CUSTOM = "CUSTOM"
DEFAULT_TYPES = {"x86_64": "t3.medium", "arm64": "t4g.medium"}
DEFAULT_DISK = 20
ROOT_DEVICE = "/dev/xvda"

# What a group's launch template may not hold, and what EKS says of it.
_PROHIBITED = {
    "IamInstanceProfile": "an IAM instance profile",
    "SubnetId": "a subnet",
    "InstanceMarketOptions": "instance market options",
    "HibernationOptions": "hibernation options",
    "InstanceInitiatedShutdownBehavior": "a shutdown behavior",
}


def refusal(data: dict[str, Any], group: dict[str, Any]) -> str:
    """Why EKS would not take the launch template for the group, or an empty text."""
    for member, what in _PROHIBITED.items():
        if data.get(member):
            return f"Launch template must not specify {what} ({member})."
    if any(interface.get("SubnetId") for interface in data.get("NetworkInterfaces") or []):
        return "Launch template must not specify a subnet in its network interfaces."
    if data.get("ImageId") and group.get("amiType", CUSTOM) != CUSTOM:
        return "You cannot specify an AMI Type other than CUSTOM, when specifying an image id in your launch template."
    if data.get("ImageId") and (group.get("version") or group.get("releaseVersion")):
        return "You cannot specify the field version or releaseVersion when using custom AMIs."
    if data.get("InstanceType") and group.get("instanceTypes"):
        return "Instance types must be specified either in the launch template or in the request, not in both."
    if data.get("UserData") and not data.get("ImageId") and not _is_multipart(data["UserData"]):
        return "User data was not in the MIME multipart format."
    return ""


def build(
    group: dict[str, Any], cluster: dict[str, Any], data: dict[str, Any], image_id: str, profile: str,
    kinds: list[InstanceType], source: tuple[str, int] | None,
) -> dict[str, Any]:  # fmt: skip
    """The data of EKS's template. image_id: EKS's own choice; source: the group's template and its version."""
    built = dict(data)
    custom = bool(built.get("ImageId"))
    built.setdefault("ImageId", image_id)
    built["IamInstanceProfile"] = {"Arn": profile}
    if not built.get("SecurityGroupIds") and not any(n.get("Groups") for n in built.get("NetworkInterfaces") or []):
        own = [cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]]
        if built.get("NetworkInterfaces"):
            built["NetworkInterfaces"] = [{**n, "Groups": own} for n in built["NetworkInterfaces"]]
        else:
            built["SecurityGroupIds"] = own
    if source is None:
        built["BlockDeviceMappings"] = [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {"VolumeSize": group.get("diskSize") or DEFAULT_DISK, "VolumeType": "gp3"},
            }
        ]
        built["MetadataOptions"] = {"HttpPutResponseHopLimit": 2, "HttpTokens": "required"}
    if not custom:
        config = node_config(group, cluster, built["ImageId"], kinds, source)
        built["UserData"] = with_config(data.get("UserData"), config)
    tags = {"TagSpecifications": [{"ResourceType": k, "Tags": _tags(group)} for k in ("instance", "volume")]}
    return launching.overlaid(built, tags)


def _tags(group: dict[str, Any]) -> list[dict[str, str]]:
    cluster, name = group["clusterName"], group["nodegroupName"]
    tags = {
        "eks:cluster-name": cluster,
        "eks:nodegroup-name": name,
        f"kubernetes.io/cluster/{cluster}": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{cluster}": "owned",
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def node_config(
    group: dict[str, Any], cluster: dict[str, Any], image_id: str, kinds: list[InstanceType],
    source: tuple[str, int] | None,
) -> dict[str, Any]:  # fmt: skip
    """EKS's own NodeConfig for the group's nodes."""
    labels = {
        **group.get("labels", {}),
        "eks.amazonaws.com/nodegroup-image": image_id,
        "eks.amazonaws.com/capacityType": group.get("capacityType", "ON_DEMAND"),
        "eks.amazonaws.com/nodegroup": group["nodegroupName"],
    }
    if source:
        labels["eks.amazonaws.com/sourceLaunchTemplateId"] = source[0]
        labels["eks.amazonaws.com/sourceLaunchTemplateVersion"] = str(source[1])
    flags = ["--node-labels=" + ",".join(f"{k}={v}" for k, v in labels.items())]
    if group.get("taints"):
        flags.append("--register-with-taints=" + ",".join(taint_text(taint) for taint in group["taints"]))
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "cluster": {
                "name": cluster["name"],
                "apiServerEndpoint": cluster["endpoint"],
                "certificateAuthority": cluster["certificateAuthority"]["data"],
                "cidr": cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
            },
            "kubelet": {"config": {"maxPods": min(k.max_pods_managed for k in kinds)}, "flags": flags},
        },
    }


EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


def taint_text(taint: dict[str, str]) -> str:
    """A taint of the EKS API as the kubelet's flag takes it."""
    return f"{taint['key']}={taint.get('value', '')}:{EFFECTS[taint['effect']]}"


def with_config(user_data: str | None, config: dict[str, Any]) -> str:
    """The group's MIME user data, in base64, with EKS's NodeConfig as the last part."""
    archive = MIMEMultipart("mixed", boundary="//")
    if user_data:
        for part in email.message_from_string(_decoded(user_data).lstrip()).walk():
            if not part.is_multipart():
                archive.attach(part)
    own = MIMEBase("application", _CONTENT_TYPE)
    own.set_payload(yaml.safe_dump(config, sort_keys=False, width=10_000))
    archive.attach(own)
    return base64.b64encode(archive.as_string().encode()).decode()


def _decoded(user_data: str) -> str:
    return base64.b64decode(user_data).decode(errors="replace")


def _is_multipart(user_data: str) -> bool:
    return email.message_from_string(_decoded(user_data).lstrip()).is_multipart()
