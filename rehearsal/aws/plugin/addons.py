"""EKS add-ons: what the API takes, and what runs of them in the cluster.

The cluster's control plane reads DIR/addons.json and makes the add-ons' objects; DIR/addons.status.json says how they
are, and so an add-on's status. Pages: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html and
https://docs.aws.amazon.com/eks/latest/APIReference/API_AddonIssue.html.
"""

import json
import os
import re
import time
from pathlib import Path

from ministack.services import eks, iam

from . import clusters, eks_updates

# What the add-on's name must be among, and its default version for the newest Kubernetes it knows: the figures after
# the version of the software are EKS's own builds.
_VERSIONS = {
    "amazon-cloudwatch-observability": "v4.7.0-eksbuild.1",
    "aws-ebs-csi-driver": "v1.54.0-eksbuild.1",
    "aws-efs-csi-driver": "v2.1.15-eksbuild.1",
    "coredns": "v1.12.4-eksbuild.1",
    "eks-node-monitoring-agent": "v1.4.2-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.2",
    "kube-proxy": "",
    "metrics-server": "v0.8.0-eksbuild.6",
    "snapshot-controller": "v8.3.0-eksbuild.1",
    "vpc-cni": "v1.20.4-eksbuild.2",
}
_VERSION = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")
_RESOLVE_CONFLICTS = ("NONE", "OVERWRITE", "PRESERVE")

# Without a word of the control plane after so long, nobody plays add-ons: they are as they should be.
_SILENCE_SECONDS = 5.0
# An add-on that is not well after so long is DEGRADED; AWS gives it about 20 minutes.
_DEGRADED_SECONDS = 60.0

_ACTIVE, _CREATING, _UPDATING, _DEGRADED, _DELETING = "ACTIVE", "CREATING", "UPDATING", "DEGRADED", "DELETING"

_create_record = eks._create_addon
_describe_record = eks._describe_addon
_update_record = eks._update_addon
_delete_record = eks._delete_addon
_list_records = eks._list_addons


def install() -> None:
    """Wrap the add-ons' actions."""
    eks._create_addon = _create
    eks._describe_addon = _describe
    eks._update_addon = _update
    eks._delete_addon = _delete
    eks._list_addons = _list


def _create(cluster: str, body: dict) -> tuple:
    record = eks._clusters.get(cluster)
    name = body.get("addonName", "")
    if record is not None:
        if record["status"] != "ACTIVE":
            return eks._error(400, "InvalidRequestException", f"Cluster '{cluster}' is not in ACTIVE status")
        if why := refusal(name, body):
            return eks._error(400, "InvalidParameterException", why)
        body = {**body, "addonVersion": body.get("addonVersion") or default_version(name, record["version"])}
    answer = _create_record(cluster, body)
    if answer[0] >= 300:
        return answer
    addon = eks._addons[f"{cluster}/{name}"]
    for member in ("serviceAccountRoleArn", "configurationValues"):
        if not addon[member]:
            # AWS leaves out what is not set.
            del addon[member]
    _begin(addon, _CREATING)
    return eks._json_resp(200, {"addon": _shown(addon)})


def _update(cluster: str, name: str, body: dict) -> tuple:
    if f"{cluster}/{name}" in eks._addons and (why := refusal(name, body)):
        return eks._error(400, "InvalidParameterException", why)
    answer = _update_record(cluster, name, body)
    if answer[0] >= 300:
        return answer
    _begin(eks._addons[f"{cluster}/{name}"], _UPDATING)
    given = {member: value for member, value in body.items() if member not in ("tags", "clientRequestToken")}
    return eks._json_resp(200, {"update": eks_updates.record_addon_update(cluster, name, given)})


def _delete(cluster: str, name: str) -> tuple:
    addon = eks._addons.get(f"{cluster}/{name}")
    if addon is None:
        return _delete_record(cluster, name)
    _begin(addon, _DELETING)
    answer = eks._json_resp(200, {"addon": _shown(addon)})
    _look(addon)
    return answer


