"""EKS managed node groups: the API with its checks and updates, and the CloudFormation type.

What a group does to instances and nodes is compute/managed_nodes.py's.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import ec2, eks
from ministack.services.cloudformation import provisioners

from . import aws_auth, resources, roles
from .api import api
from .compute import catalogue, instances, launch_templates, managed_nodes, node_template
from .compute.wire import Refusal
from .resources import Properties, tag_map, truth

_LONGEST_NAME = 63
_NODE_ENTRY = "EC2_LINUX"
_PRINCIPAL = "ec2.amazonaws.com"
_POLL_SECONDS = 0.1

# Members of CreateNodegroup that MiniStack forgets.
_KEPT = ("launchTemplate", "updateConfig", "nodeRepairConfig", "remoteAccess")

_REPLACED_BY = (
    "AmiType",
    "CapacityType",
    "ClusterName",
    "DiskSize",
    "InstanceTypes",
    "NodegroupName",
    "NodeRole",
    "RemoteAccess",
    "Subnets",
)
_PLAIN = ("AmiType", "CapacityType", "InstanceTypes", "NodeRole", "ReleaseVersion", "Subnets", "Labels")
_OTHERS = {
    "ClusterName",
    "DiskSize",
    "ForceUpdateEnabled",
    "LaunchTemplate",
    "NodegroupName",
    "NodeRepairConfig",
    "RemoteAccess",
    "ScalingConfig",
    "Tags",
    "Taints",
    "UpdateConfig",
    "Version",
}

_create_record = eks._create_nodegroup
_delete_record = eks._delete_nodegroup
_handle_request = eks.handle_request

# /clusters/NAME/node-groups/NAME/update-config and update-version, which MiniStack does not route.
_UPDATE_PATH = re.compile(r"/clusters/([^/]+)/node-groups/([^/]+)/(update-config|update-version)")
_UPDATES_PATH = re.compile(r"/clusters/([^/]+)/updates(?:/([^/]+))?")

# The access entries that were made for groups, by their ARNs.
_own_entries: set[str] = set()
# Updates of groups, by the group's ARN.
_updates: dict[str, list[dict[str, Any]]] = {}


def install() -> None:
    """Complete the API and put our AWS::EKS::Nodegroup in place of MiniStack's."""
    eks._create_nodegroup = _create_nodegroup
    eks._delete_nodegroup = _delete_nodegroup
    eks.handle_request = _route
    instances.watch(managed_nodes.replace_lost)
    resources.replace(
        "AWS::EKS::Nodegroup",
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=_REPLACED_BY,
        tags="map",
    )


# --- the API


def _create_nodegroup(cluster_name: str, body: dict) -> tuple:
    cluster = eks._clusters.get(cluster_name)
    if cluster is None:
        return _create_record(cluster_name, body)
    wanted = _with_defaults(cluster, body)
    refused = _refusal(cluster, body) or _image_refusal(wanted)
    if refused:
        return eks._error(400, "InvalidParameterException", refused)
    answer = _create_record(cluster_name, wanted)
    if answer[0] >= 300:
        return answer
    group = eks._nodegroups[f"{cluster_name}/{body['nodegroupName']}"]
    group.update({member: body[member] for member in _KEPT if member in body})
    group["status"] = "CREATING"
    group["health"] = {"issues": []}
    group["resources"] = {"autoScalingGroups": [{"name": f"eks-{group['nodegroupName']}-{new_uuid()}"}]}
    if "launchTemplate" in body:
        group.pop("diskSize", None)
        _resolve_launch_template(group)
        if _launch_template_data(body).get("InstanceType"):
            group.pop("instanceTypes", None)
    _choose_image(group)
    _let_nodes_in(cluster_name, cluster, group["nodeRole"])
    managed_nodes.start(group, managed_nodes.create)
    return eks._json_resp(200, {"nodegroup": group})


def _with_defaults(cluster: dict, body: dict) -> dict:
    """What EKS assumes: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html."""
    data = _launch_template_data(body)
    kind = body.get("amiType") or (node_template.CUSTOM if data.get("ImageId") else "AL2023_x86_64_STANDARD")
    wanted = {"version": cluster["version"], **body, "amiType": kind}
    if not body.get("instanceTypes") and not data.get("InstanceType"):
        wanted["instanceTypes"] = [node_template.DEFAULT_TYPES[node_template.ARCHITECTURES.get(kind, "x86_64")]]
    return wanted


