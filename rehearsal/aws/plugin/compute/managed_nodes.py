"""What EKS does for a managed node group: it launches instances, waits for their nodes, replaces and drains them.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html. Each piece of work is a thread in
the account and region of the request that asked for it.
"""

import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import ec2, eks, iam

from .. import clusters
from ..api import api
from . import catalogue, disk_keys, images, instances, launch_templates, launching, node_template, tagging
from .kubernetes import Kubernetes, Unreachable
from .wire import Refusal

# On AWS nodes have some 30 minutes to join: "NodeCreationFailure".
_JOIN_SECONDS = float(os.environ.get("REHEARSAL_JOIN_SECONDS", "60"))
# On AWS 15 minutes until an update fails (PodEvictionFailure): its pods have to be ready elsewhere one by one.
_EVICTION_SECONDS = float(os.environ.get("REHEARSAL_EVICTION_SECONDS", "120"))
# On AWS 5 minutes until a deleted group ends its nodes all the same:
# https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html.
_DRAIN_SECONDS = float(os.environ.get("REHEARSAL_DRAIN_SECONDS", "30"))
_POLL_SECONDS = 0.2
_OWNER_TAG = "eks:nodegroup-name"
_KEY_REFUSED = (
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: {}: "
    "the KMS key of its volumes cannot be used by EC2 Auto Scaling"
)

_logger = logging.getLogger("rehearsal.compute")
_locks: dict[tuple[str, str, str], threading.RLock] = {}


@dataclass
class Made:
    """What EKS made for a group and nobody sees in its description."""

    image: str = ""
    profile: str = ""
    template: str = ""


_made: dict[str, Made] = {}


def made(group: dict) -> Made:
    """What was made for a group, by its ARN, which no other group ever has."""
    return _made.setdefault(group["nodegroupArn"], Made())


class Issue(Exception):
    """A health issue of a node group: EKS's code, text and the resources."""

    def __init__(self, code: str, message: str, resource_ids: list[str]) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.resource_ids = code, message, resource_ids

    def view(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "resourceIds": self.resource_ids}


def start(group: dict, work: Callable[[dict], None]) -> None:
    """Run work on the group on a thread; one piece at a time for each group."""

    def run() -> None:
        with _lock_of(group):
            try:
                work(group)
            except Exception:
                _logger.exception("node group %s", group["nodegroupName"])

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()


def _lock_of(group: dict) -> threading.RLock:
    key = (get_account_id(), get_region(), group["nodegroupArn"])
    return _locks.setdefault(key, threading.RLock())


# --- pieces of work


def create(group: dict) -> None:
    """CREATING until every node is Ready, then ACTIVE; or CREATE_FAILED with a health issue."""
    try:
        made(group).profile = _make_profile(group)
        made(group).template = _make_template(group)
        _fill(group)
        _await_ready(group)
    except Issue as issue:
        group["health"] = {"issues": [issue.view()]}
        group["status"] = "CREATE_FAILED"
        return
    group["status"] = "ACTIVE"


def scale(group: dict) -> None:
    """Bring the group to its desired size."""
    surplus = _members(group)[group["scalingConfig"]["desiredSize"] :]
    for instance in surplus:
        _drain(group, instance["InstanceId"])
        instances.end([instance["InstanceId"]])
    _fill(group)
    _await_ready(group)


def roll(group: dict, force: bool = False) -> None:
    """Replace every instance that was launched after another template: new ones first, then drain and end the old.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html.
    """
    old_template = made(group).template
    made(group).template = _make_template(group)
    old = [i for i in _members(group) if not _is_current(group, i)]
    # At most two for each zone at a time, spread over the zones as the old ones are; and no pod may go from one old
    # node to the next.
    batch = 2 * len(group["subnets"])
    for first in range(0, len(old), batch):
        leaving = old[first : first + batch]
        for place in range(len(leaving)):
            _launch_one(group, place)
        _await_ready(group)
        for instance in old[first:]:
            _cordon(group, instance["InstanceId"])
        for instance in leaving:
            if not _drain(group, instance["InstanceId"], time.monotonic() + _EVICTION_SECONDS) and not force:
                text = "Reached max retries while trying to evict pods from nodes in node group "
                raise Issue("PodEvictionFailure", text + group["nodegroupName"], [instance["InstanceId"]])
            instances.end([instance["InstanceId"]])
    _delete_template(old_template)


