"""EKS's updates of clusters and add-ons, which MiniStack has no routes for; those of node groups are nodegroups.py's.

An update runs after its answer; meanwhile the cluster is UPDATING and takes no other. Pages:
https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html and its neighbours.
"""

import contextvars
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, new_uuid
from ministack.services import ec2, eks

from . import nodegroups

# AWS takes minutes; here it is long enough to be seen.
_UPDATE_SECONDS = 0.2
_FEWEST_ZONES = 2

# A cluster's mode only ever goes one step on:
# https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html
_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# Members of UpdateClusterConfig, and the update's type.
_TYPES = {
    "accessConfig": "AccessConfigUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
    "logging": "LoggingUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "zonalShiftConfig": "ZonalShiftConfigUpdate",
}
_ENDPOINT = ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs")
_PLACES = ("securityGroupIds", "subnetIds")

_NAME = r"([A-Za-z0-9_-]+)"

# By cluster, by the update's id; an add-on's has its name in _addon.
_updates = AccountRegionScopedDict()

_handle = eks._handle_request_sync
_delete_record = eks._delete_cluster


def install() -> None:
    """Add the routes."""
    global _handle, _delete_record
    _handle, _delete_record = eks._handle_request_sync, eks._delete_cluster
    eks._handle_request_sync = _route
    eks._delete_cluster = _forget


def _forget(name: str) -> tuple:
    if name in eks._clusters and eks._clusters[name]["status"] == "UPDATING":
        return eks._error(409, "ResourceInUseException", f"Cluster {name} has an update in progress")
    answer = _delete_record(name)
    if answer[0] < 300:
        _updates.pop(name, None)
    return answer


def _route(method: str, path: str, headers: dict, body_bytes: bytes, query: dict) -> tuple:
    for wanted, pattern, handle in _ROUTES:
        found = re.fullmatch(pattern, path)
        if method == wanted and found:
            names = [urllib.parse.unquote(name) for name in found.groups()]
            body = json.loads(body_bytes) if body_bytes else {}
            plain = {key: value[0] if isinstance(value, list) else value for key, value in query.items()}
            return handle(*names, body=body, query=plain)
    return _handle(method, path, headers, body_bytes, query)


def _refused(message: str, code: str = "InvalidParameterException", status: int = 400) -> tuple:
    return eks._error(status, code, message)


def _no_cluster(name: str) -> tuple:
    return _refused(f"No cluster found for name: {name}.", "ResourceNotFoundException", 404)


# --- clusters


def _update_config(name: str, *, body: dict, query: dict) -> tuple:
    record = eks._clusters.get(name)
    if record is None:
        return _no_cluster(name)
    network = body.get("resourcesVpcConfig") or {}
    kinds = {_TYPES[member] for member in _TYPES if body.get(member) is not None}
    if any(member in network for member in _ENDPOINT):
        kinds.add("EndpointAccessUpdate")
    if any(member in network for member in _PLACES):
        kinds.add("VpcConfigUpdate")
    if not kinds:
        return _refused("No changes needed for the configuration provided")
    if len(kinds) > 1:
        return _refused("Only one type of update can be allowed.")
    kind = kinds.pop()
    if refused := _busy(record, kind):
        return refused
    if why := config_refusal(record, body):
        return _refused(why)
    values = {**{member: body[member] for member in _TYPES if body.get(member) is not None}, **network}
    return _start(record, kind, _parameters(values), lambda: apply(record, body))


def config_refusal(record: dict, body: dict) -> str:
    """Why EKS would refuse to change a cluster like this, or an empty text."""
    before = record["accessConfig"].get("authenticationMode", "CONFIG_MAP")
    after = (body.get("accessConfig") or {}).get("authenticationMode")
    if after is not None and (after not in _MODES or _MODES.index(after) != _MODES.index(before) + 1):
        return f"Unsupported authentication mode update from {before} to {after}"
    if "logging" in body:
        if why := logging_refusal(body["logging"]):
            return why
        if enabled(merged_logging(record["logging"], body["logging"])) == enabled(record["logging"]):
            return "No changes needed for the logging config provided"
    return _network_refusal(record, body.get("resourcesVpcConfig") or {})