def _image_refusal(wanted: dict) -> str:
    if wanted["amiType"] == node_template.CUSTOM:
        return ""
    if wanted["amiType"] not in node_template.ARCHITECTURES:
        return f"The rehearsal has no images of the AMI type {wanted['amiType']}"
    version, release = wanted["version"], wanted.get("releaseVersion", "")
    if managed_nodes.image_of(version, wanted["amiType"], release) is None:
        return f"Requested release version {release} is not valid for kubernetes version {version}."
    architecture = node_template.ARCHITECTURES[wanted["amiType"]]
    names = wanted.get("instanceTypes") or [_launch_template_data(wanted)["InstanceType"]]
    for name in names:
        kind = catalogue.types().get(name)
        if kind is None:
            return f"The following supplied instance types do not exist: [{name}]"
        if kind.architecture != architecture:
            return f"[{name}] is not a valid instance type for requested amiType {wanted['amiType']}"
    return ""


def _choose_image(group: dict) -> None:
    """Note the release version; the image itself stays EKS's."""
    if group["amiType"] == node_template.CUSTOM:
        group["releaseVersion"] = _launch_template_data(group)["ImageId"]
        return
    image = managed_nodes.image_of(group["version"], group["amiType"], group.get("releaseVersion", ""))
    assert image is not None, "checked by _image_refusal"
    group["releaseVersion"] = image.release_version
    managed_nodes.made(group).image = image.image_id


def _refusal(cluster: dict, body: dict) -> str:
    """Why EKS would refuse the group, or an empty text."""
    if cluster["status"] != "ACTIVE":
        return f"Cluster '{cluster['name']}' is not in ACTIVE status"
    vpc_id = cluster["resourcesVpcConfig"]["vpcId"]
    for subnet_id in body.get("subnets", []):
        subnet = ec2._subnets.get(subnet_id)
        if subnet is None:
            return f"The subnet ID '{subnet_id}' does not exist"
        if subnet["VpcId"] != vpc_id:
            return f"Subnet {subnet_id} is not in the cluster's VPC {vpc_id}"
    if not roles.trusts(body.get("nodeRole", ""), _PRINCIPAL):
        return f"The node role {body.get('nodeRole')} does not exist, or {_PRINCIPAL} cannot assume it"
    return _scaling_refusal(body.get("scalingConfig") or {}) or _launch_template_refusal(body)


def _scaling_refusal(scaling: dict) -> str:
    smallest, desired, largest = (scaling.get(f"{name}Size") for name in ("min", "desired", "max"))
    if smallest is not None and desired is not None and desired < smallest:
        return f"desired capacity {desired} can't be less than min size {smallest}"
    if largest is not None and desired is not None and desired > largest:
        return f"desired capacity {desired} can't be greater than max size {largest}"
    return ""


def _launch_template_refusal(body: dict) -> str:
    wanted = body.get("launchTemplate")
    if not wanted:
        return ""
    template = _template_record(wanted)
    if template is None:
        return f"Launch template {wanted.get('id') or wanted.get('name')} does not exist"
    number = str(wanted.get("version", "$Default"))
    known = {str(v["VersionNumber"]) for v in template["Versions"]} | {"$Default", "$Latest"}
    if number not in known:
        return f"Launch template {template['LaunchTemplateId']} has no version {number}"
    if "diskSize" in body:
        return "Disk size must be specified within the launch template."
    return node_template.refusal(_launch_template_data(body), body)


def _template_record(wanted: dict) -> dict | None:
    return ec2._launch_templates.get(wanted.get("id")) or next(
        (t for t in ec2._launch_templates.values() if t["LaunchTemplateName"] == wanted.get("name")), None
    )


def _launch_template_data(body: dict) -> dict[str, Any]:
    wanted = body.get("launchTemplate")
    template = _template_record(wanted) if wanted else None
    if not wanted or template is None:
        return {}
    try:
        return launch_templates.version_of(template, wanted.get("version")).get("LaunchTemplateData") or {}
    except Refusal:
        return {}


def _resolve_launch_template(group: dict) -> None:
    """The group keeps its template's id, name and a number: what $Latest means later does not change it."""
    wanted = group["launchTemplate"]
    template = _template_record(wanted)
    assert template is not None, "checked by _launch_template_refusal"
    version = launch_templates.version_of(template, wanted.get("version"))
    group["launchTemplate"] = {
        "id": template["LaunchTemplateId"],
        "name": template["LaunchTemplateName"],
        "version": str(version["VersionNumber"]),
    }


