"""What a node reads from its user data: nodeadm's NodeConfig, and what it makes of it.

https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/ and
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html. Nothing here calls anything.
"""

import base64
import binascii
import email
import email.message
import shlex
from dataclasses import dataclass, field
from typing import Any

import yaml

_API_VERSIONS = ("node.eks.aws/v1alpha1", "node.eks.aws/v1beta1")
_CONTENT_TYPE = "application/node.eks.aws"

# Labels in Kubernetes' own namespaces that a kubelet may give itself:
# https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction.
_OWN_LABELS = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
}
_OWN_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")


class NoNode(Exception):
    """The instance never becomes a node; the text says why."""


@dataclass(frozen=True)
class NodeConfig:
    """The cluster that a node joins, and how."""

    cluster: str
    endpoint: str
    certificate_authority: str
    max_pods: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[dict[str, str]] = field(default_factory=list)


def read(text: str) -> NodeConfig:
    """The node's configuration from base64 user data, or NoNode."""
    try:
        content = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError) as problem:
        raise NoNode("its user data is not text in base64") from problem
    merged: dict[str, Any] = {}
    for document in _documents(content):
        merged = _merge(merged, document)
    if not merged:
        raise NoNode("its user data has no NodeConfig")
    return _config(merged.get("spec") or {})


def _documents(content: str) -> list[dict[str, Any]]:
    """The NodeConfigs in plain YAML or in the parts of a MIME message, in their order."""
    start = content.lstrip()
    if not start.lower().startswith(("mime-version:", "content-type:")):
        return _parsed(content) if start.startswith(("apiVersion", "---", "#", "kind")) and start[:2] != "#!" else []
    message = email.message_from_string(start)
    if not message.is_multipart():
        return _parsed(str(message.get_payload())) if message.get_content_type() == _CONTENT_TYPE else []
    found = []
    for part in message.walk():
        if part.get_content_type() == _CONTENT_TYPE:
            found += _parsed(_payload(part))
    return found


def _payload(part: email.message.Message) -> str:
    decoded = part.get_payload(decode=True)
    return decoded.decode(errors="replace") if isinstance(decoded, bytes) else str(part.get_payload())


def _parsed(text: str) -> list[dict[str, Any]]:
    try:
        documents = [d for d in yaml.safe_load_all(text) if d]
    except yaml.YAMLError as problem:
        raise NoNode(f"nodeadm cannot read its NodeConfig: {problem}") from problem
    for document in documents:
        if not isinstance(document, dict) or document.get("kind") != "NodeConfig":
            raise NoNode("its user data of type application/node.eks.aws is no NodeConfig")
        if document.get("apiVersion") not in _API_VERSIONS:
            raise NoNode(f"nodeadm does not know NodeConfigs of {document.get('apiVersion')}")
    return documents


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Later documents win, member by member; lists (kubelet flags) are appended, as nodeadm does."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            both[key] = _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list) and key == "flags":
            both[key] = old + value
        else:
            both[key] = value
    return both


def _config(spec: dict[str, Any]) -> NodeConfig:
    cluster = spec.get("cluster") or {}
    for member in ("name", "apiServerEndpoint", "certificateAuthority", "cidr"):
        if not cluster.get(member):
            raise NoNode(f"nodeadm: {_MISSING[member]} is missing in cluster configuration")
    kubelet = spec.get("kubelet") or {}
    settings = kubelet.get("config") or {}
    labels, taints, most = _flags(kubelet.get("flags") or [])
    return NodeConfig(
        cluster=str(cluster["name"]),
        endpoint=str(cluster["apiServerEndpoint"]),
        certificate_authority=_text(cluster["certificateAuthority"]),
        max_pods=most or settings.get("maxPods"),
        labels=_allowed(labels),
        taints=[_taint(t) for t in settings.get("registerWithTaints") or []] + taints,
    )


_MISSING = {
    "name": "Name",
    "apiServerEndpoint": "Apiserver endpoint",
    "certificateAuthority": "Certificate authority",
    "cidr": "CIDR",
}


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value).strip()


def _flags(flags: list[str]) -> tuple[dict[str, str], list[dict[str, str]], int | None]:
    labels: dict[str, str] = {}
    taints: list[dict[str, str]] = []
    most: int | None = None
    for flag in flags:
        for word in shlex.split(str(flag)):
            name, _, value = word.partition("=")
            if name == "--node-labels":
                labels |= dict(_pair(text) for text in value.split(",") if text)
            elif name == "--register-with-taints":
                taints += [_flag_taint(text) for text in value.split(",") if text]
            elif name == "--max-pods":
                most = int(value)
    return labels, taints, most


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise NoNode(f"its kubelet refuses the label {text!r}")
    return key, value


def _flag_taint(text: str) -> dict[str, str]:
    """key=value:Effect or key:Effect."""
    what, separator, effect = text.rpartition(":")
    key, _, value = what.partition("=")
    if not separator or not key:
        raise NoNode(f"its kubelet refuses the taint {text!r}")
    return {"key": key, "value": value, "effect": effect}


def _taint(taint: dict[str, Any]) -> dict[str, str]:
    return {"key": str(taint["key"]), "value": str(taint.get("value", "")), "effect": str(taint["effect"])}


def _allowed(labels: dict[str, str]) -> dict[str, str]:
    """A kubelet does not start with labels of Kubernetes' namespaces that are not its own."""
    unknown = [key for key in labels if _is_reserved(key)]
    if unknown:
        raise NoNode(f"its kubelet does not start: unknown 'kubernetes.io' or 'k8s.io' labels specified: {unknown}")
    return labels


def _is_reserved(key: str) -> bool:
    namespace, separator, _ = key.rpartition("/")
    if not separator or key in _OWN_LABELS:
        return False
    if not any(namespace == own or namespace.endswith(f".{own}") for own in ("kubernetes.io", "k8s.io")):
        return False
    return not any(namespace == own or namespace.endswith(f".{own}") for own in _OWN_NAMESPACES)
