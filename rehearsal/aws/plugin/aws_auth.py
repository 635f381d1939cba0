"""The ConfigMap kube-system/aws-auth, where EKS itself writes a managed node group's role.

"Amazon EKS creates entries in the aws-auth ConfigMap for the roles" of managed nodes, in the authentication modes
that know it (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html, member type). The entry
goes with the last group that has the role; a map that is empty then is deleted, if it was EKS that made it.
"""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

import yaml
from ministack.services import eks

from . import clusters

_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP")
_PATH = "/api/v1/namespaces/kube-system/configmaps"
_NAME = "aws-auth"
_SECONDS = 5.0
_NOT_FOUND, _CONFLICT = 404, 409
_TRIES = 5


def let_in(cluster_name: str, role_arn: str) -> None:
    """Map a node group's role, where the cluster's mode reads the map."""
    _write(cluster_name, role_arn, wanted=True)


def shut_out(cluster_name: str, role_arn: str) -> None:
    """Take the role out: its last node group is gone."""
    _write(cluster_name, role_arn, wanted=False)


def with_role(text: str, role_arn: str, wanted: bool) -> str:
    """mapRoles with a node role's entry, or without it; the entries of others stay as they are."""
    # The authenticator compares with what STS answers, which has no path.
    prefix, _, name = role_arn.partition(":role/")
    mapped = f"{prefix}:role/{name.rsplit('/', 1)[-1]}"
    entries = yaml.safe_load(text or "") or []
    has = any(entry.get("rolearn") == mapped for entry in entries)
    if has == wanted:
        return text
    if wanted:
        entry = {
            "groups": ["system:bootstrappers", "system:nodes"],
            "rolearn": mapped,
            "username": "system:node:{{EC2PrivateDNSName}}",
        }
        return yaml.safe_dump([*entries, entry])
    left = [entry for entry in entries if entry.get("rolearn") != mapped]
    return yaml.safe_dump(left) if left else ""


def _write(cluster_name: str, role_arn: str, wanted: bool) -> None:
    record, local = eks._clusters.get(cluster_name), clusters.running.get(clusters._key(cluster_name))
    if record is None or local is None:
        return
    if record["accessConfig"].get("authenticationMode", "CONFIG_MAP") not in _MODES:
        return
    server = _Server(record["endpoint"], local)
    for _ in range(_TRIES):
        try:
            return server.write(role_arn, wanted)
        except urllib.error.HTTPError as refused:
            # Somebody else wrote at the same time.
            if refused.code != _CONFLICT:
                raise


class _Server:
    def __init__(self, endpoint: str, local: clusters.LocalKube) -> None:
        self._endpoint = endpoint
        self._context = ssl.create_default_context(cafile=str(local.directory / "ca.crt"))
        self._context.load_cert_chain(local.directory / "admin.crt", local.directory / "admin.key")

    def write(self, role_arn: str, wanted: bool) -> None:
        try:
            found = self._call("GET", f"{_PATH}/{_NAME}")
        except urllib.error.HTTPError as refused:
            if refused.code != _NOT_FOUND:
                raise
            if wanted:
                made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}}
                self._call("POST", _PATH, {**made, "data": {"mapRoles": with_role("", role_arn, True)}})
            return
        data = found.get("data") or {}
        before = data.get("mapRoles", "")
        after = with_role(before, role_arn, wanted)
        if after == before:
            return
        if not after and data.keys() == {"mapRoles"}:
            self._call("DELETE", f"{_PATH}/{_NAME}")
            return
        self._call("PUT", f"{_PATH}/{_NAME}", {**found, "data": {**data, "mapRoles": after}})

    def _call(self, method: str, path: str, body: dict | None = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._endpoint + path, content, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, context=self._context, timeout=_SECONDS) as answer:
            return json.load(answer)
