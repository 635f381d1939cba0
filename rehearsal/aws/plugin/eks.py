"""AWS::EKS::Addon, AWS::EKS::AccessEntry and AWS::EKS::PodIdentityAssociation."""

import time
from typing import Any

from . import resources
from .api import api
from .resources import Properties, tag_map

_POLL_SECONDS = 0.05


def install() -> None:
    """Add the three types."""
    resources.add(
        "AWS::EKS::Addon",
        create=_addon_create,
        update=_addon_update,
        delete=_addon_delete,
        replaced_by=("AddonName", "ClusterName"),
        tags="list",
    )
    resources.add(
        "AWS::EKS::AccessEntry",
        create=_entry_create,
        update=_entry_update,
        delete=_entry_delete,
        replaced_by=("ClusterName", "PrincipalArn", "Type"),
        tags="list",
    )
    resources.add(
        "AWS::EKS::PodIdentityAssociation",
        create=_association_create,
        update=_association_update,
        delete=_association_delete,
        replaced_by=("ClusterName", "Namespace", "ServiceAccount"),
        tags="list",
    )


def _chosen(properties: Properties, *names: str) -> dict[str, Any]:
    """The given properties that are set, under the API's names (first letter small)."""
    return {name[0].lower() + name[1:]: properties[name] for name in names if properties.get(name)}


_ADDON_OPTIONS = ("AddonVersion", "ConfigurationValues", "ServiceAccountRoleArn", "ResolveConflicts")


def _addon_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    cluster, name = properties["ClusterName"], properties["AddonName"]
    addon = api("eks").create_addon(
        clusterName=cluster, addonName=name, tags=tag_map(properties), **_chosen(properties, *_ADDON_OPTIONS)
    )["addon"]
    try:
        _await_addon(cluster, name)
    except RuntimeError:
        api("eks").delete_addon(clusterName=cluster, addonName=name)
        raise
    return f"{cluster}|{name}", {"Arn": addon["addonArn"]}


def _await_addon(cluster: str, name: str) -> None:
    """CloudFormation waits until an add-on is well, and fails if it does not become so."""
    while True:
        addon = api("eks").describe_addon(clusterName=cluster, addonName=name)["addon"]
        if addon["status"] == "ACTIVE":
            return
        if addon["status"] not in ("CREATING", "UPDATING"):
            issues = [f"{issue['code']}: {issue['message']}" for issue in addon["health"]["issues"]]
            raise RuntimeError(f"Add-on {name} did not become active, it is {addon['status']}: {'; '.join(issues)}")
        time.sleep(_POLL_SECONDS)


def _addon_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    cluster, name = new["ClusterName"], new["AddonName"]
    if any(old.get(option) != new.get(option) for option in _ADDON_OPTIONS):
        api("eks").update_addon(clusterName=cluster, addonName=name, **_chosen(new, *_ADDON_OPTIONS))
        _await_addon(cluster, name)
    arn = api("eks").describe_addon(clusterName=cluster, addonName=name)["addon"]["addonArn"]
    _retag(arn, old, new)
    return physical_id, {"Arn": arn}


def _addon_delete(physical_id: str, properties: Properties) -> None:
    cluster, name = properties["ClusterName"], properties["AddonName"]
    if _cluster_exists(cluster) and name in api("eks").list_addons(clusterName=cluster)["addons"]:
        api("eks").delete_addon(clusterName=cluster, addonName=name)
        while name in api("eks").list_addons(clusterName=cluster)["addons"]:
            time.sleep(_POLL_SECONDS)


def _retag(arn: str, old: Properties, new: Properties) -> None:
    gone = tag_map(old).keys() - tag_map(new).keys()
    if gone:
        api("eks").untag_resource(resourceArn=arn, tagKeys=sorted(gone))
    if tag_map(new):
        api("eks").tag_resource(resourceArn=arn, tags=tag_map(new))


def _cluster_exists(name: str) -> bool:
    return name in api("eks").list_clusters()["clusters"]


def _entry_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    cluster, principal = properties["ClusterName"], properties["PrincipalArn"]
    entry = api("eks").create_access_entry(
        clusterName=cluster,
        principalArn=principal,
        tags=tag_map(properties),
        **_chosen(properties, "KubernetesGroups", "Username", "Type"),
    )["accessEntry"]
    try:
        for policy in properties.get("AccessPolicies") or []:
            _associate(cluster, principal, policy)
    except Exception:
        api("eks").delete_access_entry(clusterName=cluster, principalArn=principal)
        raise
    return f"{principal}|{cluster}", {"AccessEntryArn": entry["accessEntryArn"]}


def _associate(cluster: str, principal: str, policy: dict) -> None:
    scope = policy["AccessScope"]
    api("eks").associate_access_policy(
        clusterName=cluster,
        principalArn=principal,
        policyArn=policy["PolicyArn"],
        accessScope={"type": scope["Type"], **_chosen(scope, "Namespaces")},
    )


def _entry_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    cluster, principal = new["ClusterName"], new["PrincipalArn"]
    entry = api("eks").update_access_entry(
        clusterName=cluster,
        principalArn=principal,
        kubernetesGroups=new.get("KubernetesGroups") or [],
        **_chosen(new, "Username"),
    )["accessEntry"]
    wanted = {policy["PolicyArn"]: policy for policy in new.get("AccessPolicies") or []}
    for policy in old.get("AccessPolicies") or []:
        if policy["PolicyArn"] not in wanted:
            api("eks").disassociate_access_policy(
                clusterName=cluster, principalArn=principal, policyArn=policy["PolicyArn"]
            )
    for policy in wanted.values():
        _associate(cluster, principal, policy)
    _retag(entry["accessEntryArn"], old, new)
    return physical_id, {"AccessEntryArn": entry["accessEntryArn"]}


def _entry_delete(physical_id: str, properties: Properties) -> None:
    cluster, principal = properties["ClusterName"], properties["PrincipalArn"]
    if _cluster_exists(cluster) and principal in api("eks").list_access_entries(clusterName=cluster)["accessEntries"]:
        api("eks").delete_access_entry(clusterName=cluster, principalArn=principal)


def _association_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict]:
    association = api("eks").create_pod_identity_association(
        clusterName=properties["ClusterName"],
        namespace=properties["Namespace"],
        serviceAccount=properties["ServiceAccount"],
        roleArn=properties["RoleArn"],
        tags=tag_map(properties),
    )["association"]
    return association["associationArn"], _association_attributes(association)


def _association_attributes(association: dict) -> dict:
    return {"AssociationArn": association["associationArn"], "AssociationId": association["associationId"]}


def _association_update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, dict]:
    association = api("eks").update_pod_identity_association(
        clusterName=new["ClusterName"], associationId=physical_id.rsplit("/", 1)[-1], roleArn=new["RoleArn"]
    )["association"]
    _retag(physical_id, old, new)
    return physical_id, _association_attributes(association)


def _association_delete(physical_id: str, properties: Properties) -> None:
    cluster = properties["ClusterName"]
    if not _cluster_exists(cluster):
        return
    known = api("eks").list_pod_identity_associations(clusterName=cluster)["associations"]
    if physical_id in {association["associationArn"] for association in known}:
        api("eks").delete_pod_identity_association(clusterName=cluster, associationId=physical_id.rsplit("/", 1)[-1])