def _let_nodes_in(cluster_name: str, cluster: dict, role_arn: str) -> None:
    """EKS lets the nodes in by itself, by each way that the authentication mode knows."""
    aws_auth.let_in(cluster_name, role_arn)
    _give_entry(cluster_name, cluster, role_arn)


def give_entries(cluster: dict) -> None:
    """Make the access entries of a cluster's node groups when its mode begins to know entries:
    https://www.eksworkshop.com/docs/security/cluster-access-management/managing."""
    for group in list(eks._nodegroups.values()):
        if group["clusterName"] == cluster["name"]:
            _give_entry(cluster["name"], cluster, group["nodeRole"])


def _give_entry(cluster_name: str, cluster: dict, role_arn: str) -> None:
    """EKS makes the nodes' access entry where there is none."""
    if cluster.get("accessConfig", {}).get("authenticationMode") not in ("API", "API_AND_CONFIG_MAP"):
        return
    key = eks._ae_key(cluster_name, role_arn)
    if key not in eks._access_entries:
        eks._create_access_entry(cluster_name, {"principalArn": role_arn, "type": _NODE_ENTRY})
        _own_entries.add(eks._access_entries[key]["accessEntryArn"])


def _delete_nodegroup(cluster_name: str, name: str) -> tuple:
    group = eks._nodegroups.get(f"{cluster_name}/{name}")
    if group is None:
        return _delete_record(cluster_name, name)
    if group["status"] != "DELETING":
        group["status"] = "DELETING"
        managed_nodes.start(group, _delete_all)
    return eks._json_resp(200, {"nodegroup": group})


def _delete_all(group: dict) -> None:
    managed_nodes.delete(group)
    _delete_record(group["clusterName"], group["nodegroupName"])
    _updates.pop(group["nodegroupArn"], None)
    _shut_nodes_out(group["clusterName"], group["nodeRole"])


def _shut_nodes_out(cluster_name: str, role_arn: str) -> None:
    """The entry that EKS made goes with the last group that uses the role; another's entry stays."""
    groups = [g for g in eks._nodegroups.values() if g["clusterName"] == cluster_name and g["nodeRole"] == role_arn]
    if not groups:
        aws_auth.shut_out(cluster_name, role_arn)
    entry = eks._access_entries.get(eks._ae_key(cluster_name, role_arn))
    if not groups and entry and entry["accessEntryArn"] in _own_entries:
        _own_entries.discard(entry["accessEntryArn"])
        eks._delete_access_entry(cluster_name, role_arn)


# --- updates: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html


