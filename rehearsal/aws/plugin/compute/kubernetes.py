"""A cluster's API server, asked as the cluster's administrator: what EKS does on nodes by itself.

Calls block: they are for threads, never for MiniStack's event loop.
"""

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_SECONDS = 5.0
_TOO_MANY = 429
_NOT_FOUND = 404


class Unreachable(Exception):
    """The API server does not answer, or not well."""


class Kubernetes:
    """One cluster; directory: where its control plane keeps the certificates."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint, self._directory = endpoint, directory

    def nodes(self) -> list[dict]:
        """All nodes."""
        return self._call("GET", "/api/v1/nodes")["items"]

    def ready(self) -> set[str]:
        """The instances whose nodes are Ready."""
        return {_instance_of(node) for node in self.nodes() if _is_ready(node)}

    def node_of(self, instance_id: str) -> str | None:
        """The name of an instance's node."""
        return next((n["metadata"]["name"] for n in self.nodes() if _instance_of(n) == instance_id), None)

    def cordon(self, node: str) -> None:
        """Let no more pods on a node."""
        self._call("PATCH", f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})

    def evictable(self, node: str) -> list[tuple[str, str]]:
        """(namespace, name) of the node's pods, those of DaemonSets, static and finished ones left out."""
        pods = self._call("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")["items"]
        return [(p["metadata"]["namespace"], p["metadata"]["name"]) for p in pods if _is_evictable(p)]

    def evict(self, namespace: str, name: str) -> bool:
        """Ask for a pod's eviction; False if a PodDisruptionBudget forbids it for now."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        }
        try:
            self._call("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body)
        except urllib.error.HTTPError as refused:
            if refused.code not in (_TOO_MANY, _NOT_FOUND):
                raise Unreachable(str(refused)) from refused
            return refused.code == _NOT_FOUND
        return True

    def patch_node(self, node: str, patch: dict) -> None:
        """Change a node's labels or taints."""
        self._call("PATCH", f"/api/v1/nodes/{node}", patch)

    def _call(self, method: str, path: str, body: dict | None = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        content = None if body is None else json.dumps(body).encode()
        try:
            context = ssl.create_default_context(cafile=str(self._directory / "ca.crt"))
            context.load_cert_chain(self._directory / "admin.crt", self._directory / "admin.key")
            request = urllib.request.Request(self._endpoint + path, content, {"Content-Type": kind}, method=method)
            with urllib.request.urlopen(request, context=context, timeout=_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            if method == "POST":
                raise
            raise Unreachable(f"{method} {path}: {refused}") from refused
        except (OSError, ValueError) as problem:
            raise Unreachable(f"{method} {path}: {problem}") from problem


def _instance_of(node: dict) -> str:
    return str(node.get("spec", {}).get("providerID", "")).rsplit("/", 1)[-1]


def _is_ready(node: dict) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _is_evictable(pod: dict) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    static = "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {})
    finished = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not static and not finished and not any(owner["kind"] == "DaemonSet" for owner in owners)