def relabel(group: dict, old_labels: dict[str, str], old_taints: list[dict]) -> None:
    """Put the group's labels and taints on its nodes, as EKS does without replacing them."""
    cluster = _kubernetes(group)
    if cluster is None:
        return
    before = made(group).template
    made(group).template = _make_template(group)
    _retag(group, before)
    _delete_template(before)
    gone: dict[str, Any] = dict.fromkeys(old_labels.keys() - group["labels"].keys())
    mine = {i["InstanceId"] for i in _members(group)}
    old_keys = {t["key"] for t in old_taints}
    for node in cluster.nodes():
        if str(node["spec"].get("providerID", "")).rsplit("/", 1)[-1] not in mine:
            continue
        taints = [t for t in node["spec"].get("taints", []) if t["key"] not in old_keys]
        taints += [
            {"key": t["key"], "value": t.get("value", ""), "effect": node_template.EFFECTS[t["effect"]]}
            for t in group["taints"]
        ]
        patch = {"metadata": {"labels": {**group["labels"], **gone}}, "spec": {"taints": taints}}
        cluster.patch_node(node["metadata"]["name"], patch)


def delete(group: dict) -> None:
    """Drain and end every instance, and take away what EKS made for the group."""
    mine = [i["InstanceId"] for i in _members(group)]
    until = time.monotonic() + _DRAIN_SECONDS
    for instance_id in mine:
        _cordon(group, instance_id)
    for instance_id in mine:
        _drain(group, instance_id, until)
    if mine:
        instances.end(mine)
    while any(ec2._instances.get(i, {}).get("State", {}).get("Name") == "shutting-down" for i in mine):
        time.sleep(_POLL_SECONDS)
    _delete_template(made(group).template)
    _delete_profile(made(group).profile)
    _made.pop(group["nodegroupArn"], None)


def replace_lost(instance: dict) -> None:
    """The group's Auto Scaling group launches another instance for one that ended."""
    name = tagging.value(instance["InstanceId"], _OWNER_TAG)
    if name is None or instance["State"]["Name"] not in ("shutting-down", "stopping"):
        return
    cluster = tagging.value(instance["InstanceId"], "eks:cluster-name")
    group = eks._nodegroups.get(f"{cluster}/{name}")
    if group and group["status"] == "ACTIVE":
        start(group, _refill)


def _refill(group: dict) -> None:
    if group["status"] != "ACTIVE":
        return
    try:
        _fill(group)
    except Issue as issue:
        group["health"] = {"issues": [issue.view()]}
        group["status"] = "DEGRADED"


# --- instances


def _members(group: dict) -> list[dict]:
    found = [
        instance
        for instance in instances.living()
        if tagging.value(instance["InstanceId"], "eks:cluster-name") == group["clusterName"]
        and tagging.value(instance["InstanceId"], _OWNER_TAG) == group["nodegroupName"]
    ]
    return sorted(found, key=lambda i: (i["LaunchTime"], i["InstanceId"]))


def _is_current(group: dict, instance: dict) -> bool:
    return tagging.value(instance["InstanceId"], "aws:ec2launchtemplate:id") == made(group).template


def _fill(group: dict) -> None:
    until = time.monotonic() + _JOIN_SECONDS
    while (count := len(_members(group))) < group["scalingConfig"]["desiredSize"]:
        try:
            _launch_one(group, count)
        except Issue as issue:
            # The Auto Scaling group tries again and again.
            if time.monotonic() > until or issue.code != "AsgInstanceLaunchFailures":
                raise
            time.sleep(1)


def _launch_one(group: dict, place: int) -> None:
    """Launch in the next subnet; in another one, or another type, where there is no capacity."""
    subnet_ids = group["subnets"]
    turned = subnet_ids[place % len(subnet_ids) :] + subnet_ids[: place % len(subnet_ids)]
    refused: Refusal | None = None
    for name in [kind.name for kind in kinds(group)]:
        for subnet_id in turned:
            specification = launching.with_template({"LaunchTemplate": {"LaunchTemplateId": made(group).template}})
            specification["InstanceType"] = name
            if specification.get("NetworkInterfaces"):
                first, *others = specification["NetworkInterfaces"]
                specification["NetworkInterfaces"] = [{**first, "SubnetId": subnet_id}, *others]
            else:
                specification["SubnetId"] = subnet_id
            if group.get("capacityType") == "SPOT":
                specification["InstanceMarketOptions"] = {"MarketType": "spot"}
            scaling_group = group["resources"]["autoScalingGroups"][0]["name"]
            specification["_own_tags"].append({"Key": "aws:autoscaling:groupName", "Value": scaling_group})
            try:
                plan = launching.check(specification)
                if code := disk_keys.trouble(plan.disks, disk_keys.auto_scaling()):
                    raise Issue("AsgInstanceLaunchFailures", _KEY_REFUSED.format(code), [])
                instances.launch(plan)
                return
            except Refusal as problem:
                refused = problem
    assert refused is not None
    market = "Spot" if group.get("capacityType") == "SPOT" else "On-Demand"
    text = f"Could not launch {market} Instances. {refused.code} - {refused.message} Launching EC2 instance failed."
    raise Issue("AsgInstanceLaunchFailures", text, [group["resources"]["autoScalingGroups"][0]["name"]])