async def _route(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
    if method == "POST" and (found := _UPDATE_PATH.fullmatch(path)):
        group = eks._nodegroups.get(f"{found[1]}/{found[2]}")
        if group is None:
            return eks._error(404, "ResourceNotFoundException", f"No node group found for name: {found[2]}.")
        wanted = json.loads(body or b"{}")
        return _update_config(group, wanted) if found[3] == "update-config" else _update_version(group, wanted)
    if method == "GET" and (found := _UPDATES_PATH.fullmatch(path)) and _asked(query_params):
        group = eks._nodegroups.get(f"{found[1]}/{_asked(query_params)}")
        updates = _updates.get(group["nodegroupArn"], []) if group else []
        if found[2] is None:
            return eks._json_resp(200, {"updateIds": [update["id"] for update in updates]})
        for update in updates:
            if update["id"] == found[2]:
                return eks._json_resp(200, {"update": update})
        return eks._error(404, "ResourceNotFoundException", f"No update found for ID: {found[2]}")
    return await _handle_request(method, path, headers, body, query_params)


def _asked(query_params: dict) -> str:
    value = query_params.get("nodegroupName") or ""
    return value[0] if isinstance(value, list) else value


def _busy(group: dict) -> str:
    if group["status"] in ("ACTIVE", "DEGRADED"):
        return ""
    return f"Nodegroup cannot be updated as it is currently not in Active State (it is {group['status']})"


def _update_config(group: dict, wanted: dict) -> tuple:
    if busy := _busy(group):
        return eks._error(409, "ResourceInUseException", busy)
    scaling = {**group["scalingConfig"], **(wanted.get("scalingConfig") or {})}
    if refused := _scaling_refusal(scaling):
        return eks._error(400, "InvalidParameterException", refused)
    old_labels, old_taints = dict(group.get("labels", {})), list(group.get("taints", []))
    group["scalingConfig"] = scaling
    for member in ("updateConfig", "nodeRepairConfig"):
        if member in wanted:
            group[member] = wanted[member]
    group["labels"] = _changed_labels(old_labels, wanted.get("labels") or {})
    group["taints"] = _changed_taints(old_taints, wanted.get("taints") or {})

    def work(changed: dict) -> None:
        if (changed["labels"], changed["taints"]) != (old_labels, old_taints):
            managed_nodes.relabel(changed, old_labels, old_taints)
        managed_nodes.scale(changed)

    return _begin(group, "ConfigUpdate", wanted, work)


def _changed_labels(labels: dict[str, str], change: dict) -> dict[str, str]:
    removed = change.get("removeLabels") or []
    return {k: v for k, v in {**labels, **(change.get("addOrUpdateLabels") or {})}.items() if k not in removed}


def _changed_taints(taints: list[dict], change: dict) -> list[dict]:
    def identity(taint: dict) -> tuple:
        return taint["key"], taint["effect"]

    gone = {identity(t) for t in change.get("removeTaints") or []}
    added = {identity(t): t for t in change.get("addOrUpdateTaints") or []}
    kept = [t for t in taints if identity(t) not in gone | added.keys()]
    return kept + list(added.values())


def _update_version(group: dict, wanted: dict) -> tuple:
    if busy := _busy(group):
        return eks._error(409, "ResourceInUseException", busy)
    if wanted.get("launchTemplate"):
        if not group.get("launchTemplate"):
            text = "You cannot add a launch template to a node group that was created without one."
            return eks._error(400, "InvalidParameterException", text)
        if refused := _launch_template_refusal({"launchTemplate": wanted["launchTemplate"]}):
            return eks._error(400, "InvalidParameterException", refused)
    changed = {**group, **{k: wanted[k] for k in ("launchTemplate", "version", "releaseVersion") if wanted.get(k)}}
    if not wanted.get("releaseVersion"):
        changed["releaseVersion"] = ""
    if refused := _image_refusal(changed):
        return eks._error(400, "InvalidParameterException", refused)
    group.update({k: changed[k] for k in ("launchTemplate", "version", "releaseVersion") if k in changed})
    if group.get("launchTemplate"):
        _resolve_launch_template(group)
    _choose_image(group)
    return _begin(group, "VersionUpdate", wanted, lambda g: managed_nodes.roll(g, bool(wanted.get("force"))))


def _begin(group: dict, kind: str, wanted: dict, work: Callable[[dict], None]) -> tuple:
    update: dict[str, Any] = {
        "id": new_uuid(),
        "status": "InProgress",
        "type": kind,
        "params": [{"type": name, "value": json.dumps(value)} for name, value in wanted.items() if name in _PARAMS],
        "createdAt": time.time(),
        "errors": [],
    }
    _updates.setdefault(group["nodegroupArn"], []).append(update)
    group["status"] = "UPDATING"

    def run(changed: dict) -> None:
        try:
            work(changed)
        except managed_nodes.Issue as issue:
            error = {"errorCode": issue.code, "errorMessage": issue.message, "resourceIds": issue.resource_ids}
            update["errors"], update["status"] = [error], "Failed"
        else:
            update["status"] = "Successful"
        if changed["status"] == "UPDATING":
            changed["status"] = "ACTIVE"

    managed_nodes.start(group, run)
    return eks._json_resp(200, {"update": update})


# Update parameters that DescribeUpdate names.
_PARAMS = {"scalingConfig", "updateConfig", "labels", "taints", "version", "releaseVersion", "launchTemplate"}


# --- the CloudFormation type


def request(properties: Properties) -> dict[str, Any]:
    """The properties as CreateNodegroup takes them, without the names and tags; an unknown one is refused."""
    if unknown := properties.keys() - {*_PLAIN, *_OTHERS}:
        raise RuntimeError(f"the rehearsal does not play these properties of a node group: {sorted(unknown)}")
    wanted = {name[0].lower() + name[1:]: properties[name] for name in _PLAIN if properties.get(name)}
    if "Version" in properties:
        wanted["version"] = str(properties["Version"])
    if "DiskSize" in properties:
        wanted["diskSize"] = int(properties["DiskSize"])
    for name in ("ScalingConfig", "UpdateConfig"):
        if properties.get(name):
            members = provisioners._pascal_to_camel(properties[name])
            wanted[name[0].lower() + name[1:]] = {k: v if k == "updateStrategy" else int(v) for k, v in members.items()}
    if properties.get("LaunchTemplate"):
        members = provisioners._pascal_to_camel(properties["LaunchTemplate"])
        wanted["launchTemplate"] = {k: str(v) for k, v in members.items()}
    for name in ("Taints", "RemoteAccess"):
        if properties.get(name):
            wanted[name[0].lower() + name[1:]] = provisioners._pascal_to_camel(properties[name])
    if properties.get("NodeRepairConfig"):
        wanted["nodeRepairConfig"] = {"enabled": truth(properties["NodeRepairConfig"].get("Enabled", False))}
    return wanted


def _attributes(group: dict) -> dict[str, str]:
    return {
        "Arn": group["nodegroupArn"],
        "ClusterName": group["clusterName"],
        "Id": f"{group['clusterName']}/{group['nodegroupName']}",
        "NodegroupName": group["nodegroupName"],
    }


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    name = properties.get("NodegroupName") or provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST_NAME)
    group = api("eks").create_nodegroup(
        clusterName=properties["ClusterName"], nodegroupName=name, tags=tag_map(properties), **request(properties)
    )["nodegroup"]
    physical_id = f"{group['clusterName']}/{name}"
    while (made := eks._nodegroups[physical_id])["status"] == "CREATING":
        time.sleep(_POLL_SECONDS)
    if made["status"] != "ACTIVE":
        # The engine does not know the group yet: what CloudFormation deletes in its rollback goes here.
        _delete(physical_id, properties)
        raise RuntimeError(f"{_issues(made)} (Service: null, Status Code: 0)")
    return physical_id, _attributes(group)


