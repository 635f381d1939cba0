"""AWS::EKS::Cluster by the EKS API: MiniStack's own handler drops encryption, the network, the upgrade policy."""

import time
from typing import Any

from ministack.services import eks
from ministack.services.cloudformation import provisioners

from . import clusters, eks_requests, eks_updates, resources
from .api import api
from .caller_rights import actors
from .resources import Properties, tag_map, truth

_LONGEST_NAME = 100
_KNOWN = {
    "AccessConfig",
    "BootstrapSelfManagedAddons",
    "DeletionProtection",
    "EncryptionConfig",
    "KubernetesNetworkConfig",
    "Logging",
    "Name",
    "ResourcesVpcConfig",
    "RoleArn",
    "Tags",
    "UpgradePolicy",
    "Version",
    "ZonalShiftConfig",
}

_PLACES = ("subnetIds", "securityGroupIds")
_DEFAULTS: dict[str, Any] = {
    "endpointPrivateAccess": False,
    "endpointPublicAccess": True,
    "publicAccessCidrs": ["0.0.0.0/0"],
}
_POLL_SECONDS = 0.05


def install() -> None:
    """Put the handler in place of MiniStack's."""
    resources.replace(
        "AWS::EKS::Cluster",
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=("BootstrapSelfManagedAddons", "EncryptionConfig", "Name", "RoleArn"),
        tags="list",
    )


def request(properties: Properties) -> dict[str, Any]:
    """The properties as CreateCluster takes them, without name and tags; an unknown one is refused."""
    if unknown := properties.keys() - _KNOWN:
        raise RuntimeError(f"the rehearsal does not play these properties of a cluster: {sorted(unknown)}")
    wanted: dict[str, Any] = {"roleArn": properties["RoleArn"]}
    if properties.get("Version"):
        wanted["version"] = str(properties["Version"])
    vpc = provisioners._pascal_to_camel(properties["ResourcesVpcConfig"])
    for flag in ("endpointPublicAccess", "endpointPrivateAccess"):
        if flag in vpc:
            vpc[flag] = truth(vpc[flag])
    wanted["resourcesVpcConfig"] = vpc
    for name in ("KubernetesNetworkConfig", "UpgradePolicy"):
        if properties.get(name):
            wanted[name[0].lower() + name[1:]] = provisioners._pascal_to_camel(properties[name])
    if properties.get("EncryptionConfig"):
        wanted["encryptionConfig"] = [
            {"resources": c["Resources"], "provider": {"keyArn": c["Provider"]["KeyArn"]}}
            for c in properties["EncryptionConfig"]
        ]
    if properties.get("ZonalShiftConfig"):
        wanted["zonalShiftConfig"] = {"enabled": truth(properties["ZonalShiftConfig"].get("Enabled", False))}
    for name in ("BootstrapSelfManagedAddons", "DeletionProtection"):
        if name in properties:
            wanted[name[0].lower() + name[1:]] = truth(properties[name])
    access = dict(provisioners._pascal_to_camel(properties.get("AccessConfig") or {}))
    if "bootstrapClusterCreatorAdminPermissions" in access:
        access["bootstrapClusterCreatorAdminPermissions"] = truth(access["bootstrapClusterCreatorAdminPermissions"])
    if access:
        wanted["accessConfig"] = access
    if properties.get("Logging"):
        wanted["logging"] = provisioners._eks_cluster_fields(properties)["logging"]
    return wanted


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST_NAME)
    api("eks").create_cluster(name=name, tags=tag_map(properties), **request(properties))
    actor = actors.current()
    if actor:
        # This code calls as the account's root; EKS sees who CloudFormation acts for.
        eks_requests.move_creators_entry(name, actor.principal.arn)
    try:
        clusters.wait_until_active(name)
    except RuntimeError:
        api("eks").delete_cluster(name=name)
        raise
    return name, provisioners._eks_cluster_attrs(eks._clusters[name])


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> tuple[str, dict]:
    if provisioners._requires_replacement("AWS::EKS::Cluster", old, new):
        # Two levels down; a cluster with a name of its own was refused before this.
        created = provisioners._seeded_create(_create, logical_id, new, stack_name)
        provisioners._delete_predecessor(_delete, physical_id, old)
        return created
    before, after = request(old), request(new)
    for change in changes(before, after):
        api("eks").update_cluster_config(name=physical_id, **change)
        _await_update(physical_id)
    if after.get("version", eks._clusters[physical_id]["version"]) != eks._clusters[physical_id]["version"]:
        api("eks").update_cluster_version(name=physical_id, version=after["version"])
        _await_update(physical_id)
    arn = eks._clusters[physical_id]["arn"]
    gone = tag_map(old).keys() - tag_map(new).keys()
    if gone:
        api("eks").untag_resource(resourceArn=arn, tagKeys=sorted(gone))
    if tag_map(new):
        api("eks").tag_resource(resourceArn=arn, tags=tag_map(new))
    return physical_id, provisioners._eks_cluster_attrs(eks._clusters[physical_id])


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of UpdateClusterConfig that an update of the resource takes: EKS does one thing at a time."""
    found: list[dict[str, Any]] = []
    old, new = before.get("accessConfig", {}), after.get("accessConfig", {})
    if "authenticationMode" in new and new["authenticationMode"] != old.get("authenticationMode", "CONFIG_MAP"):
        found.append({"accessConfig": {"authenticationMode": new["authenticationMode"]}})
    network, was = after["resourcesVpcConfig"], before["resourcesVpcConfig"]
    for members in (("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs"), _PLACES):
        # What the template no longer has goes back to EKS's default.
        wanted = {m: network.get(m, _DEFAULTS.get(m)) for m in members if m in network or m in _DEFAULTS}
        if wanted != {m: was.get(m, _DEFAULTS.get(m)) for m in members if m in was or m in _DEFAULTS}:
            found.append({"resourcesVpcConfig": {m: v for m, v in wanted.items() if m in members}})
    wanted_logs = eks_updates.enabled(after.get("logging") or {})
    if wanted_logs != eks_updates.enabled(before.get("logging") or {}):
        off = [kind for kind in eks_updates.LOG_TYPES if kind not in wanted_logs]
        setups = [{"types": sorted(wanted_logs), "enabled": True}, {"types": off, "enabled": False}]
        found.append({"logging": {"clusterLogging": [setup for setup in setups if setup["types"]]}})
    for member in ("upgradePolicy", "zonalShiftConfig", "deletionProtection"):
        if member in after and after[member] != before.get(member):
            found.append({member: after[member]})
    return found


def _await_update(name: str) -> None:
    while eks._clusters[name]["status"] == "UPDATING":
        time.sleep(_POLL_SECONDS)


def _delete(physical_id: str, properties: Properties) -> None:
    if physical_id in eks._clusters:
        api("eks").delete_cluster(name=physical_id)
