"""AWS::EKS::Cluster by the EKS API: MiniStack's own handler drops encryption, the network, the upgrade policy."""

from typing import Any

from ministack.services import ec2, eks
from ministack.services.cloudformation import provisioners

from . import clusters, resources
from .api import api
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

# A cluster's mode only ever goes one step on.
_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")

_update_in_place = provisioners._eks_cluster_update


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
    record = eks._clusters[physical_id]
    wanted = request(new)
    refused = update_refusal(record, wanted)
    if refused:
        raise RuntimeError(refused)
    _update_in_place(physical_id, old, new, stack_name, logical_id)
    for member in ("upgradePolicy", "deletionProtection", "zonalShiftConfig"):
        if member in wanted:
            record[member] = wanted[member]
    return physical_id, provisioners._eks_cluster_attrs(record)


def update_refusal(record: dict, wanted: dict) -> str:
    """Why EKS would refuse to change the cluster, or an empty text."""
    if "version" in wanted and (text := _version_refusal(record["version"], wanted["version"])):
        return text
    before = record["accessConfig"].get("authenticationMode", "CONFIG_MAP")
    after = wanted.get("accessConfig", {}).get("authenticationMode", before)
    if _MODES.index(after) not in (_MODES.index(before), _MODES.index(before) + 1):
        return f"Unsupported authentication mode update from {before} to {after}"
    zones = {
        ec2._subnets[s]["AvailabilityZone"] for s in record["resourcesVpcConfig"]["subnetIds"] if s in ec2._subnets
    }
    for subnet_id in wanted["resourcesVpcConfig"].get("subnetIds", []):
        subnet = ec2._subnets.get(subnet_id)
        if subnet is None:
            return f"The subnet ID '{subnet_id}' does not exist"
        if subnet["AvailabilityZone"] not in zones:
            return f"Provided subnet {subnet_id} belongs to a different set of AZs than the cluster was created in"
    return ""


def _version_refusal(before: str, after: str) -> str:
    old, new = (tuple(int(part) for part in version.split(".")) for version in (before, after))
    if new == old or (new[0] == old[0] and new[1] == old[1] + 1):
        return ""
    return f"Unsupported Kubernetes minor version update from {before} to {after}"


def _delete(physical_id: str, properties: Properties) -> None:
    if physical_id in eks._clusters:
        api("eks").delete_cluster(name=physical_id)