def _issues(group: dict) -> str:
    texts = [
        f"Issue(Code={i['code']}, Message={i['message']}, ResourceIds=[{', '.join(i['resourceIds'])}])"
        for i in group["health"]["issues"]
    ]
    return f"[{', '.join(texts)}]"


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> tuple[str, dict]:
    """Scaling, labels and taints are one update, template and versions another; then the tags."""
    before, wanted = request(old), request(new)
    group = eks._nodegroups[physical_id]
    cluster, name = physical_id.split("/", 1)
    config = {m: wanted[m] for m in ("scalingConfig", "updateConfig", "nodeRepairConfig") if m in wanted}
    config = {m: value for m, value in config.items() if before.get(m) != value}
    if before.get("labels", {}) != wanted.get("labels", {}):
        gone = before.get("labels", {}).keys() - wanted.get("labels", {}).keys()
        config["labels"] = {"addOrUpdateLabels": wanted.get("labels", {}), "removeLabels": sorted(gone)}
    if before.get("taints", []) != wanted.get("taints", []):
        lost = [t for t in before.get("taints", []) if t not in wanted.get("taints", [])]
        config["taints"] = {"addOrUpdateTaints": wanted.get("taints", []), "removeTaints": lost}
    if config:
        update = api("eks").update_nodegroup_config(clusterName=cluster, nodegroupName=name, **config)["update"]
        _await_update(group, update["id"])
    versions = {m: wanted[m] for m in ("launchTemplate", "version", "releaseVersion") if m in wanted}
    if {m: before.get(m) for m in versions} != versions:
        if truth(new.get("ForceUpdateEnabled", False)):
            versions["force"] = True
        update = api("eks").update_nodegroup_version(clusterName=cluster, nodegroupName=name, **versions)["update"]
        _await_update(group, update["id"])
    gone = tag_map(old).keys() - tag_map(new).keys()
    if gone:
        api("eks").untag_resource(resourceArn=group["nodegroupArn"], tagKeys=sorted(gone))
    if tag_map(new):
        api("eks").tag_resource(resourceArn=group["nodegroupArn"], tags=tag_map(new))
    return physical_id, _attributes(group)


def _await_update(group: dict, update_id: str) -> None:
    update = next(u for u in _updates[group["nodegroupArn"]] if u["id"] == update_id)
    while update["status"] == "InProgress":
        time.sleep(_POLL_SECONDS)
    if update["status"] != "Successful":
        error = update["errors"][0]
        raise RuntimeError(f"{error['errorMessage']} (Error Code: {error['errorCode']})")


def _delete(physical_id: str, properties: Properties) -> None:
    if physical_id in eks._nodegroups:
        cluster, name = physical_id.split("/", 1)
        api("eks").delete_nodegroup(clusterName=cluster, nodegroupName=name)
    while physical_id in eks._nodegroups:
        time.sleep(_POLL_SECONDS)