def _describe(cluster: str, name: str) -> tuple:
    addon = eks._addons.get(f"{cluster}/{name}")
    if addon is not None:
        _look(addon)
    if f"{cluster}/{name}" not in eks._addons:
        return _describe_record(cluster, name)
    return eks._json_resp(200, {"addon": _shown(addon or {})})


def _list(cluster: str, query: dict) -> tuple:
    for addon in [a for a in eks._addons.values() if a["clusterName"] == cluster]:
        _look(addon)
    return _list_records(cluster, query)


def _shown(addon: dict) -> dict:
    return {key: value for key, value in addon.items() if not key.startswith("_")}


def refusal(name: str, body: dict) -> str:
    """Why EKS would not take the request for the add-on, or an empty text."""
    if name not in _VERSIONS:
        return f"Addon {name} specified is not supported"
    version = body.get("addonVersion")
    if version and not _VERSION.fullmatch(version):
        return "Addon version specified is not supported"
    if body.get("resolveConflicts", "NONE") not in _RESOLVE_CONFLICTS:
        return f"resolveConflicts must be one of {list(_RESOLVE_CONFLICTS)}"
    if body.get("configurationValues"):
        try:
            json.loads(body["configurationValues"])
        except ValueError:
            return "ConfigurationValue provided in request is not supported: it is no JSON"
    role = body.get("serviceAccountRoleArn")
    if role and role.rsplit("/", 1)[-1] not in iam._roles:
        return f"Role with arn: {role} does not exist"
    return ""


def default_version(name: str, kubernetes: str) -> str:
    """The version that EKS takes when none is asked for."""
    return _VERSIONS[name] or f"v{kubernetes}.0-eksbuild.2"


# --- what runs


def _directory(cluster: str) -> Path | None:
    local = clusters.running.get(clusters._key(cluster))
    return local.directory if local else None


def write(cluster: str) -> None:
    """Tell the cluster's control plane which add-ons there are."""
    directory = _directory(cluster)
    if directory is None:
        return
    wanted = [
        {
            "name": addon["addonName"],
            "version": addon["addonVersion"],
            "serviceAccountRoleArn": addon.get("serviceAccountRoleArn", ""),
            "configurationValues": addon.get("configurationValues", ""),
        }
        for addon in eks._addons.values()
        if addon["clusterName"] == cluster and addon["status"] != _DELETING
    ]
    new = directory / "addons.json.new"
    new.write_text(json.dumps(wanted), encoding="utf-8")
    os.replace(new, directory / "addons.json")


def _begin(addon: dict, status: str) -> None:
    addon["status"], addon["health"] = status, {"issues": []}
    addon["_since"] = time.monotonic()
    write(addon["clusterName"])


def _look(addon: dict) -> None:
    """Set the status by what the control plane says of it."""
    waited = time.monotonic() - addon.get("_since", 0.0)
    directory = _directory(addon["clusterName"])
    said = _status(directory).get(addon["addonName"]) if directory else None
    if addon["status"] == _DELETING:
        # It leaves the control plane's list when its objects are gone.
        if said is None:
            _delete_record(addon["clusterName"], addon["addonName"])
        return
    if said is None:
        if waited > _SILENCE_SECONDS:
            addon["status"] = _ACTIVE
        return
    if said.get("ready"):
        addon["status"], addon["health"] = _ACTIVE, {"issues": []}
    elif waited > _DEGRADED_SECONDS:
        addon["status"] = _DEGRADED
        addon["health"] = {
            "issues": [
                {
                    "code": "InsufficientNumberOfReplicas",
                    "message": "The add-on is unhealthy because it doesn't have the desired number of replicas. "
                    f"({said.get('why') or 'none is ready'})",
                    "resourceIds": [],
                }
            ]
        }


def _status(directory: Path) -> dict[str, dict]:
    try:
        return json.loads((directory / "addons.status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