def _network_refusal(record: dict, network: dict) -> str:
    now = record["resourcesVpcConfig"]
    if any(member in network for member in _ENDPOINT):
        after = {**{member: now[member] for member in _ENDPOINT}, **network}
        if not after["endpointPublicAccess"] and not after["endpointPrivateAccess"]:
            return "Private and public endpoint access cannot be false."
        if all(now[member] == after[member] for member in _ENDPOINT):
            shown = ", ".join(f"{member}: {str(now[member]).lower()}" for member in _ENDPOINT[:2])
            return (
                f"Cluster is already at the desired configuration with {shown}, and Public Endpoint Restrictions: "
                f"[{', '.join(now['publicAccessCidrs'])}]"
            )
    places = [ec2._subnets.get(subnet_id) for subnet_id in network.get("subnetIds", [])]
    for subnet_id, subnet in zip(network.get("subnetIds", []), places, strict=True):
        if subnet is None:
            return f"The subnet ID '{subnet_id}' does not exist"
        if subnet["VpcId"] != now["vpcId"]:
            return "Subnets specified must belong to the VPC that the cluster was created in"
    zones = {subnet["AvailabilityZone"] for subnet in places if subnet}
    if "subnetIds" in network:
        if len(zones) < _FEWEST_ZONES:
            return "Subnets specified must be in at least two different AZs"
        known = {ec2._subnets[s]["AvailabilityZone"] for s in now["subnetIds"] if s in ec2._subnets}
        if zones - known:
            return "Provided subnets belong to a different set of AZs than the cluster was created in"
    return ""


def logging_refusal(logging: dict) -> str:
    """Why EKS would not take the log types, or an empty text."""
    asked = [kind for setup in logging.get("clusterLogging", []) for kind in setup.get("types", [])]
    unknown = [kind for kind in asked if kind not in LOG_TYPES]
    return f"Unsupported log types: {unknown}, the supported ones are {list(LOG_TYPES)}" if unknown else ""


def enabled(logging: dict) -> set[str]:
    """The log types that are switched on."""
    return {kind for one in logging.get("clusterLogging", []) if one.get("enabled") for kind in one.get("types", [])}


def merged_logging(before: dict, change: dict) -> dict:
    """The logging after a change: what it does not name stays."""
    named = {kind for one in change.get("clusterLogging", []) for kind in one.get("types", [])}
    on = (enabled(before) - named) | enabled(change)
    off = [kind for kind in LOG_TYPES if kind not in on]
    setups = [{"types": [kind for kind in LOG_TYPES if kind in on], "enabled": True}, {"types": off, "enabled": False}]
    return {"clusterLogging": [setup for setup in setups if setup["types"]]}


def apply(record: dict, body: dict) -> None:
    """Change the cluster's record as the update says."""
    if "logging" in body:
        record["logging"] = merged_logging(record["logging"], body["logging"])
    if body.get("accessConfig"):
        record["accessConfig"]["authenticationMode"] = body["accessConfig"]["authenticationMode"]
        # The creator's entry is there already: no call showed it before.
        nodegroups.give_entries(record)
    for member in ("upgradePolicy", "zonalShiftConfig", "deletionProtection"):
        if body.get(member) is not None:
            record[member] = body[member]
    record["resourcesVpcConfig"] |= body.get("resourcesVpcConfig") or {}


def _update_version(name: str, *, body: dict, query: dict) -> tuple:
    record = eks._clusters.get(name)
    if record is None:
        return _no_cluster(name)
    if refused := _busy(record, "VersionUpdate"):
        return refused
    after = body.get("version", "")
    if why := version_refusal(record, after):
        return _refused(why)
    return _start(record, "VersionUpdate", _parameters({"Version": after}), lambda: record.update(version=after))


