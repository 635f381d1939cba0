"""EKS managed node groups: records, with the checks, members and access entry that MiniStack leaves out.

No node joins: the cluster's nodes are those that the embedded EKS registers by itself.
"""

from typing import Any

from ministack.services import ec2, eks
from ministack.services.cloudformation import provisioners

from . import resources, roles
from .api import api
from .resources import Properties, tag_map, truth

_LONGEST_NAME = 63
_NODE_ENTRY = "EC2_LINUX"
_PRINCIPAL = "ec2.amazonaws.com"

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


def install() -> None:
    """Complete the API and put our AWS::EKS::Nodegroup in place of MiniStack's."""
    eks._create_nodegroup = _create_nodegroup
    eks._delete_nodegroup = _delete_nodegroup
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
    refused = _refusal(cluster, body) if cluster else ""
    if refused:
        return eks._error(400, "InvalidParameterException", refused)
    answer = _create_record(cluster_name, body)
    if answer[0] >= 300:
        return answer
    group = eks._nodegroups[f"{cluster_name}/{body['nodegroupName']}"]
    group.update({member: body[member] for member in _KEPT if member in body})
    if "launchTemplate" in body:
        group.pop("diskSize", None)
    _let_nodes_in(cluster_name, cluster or {}, group["nodeRole"])
    return eks._json_resp(200, {"nodegroup": group})


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
    return _launch_template_refusal(body)


def _launch_template_refusal(body: dict) -> str:
    wanted = body.get("launchTemplate")
    if not wanted:
        return ""
    template = ec2._launch_templates.get(wanted.get("id")) or next(
        (t for t in ec2._launch_templates.values() if t["LaunchTemplateName"] == wanted.get("name")), None
    )
    if template is None:
        return f"Launch template {wanted.get('id') or wanted.get('name')} does not exist"
    number = str(wanted.get("version", "$Default"))
    known = {str(v["VersionNumber"]) for v in template["Versions"]} | {"$Default", "$Latest"}
    if number not in known:
        return f"Launch template {template['LaunchTemplateId']} has no version {number}"
    if "diskSize" in body:
        return "Disk size must be specified within the launch template."
    data = template["Versions"][-1].get("LaunchTemplateData") or {}
    if data.get("InstanceType") and body.get("instanceTypes"):
        return "Instance types must be specified either in the launch template or in the request, not in both."
    return ""


def _let_nodes_in(cluster_name: str, cluster: dict, role_arn: str) -> None:
    """EKS makes the nodes' access entry by itself where the authentication mode knows entries."""
    if cluster.get("accessConfig", {}).get("authenticationMode") not in ("API", "API_AND_CONFIG_MAP"):
        return
    if eks._ae_key(cluster_name, role_arn) not in eks._access_entries:
        eks._create_access_entry(cluster_name, {"principalArn": role_arn, "type": _NODE_ENTRY})


def _delete_nodegroup(cluster_name: str, name: str) -> tuple:
    role_arn = (eks._nodegroups.get(f"{cluster_name}/{name}") or {}).get("nodeRole")
    answer = _delete_record(cluster_name, name)
    if answer[0] < 300 and role_arn:
        _shut_nodes_out(cluster_name, role_arn)
    return answer


def _shut_nodes_out(cluster_name: str, role_arn: str) -> None:
    """The entry goes with the last group that uses the role."""
    groups = [g for g in eks._nodegroups.values() if g["clusterName"] == cluster_name and g["nodeRole"] == role_arn]
    entry = eks._access_entries.get(eks._ae_key(cluster_name, role_arn))
    if not groups and entry and entry["type"] == _NODE_ENTRY:
        eks._delete_access_entry(cluster_name, role_arn)


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
    return f"{group['clusterName']}/{name}", _attributes(group)


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> tuple[str, dict]:
    """Scaling, labels, taints, the launch template's version, the versions and tags change in place."""
    wanted = request(new)
    group = eks._nodegroups[physical_id]
    if "launchTemplate" in wanted and (refused := _launch_template_refusal(wanted)):
        raise RuntimeError(refused)
    for member in ("scalingConfig", "updateConfig", "launchTemplate", "version", "releaseVersion", "nodeRepairConfig"):
        if member in wanted:
            group[member] = wanted[member]
    group["labels"] = wanted.get("labels", {})
    group["taints"] = wanted.get("taints", [])
    gone = tag_map(old).keys() - tag_map(new).keys()
    if gone:
        api("eks").untag_resource(resourceArn=group["nodegroupArn"], tagKeys=sorted(gone))
    if tag_map(new):
        api("eks").tag_resource(resourceArn=group["nodegroupArn"], tags=tag_map(new))
    return physical_id, _attributes(group)


def _delete(physical_id: str, properties: Properties) -> None:
    if physical_id in eks._nodegroups:
        cluster, name = physical_id.split("/", 1)
        api("eks").delete_nodegroup(clusterName=cluster, nodegroupName=name)