def kinds(group: dict) -> list[catalogue.InstanceType]:
    """The group's instance types, from itself or from its launch template."""
    names = group.get("instanceTypes") or [_source_data(group)[0].get("InstanceType", "")]
    return [catalogue.types()[name] for name in names]


# --- nodes


def _kubernetes(group: dict) -> Kubernetes | None:
    local = clusters.running.get((get_account_id(), get_region(), group["clusterName"]))
    record = eks._clusters.get(group["clusterName"])
    return Kubernetes(record["endpoint"], local.directory) if local and record else None


def _await_ready(group: dict) -> None:
    until = time.monotonic() + _JOIN_SECONDS
    while missing := _not_ready(group):
        if time.monotonic() > until:
            raise Issue("NodeCreationFailure", "Instances failed to join the kubernetes cluster", missing)
        time.sleep(_POLL_SECONDS)


def _not_ready(group: dict) -> list[str]:
    mine = [i["InstanceId"] for i in _members(group)]
    cluster = _kubernetes(group)
    if cluster is None or not mine:
        return mine
    try:
        ready = cluster.ready()
    except Unreachable:
        return mine
    return [instance_id for instance_id in mine if instance_id not in ready]


def _cordon(group: dict, instance_id: str) -> None:
    cluster = _kubernetes(group)
    try:
        node = cluster.node_of(instance_id) if cluster else None
        if cluster and node:
            cluster.cordon(node)
    except Unreachable as problem:
        _logger.warning("cordon of %s: %s", instance_id, problem)


def _drain(group: dict, instance_id: str, until: float = 0.0) -> bool:
    """Cordon the instance's node and evict its pods; False if budgets kept some there until the time ended."""
    until = until or time.monotonic() + _DRAIN_SECONDS
    _cordon(group, instance_id)
    cluster = _kubernetes(group)
    try:
        node = cluster.node_of(instance_id) if cluster else None
        while cluster and node:
            pods = cluster.evictable(node)
            for namespace, name in pods:
                cluster.evict(namespace, name)
            if not pods:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
    except Unreachable as problem:
        _logger.warning("drain of %s: %s", instance_id, problem)
    return True


# --- what EKS makes for the group


def _source_data(group: dict) -> tuple[dict[str, Any], tuple[str, int] | None]:
    wanted = group.get("launchTemplate")
    if not wanted:
        return {}, None
    specification = {"Version": wanted.get("version")}
    if wanted.get("id"):
        specification["LaunchTemplateId"] = wanted["id"]
    else:
        specification["LaunchTemplateName"] = wanted["name"]
    data, template, number = launch_templates.data_of(specification)
    return data, (template["LaunchTemplateId"], number)


def _make_template(group: dict) -> str:
    try:
        data, source = _source_data(group)
    except Refusal as refused:
        raise Issue("Ec2LaunchTemplateNotFound", refused.message, []) from refused
    cluster = eks._clusters[group["clusterName"]]
    built = node_template.build(group, cluster, data, made(group).image, made(group).profile, kinds(group), source)
    tags = {"eks:cluster-name": group["clusterName"], "eks:nodegroup-name": group["nodegroupName"]}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return launch_templates.create(f"eks-{new_uuid()}", built, listed)["LaunchTemplateId"]


def _retag(group: dict, before: str) -> None:
    """Nodes whose labels were changed in place count as launched after the new template."""
    for instance in _members(group):
        for tag in ec2._tags.get(instance["InstanceId"], []):
            if tag["Key"] == "aws:ec2launchtemplate:id" and tag["Value"] == before:
                tag["Value"] = made(group).template


def _delete_template(template_id: str) -> None:
    template = ec2._launch_templates.get(template_id)
    if template:
        launch_templates.delete(template)


def _make_profile(group: dict) -> str:
    """EKS makes an instance profile for each group, named after the group's Auto Scaling group."""
    name = f"eks-{new_uuid()}"
    profile = api("iam").create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    api("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=group["nodeRole"].rsplit("/", 1)[-1])
    return profile["Arn"]


def _delete_profile(arn: str) -> None:
    profile = iam._lookup_instance_profile(arn=arn)
    if profile is None:
        return
    name = profile["InstanceProfileName"]
    for role in list(profile["Roles"]):
        api("iam").remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    api("iam").delete_instance_profile(InstanceProfileName=name)


def image_of(version: str, ami_type: str, release: str) -> images.NodeImage | None:
    """The image of a Kubernetes version and AMI type: the newest, or that of a release version."""
    architecture = node_template.ARCHITECTURES.get(ami_type, "")
    if not release:
        return images.recommended(version, architecture)
    for image in images.node_images(get_region()).values():
        if (image.version, image.architecture, image.release_version) == (version, architecture, release):
            return image
    return None
