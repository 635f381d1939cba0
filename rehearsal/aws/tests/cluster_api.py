"""A cluster's Kubernetes API for tests, as the cluster's administrator."""

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_SECONDS = 10


class ClusterAPI:
    """directory: the cluster's, in the state directory of the embedded AWS."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint, self.directory = endpoint, directory
        self._context = ssl.create_default_context(cafile=str(directory / "ca.crt"))
        self._context.load_cert_chain(directory / "admin.crt", directory / "admin.key")

    def call(self, method: str, path: str, body: dict | None = None, kind: str = "application/json") -> dict[str, Any]:
        """One request; urllib's HTTPError if it is refused."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._endpoint + path, content, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, context=self._context, timeout=_SECONDS) as answer:
            return json.load(answer)

    def get(self, path: str) -> dict[str, Any] | None:
        """The object, or None if there is none, or not yet: a new kind's storage begins with 429."""
        try:
            return self.call("GET", path)
        except urllib.error.HTTPError as refused:
            if refused.code in (404, 429):
                return None
            raise

    def items(self, path: str) -> list[dict[str, Any]]:
        return (self.get(path) or {"items": []})["items"]

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The nodes by their instances."""
        return {n["spec"].get("providerID", "").rsplit("/", 1)[-1]: n for n in self.items("/api/v1/nodes")}

    def merge(self, path: str, patch: dict) -> dict[str, Any]:
        return self.call("PATCH", path, patch, "application/merge-patch+json")


def is_ready(node: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