def version_refusal(record: dict, after: str) -> str:
    """Why EKS would not bring the cluster to this version, or an empty text."""
    before = record["version"]
    try:
        old, new = (tuple(int(part) for part in version.split(".")) for version in (before, after))
    except ValueError:
        return f"unsupported Kubernetes version {after}"
    if new == old:
        return f"Cluster is already at the desired configuration with version: {after}"
    if new != (old[0], old[1] + 1):
        return f"Unsupported Kubernetes minor version update from {before} to {after}"
    behind = [
        g["nodegroupName"]
        for g in eks._nodegroups.values()
        if g["clusterName"] == record["name"] and g["version"] != before
    ]
    if behind:
        return (
            f"Nodegroups {', '.join(behind)} must be updated to match cluster version {before} before updating cluster "
            "version"
        )
    return ""


def _busy(record: dict, kind: str) -> tuple | None:
    if record["status"] == "UPDATING":
        running = [u["id"] for u in _of(record["name"]).values() if u["status"] == "InProgress"]
        return _refused(
            f"Cannot {kind} because cluster {record['name']} currently has update {', '.join(running)} in progress",
            "ResourceInUseException",
            409,
        )
    if record["status"] != "ACTIVE":
        return _refused(f"Cluster '{record['name']}' is not in ACTIVE status", "ResourceInUseException", 409)
    return None


# --- updates


def _of(cluster: str) -> dict[str, dict]:
    if cluster not in _updates:
        _updates[cluster] = {}
    return _updates[cluster]


def _parameters(values: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"type": name[0].upper() + name[1:], "value": value if isinstance(value, str) else json.dumps(value)}
        for name, value in values.items()
    ]


def _start(record: dict, kind: str, parameters: list[dict], change: Callable[[], object]) -> tuple:
    """Answer with an update that is in progress; change() ends it."""
    update = {
        "id": new_uuid(),
        "status": "InProgress",
        "type": kind,
        "params": parameters,
        "createdAt": time.time(),
        "errors": [],
    }
    _of(record["name"])[update["id"]] = update
    record["status"] = "UPDATING"

    def end() -> None:
        change()
        record["status"] = "ACTIVE"
        update["status"] = "Successful"

    # In the account and region of the call.
    timer = threading.Timer(_UPDATE_SECONDS, contextvars.copy_context().run, (end,))
    timer.daemon = True
    timer.start()
    return eks._json_resp(200, {"update": _shown(update)})


def _shown(update: dict) -> dict:
    return {key: value for key, value in update.items() if not key.startswith("_")}


def _owned(cluster: str, query: dict) -> list[dict]:
    return [update for update in _of(cluster).values() if update.get("_addon") == query.get("addonName")]


def _describe_update(name: str, update_id: str, *, body: dict, query: dict) -> tuple:
    if name not in eks._clusters:
        return _no_cluster(name)
    found = [update for update in _owned(name, query) if update["id"] == update_id]
    if not found:
        return _refused(f"No update found for ID: {update_id}", "ResourceNotFoundException", 404)
    return eks._json_resp(200, {"update": _shown(found[0])})


def _list_updates(name: str, *, body: dict, query: dict) -> tuple:
    if name not in eks._clusters:
        return _no_cluster(name)
    return eks._json_resp(200, {"updateIds": [update["id"] for update in _owned(name, query)]})


def record_addon_update(cluster: str, addon: str, parameters: dict[str, Any]) -> dict:
    """Keep an add-on's update, which is over, so that DescribeUpdate finds it."""
    update = {
        "id": new_uuid(),
        "status": "Successful",
        "type": "AddonUpdate",
        "params": _parameters(parameters),
        "createdAt": time.time(),
        "errors": [],
        "_addon": addon,
    }
    _of(cluster)[update["id"]] = update
    return _shown(update)


_ROUTES: tuple[tuple[str, str, Callable[..., tuple]], ...] = (
    ("POST", f"/clusters/{_NAME}/update-config", _update_config),
    ("POST", f"/clusters/{_NAME}/updates", _update_version),
    ("GET", f"/clusters/{_NAME}/updates", _list_updates),
    ("GET", f"/clusters/{_NAME}/updates/([A-Za-z0-9-]+)", _describe_update),
)
