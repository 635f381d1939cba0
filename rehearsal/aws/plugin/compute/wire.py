"""EC2's query protocol, read and written by EC2's own model: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/.

A handler gets the request as the SDK's caller wrote it ({"InstanceIds": [...]}) and returns the answer as the SDK's
caller will read it.
"""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from ministack.core.responses import new_uuid
from ministack.services import ec2

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_DRY_RUN_STATUS = 412

Function = Callable[[dict], dict]


class Refusal(Exception):
    """EC2 says no: an error code and its text."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def answer(action: str, function: Function) -> None:
    """Let function answer an action; DryRun, which comes after IAM's judgement, is answered here."""

    def handle(params: dict) -> tuple:
        try:
            request = read(action, params)
            if request.get("DryRun"):
                raise Refusal(
                    "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", _DRY_RUN_STATUS
                )
            return write(action, function(request))
        except Refusal as refused:
            return ec2._error(refused.code, escape(refused.message), refused.status)

    ec2._ACTION_MAP[action] = handle


def now() -> str:
    """The time as EC2 writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.Session().get_service_model("ec2")


@functools.cache
def _operation(action: str) -> OperationModel:
    return _model().operation_model(action)


# --- requests


def read(action: str, params: dict) -> dict:
    """The request's parameters ("Filter.1.Value.1") as the operation's input."""
    tree: dict[str, Any] = {}
    for name, values in params.items():
        node = tree
        *path, last = name.split(".")
        for part in path:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                raise Refusal("InvalidParameterCombination", f"The parameter {name} is not a structure")
            node = below
        node[last] = values[0] if isinstance(values, list) else values
    shape = _operation(action).input_shape
    return _read(shape, tree) if shape else {}


def _request_name(shape: Shape, member: str) -> str:
    if "queryName" in shape.serialization:
        return str(shape.serialization["queryName"])
    name = str(shape.serialization.get("name", member))
    return name[0].upper() + name[1:]


def _read(shape: Any, node: Any) -> Any:
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            key = _request_name(member, name)
            if isinstance(node, dict) and key in node:
                found[name] = _read(member, node[key])
        return found
    if shape.type_name == "list":
        indexed = {int(index): item for index, item in node.items() if index.isdigit()}
        return [_read(shape.member, indexed[index]) for index in sorted(indexed)]
    if shape.type_name == "boolean":
        return str(node).lower() == "true"
    try:
        if shape.type_name in ("integer", "long"):
            return int(node)
        if shape.type_name in ("double", "float"):
            return float(node)
    except ValueError as problem:
        raise Refusal("InvalidParameterValue", f"Value ({node}) is no number") from problem
    return node


# --- answers


def write(action: str, content: dict) -> tuple:
    """The operation's output as (status, headers, XML)."""
    shape = _operation(action).output_shape
    inner = _members(shape, content) if shape else "<return>true</return>"
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{_NAMESPACE}">'
        f"<requestId>{new_uuid()}</requestId>{inner}</{action}Response>"
    )
    return 200, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode()


def _members(shape: Any, content: dict) -> str:
    parts = []
    for name, member in shape.members.items():
        value = content.get(name)
        if value is not None:
            tag = member.serialization.get("name", name)
            parts.append(f"<{tag}>{_written(member, value)}</{tag}>")
    return "".join(parts)


def _written(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return _members(shape, value)
    if shape.type_name == "list":
        tag = shape.member.serialization.get("name", "item")
        return "".join(f"<{tag}>{_written(shape.member, item)}</{tag}>" for item in value)
    if shape.type_name == "boolean":
        return str(value).lower()
    return escape(str(value))
