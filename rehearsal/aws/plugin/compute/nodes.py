"""Which instances are nodes of which cluster: the file instances.json in the cluster's directory.

The embedded EKS reads it, judges whether the node's role may join, and registers the nodes.
"""

import json
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, eks, iam

from .. import clusters
from . import catalogue, images, instances, reach
from .user_data import NodeConfig, NoNode, read

FILE = "instances.json"
_RETRY_SECONDS = 1.0

_logger = logging.getLogger("rehearsal.compute")
_lock = threading.Lock()


def publish(instance: dict | None = None) -> None:
    """Write the file of each cluster in the request's account and region whose nodes have changed.

    An instance that cannot reach its cluster tries again, as long as it runs.
    """
    mine = (get_account_id(), get_region())
    with _lock:
        for (account, region, name), local in list(clusters.running.items()):
            if (account, region) == mine:
                _write(local.directory / FILE, _nodes_of(name))
    if instance and instance["State"]["Name"] == "running" and instance.get("_unreached"):
        instances.later(_RETRY_SECONDS, publish, instance)


def joins(instance: dict) -> NodeConfig:
    """The configuration of an instance that will try to join a cluster of this account, or NoNode."""
    image = images.node_images(get_region()).get(instance["ImageId"])
    if image is None:
        raise NoNode("its image is not one for EKS nodes")
    config = read(instance.get("UserData") or "")
    record = eks._clusters.get(config.cluster)
    if record is None:
        raise NoNode(f"there is no cluster {config.cluster}")
    if config.endpoint != record.get("endpoint"):
        raise NoNode(f"the endpoint in its NodeConfig, {config.endpoint}, is not that of the cluster")
    if config.certificate_authority != record.get("certificateAuthority", {}).get("data"):
        raise NoNode("the certificate authority in its NodeConfig is not that of the cluster")
    if not _role_of(instance):
        raise NoNode("it has no instance profile, and so no role to join with")
    if not instance.get("_joined"):
        instance["_unreached"] = reach.obstacle(instance, record)
        if instance["_unreached"]:
            raise NoNode(instance["_unreached"])
        # What is cut off later stays a node, and becomes NotReady: that is not played.
        instance["_joined"] = True
    return config


def _nodes_of(cluster: str) -> list[dict[str, Any]]:
    found = []
    for instance in ec2._instances.values():
        if instance["State"]["Name"] != "running":
            continue
        try:
            config = joins(instance)
        except NoNode as why:
            if instance.get("_no_node") != str(why):
                instance["_no_node"] = str(why)
                _logger.warning("instance %s does not become a node: %s", instance["InstanceId"], why)
            continue
        if config.cluster == cluster:
            found.append(_node(instance, config))
    return sorted(found, key=lambda node: node["instanceId"])


def _node(instance: dict, config: NodeConfig) -> dict[str, Any]:
    kind = catalogue.types()[instance["InstanceType"]]
    return {
        "instanceId": instance["InstanceId"],
        "name": instance["PrivateDnsName"],
        "privateIp": instance["PrivateIpAddress"],
        "zone": instance["Placement"]["AvailabilityZone"],
        "region": get_region(),
        "instanceType": kind.name,
        "arch": "arm64" if kind.architecture == "arm64" else "amd64",
        "cpu": kind.vcpus,
        "memoryMiB": kind.memoryMiB,
        "maxPods": config.max_pods or kind.max_pods,
        "roleArn": _role_of(instance),
        "securityGroupIds": [group["GroupId"] for group in instance["SecurityGroups"]],
        "labels": config.labels,
        "taints": config.taints,
        "ami": instance["ImageId"],
    }


def _role_of(instance: dict) -> str:
    arn = (instance.get("IamInstanceProfile") or {}).get("Arn", "")
    profile = iam._lookup_instance_profile(arn=arn) if arn else None
    roles = (profile or {}).get("Roles") or []
    role = iam._roles.get(roles[0]) if roles else None
    return role["Arn"] if role else ""


def _write(file: Path, nodes: list[dict[str, Any]]) -> None:
    """Replace the file at once, so that its reader never sees half of it."""
    text = json.dumps(nodes, indent=1)
    try:
        if file.exists() and file.read_text() == text:
            return
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{FILE}.")
        with os.fdopen(handle, "w") as out:
            out.write(text)
        os.replace(temporary, file)
    except FileNotFoundError:
        # The cluster is being deleted.
        return
